//! What can be said of the provider block before anything is connected to.

use reqwest::Url;
use tfplugin::{Diagnostic, Path, Value};

use super::variable;

/// Every fault and every risk of the provider block. What is unknown yet is not judged.
pub(crate) fn provider(config: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !config.get("agent").is_null() && !config.get("embedded_agent").is_null() {
        found.push(
            Diagnostic::error(
                "Two agents are configured",
                "The provider has agent and embedded_agent. Keep one: agent for a daemon that \
                 runs on its own, embedded_agent for one that lives as long as the apply.",
            )
            .at(Path::root("embedded_agent")),
        );
    }
    redfish(config.get("redfish"), &mut found);
    let endpoints = match config.get("agent").get("endpoints") {
        Value::Null => variable("BAREMETAL_AGENT_ENDPOINTS")
            .iter()
            .flat_map(|text| text.split(',').map(str::trim))
            .map(Value::from)
            .collect(),
        Value::List(endpoints) => endpoints.clone(),
        _ => Vec::new(),
    };
    for endpoint in endpoints.iter().filter_map(Value::as_str) {
        found.extend(readable_token(endpoint));
    }
    found
}

fn redfish(redfish: &Value, found: &mut Vec<Diagnostic>) {
    if redfish.get("insecure").as_bool() != Some(true) {
        return;
    }
    let insecure = Path::root("redfish").attribute("insecure");
    if redfish.get("ca_pem").is_null() {
        found.push(
            Diagnostic::warning(
                "The certificates of BMCs are not verified",
                "redfish.insecure holds for every BMC without a tls of its own: whoever is on the \
                 path can read its password. Trust the BMCs' CA with redfish.ca_pem, or pin each \
                 certificate with tls.fingerprint_sha256 of its baremetal_bmc.",
            )
            .at(insecure),
        );
    } else if redfish.get("ca_pem").is_known() {
        found.push(
            Diagnostic::error(
                "The certificates of BMCs are both verified and not",
                "redfish has insecure = true beside ca_pem. Remove one.",
            )
            .at(insecure),
        );
    }
}

/// A warning if the agent's token would travel readable.
fn readable_token(endpoint: &str) -> Option<Diagnostic> {
    let url = Url::parse(endpoint).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']);
    let loopback = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    (url.scheme() == "http" && !loopback).then(|| {
        Diagnostic::warning(
            "The agent's token travels readable",
            format!(
                "The agent at {endpoint} is asked over plain http: whoever is on the path can read \
                 the token, and every boot secret that is published. Give the agent a certificate \
                 (control.tls_cert and control.tls_key) and use https."
            ),
        )
        .at(Path::root("agent").attribute("endpoints"))
    })
}

#[cfg(test)]
mod tests {
    use tfplugin::Severity;

    use super::*;

    fn object(attributes: &[(&str, Value)]) -> Value {
        let entry = |(name, value): &(&str, Value)| ((*name).to_owned(), value.clone());
        Value::Map(attributes.iter().map(entry).collect())
    }

    fn agent(endpoint: &str) -> Value {
        let endpoints = Value::List(vec![Value::from(endpoint)]);
        object(&[("agent", object(&[("endpoints", endpoints)]))])
    }

    fn redfish(attributes: &[(&str, Value)]) -> Value {
        object(&[("redfish", object(attributes))])
    }

    #[track_caller]
    fn check(config: &Value, expected: &[(Severity, &str)]) {
        let found = provider(config);
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.severity, found.summary.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_readable_or_unverified_is_a_warning_at_plan() {
        let readable = (Severity::Warning, "The agent's token travels readable");
        check(&agent("https://agent.example.com:7470"), &[]);
        check(&agent("http://127.0.0.1:7470"), &[]);
        check(&agent("http://[::1]:7470"), &[]);
        check(&agent("http://localhost:7470"), &[]);
        check(&agent("http://10.0.0.1:7470"), &[readable]);
        check(&agent("HTTP://agent"), &[readable]);
        check(&agent("no URL"), &[]);

        let insecure = ("insecure", Value::Bool(true));
        let unverified = (
            Severity::Warning,
            "The certificates of BMCs are not verified",
        );
        check(&redfish(std::slice::from_ref(&insecure)), &[unverified]);
        check(&redfish(&[("insecure", Value::Bool(false))]), &[]);
        check(&redfish(&[("insecure", Value::UNKNOWN)]), &[]);
        let ca = ("ca_pem", Value::from("-----BEGIN CERTIFICATE-----"));
        let both = (
            Severity::Error,
            "The certificates of BMCs are both verified and not",
        );
        check(&redfish(&[insecure.clone(), ca]), &[both]);
        check(&redfish(&[insecure, ("ca_pem", Value::UNKNOWN)]), &[]);
    }

    #[test]
    fn two_agents_are_an_error() {
        let config = object(&[("agent", object(&[])), ("embedded_agent", object(&[]))]);
        check(&config, &[(Severity::Error, "Two agents are configured")]);
    }
}
