//! Log records as the JSON lines of hclog, which the host sorts into its own log.

use std::{
    fmt,
    io::{self, Write},
};

use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

/// Sends the log to standard error, if the user wants one.
pub(super) fn install(name: &str, variable: impl Fn(&str) -> Option<String>) {
    let level = level(name, variable);
    let quiet = QUIET
        .iter()
        .map(|target| (*target, level.min(LevelFilter::WARN)));
    let filter = Targets::new().with_default(level).with_targets(quiet);
    // Somebody who has set a subscriber already wants the log elsewhere.
    drop(
        tracing_subscriber::registry()
            .with(Hclog.with_filter(filter))
            .try_init(),
    );
}

/// The level that the user has asked for; the more specific variable wins.
pub(super) fn level(name: &str, variable: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let specific = format!("TF_LOG_PROVIDER_{}", name.to_uppercase());
    let wanted = [specific.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|level| !level.is_empty()));
    let Some(wanted) = wanted else {
        return LevelFilter::OFF;
    };
    match wanted.to_uppercase().as_str() {
        "OFF" => LevelFilter::OFF,
        "ERROR" => LevelFilter::ERROR,
        "WARN" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        // TRACE, JSON, and what Terraform does with a level that it does not know.
        _ => LevelFilter::TRACE,
    }
}

/// Writes each event as one line.
struct Hclog;

impl<S: Subscriber> Layer<S> for Hclog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Panicking because nobody reads the log would be worse than losing it.
        drop(writeln!(io::stderr(), "{}", line(event, Timestamp::now())));
    }
}

pub(super) fn line(event: &Event<'_>, now: Timestamp) -> Json {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let mut line = fields.0;
    line.insert(
        "@level".into(),
        event.metadata().level().as_str().to_lowercase().into(),
    );
    line.insert(
        "@module".into(),
        event.metadata().target().replace("::", ".").into(),
    );
    // Exactly six digits: the host takes any other line for plain text.
    line.insert(
        "@timestamp".into(),
        now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string().into(),
    );
    Json::Object(line)
}

#[derive(Default)]
struct Fields(Map<String, Json>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Json>) {
        let name = if field.name() == "message" {
            "@message"
        } else {
            field.name()
        };
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.set(field, value.to_string());
    }
}

/// Libraries that log the headers and bodies of what they carry: passwords, that is.
const QUIET: &[&str] = &[
    "axum",
    "h2",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "tokio_rustls",
    "tonic",
    "tower",
    "tower_http",
];
