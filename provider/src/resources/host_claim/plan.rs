//! What a claim's plan says, and which configurations cannot work.

use tfplugin::{Diagnostic, Path, Plan, Value};

use super::SETTLED;
use crate::diagnostics;

/// Says which update boots the server and which does not.
pub(super) fn plan(plan: &mut Plan<'_>) {
    if plan.is_create() {
        return;
    }
    // A claim that was imported has no selector to compare with; it keeps its server.
    if plan.changed("selector") && !plan.prior.get("selector").is_null() {
        plan.replace.push(Path::root("selector"));
        return;
    }
    let again = plan.changed("reprovision") && !trigger_of(plan.planned).is_null();
    let unfinished = plan.prior.get("phase").as_str() != Some(SETTLED);
    // What was never booted is booted when it is switched on.
    let on = plan.changed("power") && plan.planned.get("power").as_str() != Some("Off");
    if again || unfinished || on {
        for observed in ["phase", "address", "boot", "boot_config_revision"] {
            plan.unknown(observed);
        }
    }
    if again {
        plan.diagnostics.push(reprovisioned(plan));
    } else if plan.changed("boot_config_id") && !unfinished {
        plan.diagnostics.push(
            Diagnostic::warning(
                "The server keeps what it runs",
                "The new boot config is used from the next reprovisioning on. Change \
                 reprovision.trigger as well to boot it now.",
            )
            .at(Path::root("boot_config_id")),
        );
    }
}

fn reprovisioned(plan: &Plan<'_>) -> Diagnostic {
    let server = plan.prior.get("server_id").as_str();
    let server = server.unwrap_or("of this claim");
    let what = if plan.planned.get("power").as_str() == Some("Off") {
        "stays off, and is booted with its boot config once it is switched on"
    } else {
        "is powered off and booted again with its boot config"
    };
    Diagnostic::warning(
        "The server will be reprovisioned",
        format!(
            "reprovision.trigger changes: server {server} {what}. Under boot_policy once that \
             installs it anew."
        ),
    )
    .at(Path::root("reprovision").attribute("trigger"))
}

/// What is wrong with a configuration.
pub(super) fn validate(config: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let (server, selector) = (config.get("server_id"), config.get("selector"));
    match (server.is_null(), selector.is_null()) {
        (true, true) => found.push(diagnostics::at(
            "server_id",
            "No server is asked for",
            "Give server_id, or a selector. \"Any server\" is never meant by leaving both out.",
        )),
        (false, false) => found.push(diagnostics::at(
            "selector",
            "Two ways to choose a server",
            "There are server_id and selector. Keep one.",
        )),
        _ => {}
    }
    if let Value::Map(parts) = selector
        && parts.values().all(Value::is_null)
    {
        found.push(diagnostics::at(
            "selector",
            "The selector asks for nothing",
            "An empty selector would take any server. Say what the server must be.",
        ));
    }
    let waits = config.get("wait_for");
    let boots = !config.get("boot_config_id").is_null();
    if !boots && !waits.is_unknown() && waits.as_str() != Some("reserved") {
        found.push(diagnostics::at(
            "boot_config_id",
            "Nothing to boot",
            "The claim waits for a boot and has no boot config. Give boot_config_id, or set \
             wait_for = \"reserved\" to hold the server without booting it.",
        ));
    }
    found
}

fn trigger_of(claim: &Value) -> &Value {
    claim.get("reprovision").get("trigger")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[track_caller]
    fn check(attributes: &[(&str, Value)], expected: &[&str]) {
        let entry = |(name, value): &(&str, Value)| ((*name).to_owned(), value.clone());
        let config = Value::Map(attributes.iter().map(entry).collect());
        let summaries: Vec<_> = validate(&config)
            .into_iter()
            .map(|found| found.summary)
            .collect();
        assert_eq!(summaries, expected);
    }

    #[test]
    fn a_claim_says_which_server_and_what_it_boots() {
        let text = |text: &str| Value::String(text.to_owned());
        let empty = Value::Map(BTreeMap::from([("manufacturer".to_owned(), Value::Null)]));
        let boot = ("boot_config_id", text("b"));
        check(&[("server_id", text("s")), boot.clone()], &[]);
        check(&[("server_id", Value::UNKNOWN), boot.clone()], &[]);
        check(std::slice::from_ref(&boot), &["No server is asked for"]);
        check(
            &[
                ("server_id", text("s")),
                ("selector", empty.clone()),
                boot.clone(),
            ],
            &[
                "Two ways to choose a server",
                "The selector asks for nothing",
            ],
        );
        check(
            &[("selector", empty), boot],
            &["The selector asks for nothing"],
        );
        check(&[("server_id", text("s"))], &["Nothing to boot"]);
        check(
            &[("server_id", text("s")), ("wait_for", text("reserved"))],
            &[],
        );
    }

    /// Whether an update boots or may boot, and what it warns of. `change` is made to a settled
    /// claim that is on and has the trigger `a`.
    #[track_caller]
    fn check_plan(before: &[(&str, Value)], change: &[(&str, Value)], boots: bool, warns: &[&str]) {
        let text = |text: &str| Value::String(text.to_owned());
        let own = [
            ("phase", text("settled")),
            ("power", text("On")),
            ("reprovision", trigger("a")),
            ("boot_config_id", text("b")),
        ];
        let mut prior: BTreeMap<_, _> = own.map(|(name, value)| (name.to_owned(), value)).into();
        let entry = |(name, value): &(&str, Value)| ((*name).to_owned(), value.clone());
        prior.extend(before.iter().map(entry));
        let mut planned = prior.clone();
        planned.extend(change.iter().map(entry));
        let (prior, mut planned) = (Value::Map(prior), Value::Map(planned));
        let config = planned.clone();
        let (mut replace, mut diagnostics) = (Vec::new(), Vec::new());
        plan(&mut Plan {
            config: &config,
            prior: &prior,
            planned: &mut planned,
            replace: &mut replace,
            diagnostics: &mut diagnostics,
        });
        let told: Vec<_> = diagnostics.into_iter().map(|told| told.summary).collect();
        assert_eq!(told, warns);
        assert_eq!(planned.get("phase").is_unknown(), boots);
    }

    fn trigger(text: &str) -> Value {
        let value = Value::String(text.to_owned());
        Value::Map(BTreeMap::from([("trigger".to_owned(), value)]))
    }

    #[test]
    fn a_plan_says_which_change_boots_the_server() {
        let text = |text: &str| Value::String(text.to_owned());
        let again = ["The server will be reprovisioned"];
        check_plan(&[], &[("hostname", text("n"))], false, &[]);
        check_plan(&[], &[("reprovision", trigger("b"))], true, &again);
        check_plan(&[], &[("reprovision", Value::Null)], false, &[]);
        check_plan(&[], &[("power", text("Off"))], false, &[]);
        let (off, on) = (("power", text("Off")), ("power", text("On")));
        check_plan(&[off], &[on], true, &[]);
        check_plan(&[("phase", text("reserved"))], &[], true, &[]);
        let other = ("boot_config_id", Value::UNKNOWN);
        let kept = ["The server keeps what it runs"];
        check_plan(&[], std::slice::from_ref(&other), false, &kept);
        check_plan(&[], &[other, ("reprovision", trigger("b"))], true, &again);
    }
}
