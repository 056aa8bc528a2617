//! A provider with one part of each kind.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::{
    Action, CancellationToken, Context, DataSource, Diagnostic, Ephemeral, Failed, Function,
    ListResource, Listed, Model, Opened, Parts, Progress, Provider, Resource, Wanted,
};

pub(super) struct Kit;

/// Widgets, and
/// what belongs to them.
///
/// A second paragraph with `code`.
#[derive(Model)]
pub(super) struct Config {
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
        parts.ephemeral(Sessions).list_resource(Search);
        parts.action(Poke).function(Join);
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

/// A session with a thing.
#[derive(Model)]
struct Session {
    /// Name of the thing.
    name: String,
    /// What opens it.
    #[tf(computed, sensitive)]
    token: Option<String>,
}

struct Sessions;

#[async_trait]
impl Ephemeral<()> for Sessions {
    type Model = Session;
    const NAME: &'static str = "session";

    async fn open(
        &self,
        _: &mut Context<()>,
        config: Session,
    ) -> Result<Opened<Session>, Diagnostic> {
        Ok(config.into())
    }
}

/// Finds things.
#[derive(Model)]
struct Query {
    /// A part of the name.
    like: Option<String>,
}

struct Search;

#[async_trait]
impl ListResource<()> for Search {
    type Model = Query;
    type Resource = Thing;
    const NAME: &'static str = "thing";

    async fn list(
        &self,
        _: &mut Context<()>,
        _: Query,
        _: Wanted,
    ) -> Result<Vec<Listed<Thing>>, Diagnostic> {
        Ok(Vec::new())
    }
}

/// Pokes a thing.
#[derive(Model)]
struct Poked {
    /// Name of the thing.
    name: String,
}

struct Poke;

#[async_trait]
impl Action<()> for Poke {
    type Model = Poked;
    const NAME: &'static str = "poke";

    async fn invoke(&self, _: &mut Context<()>, _: Poked, _: &Progress) -> Result<(), Diagnostic> {
        Ok(())
    }
}

/// Joins texts, with something
/// between them.
#[derive(Model)]
struct Joined {
    /// What is
    /// between them.
    separator: Option<String>,
    /// The texts.
    texts: Vec<String>,
}

struct Join;

impl Function for Join {
    type Arguments = Joined;
    type Output = String;
    const NAME: &'static str = "join";
    const SUMMARY: &'static str = "Joins texts";
    const VARIADIC: bool = true;

    fn call(&self, arguments: Joined) -> Result<String, Diagnostic> {
        let separator = arguments.separator.unwrap_or_default();
        Ok(arguments.texts.join(&separator))
    }
}
