//! The parts that leave nothing in the state: a function, an ephemeral resource, a list, an action.

use std::time::{Duration, SystemTime};

use tfplugin::{
    Action, Context, Diagnostic, Ephemeral, Function, Later, ListResource, Listed, Model, Opened,
    Path, Progress, Value, Wanted, async_trait,
};

use crate::{Client, Widget, bare, no_spaces};

/// Makes the identifier of a widget from its name and some words.
#[derive(Model)]
pub(crate) struct Named {
    /// Its name.
    #[tf(check = no_spaces)]
    name: Later<String>,
    /// Words that follow.
    words: Vec<String>,
}

pub(crate) struct WidgetId;

impl Function for WidgetId {
    type Arguments = Named;
    type Output = Later<String>;
    const NAME: &'static str = "widget_id";
    const SUMMARY: &'static str = "Identifier of a widget";
    const VARIADIC: bool = true;

    fn call(&self, arguments: Named) -> Result<Later<String>, Diagnostic> {
        if let Some(index) = arguments.words.iter().position(String::is_empty) {
            let empty = Diagnostic::error("An empty word", "Leave it out.");
            return Err(empty.at(Path::root("words").index(index)));
        }
        let Later::Known(name) = arguments.name else {
            return Ok(Later::Unknown);
        };
        let words: String = arguments
            .words
            .iter()
            .map(|word| format!("-{word}"))
            .collect();
        Ok(Later::Known(format!("widget-{name}{words}")))
    }
}

/// A token that opens a widget for a while.
#[derive(Model)]
pub(crate) struct Token {
    /// Name of the widget.
    name: String,
    /// How many seconds it is good for before it has to be renewed.
    seconds: Option<u64>,
    /// The token.
    #[tf(computed, sensitive)]
    token: Option<String>,
}

pub(crate) struct Tokens;

#[async_trait]
impl Ephemeral<Client> for Tokens {
    type Model = Token;
    const NAME: &'static str = "token";

    async fn open(
        &self,
        cx: &mut Context<Client>,
        mut config: Token,
    ) -> Result<Opened<Token>, Diagnostic> {
        tracing::info!(widget = config.name, "token opened");
        config.token = Some(format!("token-of-{}", config.name));
        cx.private = serde_json::json!({ "name": config.name, "seconds": config.seconds });
        Ok(Opened {
            renew_at: later(config.seconds),
            result: config,
        })
    }

    async fn renew(&self, cx: &mut Context<Client>) -> Result<Option<SystemTime>, Diagnostic> {
        tracing::info!(widget = cx.private["name"].as_str(), "token renewed");
        Ok(later(cx.private["seconds"].as_u64()))
    }

    async fn close(&self, cx: &mut Context<Client>) -> Result<(), Diagnostic> {
        tracing::info!(widget = cx.private["name"].as_str(), "token closed");
        Ok(())
    }
}

fn later(seconds: Option<u64>) -> Option<SystemTime> {
    seconds.map(|seconds| SystemTime::now() + Duration::from_secs(seconds))
}

/// Finds three widgets.
#[derive(Model)]
pub(crate) struct Query {
    /// What their names begin with.
    #[tf(check = no_spaces)]
    prefix: Option<String>,
}

pub(crate) struct Search;

#[async_trait]
impl ListResource<Client> for Search {
    type Model = Query;
    type Resource = Widget;
    const NAME: &'static str = "widget";

    async fn list(
        &self,
        _: &mut Context<Client>,
        config: Query,
        wanted: Wanted,
    ) -> Result<Vec<Listed<Widget>>, Diagnostic> {
        let prefix = config.prefix.unwrap_or_default();
        let names = ["a", "b", "c"].map(|name| format!("{prefix}{name}"));
        let listed = |name: String| {
            let shown = format!("Widget {name}");
            if wanted.resource {
                Listed::resource(shown, bare(name))
            } else {
                Listed::identity(shown, [("name", Value::from(name))])
            }
        };
        Ok(names.into_iter().map(listed).collect())
    }
}

/// Pokes a widget.
#[derive(Model)]
pub(crate) struct Poked {
    /// Name of the widget; one that is called `stuck` cannot be poked.
    #[tf(check = no_spaces)]
    name: String,
    /// How often.
    times: Option<u64>,
}

pub(crate) struct Poke;

#[async_trait]
impl Action<Client> for Poke {
    type Model = Poked;
    const NAME: &'static str = "poke";

    async fn plan(&self, _: &mut Context<Client>, config: &Value) -> Result<(), Diagnostic> {
        match config.get("times").as_i64() {
            Some(0) => Err(Diagnostic::error("Nothing to do", "Poke it at least once.")
                .at(Path::root("times"))),
            _ => Ok(()),
        }
    }

    async fn invoke(
        &self,
        _: &mut Context<Client>,
        config: Poked,
        progress: &Progress,
    ) -> Result<(), Diagnostic> {
        for time in 1..=config.times.unwrap_or(1) {
            progress.tell(format!("poked {} {time} times", config.name));
        }
        match &*config.name {
            "stuck" => Err(Diagnostic::error(
                "It does not move",
                "The widget is stuck.",
            )),
            _ => Ok(()),
        }
    }
}
