//! Booting a held server and watching it.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use model::{BootMethod, Claim, PowerState, Stage, api::Arm};
use redfish::{BootEnabled, BootOverride, BootTarget, Power};
use tfplugin::{Context, Diagnostic, Failed};

use super::{
    evidence,
    hold::Held,
    model::{ClaimModel, can_reach},
};
use crate::{client::Client, diagnostics};

const POLL_INTERVAL: Duration = Duration::from_millis(500);

type Outcome = Result<ClaimModel, Failed<ClaimModel>>;

/// Boots a claimed server and watches it, from wherever an earlier run got to.
pub(super) async fn finish(
    cx: &mut Context<Client>,
    plan: ClaimModel,
    held: Held,
    timeout: Duration,
) -> Outcome {
    if held.claim.boot_config_id.is_none() {
        return hold_power(cx, plan, &held, timeout).await;
    }
    let claim = held.claim.clone();
    let done = steps(cx, &plan, held, Instant::now() + timeout).await;
    conclude(cx, plan, claim, done)
}

/// Holds the power state of a server that boots nothing new.
pub(super) async fn hold_power(
    cx: &mut Context<Client>,
    plan: ClaimModel,
    held: &Held,
    timeout: Duration,
) -> Outcome {
    let deadline = Instant::now() + timeout;
    let wanted = match plan.power.as_str() {
        "Off" => Power::Graceful {
            timeout: timeout / 2,
        },
        _ => Power::On,
    };
    let done = match held.power(wanted, deadline).await {
        Ok(()) => held
            .api
            .settle(held.claim.server_id, held.claim.uid)
            .await
            .map_err(Diagnostic::from),
        Err(diagnostic) => Err(diagnostic),
    };
    conclude(cx, plan, held.claim.clone(), done)
}

/// Publish, override, power, observe, settle: each may be repeated.
async fn steps(
    cx: &mut Context<Client>,
    plan: &ClaimModel,
    held: Held,
    deadline: Instant,
) -> Result<Claim, Diagnostic> {
    let (server, uid) = (held.claim.server_id, held.claim.uid);
    let arm = Arm {
        uid,
        generation: held.generation,
    };
    let claim = held.api.arm(server, arm).await?;
    let seen = claim
        .boot
        .as_ref()
        .map_or(Stage::Armed, model::Boot::furthest);
    if let (Some(stage), Some(id)) = (plan.awaited(), claim.boot_config_id) {
        let boot_config = held.api.boot_config(id).await?;
        if !can_reach(&boot_config.spec, stage) {
            return Err(evidence::unreachable_stage(&boot_config, stage));
        }
    }
    if plan.power == "On" {
        power_on(cx, &held, seen, deadline).await?;
    }
    let claim = match plan.awaited() {
        Some(stage) if plan.power == "On" => observe(cx, &held, stage, deadline).await?,
        _ => claim,
    };
    held.api
        .settle(server, claim.uid)
        .await
        .map_err(Diagnostic::from)
}

/// Sets the override and powers the server on, unless it is already on its way.
async fn power_on(
    cx: &mut Context<Client>,
    held: &Held,
    seen: Stage,
    deadline: Instant,
) -> Result<(), Diagnostic> {
    let system = held.bmc.system(&held.system_uri).await;
    let system = system.map_err(|error| held.failed(&error))?;
    if system.power_state.is_some_and(PowerState::is_on) {
        if seen > Stage::Armed {
            return Ok(());
        }
        // It runs what it ran before this boot was armed, or it was powered on by a run that was
        // stopped and has asked for nothing since: either way nothing of this boot is lost.
        let timeout = deadline.saturating_duration_since(Instant::now()) / 4;
        held.power(Power::Graceful { timeout }, deadline).await?;
    }
    // What was installed boots from its disk; an override would only cost a round of PXE.
    if seen < Stage::Booted {
        let target = match held.method {
            BootMethod::Ipxe => BootTarget::Pxe,
            BootMethod::UefiHttp => BootTarget::UefiHttp,
        };
        let boot_override = BootOverride {
            target,
            enabled: BootEnabled::Once,
            mode: None,
            http_boot_uri: None,
        };
        let set = held
            .bmc
            .set_boot_override(&held.system_uri, boot_override)
            .await;
        for warning in set.map_err(|error| held.failed(&error))? {
            cx.warn(Diagnostic::warning(
                "The boot override may not hold",
                format!("Server {}: {warning}.", held.claim.server_id),
            ));
        }
    }
    held.power(Power::On, deadline).await
}

/// Waits until the agent has seen `stage`.
async fn observe(
    cx: &Context<Client>,
    held: &Held,
    stage: Stage,
    deadline: Instant,
) -> Result<Claim, Diagnostic> {
    let server = held.claim.server_id;
    let began = Instant::now();
    let mut told = HashSet::new();
    loop {
        match held.api.claim_of(server).await {
            Ok(claim) if claim.uid != held.claim.uid => return Err(evidence::taken(&claim)),
            Ok(claim) => {
                let boot = claim.boot.as_ref();
                for seen in boot.iter().flat_map(|boot| &boot.stages) {
                    if told.insert(seen.stage) {
                        tracing::info!(%server, stage = %seen.stage, at = %seen.at, "boot stage");
                    }
                }
                if boot.is_some_and(|boot| boot.furthest() >= stage) {
                    return Ok(claim);
                }
                if Instant::now() >= deadline {
                    let power = held.bmc.system(&held.system_uri).await;
                    let power = power.ok().and_then(|system| system.power_state);
                    let power = power.map(|power| power.to_string());
                    return Err(evidence::timeout(&claim, stage, began.elapsed(), power));
                }
            }
            // An agent that restarts is no reason to give a boot up.
            Err(error) if error.is_unreachable() && Instant::now() < deadline => {
                tracing::warn!(%server, "the agent does not answer, waiting for it");
            }
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = cx.stop.cancelled() => return Err(diagnostics::stopped("the server booted")),
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }
}

/// What is saved: everything that is known, and for a run that was stopped no error that would
/// make the next apply start over.
fn conclude(
    cx: &mut Context<Client>,
    mut plan: ClaimModel,
    claim: Claim,
    done: Result<Claim, Diagnostic>,
) -> Outcome {
    let power = plan.power.clone();
    match done {
        Ok(claim) => {
            plan.adopt(&claim);
            plan.power = power;
            Ok(plan)
        }
        Err(diagnostic) => {
            plan.adopt(&claim);
            plan.power = power;
            if cx.stop.is_cancelled() {
                plan.phase = Some(super::RESERVED.to_owned());
                cx.warn(Diagnostic::warning(
                    "The claim is not finished",
                    format!(
                        "Terraform was stopped while server {} was being booted. It stays \
                         claimed, and the next apply goes on.",
                        claim.server_id
                    ),
                ));
                return Ok(plan);
            }
            Err(Failed::with(diagnostic, plan))
        }
    }
}
