//! The provider: what it is configured with becomes the [`Client`] that every resource uses.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use tfplugin::{CancellationToken, Diagnostic, Parts, Value, async_trait};
use uuid::Uuid;

use crate::{
    actions,
    bmc_pool::BmcPool,
    client::{Agent, AgentApi, Client},
    config::{self, Config},
    credentials::CredentialStore,
    data_sources, embedded,
    endpoints::EndpointTable,
    ephemerals, functions, lists,
    mac_prefixes::{self, MacPrefixes},
    resources,
};

/// The provider `baremetal`.
pub(crate) struct Baremetal;

#[async_trait]
impl tfplugin::Provider for Baremetal {
    type Config = Config;
    type Client = Client;
    const NAME: &'static str = "baremetal";
    const ADDRESS: &'static str = "registry.terraform.io/terraform-baremetal/baremetal";

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let mut found = config::lint::provider(config);
        found.extend(mac_prefixes::validate(config));
        found
    }

    async fn configure(
        &self,
        config: Config,
        stop: CancellationToken,
    ) -> Result<Client, Diagnostic> {
        let agent = match (config::agent(config.agent)?, config.embedded_agent) {
            (Some(agent), _) => Agent::Remote(AgentApi::new(
                &agent.endpoints,
                &agent.token,
                agent.ca_pem.as_deref(),
                stop.clone(),
            )?),
            (None, Some(embedded)) => {
                Agent::Embedded(Box::new(embedded::Embedded::new(embedded, stop.clone())?))
            }
            (None, None) => Agent::None,
        };
        let stopped = Arc::new(OnceLock::new());
        tokio::spawn({
            let (stop, stopped) = (stop.clone(), Arc::clone(&stopped));
            async move {
                stop.cancelled().await;
                stopped.get_or_init(Instant::now);
            }
        });
        let redfish = config.redfish.unwrap_or_default();
        let settings = config::bmc_settings(&redfish, stop.clone())?;
        let credentials = CredentialStore::new(config.credentials, config.credentials_exec, stop)?;
        let bmcs = BmcPool::new(
            credentials,
            settings,
            redfish.ca_pem,
            redfish.insecure.unwrap_or(false),
        );
        Ok(Client {
            agent,
            bmcs,
            mac_prefixes: MacPrefixes::new(config.mac_prefixes),
            endpoints: EndpointTable::default(),
            holder: config::holder(config.holder),
            run: Uuid::new_v4(),
            stopped,
        })
    }

    fn parts(&self, parts: &mut Parts<Client>) {
        parts
            .resource(resources::Bmc)
            .resource(resources::BmcAccount)
            .resource(resources::Server)
            .resource(resources::PowerAction)
            .resource(resources::BootConfig)
            .resource(resources::HostClaim)
            .resource(resources::Subnet)
            .resource(resources::Reservation)
            .resource(resources::Image)
            .data_source(data_sources::Agent)
            .data_source(data_sources::BootEvents)
            .data_source(data_sources::Endpoints)
            .data_source(data_sources::Leases)
            .data_source(data_sources::Server)
            .data_source(data_sources::Servers)
            .list_resource(lists::Servers)
            .action(actions::ServerPower)
            .action(actions::BmcReset)
            .ephemeral(ephemerals::Session)
            .function(functions::NormalizeMac)
            .function(functions::NormalizeUuid)
            .function(functions::IpxeLint)
            .function(functions::IgnitionMerge);
    }

    async fn shutdown(&self, client: Arc<Client>) {
        // The plugin is killed two seconds after it was asked to end. A session that is left
        // behind takes one of the few that a BMC has. Whoever pressed Ctrl-C waits already.
        let interrupted = client
            .stopped
            .get()
            .is_some_and(|stopped| stopped.elapsed() > SAME_MOMENT);
        let budget = Duration::from_millis(if interrupted { 400 } else { 1_400 });
        let sessions = tokio::time::timeout(budget, client.bmcs.logout());
        if sessions.await.is_err() {
            tracing::warn!("some BMC sessions were not deleted in time");
        }
        client.agent.shutdown().await;
    }
}

/// A run that ends by itself stops and shuts down at once; between Ctrl-C and the shutdown Terraform
/// saves its state.
const SAME_MOMENT: Duration = Duration::from_millis(30);
