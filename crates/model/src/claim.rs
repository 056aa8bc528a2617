//! Claims: one holder's exclusive hold on one server.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Boot, ServerId};

/// Who holds a claim. It is shown to whoever finds the server taken, so it holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The provider's `holder`, such as `team-a/prod` or `ada@ci:/srv/rack1`.
    pub name: String,
    /// The Terraform workspace.
    pub workspace: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} (workspace {:?})", self.name, self.workspace)
    }
}

/// What a server must be for a claim that names none. Every part that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Selector {
    /// Labels it must have, with these values.
    pub match_labels: BTreeMap<String, String>,
    /// Who made it, compared without case.
    pub manufacturer: Option<String>,
    /// Its model, compared without case.
    pub model: Option<String>,
    /// Least main memory in GiB.
    pub min_memory_gib: Option<u64>,
    /// Least number of processor cores.
    pub min_cores: Option<u64>,
}

impl Selector {
    /// Whether it asks for anything. One that does not is refused: "any server" is no default.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a server with these labels and this hardware is one that was asked for. What is not
    /// known of a server does not match.
    pub fn matches(&self, labels: &BTreeMap<String, String>, hardware: &crate::Hardware) -> bool {
        let same = |wanted: &Option<String>, found: &Option<String>| match (wanted, found) {
            (None, _) => true,
            (Some(wanted), Some(found)) => wanted.eq_ignore_ascii_case(found),
            (Some(_), None) => false,
        };
        let least = |wanted: Option<u64>, found: Option<u64>| match (wanted, found) {
            (None, _) => true,
            (Some(wanted), Some(found)) => found >= wanted,
            (Some(_), None) => false,
        };
        self.match_labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && same(&self.manufacturer, &hardware.manufacturer)
            && same(&self.model, &hardware.model)
            && least(
                self.min_memory_gib.map(|gib| gib.saturating_mul(1024)),
                hardware.memory_mib,
            )
            && least(self.min_cores, hardware.processor_cores)
    }
}

/// How far a claim has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimPhase {
    /// The server is held; what its holder asked for is not finished.
    Reserved,
    /// Everything its holder asked for was seen to happen.
    Settled,
}

/// A claim as the agent keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// This claim, and no later one of the same server.
    pub uid: Uuid,
    /// The server it holds.
    pub server_id: ServerId,
    /// Who holds it.
    pub holder: Holder,
    /// The provider process that made it, or that resumed it last.
    pub run: Uuid,
    /// When the server was taken.
    pub claimed_at: Timestamp,
    /// How far it has come.
    pub phase: ClaimPhase,
    /// The boot config its server boots.
    pub boot_config_id: Option<Uuid>,
    /// The host name its server gets by DHCP and in templates.
    pub hostname: Option<String>,
    /// The boot that was armed last.
    pub boot: Option<Boot>,
    /// What its server was chosen by, if its holder named none.
    #[serde(default)]
    pub selector: Option<Selector>,
    /// What its holder had it booted for last: the same trigger boots it no second time.
    #[serde(default)]
    pub trigger: Option<String>,
    /// Whether its server is held switched off, and is to boot once it is switched on.
    #[serde(default)]
    pub boot_pending: bool,
    /// Whether its holder surely remembers it. An unfinished claim that is not recorded belongs to
    /// a run that was cut short, and a later one may take it up.
    #[serde(default)]
    pub recorded: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hardware;

    #[test]
    fn a_selector_matches_only_what_is_known_to_hold() {
        let labels = BTreeMap::from([("rack".to_owned(), "r1".to_owned())]);
        let hardware = Hardware {
            manufacturer: Some("Contoso".to_owned()),
            memory_mib: Some(64 * 1024),
            ..Hardware::default()
        };
        let check = |selector: &Selector, expected: bool| {
            assert_eq!(
                selector.matches(&labels, &hardware),
                expected,
                "{selector:?}"
            );
        };
        check(
            &Selector {
                match_labels: labels.clone(),
                ..Selector::default()
            },
            true,
        );
        let other = BTreeMap::from([("rack".to_owned(), "r2".to_owned())]);
        check(
            &Selector {
                match_labels: other,
                ..Selector::default()
            },
            false,
        );
        check(
            &Selector {
                manufacturer: Some("contoso".into()),
                ..Selector::default()
            },
            true,
        );
        check(
            &Selector {
                min_memory_gib: Some(64),
                ..Selector::default()
            },
            true,
        );
        check(
            &Selector {
                min_memory_gib: Some(65),
                ..Selector::default()
            },
            false,
        );
        check(
            &Selector {
                min_cores: Some(1),
                ..Selector::default()
            },
            false,
        );
        assert!(Selector::default().is_empty());
    }
}
