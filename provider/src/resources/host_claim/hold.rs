//! Taking a server and giving it back.

use std::time::{Duration, Instant};

use model::{
    BootConfig, BootMethod, Claim, ClaimPhase, PowerState, ServerId, ServerSpec,
    api::{ClaimRequest, ProblemCode},
};
use redfish::{Bmc, Power, System};
use tfplugin::{Context, Diagnostic};
use uuid::Uuid;

use super::model::ClaimModel;
use crate::{
    client::{AgentApi, ApiError, Client},
    diagnostics,
};

/// A claimed server and how to work on it.
pub(super) struct Held {
    pub api: AgentApi,
    pub bmc: Bmc,
    pub endpoint: String,
    pub system_uri: String,
    pub claim: Claim,
    /// How its firmware is to boot.
    pub method: BootMethod,
    /// Which boot this is to be.
    pub generation: u64,
    /// Whether a server that is held off is to boot once it is switched on.
    pub boot_pending: bool,
}

/// An error, and whether it says nothing against what is known.
pub(super) struct Unseen {
    pub diagnostic: Diagnostic,
    pub passing: bool,
}

/// A claim that was asked for.
pub(super) struct Taken {
    pub claim: Claim,
    /// Whether it is new, and not one that an earlier run left.
    pub fresh: bool,
}

/// Takes the server that the plan names or selects. Taking it twice changes nothing.
pub(super) async fn take(cx: &Context<Client>, plan: &ClaimModel) -> Result<Taken, Diagnostic> {
    let request = request(cx, plan, Uuid::new_v4())?;
    let claim = send(cx, &request).await?;
    let fresh = claim.uid == request.uid;
    Ok(Taken { claim, fresh })
}

/// Takes a server again that the agent has forgotten, as it is and without booting it. The trigger
/// is still the one it was booted for.
pub(super) async fn take_again(
    cx: &Context<Client>,
    prior: &ClaimModel,
    plan: &ClaimModel,
) -> Result<Claim, Diagnostic> {
    let request = ClaimRequest {
        server_id: Some(super::server_of(prior)?),
        selector: None,
        trigger: prior.trigger().map(str::to_owned),
        as_is: true,
        ..request(cx, plan, super::uid_of(prior)?)?
    };
    send(cx, &request).await
}

/// Lets a claim go of which nothing came. If that fails, the next apply resumes it.
pub(super) async fn give_up(cx: &Context<Client>, server: ServerId, uid: Uuid) {
    let released = match cx.client.agent.api().await {
        Ok(api) => api.release(server, uid).await,
        Err(error) => Err(error),
    };
    if let Err(error) = released {
        tracing::warn!(%server, ?error, "the claim was not released");
    }
}

/// Notes in the agent that this claim is in a state.
pub(super) async fn record(cx: &Context<Client>, claim: &Claim) -> Result<(), ApiError> {
    let api = cx.client.agent.api().await?;
    api.record(claim.server_id, claim.uid).await.map(drop)
}

fn request(cx: &Context<Client>, plan: &ClaimModel, uid: Uuid) -> Result<ClaimRequest, Diagnostic> {
    let server_id = plan
        .server_id
        .as_ref()
        .map(|_named| super::server_of(plan))
        .transpose()?;
    Ok(ClaimRequest {
        uid,
        server_id,
        selector: if server_id.is_none() {
            plan.selector()
        } else {
            None
        },
        holder: cx.client.holder.clone(),
        run: cx.client.run,
        boot_config_id: plan.boot_config()?,
        hostname: plan.hostname.clone(),
        trigger: plan.trigger().map(str::to_owned),
        as_is: false,
    })
}

async fn send(cx: &Context<Client>, request: &ClaimRequest) -> Result<Claim, Diagnostic> {
    let api = cx.client.agent.api().await?;
    api.claim(request).await.map_err(|error| {
        let attribute = match error.code() {
            Some(ProblemCode::NoMatch) => "selector",
            _ => "server_id",
        };
        Diagnostic::from(error).at(tfplugin::Path::root(attribute))
    })
}

/// Refuses what a claim may not be made of: another machine than the one that was registered, and
/// a server that somebody runs outside of every claim.
pub(super) async fn check(cx: &Context<Client>, claim: Claim) -> Result<Held, Diagnostic> {
    // A claim that boots nothing may hold a server that runs.
    let unbooted = claim.phase == ClaimPhase::Reserved
        && claim.boot_config_id.is_some()
        && claim.boot.is_none();
    let held = held(cx, claim).await?;
    let system = held.bmc.system(&held.system_uri).await;
    let system = system.map_err(|error| held.failed(&error))?;
    same_server(held.claim.server_id, &held.endpoint, &system)?;
    if unbooted && system.power_state.is_some_and(PowerState::is_on) {
        return Err(diagnostics::at(
            "server_id",
            "The server is powered on",
            format!(
                "Server {} runs, and no claim started it: booting it could destroy what it runs. \
                 Power it off first, by hand or with power = \"Off\" on its baremetal_server. A \
                 server that runs under an existing claim is taken over with terraform import.",
                held.claim.server_id
            ),
        ));
    }
    Ok(held)
}

/// Refuses another machine than the one that is claimed.
fn same_server(server: ServerId, endpoint: &str, system: &System) -> Result<(), Diagnostic> {
    if system.uuid.is_some_and(|uuid| uuid.matches(server)) {
        return Ok(());
    }
    Err(diagnostics::at(
        "server_id",
        "Another server answers at this BMC",
        format!(
            "The BMC at {endpoint} was registered with server {server}, and now has {}. Correct \
             the address of its baremetal_bmc, or replace its baremetal_server.",
            system
                .uuid
                .map_or_else(|| "one without a UUID".to_owned(), |u| u.to_string()),
        ),
    ))
}

/// What is needed to work on a claimed server.
async fn held(cx: &Context<Client>, claim: Claim) -> Result<Held, Diagnostic> {
    let api = cx.client.agent.api().await?;
    let server = api.server(claim.server_id).await?;
    let boot_config = match claim.boot_config_id {
        Some(id) => Some(api.boot_config(id).await?),
        None => None,
    };
    let bmc = cx.client.bmcs.bmc(&server.spec.bmc).await?;
    Ok(Held {
        api,
        bmc,
        endpoint: server.spec.bmc.endpoint,
        system_uri: server.spec.system_uri,
        generation: generation(&claim, boot_config.as_ref()),
        boot_pending: claim.boot_pending,
        claim,
        method: boot_config
            .map(|published| published.spec.method)
            .unwrap_or_default(),
    })
}

/// Which boot an unfinished claim is to finish: the one it began, unless what it boots has been
/// changed since.
fn generation(claim: &Claim, published: Option<&BootConfig>) -> u64 {
    match (&claim.boot, published) {
        (Some(boot), Some(published))
            if boot.boot_config_id != published.id || boot.revision != published.revision =>
        {
            boot.generation + 1
        }
        (Some(boot), _) => boot.generation,
        (None, _) => 1,
    }
}

impl Held {
    /// The diagnostic of an error of this server's BMC.
    pub(super) fn failed(&self, error: &redfish::Error) -> Diagnostic {
        failed(self.claim.server_id, &self.endpoint, error)
    }

    /// Brings the server to a power state and sees that it is there.
    pub(super) async fn power(&self, power: Power, deadline: Instant) -> Result<(), Diagnostic> {
        let reached = self.bmc.set_power(&self.system_uri, power, deadline).await;
        reached.map(drop).map_err(|error| self.failed(&error))
    }
}

fn failed(server: ServerId, endpoint: &str, error: &redfish::Error) -> Diagnostic {
    diagnostics::redfish(
        &format!("server {server} behind {endpoint} cannot be managed"),
        error,
    )
}

/// The power state of a claimed server.
pub(super) async fn power_state(
    cx: &Context<Client>,
    id: ServerId,
) -> Result<Option<PowerState>, Unseen> {
    let of_agent = |error: ApiError| Unseen {
        passing: error.is_unreachable(),
        diagnostic: error.into(),
    };
    // What the next plan may correct is no reason to refuse to plan.
    let passing = |diagnostic| Unseen {
        diagnostic,
        passing: true,
    };
    let api = cx.client.agent.api().await.map_err(of_agent)?;
    let server = api.server(id).await.map_err(of_agent)?;
    let endpoint = &server.spec.bmc.endpoint;
    let bmc = cx.client.bmcs.bmc(&server.spec.bmc).await;
    let bmc = bmc.map_err(passing)?;
    let system = bmc.system(&server.spec.system_uri).await;
    let system = system.map_err(|error| Unseen {
        diagnostic: failed(id, endpoint, &error),
        passing: diagnostics::is_unseen(&error),
    })?;
    same_server(id, endpoint, &system).map_err(passing)?;
    Ok(system.power_state)
}

/// Gives the server back: nothing to boot, no override, seen to be off, and free only then.
pub(super) async fn release(
    cx: &mut Context<Client>,
    state: &ClaimModel,
    limit: Duration,
) -> Result<(), Diagnostic> {
    let deadline = Instant::now() + limit;
    let server = super::server_of(state)?;
    let uid = super::uid_of(state)?;
    let api = cx.client.agent.api().await?;
    let claim = match api.claim_of(server).await {
        Ok(claim) if claim.uid == uid => claim,
        // Somebody else's by now, or nobody's: not ours to touch.
        Ok(_) => return Ok(()),
        Err(error) if error.is_not_found() => {
            cx.warn(Diagnostic::warning(
                "The server is left as it is",
                format!("The agent knows no claim of server {server}, so it was not powered off."),
            ));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    // It was off when it was claimed, and never came as far as a kernel: nobody would hear a request
    // to shut down.
    let runs_nothing = claim
        .boot
        .as_ref()
        .is_some_and(|boot| boot.generation == 1 && boot.furthest() < model::Stage::Kernel);
    let power = match state.power_off() {
        "none" => None,
        "force" => Some(Power::ForceOff),
        _ if runs_nothing => Some(Power::ForceOff),
        _ => Some(Power::Graceful {
            timeout: limit.min(Duration::from_secs(600)) / 2,
        }),
    };
    match power {
        None => drop(api.disarm(server, uid).await?),
        Some(power) => {
            let off = switch_off(cx, &api, &claim, power, deadline);
            let off = tokio::time::timeout_at(deadline.into(), off).await;
            let late = |_elapsed| Err(diagnostics::too_late("The BMC", "delete", limit));
            off.unwrap_or_else(late)
                .map_err(|error| still_claimed(error, server))?;
        }
    }
    match api.release(server, uid).await {
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}

/// Disarms a server and switches it off. Nothing is changed before its BMC has answered, so that a
/// server which cannot be released goes on as it was.
async fn switch_off(
    cx: &Context<Client>,
    api: &AgentApi,
    claim: &Claim,
    power: Power,
    deadline: Instant,
) -> Result<(), Diagnostic> {
    let server = claim.server_id;
    let ServerSpec {
        bmc: connection,
        system_uri,
        ..
    } = api.server(server).await?.spec;
    let bmc = cx.client.bmcs.bmc(&connection).await?;
    let failed = |error: redfish::Error| failed(server, &connection.endpoint, &error);
    let system = bmc.system(&system_uri).await.map_err(failed)?;
    same_server(server, &connection.endpoint, &system)?;
    api.disarm(server, claim.uid).await?;
    bmc.clear_boot_override(&system_uri).await.map_err(failed)?;
    let off = bmc.set_power(&system_uri, power, deadline).await;
    off.map(drop).map_err(failed)
}

fn still_claimed(error: Diagnostic, server: ServerId) -> Diagnostic {
    Diagnostic {
        detail: format!(
            "{}\n\nServer {server} stays claimed until it was seen to be off; destroy it again to \
             go on. If its BMC has moved, apply the new address of its baremetal_bmc first. To \
             let go of it without its BMC, apply on_destroy = {{ power_off = \"none\" }} first.",
            error.detail
        ),
        ..error
    }
}
