//! `baremetal_host_claim`: one server, held and booted.

mod boot;
mod change;
mod evidence;
mod hold;
mod model;
mod plan;

use std::time::Duration;

use ::model::{ClaimPhase, ServerId};
use tfplugin::{
    Context, Diagnostic, Failed, ImportBy, Plan, Resource, Timeouts, Value, async_trait,
};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use self::model::{ClaimModel, LOST, RESERVED, SETTLED};
use crate::{
    client::{ApiError, Client},
    diagnostics,
};

/// The resource `baremetal_host_claim`.
pub(crate) struct HostClaim;

/// How long a server may take from power-on to what is waited for.
const CREATE_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// How long a server may take to power off.
const DELETE_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// How long the agent and the BMC together may take to say what is there.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

#[async_trait]
impl Resource<Client> for HostClaim {
    type Model = ClaimModel;
    const NAME: &'static str = "host_claim";

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        plan::validate(config)
    }

    fn plan(&self, plan: &mut Plan<'_>) {
        plan::plan(plan);
    }

    async fn create(
        &self,
        cx: &mut Context<Client>,
        plan: ClaimModel,
    ) -> Result<ClaimModel, Failed<ClaimModel>> {
        change::create(cx, plan).await
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: ClaimModel,
    ) -> Result<Option<ClaimModel>, Diagnostic> {
        let server = server_of(&state)?;
        let limit = Timeouts::read(&state.timeouts, READ_TIMEOUT);
        let deadline = Instant::now() + limit;
        let claim = match timeout_at(deadline, find(cx, server)).await {
            Ok(Ok(claim)) => claim,
            Ok(Err(error)) if error.is_not_found() => {
                // Not `None`: a new claim would boot, and so reinstall, a server that runs.
                cx.warn(Diagnostic::warning(
                    "The agent has lost this claim",
                    format!(
                        "Server {server} is not claimed in the agent. The next apply takes it \
                         again as it is, without booting it."
                    ),
                ));
                state.phase = Some(LOST.to_owned());
                return Ok(Some(state));
            }
            Ok(Err(error)) if error.is_unreachable() => {
                cx.warn(diagnostics::kept(error.into(), "this claim"));
                return Ok(Some(state));
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_elapsed) => {
                let late = diagnostics::too_late("The agent", "read", limit);
                cx.warn(diagnostics::kept(late, "this claim"));
                return Ok(Some(state));
            }
        };
        if state.id.as_deref() != Some(claim.uid.to_string().as_str()) {
            cx.warn(Diagnostic::warning(
                "The server was claimed by somebody else",
                format!(
                    "Server {server} was released, and {} holds it since {}. This claim is gone.",
                    claim.holder, claim.claimed_at
                ),
            ));
            return Ok(None);
        }
        state.adopt(&claim);
        if !claim.recorded {
            // Terraform knows its name, so it is in a state. Unless that is noted now, the next
            // refresh does it.
            let noted = timeout_at(deadline, hold::record(cx, &claim)).await;
            if let Ok(Err(error)) = noted {
                tracing::warn!(%server, ?error, "the claim was not recorded");
            }
        }
        match timeout_at(deadline, hold::power_state(cx, server)).await {
            Ok(Ok(power)) => state.see_power(power),
            Ok(Err(unseen)) if unseen.passing => {
                cx.warn(diagnostics::kept(unseen.diagnostic, "this claim's power"));
            }
            Ok(Err(unseen)) => return Err(unseen.diagnostic),
            Err(_elapsed) => {
                let late = diagnostics::too_late("The BMC", "read", limit);
                cx.warn(diagnostics::kept(late, "this claim's power"));
            }
        }
        Ok(Some(state))
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        prior: ClaimModel,
        plan: ClaimModel,
    ) -> Result<ClaimModel, Failed<ClaimModel>> {
        change::update(cx, prior, plan).await
    }

    async fn delete(&self, cx: &mut Context<Client>, state: ClaimModel) -> Result<(), Diagnostic> {
        let timeout = Timeouts::delete(&state.timeouts, DELETE_TIMEOUT);
        hold::release(cx, &state, timeout).await
    }

    async fn import(
        &self,
        cx: &mut Context<Client>,
        by: ImportBy,
    ) -> Result<ClaimModel, Diagnostic> {
        let server = imported(&by)?;
        let api = cx.client.agent.api().await?;
        let claim = api.claim_of(server).await?;
        let mut state = ClaimModel::imported(server);
        state.adopt(&claim);
        Ok(state)
    }
}

async fn find(cx: &Context<Client>, server: ServerId) -> Result<::model::Claim, ApiError> {
    cx.client.agent.api().await?.claim_of(server).await
}

/// The server whose claim is to be imported.
fn imported(by: &ImportBy) -> Result<ServerId, Diagnostic> {
    let text = match by {
        ImportBy::Id(id) => id.as_str(),
        ImportBy::Identity(identity) => identity.get("server_id").as_str().unwrap_or_default(),
    };
    text.parse()
        .map_err(|error| import_error(&format!("{text:?}: {error}")))
}

fn server_of(state: &ClaimModel) -> Result<ServerId, Diagnostic> {
    let text = state.server_id.as_deref().unwrap_or_default();
    text.parse().map_err(|error| {
        diagnostics::at(
            "server_id",
            "The server's id cannot be read",
            format!("{error}."),
        )
    })
}

fn uid_of(state: &ClaimModel) -> Result<Uuid, Diagnostic> {
    let text = state.id.as_deref().unwrap_or_default();
    Uuid::try_parse(text).map_err(|error| {
        Diagnostic::error(
            "The claim's id cannot be read",
            format!("In the state, {text:?}: {error}."),
        )
    })
}

fn phase_name(phase: ClaimPhase) -> &'static str {
    match phase {
        ClaimPhase::Reserved => RESERVED,
        ClaimPhase::Settled => SETTLED,
    }
}

fn import_error(found: &str) -> Diagnostic {
    Diagnostic::error(
        "The import id of a claim cannot be read",
        format!("Expected the system UUID of the claimed server; found {found}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_imported_by_its_server_as_text_or_as_identity() {
        let id = "4c4c4544-0042-3510-8057-b7c04f4b4d32";
        let identity = |id: &str| {
            let value = Value::String(id.to_owned());
            ImportBy::Identity(Value::Map([("server_id".to_owned(), value)].into()))
        };
        for by in [ImportBy::Id(id.to_uppercase()), identity(id)] {
            assert_eq!(imported(&by).unwrap().to_string(), id);
        }
        for by in [ImportBy::Id("x".to_owned()), identity("")] {
            let error = imported(&by).unwrap_err();
            assert_eq!(error.summary, "The import id of a claim cannot be read");
        }
        let attributes = <ClaimModel as tfplugin::Model>::attributes();
        let identity = attributes.iter().filter(|attribute| attribute.identity);
        let identity: Vec<_> = identity.map(|attribute| attribute.name).collect();
        assert_eq!(identity, ["server_id"]);
    }
}
