//! `baremetal_leases`: who has which address.

use model::{Lease, MacAddr};
use tfplugin::{Context, DataSource, Diagnostic, Model, async_trait};

use crate::{checks, client::Client, diagnostics};

/// The addresses of the agent's subnets that are not free, and those that somebody had.
#[derive(Clone, Debug, Model)]
pub(crate) struct LeasesModel {
    /// The id of a subnet. Without one, those of all.
    #[tf(check = checks::any_uuid)]
    pub subnet_id: Option<String>,
    /// A MAC address. Without one, those of all.
    #[tf(check = checks::mac)]
    pub mac_address: Option<String>,
    /// The leases, in the order of their addresses.
    #[tf(computed)]
    pub leases: Option<Vec<FoundLease>>,
}

/// An address that is not free, or that somebody had.
#[derive(Clone, Debug, Model)]
pub(crate) struct FoundLease {
    /// The address.
    #[tf(computed)]
    pub address: Option<String>,
    /// The subnet that it is in.
    #[tf(computed)]
    pub subnet_id: Option<String>,
    /// Whose it is; null if it was declined.
    #[tf(computed)]
    pub mac_address: Option<String>,
    /// The server of that MAC address.
    #[tf(computed)]
    pub server_id: Option<String>,
    /// `active`, `offered`, `ended` (it gets the address again if it comes back in time) or
    /// `declined` (somebody without a lease uses it).
    #[tf(computed)]
    pub state: Option<String>,
    /// Until when.
    #[tf(computed)]
    pub expires_at: Option<String>,
}

/// The data source `baremetal_leases`.
pub(crate) struct Leases;

#[async_trait]
impl DataSource<Client> for Leases {
    type Model = LeasesModel;
    const NAME: &'static str = "leases";

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut config: LeasesModel,
    ) -> Result<LeasesModel, Diagnostic> {
        let subnet = super::id("subnet_id", config.subnet_id.as_deref())?;
        let mac = config.mac_address.as_deref().map(str::parse::<MacAddr>);
        let mac = mac.transpose().map_err(|error| {
            let summary = "mac_address cannot be read";
            diagnostics::at("mac_address", summary, format!("{error}."))
        })?;
        let api = cx.client.agent.api().await?;
        let found = api.leases(subnet, mac).await?;
        config.leases = Some(found.into_iter().map(FoundLease::from).collect());
        Ok(config)
    }
}

impl From<Lease> for FoundLease {
    fn from(lease: Lease) -> Self {
        Self {
            address: Some(lease.address.to_string()),
            subnet_id: Some(lease.subnet_id.to_string()),
            mac_address: lease.mac.map(|mac| mac.to_string()),
            server_id: lease.server_id.map(|server| server.to_string()),
            state: Some(lease.state.as_str().to_owned()),
            expires_at: Some(lease.expires_at.to_string()),
        }
    }
}
