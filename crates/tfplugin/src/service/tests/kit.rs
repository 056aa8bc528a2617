//! A provider whose things do as their `behave` says.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio::sync::{Barrier, Notify};
use tokio_util::sync::CancellationToken;

use super::{
    actions::Poke,
    ephemerals::Sessions,
    functions::{Join, Known},
    lists::Search,
};
use crate::{
    Context, DataSource, Diagnostic, Failed, ImportBy, Model, MoveSource, Parts, Path, Plan,
    Provider, Resource, Rule, Value, conflicts,
};

#[derive(Default)]
pub(super) struct Kit {
    pub(super) shutdowns: Arc<AtomicUsize>,
    /// Told when a thing begins to wait.
    pub(super) waiting: Arc<Notify>,
    /// Told when an action was stopped.
    pub(super) stopped: Arc<Notify>,
}

#[derive(Model)]
pub(super) struct Config {
    endpoint: Option<String>,
}

pub(super) struct Client {
    pub(super) waiting: Arc<Notify>,
    pub(super) stopped: Arc<Notify>,
    two: Barrier,
}

#[async_trait]
impl Provider for Kit {
    type Config = Config;
    type Client = Client;
    const NAME: &'static str = "kit";
    const ADDRESS: &'static str = "example.com/acme/kit";

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let nowhere = config.get("endpoint").as_str() == Some("nowhere");
        let wrong = Diagnostic::error("No such endpoint", "").at(Path::root("endpoint"));
        nowhere.then_some(wrong).into_iter().collect()
    }

    async fn configure(&self, config: Config, _: CancellationToken) -> Result<Client, Diagnostic> {
        match config.endpoint.as_deref() {
            Some("refuse") => Err(Diagnostic::error("Refused", "")),
            Some("panic") => panic!("asked to panic"),
            _ => Ok(Client {
                waiting: Arc::clone(&self.waiting),
                stopped: Arc::clone(&self.stopped),
                two: Barrier::new(2),
            }),
        }
    }

    fn parts(&self, parts: &mut Parts<Client>) {
        parts.resource(Things).data_source(Lookup);
        parts.function(Join).function(Known).ephemeral(Sessions);
        parts.list_resource(Search).action(Poke);
    }

    async fn shutdown(&self, _: Arc<Client>) {
        self.shutdowns.fetch_add(1, Ordering::Relaxed);
    }
}

/// A thing.
#[derive(Model, Clone)]
pub(super) struct Thing {
    #[tf(computed, keep)]
    id: Option<String>,
    #[tf(replace, identity, check = no_spaces)]
    name: String,
    #[tf(same = same_text)]
    mac: Option<String>,
    #[tf(write_only, sensitive)]
    secret: Option<String>,
    /// What came of `secret`.
    #[tf(computed)]
    seen: Option<bool>,
    parts: Option<Vec<Part>>,
    #[tf(check_each = no_spaces)]
    labels: Option<BTreeMap<String, String>>,
    #[tf(check_each = not_negative)]
    ports: Option<BTreeSet<i64>>,
    behave: Option<String>,
}

#[derive(Model, Clone)]
pub(super) struct Part {
    #[tf(check = not_negative)]
    size: i64,
    #[tf(write_only)]
    key: Option<String>,
}

pub(super) fn no_spaces(value: &Value) -> Result<(), String> {
    let spaces = value.as_str().is_some_and(|text| text.contains(' '));
    if spaces {
        Err("there are no spaces in it".to_owned())
    } else {
        Ok(())
    }
}

fn not_negative(value: &Value) -> Result<(), String> {
    let negative = value.as_i64().is_some_and(|number| number < 0);
    if negative {
        Err("it is 0 or more".to_owned())
    } else {
        Ok(())
    }
}

fn same_text(old: &Value, new: &Value) -> bool {
    let lower = |value: &Value| value.as_str().map(str::to_lowercase);
    lower(old) == lower(new)
}

struct Things;

impl Things {
    async fn settle(
        &self,
        cx: &mut Context<Client>,
        mut thing: Thing,
    ) -> Result<Thing, Failed<Thing>> {
        thing.id = Some(format!("id-{}", thing.name));
        thing.seen = Some(cx.config.get("secret").as_str() == Some("canary"));
        // A careless resource: neither of these may reach the state.
        thing.secret = Some("canary".to_owned());
        thing.mac = thing.mac.map(|mac| mac.to_uppercase());
        cx.private = json!({ "times": cx.private["times"].as_i64().unwrap_or(0) + 1 });
        let failure = Diagnostic::error("It failed", "");
        match thing.behave.as_deref() {
            Some("fail") => Err(failure.into()),
            Some("fail half way") => Err(Failed::with(failure, thing)),
            Some("panic") => panic!("asked to panic"),
            Some("warn") => {
                cx.warn(Diagnostic::error("Careful", ""));
                Ok(thing)
            }
            Some("wait") => {
                cx.client.waiting.notify_one();
                cx.stop.cancelled().await;
                Err(Failed::with(Diagnostic::error("Stopped", ""), thing))
            }
            Some("hurry") if cx.stop.is_cancelled() => Err(failure.into()),
            Some("meet") => {
                cx.client.two.wait().await;
                Ok(thing)
            }
            _ => Ok(thing),
        }
    }
}

#[async_trait]
impl Resource<Client> for Things {
    type Model = Thing;
    const NAME: &'static str = "thing";
    const VERSION: i64 = 2;
    const IDENTITY_VERSION: i64 = 1;

    fn rules(&self) -> Vec<Rule> {
        vec![conflicts(["mac", "ports"])]
    }

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let both = ["labels", "parts"]
            .iter()
            .all(|name| config.get(name).is_known())
            && !config.get("labels").is_null()
            && !config.get("parts").is_null();
        both.then(|| Diagnostic::error("Both labels and parts", ""))
            .into_iter()
            .collect()
    }

    fn plan(&self, plan: &mut Plan<'_>) {
        match plan.config.get("behave").as_str() {
            Some("plan panic") => panic!("asked to panic"),
            Some("plan warning") => {
                plan.warn(Diagnostic::error("Slow", ""));
                plan.replace.push(Path::root("name"));
                plan.replace.push(Path::root("mac"));
                plan.set("secret", "canary".into());
            }
            _ => {}
        }
    }

    async fn create(&self, cx: &mut Context<Client>, plan: Thing) -> Result<Thing, Failed<Thing>> {
        self.settle(cx, plan).await
    }

    async fn read(
        &self,
        _: &mut Context<Client>,
        mut state: Thing,
    ) -> Result<Option<Thing>, Diagnostic> {
        state.mac = state.mac.map(|mac| mac.to_uppercase());
        match state.behave.as_deref() {
            Some("fail") => Err(Diagnostic::error("It failed", "")),
            Some("panic") => panic!("asked to panic"),
            Some("gone") => Ok(None),
            Some("renamed") => {
                state.name = "other".to_owned();
                Ok(Some(state))
            }
            _ => Ok(Some(state)),
        }
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        _: Thing,
        plan: Thing,
    ) -> Result<Thing, Failed<Thing>> {
        self.settle(cx, plan).await
    }

    async fn delete(&self, _: &mut Context<Client>, state: Thing) -> Result<(), Diagnostic> {
        match state.behave.as_deref() {
            Some("fail") => Err(Diagnostic::error("It failed", "")),
            Some("panic") => panic!("asked to panic"),
            _ => Ok(()),
        }
    }

    async fn import(&self, _: &mut Context<Client>, by: ImportBy) -> Result<Thing, Diagnostic> {
        match by {
            ImportBy::Id(id) if id == "nothing" => Err(Diagnostic::error("No such thing", "")),
            ImportBy::Id(id) => Ok(bare(&id)),
            ImportBy::Identity(identity) if identity.get("name").as_str() == Some("liar") => {
                Ok(bare("other"))
            }
            ImportBy::Identity(identity) => Ok(bare(identity.get("name").as_str().unwrap())),
        }
    }

    fn upgrade(&self, from: i64, mut state: Json) -> Result<Json, Diagnostic> {
        match from {
            0 => Err(Diagnostic::error("Too old", "")),
            _ => {
                state["name"] = state["title"].take();
                Ok(state)
            }
        }
    }

    fn upgrade_identity(&self, from: i64, identity: Json) -> Result<Json, Diagnostic> {
        match from {
            0 => Ok(json!({ "name": identity["title"] })),
            _ => Err(Diagnostic::error("Too new", "")),
        }
    }

    fn generate(&self, state: &Value, config: &mut Value) {
        if let (Some("generate"), Value::Map(config)) = (state.get("behave").as_str(), config) {
            config.insert("behave".to_owned(), Value::Null);
            config.insert("secret".to_owned(), "canary".into());
        }
    }

    fn move_from(&self, source: &MoveSource) -> Option<Result<Thing, Diagnostic>> {
        let name = source.state["id"].as_str()?;
        (source.type_name == "old_thing").then(|| Ok(bare(name)))
    }
}

pub(super) fn bare(name: &str) -> Thing {
    Thing {
        id: Some(format!("id-{name}")),
        name: name.to_owned(),
        mac: None,
        secret: Some("canary".to_owned()),
        seen: None,
        parts: None,
        labels: None,
        ports: None,
        behave: None,
    }
}

/// A thing that is looked up.
#[derive(Model)]
pub(super) struct Looked {
    #[tf(check = no_spaces)]
    name: String,
    #[tf(computed)]
    id: Option<String>,
}

struct Lookup;

#[async_trait]
impl DataSource<Client> for Lookup {
    type Model = Looked;
    const NAME: &'static str = "looked";

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut config: Looked,
    ) -> Result<Looked, Diagnostic> {
        if config.name == "missing" {
            return Err(Diagnostic::error("No such thing", "").at(Path::root("name")));
        }
        assert!(!cx.config.is_null());
        config.id = Some(format!("id-{}", config.name));
        Ok(config)
    }
}
