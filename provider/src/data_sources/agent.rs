//! `baremetal_agent`: the site's boot agent.

use model::SubnetSource;
use tfplugin::{Context, DataSource, Diagnostic, Model, async_trait};

use crate::client::Client;

/// The site's boot agent: what it is, and the subnets it leases addresses in.
#[derive(Clone, Debug, Model)]
pub(crate) struct AgentModel {
    /// Its version.
    #[tf(computed)]
    pub version: Option<String>,
    /// Where booting servers find it.
    #[tf(computed)]
    pub boot_url: Option<String>,
    /// What it does: `dhcp` and `tftp` if it answers them.
    #[tf(computed)]
    pub features: Option<Vec<String>>,
    /// Its subnets, in the order of their addresses.
    #[tf(computed)]
    pub subnets: Option<Vec<FoundSubnet>>,
}

/// A subnet of the agent.
#[derive(Clone, Debug, Model)]
pub(crate) struct FoundSubnet {
    /// Its identity: what a `baremetal_reservation` takes as its `subnet_id`.
    #[tf(computed)]
    pub id: Option<String>,
    /// The network.
    #[tf(computed)]
    pub subnet: Option<String>,
    /// The addresses that are leased.
    #[tf(computed)]
    pub pools: Option<Vec<String>>,
    /// `api` if it can be changed by `baremetal_subnet`, `file` if it is in the agent's
    /// configuration file.
    #[tf(computed)]
    pub source: Option<String>,
}

/// The data source `baremetal_agent`.
pub(crate) struct Agent;

#[async_trait]
impl DataSource<Client> for Agent {
    type Model = AgentModel;
    const NAME: &'static str = "agent";

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut config: AgentModel,
    ) -> Result<AgentModel, Diagnostic> {
        let api = cx.client.agent.api().await?;
        let agent = api.agent().await?;
        let subnets = api.subnets().await?;
        config.version = Some(agent.version);
        config.boot_url = Some(agent.boot_url);
        config.features = Some(agent.features);
        config.subnets = Some(subnets.into_iter().map(FoundSubnet::from).collect());
        Ok(config)
    }
}

impl From<model::Subnet> for FoundSubnet {
    fn from(found: model::Subnet) -> Self {
        let pools = found.spec.pools.iter().map(ToString::to_string).collect();
        let source = match found.source {
            SubnetSource::Api => "api",
            SubnetSource::File => "file",
        };
        Self {
            id: Some(found.id.to_string()),
            subnet: Some(found.spec.subnet.to_string()),
            pools: Some(pools),
            source: Some(source.to_owned()),
        }
    }
}
