//! What a BMC's configuration and its plan have beyond what its schema says.

use tfplugin::{AttributeType as _, Diagnostic, Path, Plan, Value};

use super::{
    MISMATCHED,
    model::{HTTPS, PORT},
};
use crate::{
    checks, diagnostics,
    resources::connection::{self, ConnectionOutput},
};

/// What is wrong with a configuration.
pub(super) fn lint(config: &Value) -> Vec<Diagnostic> {
    let tls = config.get("tls");
    let insecure = tls.get("insecure").as_bool().unwrap_or(false);
    let mut found = Vec::new();
    if config.get("scheme").as_str() == Some("http") && !insecure && tls.is_known() {
        found.push(diagnostics::at(
            "scheme",
            "Plain http would show the password",
            "The BMC's password would travel readable. Use https, or say tls = { insecure = true } \
             if the network between is trusted.",
        ));
    }
    if !is_by_mac(config) && config.get("credentials").is_null() {
        found.push(diagnostics::at(
            "credentials",
            "No credentials for this BMC",
            "A BMC with an address needs the name of its credentials. Only one with a mac_address \
             can take them from the provider's mac_prefixes.",
        ));
    }
    let pinned = !tls.get("ca_pem").is_null() || !tls.get("fingerprint_sha256").is_null();
    if insecure && pinned {
        found.push(
            Diagnostic::error(
                "The certificate is both verified and not",
                "tls has insecure = true beside ca_pem or fingerprint_sha256. Remove one.",
            )
            .at(Path::root("tls").attribute("insecure")),
        );
    } else if insecure {
        found.push(
            Diagnostic::warning(
                "The BMC's certificate is not verified",
                "Whoever is on the path can read the password. Pin the certificate with \
                 tls.fingerprint_sha256: an error without insecure prints it.",
            )
            .at(Path::root("tls").attribute("insecure")),
        );
    }
    found
}

/// Whether a BMC is found by its MAC address alone.
fn is_by_mac(config: &Value) -> bool {
    config.get("address").is_null() && !config.get("mac_address").is_null()
}

/// Adjusts the plan of a create or an update.
pub(super) fn adjust(plan: &mut Plan<'_>) {
    if plan.prior.get("state").as_str() == Some(MISMATCHED) {
        plan.unknown("state");
    }
    if is_by_mac(plan.config) {
        by_mac(plan);
    } else {
        default(plan, "port", Value::from(PORT));
        default(plan, "scheme", Value::from(HTTPS));
        default(plan, "console", Value::Null);
    }
    // Known at plan already, if that can be, so that what hangs on it can be planned too.
    match connection::known(plan.planned) {
        Some(connection) => {
            plan.set("id", Value::String(connection.endpoint.clone()));
            plan.set(
                "connection",
                Some(ConnectionOutput::from(connection)).encode(),
            );
        }
        None => {
            plan.unknown("id");
            plan.unknown("connection");
        }
    }
}

fn default(plan: &mut Plan<'_>, attribute: &str, value: Value) {
    if plan.config.get(attribute).is_null() {
        plan.set(attribute, value);
    }
}

/// What a MAC address leads to is found out when it is a new one, and stays as it was otherwise.
fn by_mac(plan: &mut Plan<'_>) {
    let (planned, prior) = (
        plan.planned.get("mac_address"),
        plan.prior.get("mac_address"),
    );
    let another = plan.is_create() || !checks::same_mac(planned, prior);
    for found in ["address", "port", "scheme", "credentials", "console"] {
        if !plan.config.get(found).is_null() {
            continue;
        }
        if another {
            plan.unknown(found);
        } else {
            plan.keep(found);
        }
    }
}
