//! `baremetal_boot_config`: what a server boots.

mod lint;
mod model;

use std::time::{Duration, Instant};

use ::model::BootConfigState;
use tfplugin::{
    Context, Diagnostic, Failed, ImportBy, Plan, Resource, Timeouts, Value, async_trait,
};
use uuid::Uuid;

use self::model::{BootConfigModel, state_name};
use crate::{
    client::{AgentApi, Client},
    diagnostics,
};

/// The resource `baremetal_boot_config`.
pub(crate) struct BootConfig;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// How long the agent may take to forget one.
const DELETE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the agent may take to say what is there.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(500);

#[async_trait]
impl Resource<Client> for BootConfig {
    type Model = BootConfigModel;
    const NAME: &'static str = "boot_config";

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        lint::boot_config(config)
    }

    fn plan(&self, plan: &mut Plan<'_>) {
        if plan.is_create() {
            return lint::payloads_given(plan);
        }
        if plan.prior.get("state").as_str() != Some("ready") {
            plan.unknown("state");
        }
        let published = [
            "method",
            "kernel",
            "initrds",
            "kernel_args",
            "ipxe_script",
            "ignition",
            "ignition_wo_version",
            "user_data",
            "user_data_wo_version",
            "user_data_format",
            "boot_policy",
            "report_boot",
        ];
        if !published.iter().any(|attribute| plan.changed(attribute)) {
            plan.keep("revision");
            if plan.prior.get("state").as_str() == Some("ready") {
                plan.keep("state");
            }
        }
        lint::payloads_given(plan);
    }

    async fn create(
        &self,
        cx: &mut Context<Client>,
        mut plan: BootConfigModel,
    ) -> Result<BootConfigModel, Failed<BootConfigModel>> {
        plan.id = Some(Uuid::new_v4().to_string());
        let timeout = Timeouts::create(&plan.timeouts, DEFAULT_TIMEOUT);
        publish(cx, plan, timeout).await
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: BootConfigModel,
    ) -> Result<Option<BootConfigModel>, Diagnostic> {
        let limit = Timeouts::read(&state.timeouts, READ_TIMEOUT);
        let id = id_of(&state)?;
        let find = async { cx.client.agent.api().await?.boot_config(id).await };
        let Ok(found) = tokio::time::timeout(limit, find).await else {
            let late = diagnostics::too_late("The agent", "read", limit);
            cx.warn(diagnostics::kept(late, "this boot config"));
            return Ok(Some(state));
        };
        match found {
            // Kept for those who still boot it, and not for us.
            Ok(published) if published.removed => Ok(None),
            Ok(published) => {
                state.adopt(published);
                Ok(Some(state))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) if error.is_unreachable() => {
                cx.warn(diagnostics::kept(error.into(), "this boot config"));
                Ok(Some(state))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        _prior: BootConfigModel,
        plan: BootConfigModel,
    ) -> Result<BootConfigModel, Failed<BootConfigModel>> {
        let timeout = Timeouts::update(&plan.timeouts, DEFAULT_TIMEOUT);
        publish(cx, plan, timeout).await
    }

    async fn delete(
        &self,
        cx: &mut Context<Client>,
        state: BootConfigModel,
    ) -> Result<(), Diagnostic> {
        let limit = Timeouts::delete(&state.timeouts, DELETE_TIMEOUT);
        let api = cx.client.agent.api().await?;
        // One that claims still use goes with the last of them.
        match tokio::time::timeout(limit, api.delete_boot_config(id_of(&state)?)).await {
            Ok(Err(error)) if !error.is_not_found() => Err(error.into()),
            Ok(_) => Ok(()),
            Err(_elapsed) => Err(diagnostics::too_late("The agent", "delete", limit)),
        }
    }

    async fn import(
        &self,
        cx: &mut Context<Client>,
        by: ImportBy,
    ) -> Result<BootConfigModel, Diagnostic> {
        let uuid = imported(&by)?;
        let api = cx.client.agent.api().await?;
        let published = api.boot_config(uuid).await?;
        let mut state = BootConfigModel {
            id: Some(uuid.to_string()),
            ..BootConfigModel::empty()
        };
        state.adopt(published);
        Ok(state)
    }
}

/// Publishes the plan and waits until everything it names is verified.
async fn publish(
    cx: &mut Context<Client>,
    mut plan: BootConfigModel,
    timeout: Duration,
) -> Result<BootConfigModel, Failed<BootConfigModel>> {
    let id = id_of(&plan)?;
    let spec = plan.spec(&cx.config);
    let api = cx.client.agent.api().await?;
    let published = api.put_boot_config(id, &spec).await?;
    plan.revision = Some(published.revision.clone());
    let open = plan.state.is_none();
    plan.state = Some(state_name(published.state).to_owned());
    match ready(cx, &api, published, timeout).await {
        Ok(()) => {
            plan.state = Some("ready".to_owned());
            Ok(plan)
        }
        Err((diagnostic, state)) => {
            plan.state = Some(state_name(state).to_owned());
            if open && cx.stop.is_cancelled() {
                // It is published, and the next apply waits for the rest.
                cx.warn(diagnostic);
                return Ok(plan);
            }
            Err(Failed::with(diagnostic, plan))
        }
    }
}

async fn ready(
    cx: &Context<Client>,
    api: &AgentApi,
    mut published: ::model::BootConfig,
    timeout: Duration,
) -> Result<(), (Diagnostic, BootConfigState)> {
    let deadline = Instant::now() + timeout;
    loop {
        let state = published.state;
        match state {
            BootConfigState::Ready => return Ok(()),
            BootConfigState::Error => return Err((image_error(&published), state)),
            BootConfigState::Pending if Instant::now() >= deadline => {
                return Err((image_timeout(&published, timeout), state));
            }
            BootConfigState::Pending => {}
        }
        tokio::select! {
            () = cx.stop.cancelled() => {
                return Err((diagnostics::stopped("the agent fetched images"), state));
            }
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
        published = api
            .boot_config(published.id)
            .await
            .map_err(|error| (error.into(), state))?;
    }
}

fn image_error(published: &::model::BootConfig) -> Diagnostic {
    let broken = published
        .images
        .iter()
        .filter_map(|image| Some(format!("{}: {}", image.asset.url, image.error.as_ref()?)));
    Diagnostic::error(
        "An image cannot be served",
        format!(
            "The agent could not fetch and verify everything this boot config names. {}. Correct \
             the URL or the digest (`curl -L URL | sha256sum` prints it), and see that the agent \
             can reach the URL.",
            broken.collect::<Vec<_>>().join("; ")
        ),
    )
}

fn image_timeout(published: &::model::BootConfig, timeout: Duration) -> Diagnostic {
    let waiting = published
        .images
        .iter()
        .filter(|image| image.bytes.is_none());
    let urls: Vec<_> = waiting.map(|image| image.asset.url.as_str()).collect();
    Diagnostic::error(
        "An image is not there yet",
        format!(
            "After {} s the agent still fetches {}. It goes on; apply again, or raise timeouts.",
            timeout.as_secs(),
            urls.join(", ")
        ),
    )
}

fn id_of(state: &BootConfigModel) -> Result<Uuid, Diagnostic> {
    let text = state.id.as_deref().unwrap_or_default();
    Uuid::try_parse(text).map_err(|error| {
        Diagnostic::error(
            "The boot config's id cannot be read",
            format!("In the state, {text:?}: {error}."),
        )
    })
}

/// The boot config that is to be imported.
fn imported(by: &ImportBy) -> Result<Uuid, Diagnostic> {
    let text = match by {
        ImportBy::Id(id) => id.as_str(),
        ImportBy::Identity(identity) => identity.get("id").as_str().unwrap_or_default(),
    };
    Uuid::try_parse(text).map_err(|_says_less| import_error(&format!("{text:?}")))
}

fn import_error(found: &str) -> Diagnostic {
    Diagnostic::error(
        "The import id of a boot config cannot be read",
        format!("Expected its id, a UUID; found {found}."),
    )
}

#[cfg(test)]
mod tests {
    use tfplugin::Model as _;

    use super::*;

    #[test]
    fn a_boot_config_is_imported_by_its_id_as_text_or_as_identity() {
        let id = "4c4c4544-0042-3510-8057-b7c04f4b4d32";
        let value = Value::String(id.to_owned());
        let identity = ImportBy::Identity(Value::Map([("id".to_owned(), value)].into()));
        for by in [ImportBy::Id(id.to_owned()), identity] {
            assert_eq!(imported(&by).unwrap().to_string(), id);
        }
        assert!(imported(&ImportBy::Id("x".to_owned())).is_err());
        let attributes = BootConfigModel::attributes();
        let identity = attributes.iter().filter(|attribute| attribute.identity);
        let identity: Vec<_> = identity.map(|attribute| attribute.name).collect();
        assert_eq!(identity, ["id"]);
    }
}
