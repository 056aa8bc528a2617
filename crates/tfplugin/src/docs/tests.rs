//! Tests of the pages: whole pages, compared with `testdata/docs/pages`.
//!
//! `UPDATE=1` writes the files instead.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use async_trait::async_trait;

use super::{Error, described, pages};
use crate::{
    CancellationToken, Context, DataSource, Diagnostic, Failed, Model, Parts, Provider, Resource,
};

struct Kit;

/// Widgets, and
/// what belongs to them.
///
/// A second paragraph with `code`.
#[derive(Model)]
struct Config {
    /// Where the widgets are. Can also be set with `KIT_ENDPOINT`.
    endpoint: Option<String>,
    /// Who may ask for them.
    #[tf(sensitive)]
    tokens: Option<BTreeMap<String, String>>,
}

/// A thing.
#[derive(Model)]
struct Thing {
    /// Identifier.
    #[tf(computed, keep)]
    id: Option<String>,
    /// Name of the thing.
    name: String,
    /// Power state.
    #[tf(default = "On")]
    power: String,
    /// How many.
    #[tf(default = 3)]
    count: i64,
    /// Free words:
    ///
    /// - one
    /// - two
    words: Option<BTreeSet<String>>,
    /// Password.
    #[tf(write_only, sensitive)]
    password_wo: Option<String>,
    /// What it is made of.
    parts: Option<Vec<Part>>,
    /// What was found.
    #[tf(computed)]
    found: Option<BTreeMap<String, Part>>,
    /// Anything.
    #[tf(optional, computed)]
    any: Option<serde_json::Value>,
}

/// A part of a thing.
#[derive(Model)]
struct Part {
    /// Its size in metres.
    size: f64,
    /// Its own lock.
    lock: Option<Lock>,
}

/// A lock.
#[derive(Model)]
struct Lock {
    /// Whether it is closed.
    closed: Option<bool>,
}

/// A thing that is looked up.
#[derive(Model)]
struct Looked {
    /// Name of the thing.
    name: String,
    /// Its parts.
    #[tf(computed)]
    parts: Option<Vec<Part>>,
}

#[async_trait]
impl Provider for Kit {
    type Config = Config;
    type Client = ();
    const NAME: &'static str = "kit";
    const ADDRESS: &'static str = "example.com/acme/kit";

    async fn configure(&self, _: Config, _: CancellationToken) -> Result<(), Diagnostic> {
        Ok(())
    }

    fn parts(&self, parts: &mut Parts<()>) {
        parts.resource(Things).data_source(Lookup);
    }
}

struct Things;

#[async_trait]
impl Resource<()> for Things {
    type Model = Thing;
    const NAME: &'static str = "thing";

    async fn create(&self, _: &mut Context<()>, plan: Thing) -> Result<Thing, Failed<Thing>> {
        Ok(plan)
    }

    async fn read(&self, _: &mut Context<()>, state: Thing) -> Result<Option<Thing>, Diagnostic> {
        Ok(Some(state))
    }

    async fn update(
        &self,
        _: &mut Context<()>,
        _: Thing,
        plan: Thing,
    ) -> Result<Thing, Failed<Thing>> {
        Ok(plan)
    }

    async fn delete(&self, _: &mut Context<()>, _: Thing) -> Result<(), Diagnostic> {
        Ok(())
    }
}

struct Lookup;

#[async_trait]
impl DataSource<()> for Lookup {
    type Model = Looked;
    const NAME: &'static str = "looked";

    async fn read(&self, _: &mut Context<()>, config: Looked) -> Result<Looked, Diagnostic> {
        Ok(config)
    }
}

#[test]
fn the_pages_are_in_the_layout_of_the_registry() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/docs");
    let pages = pages(&Kit, &testdata.join("examples")).unwrap();
    let paths: Vec<_> = pages.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(
        paths,
        ["data-sources/looked.md", "index.md", "resources/thing.md"]
    );
    for (path, page) in &pages {
        let golden = testdata.join("pages").join(path);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(golden.parent().unwrap()).unwrap();
            fs::write(&golden, page).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap();
        assert_eq!(*page, expected, "{}", golden.display());
    }
}

#[test]
fn a_missing_example_is_an_error_that_names_the_file() {
    let nowhere = tempfile::tempdir().unwrap();
    let error = pages(&Kit, nowhere.path()).unwrap_err();
    let Error::Example { path, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(path, nowhere.path().join("provider/provider.tf"));
}

#[test]
fn an_attribute_without_a_description_is_an_error_that_names_it() {
    #[derive(Model)]
    struct Terse {
        /// Described.
        inner: Option<Vec<Inner>>,
    }
    #[derive(Model)]
    struct Inner {
        terse: String,
    }
    let error = described("kit_terse", "", &Terse::attributes()).unwrap_err();
    let expected = "kit_terse does not describe its attribute inner.terse";
    assert_eq!(error.to_string(), expected);
}
