//! Tests of the pages: whole pages, compared with `testdata/docs/pages`.
//!
//! `UPDATE=1` writes the files instead.

mod kit;

use std::{fs, path::Path};

use self::kit::Kit;
use super::{Error, described, pages};
use crate::Model;

#[test]
fn the_pages_are_in_the_layout_of_the_registry() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/docs");
    let pages = pages(&Kit, &testdata.join("examples")).unwrap();
    let paths: Vec<_> = pages.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "actions/poke.md",
            "data-sources/looked.md",
            "ephemeral-resources/session.md",
            "functions/join.md",
            "index.md",
            "list-resources/thing.md",
            "resources/thing.md",
        ]
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
