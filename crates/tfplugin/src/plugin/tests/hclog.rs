//! Tests of the log.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::LevelFilter,
    layer::{Context, SubscriberExt},
};

use super::super::hclog::{level, line};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Json>>>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let second = Timestamp::from_second(1_800_000_000).unwrap();
        self.0.lock().unwrap().push(line(event, second));
    }
}

#[test]
fn an_event_is_one_object_with_six_digits_of_a_second() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    tracing::subscriber::with_default(subscriber, || {
        let error = std::fmt::Error;
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(
            target: "kit::client", server = "a", count = -1_i64, big = 2_u64, ready = true,
            ratio = 0.5, shown = ?Some("x"), error, "two\nlines"
        );
    });
    let expected = json!({
        "@timestamp": "2027-01-15T08:00:00.000000Z",
        "@level": "warn",
        "@module": "kit.client",
        "@message": "two\nlines",
        "server": "a",
        "count": -1,
        "big": 2,
        "ready": true,
        "ratio": 0.5,
        "shown": "Some(\"x\")",
        "error": "an error occurred when formatting an argument",
    });
    let lines = lines.0.lock().unwrap();
    assert_eq!(*lines, [expected]);
    assert!(!lines[0].to_string().contains('\n'));
}

#[test]
fn the_most_specific_variable_decides_about_the_level() {
    let check = |environment: &[(&str, &str)], expected| {
        let found = level("kit", |name| {
            let found = environment.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        assert_eq!(found, expected);
    };
    check(&[], LevelFilter::OFF);
    check(&[("TF_LOG", "")], LevelFilter::OFF);
    check(&[("TF_LOG", "info")], LevelFilter::INFO);
    check(&[("TF_LOG", "JSON")], LevelFilter::TRACE);
    check(
        &[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "error")],
        LevelFilter::ERROR,
    );
    check(
        &[("TF_LOG_PROVIDER", "DEBUG"), ("TF_LOG_PROVIDER_KIT", "OFF")],
        LevelFilter::OFF,
    );
}
