//! Taking a server and giving it back.

use std::time::{Duration, Instant};

use model::{
    BmcConnection, BootConfig, BootMethod, Claim, PowerState, ServerId,
    api::{ClaimRequest, ProblemCode},
};
use redfish::{Bmc, Power};
use tfplugin::{Context, Diagnostic, Failed};
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
}

/// An error, and whether it only means that nobody answered.
pub(super) struct Unseen {
    pub diagnostic: Diagnostic,
    pub unreachable: bool,
}

/// Takes the server that the plan names or selects. Taking it twice changes nothing.
pub(super) async fn take(
    cx: &mut Context<Client>,
    plan: &mut ClaimModel,
) -> Result<Held, Diagnostic> {
    let uid = Uuid::new_v4();
    let claim = request(cx, plan, uid).await?;
    plan.adopt(&claim);
    plan.server_id = Some(claim.server_id.to_string());
    let fresh = claim.uid == uid;
    let server = claim.server_id;
    let result = check(cx, claim).await;
    if result.is_err() && fresh {
        // Nothing was done to the server, so nothing is kept: the next apply starts over.
        if let Ok(api) = cx.client.agent.api().await
            && let Err(error) = api.release(server, uid).await
        {
            tracing::warn!(%server, ?error, "the claim was not released");
        }
    }
    result
}

/// Takes a server again that the agent has forgotten, as it is and without booting it.
pub(super) async fn take_again(
    cx: &mut Context<Client>,
    mut plan: ClaimModel,
) -> Result<ClaimModel, Failed<ClaimModel>> {
    let uid = super::uid_of(&plan)?;
    let power = plan.power.clone();
    let claim = request(cx, &plan, uid).await?;
    let api = cx.client.agent.api().await?;
    let claim = api.settle(claim.server_id, claim.uid).await?;
    plan.adopt(&claim);
    plan.power = power;
    Ok(plan)
}

async fn request(cx: &Context<Client>, plan: &ClaimModel, uid: Uuid) -> Result<Claim, Diagnostic> {
    let api = cx.client.agent.api().await?;
    let server_id = plan
        .server_id
        .as_ref()
        .map(|_| super::server_of(plan))
        .transpose()?;
    let request = ClaimRequest {
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
    };
    api.claim(&request).await.map_err(|error| {
        let attribute = match error.code() {
            Some(ProblemCode::NoMatch) => "selector",
            _ => "server_id",
        };
        Diagnostic::from(error).at(tfplugin::Path::root(attribute))
    })
}

/// Refuses what a claim may not be made of: a server that somebody runs outside of every claim.
async fn check(cx: &mut Context<Client>, claim: Claim) -> Result<Held, Diagnostic> {
    // A claim that boots nothing may hold a server that runs.
    let unbooted = claim.boot_config_id.is_some() && claim.boot.is_none();
    let held = held(cx, claim).await?;
    let system = held.bmc.system(&held.system_uri).await;
    let system = system.map_err(|error| held.failed(&error))?;
    if system
        .uuid
        .is_none_or(|uuid| !uuid.matches(held.claim.server_id))
    {
        return Err(diagnostics::at(
            "server_id",
            "Another server answers at this BMC",
            format!(
                "The BMC at {} was registered with server {}, and now has {}. Correct the address \
                 of its baremetal_bmc, or replace its baremetal_server.",
                held.endpoint,
                held.claim.server_id,
                system
                    .uuid
                    .map_or_else(|| "one without a UUID".to_owned(), |u| u.to_string()),
            ),
        ));
    }
    let on = system.power_state.is_some_and(PowerState::is_on);
    if unbooted && on {
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

/// What is needed to work on a claimed server.
pub(super) async fn held(cx: &Context<Client>, claim: Claim) -> Result<Held, Diagnostic> {
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
        diagnostic: error.into(),
        unreachable: false,
    };
    let api = cx.client.agent.api().await.map_err(of_agent)?;
    let server = api.server(id).await.map_err(of_agent)?;
    let BmcConnection { endpoint, .. } = &server.spec.bmc;
    let bmc = cx
        .client
        .bmcs
        .bmc(&server.spec.bmc)
        .await
        .map_err(|diagnostic| Unseen {
            diagnostic,
            unreachable: false,
        })?;
    let system = bmc
        .system(&server.spec.system_uri)
        .await
        .map_err(|error| Unseen {
            diagnostic: failed(id, endpoint, &error),
            unreachable: error.is_unreachable(),
        })?;
    Ok(system.power_state)
}

/// Gives the server back: nothing to boot, no override, seen to be off, and free only then.
pub(super) async fn release(
    cx: &mut Context<Client>,
    state: &ClaimModel,
    timeout: Duration,
) -> Result<(), Diagnostic> {
    let deadline = Instant::now() + timeout;
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
    api.disarm(server, uid).await?;
    let held = held(cx, claim).await?;
    let power = match state.power_off() {
        "none" => None,
        "force" => Some(Power::ForceOff),
        _ => Some(Power::Graceful {
            timeout: timeout.min(Duration::from_secs(600)) / 2,
        }),
    };
    if let Some(power) = power {
        let cleared = held.bmc.clear_boot_override(&held.system_uri).await;
        cleared.map_err(|error| held.failed(&error))?;
        held.power(power, deadline).await?;
    }
    match api.release(server, uid).await {
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}
