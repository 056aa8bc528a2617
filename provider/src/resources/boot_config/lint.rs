//! What can be found wrong with a boot config before anything boots it.

use tfplugin::{Diagnostic, Path, Plan, Value};

use crate::diagnostics::at;

/// Every fault of a boot config's configuration. What is unknown yet is not judged.
pub(super) fn boot_config(config: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    sources(config, &mut found);
    script(config, &mut found);
    payloads(config, &mut found);
    for attribute in ["ignition", "ignition_wo"] {
        ignition(config, attribute, &mut found);
    }
    found
}

fn sources(config: &Value, found: &mut Vec<Diagnostic>) {
    let (kernel, script) = (config.get("kernel"), config.get("ipxe_script"));
    if kernel.is_unknown() || script.is_unknown() {
        return;
    }
    match (kernel.is_null(), script.is_null()) {
        (true, true) => found.push(at(
            "kernel",
            "Nothing to boot",
            "Give a kernel (with initrds and kernel_args), or an ipxe_script of your own.",
        )),
        (false, false) => found.push(at(
            "ipxe_script",
            "Two things to boot",
            "There are a kernel and an ipxe_script. Keep one; a script of your own can use {{ \
             kernel_url }} only without kernel when it names the URL itself.",
        )),
        _ => {}
    }
}

fn script(config: &Value, found: &mut Vec<Diagnostic>) {
    if let Some(script) = config.get("ipxe_script").as_str()
        && script.lines().next().map(str::trim_end) != Some("#!ipxe")
    {
        let first = script.lines().next().unwrap_or_default();
        let first: String = first.chars().take(40).collect();
        found.push(at(
            "ipxe_script",
            "Not an iPXE script",
            format!("The first line of an iPXE script is #!ipxe; this one's is {first:?}."),
        ));
    }
}

fn payloads(config: &Value, found: &mut Vec<Diagnostic>) {
    let given: Vec<_> = ["ignition", "ignition_wo", "user_data", "user_data_wo"]
        .into_iter()
        .filter(|attribute| !config.get(attribute).is_null())
        .collect();
    if let [_, second, ..] = given.as_slice() {
        found.push(at(
            second,
            "Two configurations for one system",
            format!("There are {}. Keep one.", given.join(" and ")),
        ));
    }
    for payload in ["ignition", "user_data"] {
        if !config.get(payload).is_null() {
            found.push(
                Diagnostic::warning(
                    format!("{payload} is stored in the state"),
                    format!(
                        "Whoever can read the state or a plan can read it. If it holds a secret, \
                         use {payload}_wo with {payload}_wo_version, which are never stored."
                    ),
                )
                .at(Path::root(payload)),
            );
        }
    }
    for payload in ["ignition_wo", "user_data_wo"] {
        let version = format!("{payload}_version");
        if !config.get(payload).is_null() && config.get(&version).is_null() {
            found.push(at(
                payload,
                "A version is missing",
                format!(
                    "Terraform cannot see whether {payload} changed, because it is never stored. \
                     Set {version} = 1, and raise it with every change."
                ),
            ));
        }
    }
}

/// Refuses to publish without a payload that was or is to be published: it is in the configuration
/// alone, so one that is null now, such as a variable that was not given, would be lost.
pub(super) fn payloads_given(plan: &mut Plan<'_>) {
    if !plan.is_create() && *plan.planned == *plan.prior {
        return;
    }
    for payload in ["ignition_wo", "user_data_wo"] {
        let version = format!("{payload}_version");
        if plan.config.get(payload).is_null() && !plan.config.get(&version).is_null() {
            plan.diagnostics.push(
                Diagnostic::error(
                    format!("{payload} is missing"),
                    format!(
                        "{version} is set and {payload} is null, so this would be published \
                         without it. Terraform stores {payload} nowhere: give it in every run that \
                         changes this boot config (an ephemeral variable needs its value again), \
                         or remove {version}."
                    ),
                )
                .at(Path::root(payload)),
            );
        }
    }
}

fn ignition(config: &Value, attribute: &str, found: &mut Vec<Diagnostic>) {
    let Some(text) = config.get(attribute).as_str() else {
        return;
    };
    // A template is JSON only after it was rendered; the agent checks that.
    if text.contains("{{") || text.contains("{%") {
        return;
    }
    if let Err(error) = model::ignition::parse(text) {
        let detail = format!("{}.", crate::diagnostics::sentence(&error.to_string()));
        found.push(Diagnostic::error("Invalid Ignition config", detail).at(Path::root(attribute)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn config(attributes: &[(&str, &str)]) -> Value {
        let entry =
            |(name, text): &(&str, &str)| ((*name).to_owned(), Value::String((*text).to_owned()));
        Value::Map(attributes.iter().map(entry).collect::<BTreeMap<_, _>>())
    }

    #[track_caller]
    fn check(attributes: &[(&str, &str)], expected: &[&str]) {
        let found = boot_config(&config(attributes));
        let summaries: Vec<_> = found.iter().map(|found| found.summary.as_str()).collect();
        assert_eq!(summaries, expected);
    }

    #[test]
    fn every_fault_is_found_at_plan() {
        let script = ("ipxe_script", "#!ipxe\nexit\n");
        check(&[script], &[]);
        check(&[], &["Nothing to boot"]);
        check(&[("kernel", "k"), script], &["Two things to boot"]);
        check(&[("ipxe_script", "echo")], &["Not an iPXE script"]);
        check(
            &[script, ("ignition", "{")],
            &["ignition is stored in the state", "Invalid Ignition config"],
        );
        let two = [
            script,
            ("ignition", r#"{"ignition":{"version":"3.4.0"}}"#),
            ("user_data", ""),
        ];
        check(
            &two,
            &[
                "Two configurations for one system",
                "ignition is stored in the state",
                "user_data is stored in the state",
            ],
        );
        check(
            &[
                script,
                ("ignition_wo", r#"{"ignition":{"version":"2.2.0"}}"#),
            ],
            &["A version is missing", "Invalid Ignition config"],
        );
    }

    #[test]
    fn a_payload_that_is_not_given_is_not_published_away() {
        let check = |prior: &Value, config: &Value, expected: &[&str]| {
            let (mut planned, mut replace, mut diagnostics) =
                (config.clone(), Vec::new(), Vec::new());
            payloads_given(&mut Plan {
                config,
                prior,
                planned: &mut planned,
                replace: &mut replace,
                diagnostics: &mut diagnostics,
            });
            let found: Vec<_> = diagnostics.into_iter().map(|found| found.summary).collect();
            assert_eq!(found, expected);
        };
        let version = ("ignition_wo_version", "1");
        let before = config(&[("ipxe_script", "#!ipxe"), version]);
        let missing = ["ignition_wo is missing"];
        check(&Value::Null, &before, &missing);
        // What an import generates, and nobody has changed.
        check(&before, &before, &[]);
        let changed = config(&[("ipxe_script", "#!ipxe\nexit"), version]);
        check(&before, &changed, &missing);
        let given = config(&[("ipxe_script", "#!ipxe"), version, ("ignition_wo", "{}")]);
        check(&Value::Null, &given, &[]);
    }

    #[test]
    fn no_fault_repeats_a_secret() {
        let secret = "{\"ignition\":{\"version\":\"3.4.0\"},\"systemd\":\"canary";
        let found = boot_config(&config(&[("ignition_wo", secret)]));
        assert!(found.iter().all(|found| !found.detail.contains("canary")));
    }
}
