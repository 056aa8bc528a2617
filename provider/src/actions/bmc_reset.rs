//! `baremetal_bmc_reset`: one restart of a BMC.

use std::time::{Duration, Instant};

use redfish::{ManagerReset, RunMark};
use tfplugin::{Action, Context, Diagnostic, Model, Progress, Rule, async_trait, exactly_one_of};

use crate::{
    checks,
    client::Client,
    power_verb::{self, Named, Verb},
    resources::{ConnectionInput, not_readable},
};

/// Restarts a BMC, once, and waits until it is back. The server behind it goes on running. Every
/// session on the BMC ends with it.
///
/// Actions need Terraform 1.14. The resource `baremetal_power_action` does the same everywhere.
#[derive(Model)]
pub(crate) struct BmcResetModel {
    /// How the BMC is reached: `baremetal_bmc.NAME.connection`. Exactly one of `bmc` and
    /// `server_id` is needed.
    #[tf(check = not_readable)]
    pub bmc: Option<ConnectionInput>,
    /// A server, registered in the agent, whose BMC is meant: `baremetal_server.NAME.id`.
    #[tf(check = checks::uuid)]
    pub server_id: Option<String>,
    /// Restart it at once, without letting it end what it does. A BMC that offers only one of the
    /// two is restarted in that way.
    pub force: Option<bool>,
    /// How long it may take until it is back, such as `10m`, which is what it may without this.
    #[tf(check = tfplugin::is_duration)]
    pub timeout: Option<String>,
}

/// The action `baremetal_bmc_reset`.
pub(crate) struct BmcReset;

#[async_trait]
impl Action<Client> for BmcReset {
    type Model = BmcResetModel;
    const NAME: &'static str = "bmc_reset";

    fn rules(&self) -> Vec<Rule> {
        vec![exactly_one_of(["bmc", "server_id"])]
    }

    async fn invoke(
        &self,
        cx: &mut Context<Client>,
        config: BmcResetModel,
        progress: &Progress,
    ) -> Result<(), Diagnostic> {
        let limit = config.timeout.as_deref();
        let limit = limit.and_then(tfplugin::parse_duration).unwrap_or(LIMIT);
        let verb = Verb::Restart(if config.force.unwrap_or(false) {
            ManagerReset::Force
        } else {
            ManagerReset::Graceful
        });
        let named = Named {
            server_id: config.server_id.as_deref(),
            bmc: config.bmc.as_ref(),
            system_uri: None,
            while_claimed: true,
        };
        let target = power_verb::find(&cx.client, &named, verb).await?;
        progress.tell(format!("restarting {}", target.name()));
        let deadline = Instant::now() + limit;
        let done = power_verb::perform(&target, verb, &RunMark::default(), deadline).await;
        done.map_err(|error| power_verb::failed(&target, &error))?;
        progress.tell("it is back");
        Ok(())
    }
}

const LIMIT: Duration = Duration::from_secs(600);
