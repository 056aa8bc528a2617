//! Making and changing a claim: what is to happen, and what is saved of it.

use std::time::Duration;

use ::model::{
    Claim, ClaimPhase, ServerId,
    api::{Arm, ClaimUpdate},
};
use tfplugin::{Context, Diagnostic, Failed, Timeouts};
use tokio::time::{Instant, timeout_at};

use super::{CREATE_TIMEOUT, LOST, boot, evidence, hold, model::ClaimModel, server_of, uid_of};
use crate::{client::Client, diagnostics};

type Outcome = Result<ClaimModel, Failed<ClaimModel>>;

/// Takes a server and boots it.
pub(super) async fn create(cx: &mut Context<Client>, plan: ClaimModel) -> Outcome {
    let timeout = Timeouts::create(&plan.timeouts, CREATE_TIMEOUT);
    let deadline = Instant::now() + timeout;
    let taken = hold::take(cx, &plan).await?;
    let (server, uid) = (taken.claim.server_id, taken.claim.uid);
    let checked = timeout_at(deadline, hold::check(cx, taken.claim.clone())).await;
    let late = |_elapsed| Err(diagnostics::too_late("The BMC", "create", timeout));
    let held = match checked.unwrap_or_else(late) {
        Ok(held) => held,
        Err(diagnostic) if cx.stop.is_cancelled() => {
            return conclude(cx, plan, taken.claim, Err(diagnostic));
        }
        Err(diagnostic) => {
            if taken.fresh {
                // Nothing was done to the server, so nothing is kept: the next apply starts over.
                hold::give_up(cx, server, uid).await;
            }
            return Err(diagnostic.into());
        }
    };
    let outcome = finish(cx, plan, held, deadline).await;
    if outcome.is_err() && !cx.stop.is_cancelled() {
        // Terraform is about to save it as tainted: its successor must not take it over.
        if let Err(error) = hold::record(cx, &taken.claim).await {
            tracing::warn!(%server, ?error, "the claim was not recorded");
        }
    }
    outcome
}

/// Brings a claim to what is planned.
pub(super) async fn update(
    cx: &mut Context<Client>,
    prior: ClaimModel,
    mut plan: ClaimModel,
) -> Outcome {
    let timeout = Timeouts::update(&plan.timeouts, CREATE_TIMEOUT);
    let deadline = Instant::now() + timeout;
    let (server, uid) = (server_of(&prior)?, uid_of(&prior)?);
    let api = cx.client.agent.api().await?;
    let claim = if prior.phase.as_deref() == Some(LOST) {
        hold::take_again(cx, &prior, &plan).await?
    } else {
        api.claim_of(server).await?
    };
    if claim.uid != uid {
        return Err(evidence::taken(&claim).into());
    }
    plan.keep_server(&claim);
    let wanted = plan.trigger().map(str::to_owned);
    // The agent knows what a run that was cut short has armed already.
    let again = wanted.is_some() && plan.trigger() != prior.trigger() && wanted != claim.trigger;
    let mut update = ClaimUpdate {
        uid,
        boot_config_id: plan.boot_config()?,
        hostname: plan.hostname.clone(),
        trigger: if again { claim.trigger } else { wanted },
    };
    let claim = api.update_claim(server, &update).await?;
    let on = plan.power == "On";
    let starts = on && claim.boot_config_id.is_some() && (again || claim.boot_pending);
    let unfinished = claim.phase == ClaimPhase::Reserved;
    if !again && !starts && !unfinished && prior.power == plan.power {
        // The server is as it should be, so its BMC need not even answer.
        plan.fill(&claim);
        return Ok(plan);
    }
    let checked = timeout_at(deadline, hold::check(cx, claim)).await;
    let late = |_elapsed| Err(diagnostics::too_late("The BMC", "update", timeout));
    let mut held = checked.unwrap_or_else(late)?;
    if starts {
        let boot = held.claim.boot.as_ref();
        held.generation = boot.map_or(1, |boot| boot.generation + 1);
        // Armed here already: a failure up to this point keeps the old trigger in the state, and
        // from here on the agent knows that this boot is unfinished.
        let arm = Arm {
            uid,
            generation: held.generation,
            trigger: plan.trigger().map(str::to_owned),
        };
        held.claim = api.arm(server, &arm).await?;
    } else if again {
        // It is off: what the trigger asks for happens once it is switched on.
        held.boot_pending = held.claim.boot_config_id.is_some();
        let finished = finish(cx, plan, held, deadline).await;
        let plan = finished.map_err(|mut failed| {
            // Nothing came of the trigger, so it has yet to change.
            if let Some(state) = &mut failed.state {
                state.reprovision = prior.reprovision;
            }
            failed
        })?;
        update.trigger = plan.trigger().map(str::to_owned);
        api.update_claim(server, &update).await?;
        return Ok(plan);
    }
    finish(cx, plan, held, deadline).await
}

/// Boots or holds the server, and says what is saved.
async fn finish(
    cx: &mut Context<Client>,
    plan: ClaimModel,
    held: hold::Held,
    deadline: Instant,
) -> Outcome {
    let claim = held.claim.clone();
    // Every step has its own way to say that it came too late; this is for one that cannot.
    let work = boot::finish(cx, &plan, held, deadline.into_std());
    let done = match timeout_at(deadline + LAST_WORDS, work).await {
        Ok(done) => done,
        Err(_elapsed) => Err(hopeless(claim.server_id)),
    };
    conclude(cx, plan, claim, done)
}

fn hopeless(server: ServerId) -> Diagnostic {
    Diagnostic::error(
        "The BMC did not answer in time",
        format!(
            "Server {server} was not brought to what is planned before the time was over. It \
             stays claimed; apply again to go on, or raise timeouts."
        ),
    )
}

/// What is saved: what was planned, everything else that is known, and for a run that was stopped
/// no error that would make the next apply start over.
fn conclude(
    cx: &mut Context<Client>,
    mut plan: ClaimModel,
    claim: Claim,
    done: Result<Claim, Diagnostic>,
) -> Outcome {
    let diagnostic = match done {
        Ok(claim) => {
            plan.fill(&claim);
            return Ok(plan);
        }
        Err(diagnostic) => diagnostic,
    };
    // A phase that was planned may not become another one without an error.
    if cx.stop.is_cancelled() && plan.phase.is_none() {
        plan.phase = Some(super::RESERVED.to_owned());
        plan.fill(&claim);
        cx.warn(Diagnostic::warning(
            "The claim is not finished",
            format!(
                "Terraform was stopped while server {} was being booted. It stays claimed, and \
                 the next apply goes on.",
                claim.server_id
            ),
        ));
        return Ok(plan);
    }
    plan.see(&claim);
    Err(Failed::with(diagnostic, plan))
}

/// How long the evidence of a boot that did not come through may take to collect.
const LAST_WORDS: Duration = Duration::from_secs(10);
