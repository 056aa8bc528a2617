//! Boots: what the agent saw of one server's way from armed to booted.

use std::{fmt, net::Ipv4Addr};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::BootPolicy;

/// How far a boot has come. The order is the order in which they happen.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The agent will answer this server.
    Armed,
    /// The server has an address.
    Dhcp,
    /// It fetched its loader.
    Loader,
    /// It fetched its iPXE script.
    Script,
    /// It fetched its kernel.
    Kernel,
    /// It fetched its configuration, all of it.
    Config,
    /// It reported that it is up.
    Booted,
}

impl Stage {
    /// Every stage, first to last.
    pub const ALL: [Self; 7] = [
        Self::Armed,
        Self::Dhcp,
        Self::Loader,
        Self::Script,
        Self::Kernel,
        Self::Config,
        Self::Booted,
    ];

    /// The word for it in the API and in Terraform.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Dhcp => "dhcp",
            Self::Loader => "loader",
            Self::Script => "script",
            Self::Kernel => "kernel",
            Self::Config => "config",
            Self::Booted => "booted",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A stage and when it was first reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageTime {
    /// The stage.
    pub stage: Stage,
    /// When, by the agent's clock.
    pub at: Timestamp,
}

/// One boot of one claimed server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Boot {
    /// This boot.
    pub id: Uuid,
    /// Which arming of its claim this is, from 1. Arming again with the same number changes nothing.
    pub generation: u64,
    /// The boot config it was armed with.
    pub boot_config_id: Uuid,
    /// The revision of that boot config.
    pub revision: String,
    /// What happens once it is booted.
    pub boot_policy: BootPolicy,
    /// The stages that were reached, in the order they were reached.
    pub stages: Vec<StageTime>,
    /// The address the server was leased.
    pub address: Option<Ipv4Addr>,
}

impl Boot {
    /// When `stage` was reached, if it was.
    pub fn reached(&self, stage: Stage) -> Option<Timestamp> {
        self.stages
            .iter()
            .find(|seen| seen.stage == stage)
            .map(|seen| seen.at)
    }

    /// The furthest stage that was reached.
    pub fn furthest(&self) -> Stage {
        self.stages
            .iter()
            .map(|seen| seen.stage)
            .max()
            .unwrap_or(Stage::Armed)
    }

    /// Notes that `stage` was reached; the first time counts. Returns whether this was it.
    pub fn reach(&mut self, stage: Stage, at: Timestamp) -> bool {
        let first = self.reached(stage).is_none();
        if first {
            // A stage can be noted after the next one was: a config is known to have been fetched
            // only once all of it was sent, and the report may already be here.
            let later = self
                .stages
                .iter()
                .position(|seen| (seen.at, seen.stage) > (at, stage));
            let place = later.unwrap_or(self.stages.len());
            self.stages.insert(place, StageTime { stage, at });
        }
        first
    }

    /// Whether the server must be told to boot from its own disk: it was installed, once.
    pub fn is_installed(&self) -> bool {
        self.boot_policy == BootPolicy::Once && self.reached(Stage::Booted).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot(boot_policy: BootPolicy) -> Boot {
        Boot {
            id: Uuid::nil(),
            generation: 1,
            boot_config_id: Uuid::nil(),
            revision: "r".to_owned(),
            boot_policy,
            stages: Vec::new(),
            address: None,
        }
    }

    #[test]
    fn the_first_time_a_stage_is_reached_counts() {
        let mut boot = boot(BootPolicy::Once);
        let first = Timestamp::UNIX_EPOCH;
        assert!(boot.reach(Stage::Script, first));
        assert!(!boot.reach(Stage::Script, Timestamp::MAX));
        assert!(boot.reach(Stage::Dhcp, first));
        assert_eq!(boot.reached(Stage::Script), Some(first));
        assert_eq!(boot.furthest(), Stage::Script);
    }

    #[test]
    fn stages_are_in_the_order_of_their_times_whichever_is_noted_first() {
        let mut boot = boot(BootPolicy::Once);
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        for (stage, time) in [
            (Stage::Armed, 1),
            (Stage::Booted, 9),
            (Stage::Config, 7),
            (Stage::Kernel, 7),
        ] {
            assert!(boot.reach(stage, at(time)));
        }
        let order: Vec<_> = boot.stages.iter().map(|seen| seen.stage).collect();
        assert_eq!(
            order,
            [Stage::Armed, Stage::Kernel, Stage::Config, Stage::Booted]
        );
    }

    #[test]
    fn only_a_reported_boot_under_policy_once_is_installed() {
        for (policy, stage, expected) in [
            (BootPolicy::Once, Stage::Config, false),
            (BootPolicy::Once, Stage::Booted, true),
            (BootPolicy::Always, Stage::Booted, false),
        ] {
            let mut boot = boot(policy);
            boot.reach(stage, Timestamp::UNIX_EPOCH);
            assert_eq!(boot.is_installed(), expected, "{policy:?} {stage}");
        }
    }
}
