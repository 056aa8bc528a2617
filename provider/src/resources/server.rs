//! `baremetal_server`: one physical machine behind a BMC, registered so that it can be claimed.

mod identity;
mod inspect;
mod model;
mod observe;
mod plan;
mod register;
mod settings;

use std::time::Duration;

use ::model::ServerId;
use tfplugin::{
    Context, Diagnostic, Failed, ImportBy, Plan, Resource, Timeouts, Value, async_trait,
};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::model::ServerModel;
use self::observe::Seen;
use crate::{client::Client, diagnostics, private_state};

/// The resource `baremetal_server`.
pub(crate) struct Server;

/// The state of a server that the agent should know and does not.
const UNREGISTERED: &str = "unregistered";
/// The state of a server at whose BMC another machine answers.
const MISMATCHED: &str = "mismatched";
/// How long a change of power may take.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);
/// How long the BMC and the agent together may take to say what is there.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

type Outcome = Result<ServerModel, Failed<ServerModel>>;

#[async_trait]
impl Resource<Client> for Server {
    type Model = ServerModel;
    const NAME: &'static str = "server";

    fn plan(&self, plan: &mut Plan<'_>) {
        plan::adjust(plan);
    }

    async fn create(&self, cx: &mut Context<Client>, plan: ServerModel) -> Outcome {
        let timeout = Timeouts::create(&plan.timeouts, DEFAULT_TIMEOUT);
        let deadline = Instant::now() + timeout;
        let client = cx.client.clone();
        let mut found = plan.clone();
        let work = async {
            let system = observe::find(&client, &plan).await?;
            observe::adopt(&mut found, &system)?;
            inspect::inspect(&client, &mut found, &system).await?;
            private_state::learn_basic(cx, &found.bmc.to_model()).await;
            // Registered before anything else is changed: a name that is taken must not cost a
            // reboot.
            register::create(cx, &mut found).await
        };
        let late = |_elapsed| Err(diagnostics::too_late("The BMC", "create", timeout));
        timeout_at(deadline, work).await.unwrap_or_else(late)?;
        settle(cx, found, plan, deadline).await
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: ServerModel,
    ) -> Result<Option<ServerModel>, Diagnostic> {
        let limit = Timeouts::read(&state.timeouts, READ_TIMEOUT);
        let deadline = Instant::now() + limit;
        let mut mismatched = state.state.as_deref() == Some(MISMATCHED);
        if mismatched {
            state.state = None;
        }
        let client = cx.client.clone();
        let connection = state.bmc.to_model();
        // After an import.
        let is_first = state.network_interfaces.is_none();
        private_state::recall_basic(cx, &connection).await;
        // A BMC that keeps silent must leave time to ask the agent.
        let mut order = settings::WrittenOrder::of(cx);
        let look = observe::look(&client, &state, &mut order, limit / 3);
        let looked = timeout_at(deadline - limit / 3, look).await;
        let late = |_elapsed| {
            let late = diagnostics::too_late("The BMC", "read", limit);
            Ok(Seen::Nothing(late))
        };
        let looked = looked.unwrap_or_else(late)?;
        order.keep(cx);
        match looked {
            Seen::Server(seen, notices) => {
                state = *seen;
                mismatched = false;
                if is_first {
                    private_state::learn_basic(cx, &connection).await;
                } else {
                    private_state::note_basic(cx, &connection).await;
                }
                notices.into_iter().for_each(|notice| cx.warn(notice));
            }
            Seen::Other(diagnostic) => {
                cx.warn(diagnostic);
                mismatched = true;
            }
            Seen::Nothing(diagnostic) => cx.warn(diagnostics::kept(diagnostic, "this server")),
        }
        let known = timeout_at(deadline, register::read(cx, &mut state)).await;
        if known.is_err() {
            let late = diagnostics::too_late("The agent", "read", limit);
            cx.warn(diagnostics::kept(late, "this server"));
        }
        known.unwrap_or(Ok(()))?;
        if mismatched {
            state.state = Some(MISMATCHED.to_owned());
            return Ok(Some(state));
        }
        let claimed = state.claim.is_some();
        if let (Some(power), Some(seen), false) = (&mut state.power, &state.power_state, claimed)
            && matches!(seen.as_str(), "On" | "Off")
        {
            power.clone_from(seen);
        }
        Ok(Some(state))
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        prior: ServerModel,
        plan: ServerModel,
    ) -> Outcome {
        let timeout = Timeouts::update(&plan.timeouts, DEFAULT_TIMEOUT);
        let deadline = Instant::now() + timeout;
        let client = cx.client.clone();
        let mut found = plan.clone();
        let work = async {
            let system = observe::find(&client, &plan).await;
            let system = system.map_err(|error| identity::unlike(&prior, error))?;
            identity::same_server(&prior, &system)?;
            observe::adopt(&mut found, &system)?;
            private_state::learn_basic(cx, &found.bmc.to_model()).await;
            if inspect::is_wanted(&plan) {
                inspect::inspect(&client, &mut found, &system).await?;
            }
            register::update(cx, &mut found).await
        };
        let late = |_elapsed| Err(diagnostics::too_late("The BMC", "update", timeout));
        timeout_at(deadline, work).await.unwrap_or_else(late)?;
        settle(cx, found, plan, deadline).await
    }

    async fn delete(&self, cx: &mut Context<Client>, state: ServerModel) -> Result<(), Diagnostic> {
        if !cx.client.agent.is_configured() {
            return Ok(());
        }
        let limit = Timeouts::delete(&state.timeouts, DEFAULT_TIMEOUT);
        let id = id_of(&state)?;
        let api = cx.client.agent.api().await?;
        match tokio::time::timeout(limit, api.delete_server(id)).await {
            Ok(Err(error)) if !error.is_not_found() => Err(error.into()),
            Ok(_) => Ok(()),
            Err(_elapsed) => Err(diagnostics::too_late("The agent", "delete", limit)),
        }
    }

    async fn import(
        &self,
        cx: &mut Context<Client>,
        by: ImportBy,
    ) -> Result<ServerModel, Diagnostic> {
        let server = imported(&by)?;
        let api = cx.client.agent.api().await?;
        let server = api.server(server).await?;
        register::remember(cx, &server);
        Ok(ServerModel::registered(server))
    }

    fn generate(&self, _: &Value, config: &mut Value) {
        // Installers change it, and nobody has asked for the one that happened to be there.
        if let Value::Map(config) = config {
            config.insert("boot_order".to_owned(), Value::Null);
        }
    }
}

/// Brings asset tag, LED and power of the server that was found to what the plan says.
async fn settle(
    cx: &mut Context<Client>,
    mut found: ServerModel,
    plan: ServerModel,
    deadline: Instant,
) -> Outcome {
    match settings::apply(cx, &mut found, deadline).await {
        Ok(()) => Ok(found.returned(plan)),
        // It is registered, and the next plan shows what was not changed yet.
        Err(diagnostic) if cx.stop.is_cancelled() => {
            cx.warn(diagnostic);
            Ok(found.returned(plan))
        }
        Err(diagnostic) => Err(Failed::with(diagnostic, found)),
    }
}

/// The server that is to be imported.
fn imported(by: &ImportBy) -> Result<ServerId, Diagnostic> {
    let text = match by {
        ImportBy::Id(id) => id.as_str(),
        ImportBy::Identity(identity) => identity.get("id").as_str().unwrap_or_default(),
    };
    text.parse()
        .map_err(|error| import_error(&format!("{text:?}: {error}")))
}

fn id_of(state: &ServerModel) -> Result<ServerId, Diagnostic> {
    let text = state.id.as_deref().unwrap_or_default();
    text.parse().map_err(|error| {
        Diagnostic::error(
            "The server's id cannot be read",
            format!("In the state, {error}."),
        )
    })
}

fn import_error(found: &str) -> Diagnostic {
    Diagnostic::error(
        "The import id of a server cannot be read",
        format!(
            "Expected the system UUID of a server that is registered in the agent, such as \
             4c4c4544-0042-3510-8057-b7c04f4b4d32; found {found}."
        ),
    )
}

#[cfg(test)]
mod tests {
    use tfplugin::Model as _;

    use super::*;

    #[test]
    fn a_server_is_imported_by_its_uuid_as_text_or_as_identity() {
        let id = "4c4c4544-0042-3510-8057-b7c04f4b4d32";
        let value = Value::String(id.to_owned());
        let identity = ImportBy::Identity(Value::Map([("id".to_owned(), value)].into()));
        for by in [ImportBy::Id(id.to_uppercase()), identity] {
            assert_eq!(imported(&by).unwrap().to_string(), id);
        }
        assert!(imported(&ImportBy::Id("x".to_owned())).is_err());
        let attributes = ServerModel::attributes();
        let identity = attributes.iter().filter(|attribute| attribute.identity);
        let identity: Vec<_> = identity.map(|attribute| attribute.name).collect();
        assert_eq!(identity, ["id"]);
    }

    #[test]
    fn an_apply_returns_what_was_planned_and_fills_in_the_rest() {
        let some = |text: &str| Some(text.to_owned());
        let planned = ServerModel {
            state: some("reserved"),
            claim: some("ada"),
            ..ServerModel::empty()
        };
        let found = ServerModel {
            state: some("available"),
            power_state: some("Off"),
            ..ServerModel::empty()
        };
        let returned = found.returned(planned);
        assert_eq!(returned.state, some("reserved"));
        assert_eq!(returned.claim, some("ada"));
        assert_eq!(returned.power_state, some("Off"));
    }
}
