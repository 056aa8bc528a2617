//! Booting a held server and watching it.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use model::{
    BootMethod, Claim, ClaimPhase, PowerState, Stage,
    api::{Arm, Settle},
};
use redfish::{BootEnabled, BootOverride, BootTarget, Power};
use tfplugin::{Context, Diagnostic};

use super::{
    evidence,
    hold::Held,
    model::{ClaimModel, can_reach},
};
use crate::{client::Client, diagnostics};

/// Boots a claimed server and watches it, from wherever an earlier run got to, or holds its power
/// state if it boots nothing now.
pub(super) async fn finish(
    cx: &mut Context<Client>,
    plan: &ClaimModel,
    held: Held,
    deadline: Instant,
) -> Result<Claim, Diagnostic> {
    if plan.power == "Off" {
        return hold_off(held, deadline).await;
    }
    // A settled claim whose server was switched off boots what it has.
    if held.claim.boot_config_id.is_none() || held.claim.phase == ClaimPhase::Settled {
        held.power(Power::On, deadline).await?;
        return settle(&held, false).await;
    }
    boot(cx, plan, held, deadline).await
}

/// Switches the server off. A boot that it did not finish begins anew when it is switched on.
async fn hold_off(held: Held, deadline: Instant) -> Result<Claim, Diagnostic> {
    let timeout = deadline.saturating_duration_since(Instant::now()) / 2;
    held.power(Power::Graceful { timeout }, deadline).await?;
    let unfinished = held.claim.phase == ClaimPhase::Reserved;
    if unfinished && held.claim.boot.is_some() {
        let (server, uid) = (held.claim.server_id, held.claim.uid);
        held.api.disarm(server, uid).await?;
    }
    settle(&held, unfinished || held.boot_pending).await
}

async fn settle(held: &Held, boot_pending: bool) -> Result<Claim, Diagnostic> {
    let uid = held.claim.uid;
    let settled = held
        .api
        .settle(held.claim.server_id, Settle { uid, boot_pending });
    settled.await.map_err(Diagnostic::from)
}

/// Publish, override, power, observe, settle: each may be repeated.
async fn boot(
    cx: &mut Context<Client>,
    plan: &ClaimModel,
    held: Held,
    deadline: Instant,
) -> Result<Claim, Diagnostic> {
    if let (Some(stage), Some(id)) = (plan.awaited(), held.claim.boot_config_id) {
        let boot_config = held.api.boot_config(id).await?;
        if !can_reach(&boot_config, stage) {
            return Err(evidence::unreachable_stage(&boot_config, stage));
        }
    }
    let arm = Arm {
        uid: held.claim.uid,
        generation: held.generation,
        trigger: plan.trigger().map(str::to_owned),
    };
    let claim = held.api.arm(held.claim.server_id, &arm).await?;
    let seen = claim
        .boot
        .as_ref()
        .map_or(Stage::Armed, model::Boot::furthest);
    power_on(cx, &held, seen, deadline).await?;
    if let Some(stage) = plan.awaited() {
        observe(cx, &held, stage, deadline).await?;
    }
    settle(&held, false).await
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
                    let system = held.bmc.system(&held.system_uri);
                    let system = tokio::time::timeout(EVIDENCE_TIMEOUT, system).await;
                    let power = system.ok().and_then(|system| system.ok()?.power_state);
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

const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How long the evidence of a boot that did not come through may take.
const EVIDENCE_TIMEOUT: Duration = Duration::from_secs(5);
