//! What a claim's attributes are.

use std::collections::BTreeMap;

use model::{Boot, BootConfigSpec, Claim, PowerState, ServerId, Stage};
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
    #[tf(optional, computed, keep, replace, check = checks::uuid, same = checks::same_uuid)]
    pub server_id: Option<String>,
    /// What the server must be. Of all that match, the free one with the lowest id is taken, once;
    /// the claim then stays with it.
    pub selector: Option<SelectorModel>,
    /// What it boots: `baremetal_boot_config.NAME.id`.
    pub boot_config_id: Option<String>,
    /// The host name it gets by DHCP and in templates.
    #[tf(check = checks::hostname)]
    pub hostname: Option<String>,
    /// The power state to hold: `On` or `Off`.
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
    /// Any text. When it changes, the server is powered off and booted again with its boot config.
    pub trigger: Option<String>,
}

/// What happens to a server when its claim is destroyed.
#[derive(Clone, Debug, Model)]
pub(crate) struct OnDestroyModel {
    /// `graceful_then_force`, `force`, or `none` to leave it running.
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

    /// Takes over what the agent has.
    pub(super) fn adopt(&mut self, claim: &Claim) {
        self.id = Some(claim.uid.to_string());
        self.phase = Some(super::phase_name(claim.phase).to_owned());
        self.holder = Some(claim.holder.to_string());
        self.boot_config_id = claim.boot_config_id.map(|id| id.to_string());
        self.hostname.clone_from(&claim.hostname);
        let boot = claim.boot.as_ref();
        self.address = boot
            .and_then(|boot| boot.address)
            .map(|address| address.to_string());
        self.boot_config_revision = boot.map(|boot| boot.revision.clone());
        self.boot = Some(boot.map(stages).unwrap_or_default());
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

/// Whether a boot of `spec` can ever be seen to reach `stage`.
pub(super) fn can_reach(spec: &BootConfigSpec, stage: Stage) -> bool {
    let has_payload = spec.ignition.is_some() || spec.user_data.is_some();
    match stage {
        Stage::Config => has_payload,
        _ => true,
    }
}
