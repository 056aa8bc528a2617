//! `baremetal_servers`: the servers of a site.

use std::collections::BTreeMap;

use model::{Selector, Server};
use tfplugin::{Context, DataSource, Diagnostic, Model, async_trait};

use crate::{checks, client::Client};

/// The servers that are registered in the site's agent, by whichever Terraform state.
#[derive(Clone, Debug, Model)]
pub(crate) struct ServersModel {
    /// Labels they must have, with these values.
    pub match_labels: Option<BTreeMap<String, String>>,
    /// The state they must be in: `available` or `reserved`.
    #[tf(check = checks::server_state)]
    pub state: Option<String>,
    /// Those that were found, by id.
    #[tf(computed)]
    pub servers: Option<Vec<FoundServer>>,
}

/// A registered server.
#[derive(Clone, Debug, Model)]
pub(crate) struct FoundServer {
    /// Its system UUID.
    #[tf(computed)]
    pub id: Option<String>,
    /// Its labels.
    #[tf(computed)]
    pub labels: Option<BTreeMap<String, String>>,
    /// Who made it.
    #[tf(computed)]
    pub manufacturer: Option<String>,
    /// Its model.
    #[tf(computed)]
    pub model: Option<String>,
    /// Its serial number.
    #[tf(computed)]
    pub serial_number: Option<String>,
    /// Its main memory in MiB.
    #[tf(computed)]
    pub memory_mib: Option<u64>,
    /// The interfaces it may boot from.
    #[tf(computed)]
    pub boot_mac_addresses: Option<Vec<String>>,
    /// Its BMC's origin.
    #[tf(computed)]
    pub bmc_endpoint: Option<String>,
    /// `available` or `reserved`.
    #[tf(computed)]
    pub state: Option<String>,
    /// Whether it is cordoned.
    #[tf(computed)]
    pub unclaimable: Option<bool>,
    /// Who holds it.
    #[tf(computed)]
    pub holder: Option<String>,
}

/// The data source `baremetal_servers`.
pub(crate) struct Servers;

#[async_trait]
impl DataSource<Client> for Servers {
    type Model = ServersModel;
    const NAME: &'static str = "servers";

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut config: ServersModel,
    ) -> Result<ServersModel, Diagnostic> {
        let api = cx.client.agent.api().await?;
        let mut servers = api.servers().await?;
        let selector = Selector {
            match_labels: config.match_labels.clone().unwrap_or_default(),
            ..Selector::default()
        };
        servers.retain(|server| {
            let wanted = config.state.as_ref();
            selector.matches(&server.spec.labels, &server.spec.hardware)
                && wanted.is_none_or(|wanted| *wanted == server.state.to_string())
        });
        servers.sort_by_key(|server| server.id);
        config.servers = Some(servers.into_iter().map(FoundServer::from).collect());
        Ok(config)
    }
}

impl From<Server> for FoundServer {
    fn from(server: Server) -> Self {
        let spec = server.spec;
        let macs = spec
            .boot_mac_addresses
            .iter()
            .map(ToString::to_string)
            .collect();
        Self {
            id: Some(server.id.to_string()),
            labels: Some(spec.labels),
            manufacturer: spec.hardware.manufacturer,
            model: spec.hardware.model,
            serial_number: spec.hardware.serial_number,
            memory_mib: spec.hardware.memory_mib,
            boot_mac_addresses: Some(macs),
            bmc_endpoint: Some(spec.bmc.endpoint),
            state: Some(server.state.to_string()),
            unclaimable: Some(spec.unclaimable),
            holder: server.holder.map(|holder| holder.to_string()),
        }
    }
}
