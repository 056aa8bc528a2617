//! `baremetal_server_power`: one reset of a server.

use std::time::{Duration, Instant};

use redfish::Sent;
use tfplugin::{Action, Context, Diagnostic, Model, Progress, Rule, async_trait, exactly_one_of};

use crate::{
    checks,
    client::Client,
    diagnostics,
    power_verb::{self, Named, Verb},
    resources::{ConnectionInput, not_readable},
};

/// Resets a server, once. It is done when the BMC has taken it; a server that is in the power state
/// that is asked for is left alone. If the BMC's reply is lost, what it shows before and after tells
/// whether it was done; where that cannot be told, it is an error, and nothing is sent again.
///
/// Actions need Terraform 1.14. The resource `baremetal_power_action` does the same everywhere.
#[derive(Model)]
pub(crate) struct ServerPowerModel {
    /// The server, registered in the agent: `baremetal_server.NAME.id`. Exactly one of `server_id`
    /// and `bmc` is needed.
    #[tf(check = checks::uuid)]
    pub server_id: Option<String>,
    /// How the BMC is reached: `baremetal_bmc.NAME.connection`.
    #[tf(check = not_readable)]
    pub bmc: Option<ConnectionInput>,
    /// The server's resource on that BMC, such as `/redfish/v1/Systems/1`. Needed when it has
    /// several.
    pub system_uri: Option<String>,
    /// What to do, in Redfish's words: `On`, `ForceOff`, `GracefulShutdown`, `GracefulRestart`,
    /// `ForceRestart`, `PowerCycle`, `Nmi` or `PushPowerButton`.
    #[tf(check = checks::reset)]
    pub action: String,
    /// Do it although somebody else's claim holds the server. Without it, or with `false`, that is
    /// an error.
    pub while_claimed: Option<bool>,
}

/// The action `baremetal_server_power`.
pub(crate) struct ServerPower;

#[async_trait]
impl Action<Client> for ServerPower {
    type Model = ServerPowerModel;
    const NAME: &'static str = "server_power";

    fn rules(&self) -> Vec<Rule> {
        vec![exactly_one_of(["server_id", "bmc"])]
    }

    async fn invoke(
        &self,
        cx: &mut Context<Client>,
        config: ServerPowerModel,
        progress: &Progress,
    ) -> Result<(), Diagnostic> {
        let Some(verb @ Verb::Reset(word)) = Verb::parse(&config.action) else {
            return Err(diagnostics::at("action", "Unknown action", config.action));
        };
        let named = Named {
            server_id: config.server_id.as_deref(),
            bmc: config.bmc.as_ref(),
            system_uri: config.system_uri.as_deref(),
            while_claimed: config.while_claimed.unwrap_or(false),
        };
        let target = power_verb::find(&cx.client, &named, verb).await?;
        let before = target.mark();
        if before.is_there(word) {
            progress.tell(format!("{} is there already", target.name()));
            return Ok(());
        }
        progress.tell(format!("{word} of {}", target.name()));
        let sent = power_verb::perform(&target, verb, &before, Instant::now() + LIMIT).await;
        match sent.map_err(|error| power_verb::failed(&target, &error))? {
            Sent::Done => {
                progress.tell("the BMC has taken it");
                Ok(())
            }
            Sent::Unknown => {
                let way_out = "Invoke the action again if it was not reset.";
                Err(power_verb::unknown(&target, verb, way_out))
            }
        }
    }
}

const LIMIT: Duration = Duration::from_secs(600);
