//! Ignition configs: what can be said of one without a machine to run it on.
//!
//! The agent serves them and the provider lints them at plan, so that what is wrong is found before
//! a machine meets it at night.

mod merge;

use serde_json::{Map, Value, json};

pub use merge::{MergeError, merge};

/// Why a text is not an Ignition config that a machine would take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no JSON.
    #[error("the Ignition config is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, but not an object.
    #[error("the Ignition config is not a JSON object")]
    NotAnObject,
    /// It has no `ignition.version`.
    #[error(
        "the Ignition config has no ignition.version; a config of today starts with {{\"ignition\": {{\"version\": \"3.4.0\"}}}}"
    )]
    NoVersion,
    /// Its version is one that current systems refuse.
    #[error(
        "the Ignition config is version {0:?}; 3.0.0 to 3.5.0 are understood, and a config of version 2 must be translated (ignition-converter does it)"
    )]
    Version(String),
    /// A part of it has the wrong shape.
    #[error("{path} of the Ignition config must be {expected}")]
    Shape {
        /// Where, in dots.
        path: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
}

/// Checks that `text` is an Ignition config of spec 3.0 to 3.5 and returns it as JSON.
///
/// # Errors
///
/// What is wrong with it. The text itself is never part of the error, because it may hold secrets.
pub fn parse(text: &str) -> Result<Map<String, Value>, Error> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        Error::NotJson(format!("line {}, column {}", error.line(), error.column()))
    })?;
    let Value::Object(config) = value else {
        return Err(Error::NotAnObject);
    };
    let version = match config.get("ignition") {
        Some(Value::Object(ignition)) => ignition.get("version").and_then(Value::as_str),
        _ => None,
    };
    let Some(version) = version else {
        return Err(Error::NoVersion);
    };
    if !matches!(
        version,
        "3.0.0" | "3.1.0" | "3.2.0" | "3.3.0" | "3.4.0" | "3.5.0"
    ) {
        return Err(Error::Version(version.to_owned()));
    }
    for (path, part, list) in [
        ("systemd.units", "systemd", "units"),
        ("storage.files", "storage", "files"),
        ("passwd.users", "passwd", "users"),
    ] {
        let Some(value) = config.get(part) else {
            continue;
        };
        let Value::Object(value) = value else {
            return Err(Error::Shape {
                path: part,
                expected: "an object",
            });
        };
        if value.get(list).is_some_and(|list| !list.is_array()) {
            return Err(Error::Shape {
                path,
                expected: "a list",
            });
        }
    }
    Ok(config)
}

/// The name of the unit that [`add_report`] adds.
pub const REPORT_UNIT: &str = "baremetal-report.service";

/// Adds a systemd unit that reports the boot to `report_url` once the network is up.
pub fn add_report(config: &mut Map<String, Value>, report_url: &str) {
    // Retried for ever: a report that is lost would make an installed server look like a failed
    // one. The unit orders itself after the default target, so "booted" means what it says.
    let contents = format!(
        "[Unit]\n\
         Description=Report this boot to the baremetal agent\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         RemainAfterExit=yes\n\
         ExecStart=/usr/bin/curl --fail --silent --show-error --retry 60 --retry-delay 5 \
         --retry-all-errors --request POST {report_url}\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    );
    let unit = json!({ "name": REPORT_UNIT, "enabled": true, "contents": contents });
    let systemd = config.entry("systemd").or_insert_with(|| json!({}));
    let Value::Object(systemd) = systemd else {
        return;
    };
    let units = systemd.entry("units").or_insert_with(|| json!([]));
    if let Value::Array(units) = units {
        units.retain(|unit| unit.get("name").and_then(Value::as_str) != Some(REPORT_UNIT));
        units.push(unit);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refuse(text: &str, expected: &str) {
        assert_eq!(parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_a_machine_would_refuse_is_refused_with_the_way_out() {
        refuse("{", "the Ignition config is not JSON: line 1, column 1");
        refuse("[]", "the Ignition config is not a JSON object");
        refuse(
            "{}",
            "the Ignition config has no ignition.version; a config of today starts with \
             {\"ignition\": {\"version\": \"3.4.0\"}}",
        );
        refuse(
            r#"{"ignition":{"version":"2.3.0"}}"#,
            "the Ignition config is version \"2.3.0\"; 3.0.0 to 3.5.0 are understood, and a config \
             of version 2 must be translated (ignition-converter does it)",
        );
        refuse(
            r#"{"ignition":{"version":"3.4.0"},"systemd":{"units":{}}}"#,
            "systemd.units of the Ignition config must be a list",
        );
        assert!(parse(r#"{"ignition":{"version":"3.4.0"}}"#).is_ok());
    }

    #[test]
    fn the_report_unit_is_added_once_beside_the_users_own() {
        let text = r#"{"ignition":{"version":"3.4.0"},"systemd":{"units":[{"name":"a.service"}]}}"#;
        let mut config = parse(text).unwrap();
        add_report(&mut config, "http://agent/old");
        add_report(&mut config, "http://agent/bootstate/t");
        let units = config["systemd"]["units"].as_array().unwrap();
        let names: Vec<_> = units
            .iter()
            .map(|unit| unit["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["a.service", REPORT_UNIT]);
        let contents = units[1]["contents"].as_str().unwrap();
        assert!(
            contents.contains("--request POST http://agent/bootstate/t\n"),
            "{contents}"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_error_repeats_it(text in ".{0,64}") {
            if let Err(error) = parse(&format!("{{\"canary\": \"{text}")) {
                prop_assert!(!error.to_string().contains("canary"));
            }
        }
    }
}
