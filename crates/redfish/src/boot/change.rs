//! The contents of a boot override: is it possible, what to send, has it arrived. All pure.

use serde_json::{Value, json};

use super::{Boot, BootEnabled, BootMode, BootOverride, BootTarget};
use crate::quirks::{Hints, SendMode};

/// An override that this system takes, in its BMC's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) wanted: BootOverride,
    /// What the caller should know.
    pub(super) warnings: Vec<String>,
}

impl Change {
    /// Checks an override against what the system and its settings resource list. Each list may be
    /// incomplete, so what either has is possible; a list that is absent forbids nothing.
    pub(super) fn plan(
        mut wanted: BootOverride,
        system: &Boot,
        settings: Option<&Boot>,
        hints: &Hints,
    ) -> Result<Self, String> {
        let both = || [Some(system), settings].into_iter().flatten();
        let targets: Vec<&String> = both().flat_map(|boot| &boot.allowed_targets).collect();
        for (word, own) in &hints.aliases {
            if wanted.target == BootTarget::from(word.as_str()) && targets.contains(&own) {
                wanted.target = BootTarget::from(own.as_str());
            }
        }
        let target = listed(wanted.target.as_str(), &targets)
            .map_err(|listed| format!("the boot target {}; it lists {listed}", wanted.target))?;
        // The BMC's own spelling, where it has one.
        wanted.target = target.map_or(wanted.target, |own| BootTarget::from(own.as_str()));
        let enabled: Vec<&String> = both().flat_map(|boot| &boot.allowed_enabled).collect();
        listed(wanted.enabled.as_str(), &enabled).map_err(|listed| {
            format!("{} for a boot override; it lists {listed}", wanted.enabled)
        })?;
        if wanted.http_boot_uri.is_some() {
            if wanted.target != BootTarget::UefiHttp {
                return Err(format!("a boot URL with the boot target {}", wanted.target));
            }
            if !both().any(|boot| boot.has_http_boot_uri) {
                return Err(
                    "a boot URL: it has no HttpBootUri, so the URL has to come from DHCP"
                        .to_owned(),
                );
            }
        }
        let mut warnings = Vec::new();
        if let Some(mode) = &wanted.mode
            && both().all(|boot| boot.mode.is_none())
        {
            warnings.push(format!(
                "the BMC reports no boot mode that could be overridden, so {mode} was not sent"
            ));
        }
        Ok(Self { wanted, warnings })
    }

    /// What to send. The mode is sent only where it is reported, and as a rule only if it changes:
    /// some firmware starts a configuration job and one more restart for it.
    pub(super) fn body(&self, observed: &Boot, hints: &Hints) -> Value {
        let wanted = &self.wanted;
        let mut boot = json!({
            "BootSourceOverrideEnabled": wanted.enabled.as_str(),
            "BootSourceOverrideTarget": wanted.target.as_str(),
        });
        if let Some(reported) = &observed.mode {
            let mode = wanted.mode.as_ref().unwrap_or(reported);
            if hints.send_mode == SendMode::Always || mode != reported {
                boot["BootSourceOverrideMode"] = json!(mode.as_str());
            }
        }
        if wanted.target == BootTarget::UefiHttp && observed.has_http_boot_uri {
            let differs = wanted.http_boot_uri != observed.http_boot_uri;
            if wanted.http_boot_uri.is_some() || differs {
                boot["HttpBootUri"] = json!(wanted.http_boot_uri);
            }
        }
        json!({"Boot": boot})
    }

    /// Whether the resource shows the override.
    pub(super) fn shows_in(&self, observed: &Boot, hints: &Hints) -> bool {
        let wanted = &self.wanted;
        let (Some(target), Some(enabled)) = (&observed.target, &observed.enabled) else {
            return false;
        };
        let alias = |(asked, read): &(String, String)| {
            wanted.target == BootTarget::from(asked.as_str())
                && *target == BootTarget::from(read.as_str())
        };
        let same_target = *target == wanted.target || hints.reads_as.iter().any(alias);
        // Some firmware calls everything continuous, and still forgets it after one boot.
        let same_enabled = enabled == &wanted.enabled
            || (wanted.enabled == BootEnabled::Once && *enabled == BootEnabled::Continuous);
        let same_uri = wanted.http_boot_uri.is_none()
            || !observed.has_http_boot_uri
            || wanted.http_boot_uri == observed.http_boot_uri;
        same_target && same_enabled && same_uri
    }

    /// Whether nothing would change. An override for one boot is always sent: what is shown may be
    /// the remains of one that was used.
    pub(super) fn is_done(&self, observed: &Boot, hints: &Hints) -> bool {
        let same_mode = match (&self.wanted.mode, &observed.mode) {
            (Some(wanted), Some(observed)) => wanted == observed,
            _ => true,
        };
        self.wanted.enabled == BootEnabled::Continuous
            && same_mode
            && observed.enabled == Some(BootEnabled::Continuous)
            && self.shows_in(observed, hints)
    }
}

/// What to send to end an override. Some firmware refuses a target beside it.
pub(super) fn disabled(mode: Option<&BootMode>) -> Value {
    let mut boot = json!({"BootSourceOverrideEnabled": "Disabled"});
    if let Some(mode) = mode {
        boot["BootSourceOverrideMode"] = json!(mode.as_str());
    }
    json!({"Boot": boot})
}

/// The word of the list that is `word`; `None` if there is no list, the list if it lacks it.
fn listed<'a>(word: &str, list: &[&'a String]) -> Result<Option<&'a String>, String> {
    if list.is_empty() {
        return Ok(None);
    }
    match list.iter().find(|own| own.eq_ignore_ascii_case(word)) {
        Some(own) => Ok(Some(own)),
        None => {
            let mut words: Vec<&str> = list.iter().map(|own| own.as_str()).collect();
            words.sort_unstable();
            words.dedup();
            Err(words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lenient::Doc;

    fn boot(value: &Value) -> Boot {
        Boot::read(Doc::new(value))
    }

    fn pxe() -> BootOverride {
        BootOverride {
            target: BootTarget::Pxe,
            enabled: BootEnabled::Once,
            mode: None,
            http_boot_uri: None,
        }
    }

    #[test]
    fn a_mode_that_has_to_be_sent_is_sent_as_reported_and_not_where_none_is() {
        let hints = Hints {
            send_mode: SendMode::Always,
            ..Hints::default()
        };
        let mode = |observed: Value| {
            let observed = boot(&observed);
            let change = Change::plan(pxe(), &observed, None, &hints).unwrap();
            change.body(&observed, &hints)["Boot"]["BootSourceOverrideMode"].clone()
        };
        assert_eq!(mode(json!({"BootSourceOverrideMode": "UEFI"})), "UEFI");
        assert_eq!(mode(json!({"BootSourceOverrideMode": "Legacy"})), "Legacy");
        assert_eq!(mode(json!({"BootSourceOverrideMode": null})), Value::Null);
        assert_eq!(mode(json!({})), Value::Null);
    }

    #[test]
    fn a_target_goes_by_the_name_that_the_bmc_lists() {
        let hints = Hints {
            aliases: vec![("Cd".to_owned(), "UsbCd".to_owned())],
            ..Hints::default()
        };
        let target = |listed: &[&str], wanted: BootTarget| {
            let name = "BootSourceOverrideTarget@Redfish.AllowableValues";
            let observed = boot(&json!({name: listed}));
            let wanted = BootOverride {
                target: wanted,
                ..pxe()
            };
            let change = Change::plan(wanted, &observed, None, &hints);
            change.map(|change| change.wanted.target.to_string())
        };
        assert_eq!(
            target(&["Cd", "UsbCd"], BootTarget::Cd).as_deref(),
            Ok("UsbCd")
        );
        assert_eq!(target(&["Cd"], BootTarget::Cd).as_deref(), Ok("Cd"));
        assert_eq!(target(&[], BootTarget::Cd).as_deref(), Ok("Cd"));
        let other = BootTarget::from("remotedrive");
        assert_eq!(
            target(&["RemoteDrive"], other).as_deref(),
            Ok("RemoteDrive")
        );
        assert!(target(&["Hdd"], BootTarget::Pxe).is_err());
    }

    #[test]
    fn what_either_resource_lists_is_possible() {
        let name = "BootSourceOverrideTarget@Redfish.AllowableValues";
        let (system, settings) = (boot(&json!({name: ["Hdd"]})), boot(&json!({name: ["Pxe"]})));
        let hints = Hints::default();
        assert!(Change::plan(pxe(), &system, Some(&settings), &hints).is_ok());
        assert!(Change::plan(pxe(), &system, None, &hints).is_err());
    }

    #[test]
    fn an_override_shows_under_another_word_of_this_maker_only() {
        let observed = boot(&json!({
            "BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "UefiBootNext",
        }));
        let shows = |hints: &Hints| {
            Change::plan(pxe(), &observed, None, hints)
                .unwrap()
                .shows_in(&observed, hints)
        };
        assert!(!shows(&Hints::default()));
        let reads_as = vec![("Pxe".to_owned(), "UefiBootNext".to_owned())];
        assert!(shows(&Hints {
            reads_as,
            ..Hints::default()
        }));
    }
}
