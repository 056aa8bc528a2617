//! What a claim's attributes are.

use std::collections::BTreeMap;

use model::{Boot, BootConfig, Claim, PowerState, ServerId, Stage};
use tfplugin::{Diagnostic, Model, Timeouts};
use uuid::Uuid;

use crate::{checks, diagnostics};

/// The phase of a claim whose holder's wishes are not fulfilled yet.
pub(super) const RESERVED: &str = "reserved";
/// The phase of a claim that is finished.
pub(super) const SETTLED: &str = "settled";
/// The phase of a claim that the agent does not know any more.
pub(super) const LOST: &str = "lost";

/// An exclusive hold on one server, across Terraform states, and the boot of what it shall run.
/// Creating it takes the server, tells the agent what it boots, sets the boot override, powers it
/// on, and finishes when the agent has seen what `wait_for` names. Interrupted at any point, the
/// next apply goes on. Destroying it powers the server off, sees that it is off, and gives it back.
#[derive(Clone, Debug, Model)]
pub(crate) struct ClaimModel {
    /// The identity of this claim.
    #[tf(computed, keep)]
    pub id: Option<String>,
    /// The server to take: `baremetal_server.NAME.id`. Exactly one of `server_id` and `selector`
    /// is needed.
    #[tf(optional, computed, keep, replace, identity, check = checks::uuid, same = checks::same_uuid)]
    pub server_id: Option<String>,
    /// What the server must be. Of all that match, the free one with the lowest id is taken, once;
    /// the claim then stays with it.
    pub selector: Option<SelectorModel>,
    /// What it boots: `baremetal_boot_config.NAME.id`.
    pub boot_config_id: Option<String>,
    /// The host name it gets by DHCP and in templates.
    #[tf(check = checks::hostname)]
    pub hostname: Option<String>,
    /// The power state to hold: `On` or `Off`. A server that is claimed switched off boots its boot
    /// config when it is switched on.
    #[tf(check = checks::power, default = "On")]
    pub power: String,
    /// What the apply waits for: `reserved`, `script_served`, `config_served` or `booted`.
    #[tf(check = checks::wait_for, default = "booted")]
    pub wait_for: String,
    /// When to boot it again while holding it.
    pub reprovision: Option<ReprovisionModel>,
    /// What happens to the server when the claim is destroyed.
    pub on_destroy: Option<OnDestroyModel>,
    /// How long its operations may take.
    pub timeouts: Option<Timeouts>,
    /// The address the server was leased.
    #[tf(computed, keep)]
    pub address: Option<String>,
    /// `reserved`, `settled`, or `lost` if the agent does not know the claim any more, which the
    /// next apply mends without booting the server.
    #[tf(computed, keep)]
    pub phase: Option<String>,
    /// The revision of the boot config that the server was booted with.
    #[tf(computed, keep)]
    pub boot_config_revision: Option<String>,
    /// The stages of its last boot, in the order they were seen.
    #[tf(computed, keep)]
    pub boot: Option<Vec<StageModel>>,
    /// Who holds it.
    #[tf(computed, keep)]
    pub holder: Option<String>,
}

/// What a server must be. Every part that is set must hold.
#[derive(Clone, Debug, Model)]
pub(crate) struct SelectorModel {
    /// Labels it must have, with these values.
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Who made it, compared without case.
    pub manufacturer: Option<String>,
    /// Its model, compared without case.
    pub model: Option<String>,
    /// Least main memory in GiB.
    pub min_memory_gib: Option<u64>,
    /// Least number of processor cores.
    pub min_cores: Option<u64>,
}

/// When to boot a server again.
#[derive(Clone, Debug, PartialEq, Eq, Model)]
pub(crate) struct ReprovisionModel {
    /// Any text. When it changes, the server is powered off and booted again with its boot config,
    /// once, even if the apply is interrupted. The agent keeps it with the claim, for an import.
    pub trigger: Option<String>,
}

/// What happens to a server when its claim is destroyed.
#[derive(Clone, Debug, Model)]
pub(crate) struct OnDestroyModel {
    /// `graceful_then_force`, `force`, or `none` to leave it running and not to ask its BMC, which
    /// may be gone.
    #[tf(check = checks::power_off, default = "graceful_then_force")]
    pub power_off: String,
}

/// A stage of a boot and when it was seen.
#[derive(Clone, Debug, Model)]
pub(crate) struct StageModel {
    /// `armed`, `dhcp`, `loader`, `script`, `kernel`, `config` or `booted`.
    #[tf(computed)]
    pub stage: Option<String>,
    /// When, by the agent's clock (RFC 3339).
    #[tf(computed)]
    pub at: Option<String>,
}

impl ClaimModel {
    /// A claim of which only the server is known, with every default.
    pub(super) fn imported(server: ServerId) -> Self {
        Self {
            id: None,
            server_id: Some(server.to_string()),
            selector: None,
            boot_config_id: None,
            hostname: None,
            power: "On".to_owned(),
            wait_for: "booted".to_owned(),
            reprovision: None,
            on_destroy: None,
            timeouts: None,
            address: None,
            phase: None,
            boot_config_revision: None,
            boot: None,
            holder: None,
        }
    }

    /// Takes over what the agent has, of what the configuration says too.
    pub(super) fn adopt(&mut self, claim: &Claim) {
        self.boot_config_id = claim.boot_config_id.map(|id| id.to_string());
        self.hostname.clone_from(&claim.hostname);
        // A claim without one may be of an agent that kept none.
        if claim.trigger.is_some() {
            self.reprovision = Some(ReprovisionModel {
                trigger: claim.trigger.clone(),
            });
        }
        self.see(claim);
    }

    /// Takes over what the agent has seen.
    pub(super) fn see(&mut self, claim: &Claim) {
        self.keep_server(claim);
        self.phase = Some(super::phase_name(claim.phase).to_owned());
        self.holder = Some(claim.holder.to_string());
        let boot = claim.boot.as_ref();
        self.address = boot
            .and_then(|boot| boot.address)
            .map(|address| address.to_string());
        self.boot_config_revision = boot.map(|boot| boot.revision.clone());
        self.boot = Some(boot.map(stages).unwrap_or_default());
    }

    /// Which claim it is, and of which server.
    pub(super) fn keep_server(&mut self, claim: &Claim) {
        let server = claim.server_id.to_string();
        self.id.get_or_insert_with(|| claim.uid.to_string());
        self.server_id.get_or_insert(server);
    }

    /// Takes over what was not planned: an apply returns what was, and what has changed since is
    /// the next refresh's to report.
    pub(super) fn fill(&mut self, claim: &Claim) {
        let planned = self.clone();
        self.see(claim);
        self.address = planned.address.or_else(|| self.address.take());
        self.phase = planned.phase.or_else(|| self.phase.take());
        self.boot_config_revision = planned
            .boot_config_revision
            .or_else(|| self.boot_config_revision.take());
        self.boot = planned.boot.or_else(|| self.boot.take());
        self.holder = planned.holder.or_else(|| self.holder.take());
    }

    /// Takes over the power state, if it is one to hold and not one on the way to it.
    pub(super) fn see_power(&mut self, power: Option<PowerState>) {
        if let Some(seen @ (PowerState::On | PowerState::Off)) = power {
            self.power = seen.to_string();
        }
    }

    /// The boot config to boot.
    pub(super) fn boot_config(&self) -> Result<Option<Uuid>, Diagnostic> {
        let parse = |id: &String| Uuid::try_parse(id);
        self.boot_config_id
            .as_ref()
            .map(parse)
            .transpose()
            .map_err(|error| {
                diagnostics::at(
                    "boot_config_id",
                    "Not the id of a boot config",
                    format!("{error}. Use baremetal_boot_config.NAME.id."),
                )
            })
    }

    /// The stage that is waited for, if a boot is.
    pub(super) fn awaited(&self) -> Option<Stage> {
        match self.wait_for.as_str() {
            "script_served" => Some(Stage::Script),
            "config_served" => Some(Stage::Config),
            "booted" => Some(Stage::Booted),
            _ => None,
        }
    }

    /// What makes it boot again when it changes.
    pub(super) fn trigger(&self) -> Option<&str> {
        self.reprovision.as_ref()?.trigger.as_deref()
    }

    /// How it is powered off in the end.
    pub(super) fn power_off(&self) -> &str {
        self.on_destroy
            .as_ref()
            .map_or("graceful_then_force", |on| on.power_off.as_str())
    }

    /// What it selects by.
    pub(super) fn selector(&self) -> Option<model::Selector> {
        let selector = self.selector.clone()?;
        Some(model::Selector {
            match_labels: selector.match_labels.unwrap_or_default(),
            manufacturer: selector.manufacturer,
            model: selector.model,
            min_memory_gib: selector.min_memory_gib,
            min_cores: selector.min_cores,
        })
    }
}

fn stages(boot: &Boot) -> Vec<StageModel> {
    let stage = |seen: &model::StageTime| StageModel {
        stage: Some(seen.stage.to_string()),
        at: Some(seen.at.to_string()),
    };
    boot.stages.iter().map(stage).collect()
}

/// Whether a boot of `boot_config` can ever be seen to reach `stage`.
pub(super) fn can_reach(boot_config: &BootConfig, stage: Stage) -> bool {
    let spec = &boot_config.spec;
    match stage {
        Stage::Config => spec.ignition.is_some() || spec.user_data.is_some(),
        Stage::Booted => boot_config.can_report,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::{ClaimPhase, Holder};

    use super::*;

    fn claim() -> Claim {
        Claim {
            uid: Uuid::nil(),
            server_id: SERVER.parse().unwrap(),
            holder: Holder {
                name: "a".to_owned(),
                workspace: "default".to_owned(),
            },
            run: Uuid::nil(),
            claimed_at: Timestamp::UNIX_EPOCH,
            phase: ClaimPhase::Settled,
            boot_config_id: Some(Uuid::nil()),
            hostname: None,
            boot: None,
            selector: None,
            trigger: Some("b".to_owned()),
            boot_pending: false,
            recorded: false,
        }
    }

    fn planned() -> ClaimModel {
        ClaimModel {
            hostname: Some("n".to_owned()),
            ..ClaimModel::imported(SERVER.parse().unwrap())
        }
    }

    #[test]
    fn an_apply_fills_in_what_was_not_planned_and_nothing_else() {
        let mut plan = planned();
        plan.fill(&claim());
        assert_eq!(plan.phase.as_deref(), Some("settled"));
        assert_eq!(plan.boot.as_ref().map(Vec::len), Some(0));

        let stage = StageModel {
            stage: Some("armed".to_owned()),
            at: None,
        };
        let mut plan = ClaimModel {
            phase: Some("reserved".to_owned()),
            boot: Some(vec![stage]),
            address: Some("192.0.2.1".to_owned()),
            ..planned()
        };
        plan.fill(&claim());
        assert_eq!(plan.phase.as_deref(), Some("reserved"));
        assert_eq!(plan.boot.as_ref().map(Vec::len), Some(1));
        assert_eq!(plan.address.as_deref(), Some("192.0.2.1"));
        assert_eq!(plan.hostname.as_deref(), Some("n"), "as it was written");
        assert_eq!(plan.trigger(), None);
    }

    #[test]
    fn a_refresh_takes_over_the_trigger_that_the_agent_has_and_keeps_it_if_it_has_none() {
        let mut state = planned();
        state.adopt(&claim());
        assert_eq!(state.trigger(), Some("b"));
        assert_eq!(state.hostname, None);
        state.adopt(&Claim {
            trigger: None,
            ..claim()
        });
        assert_eq!(state.trigger(), Some("b"));
    }

    const SERVER: &str = "4c4c4544-0042-3510-8057-b7c04f4b4d32";
}
