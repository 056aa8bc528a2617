//! `list "baremetal_server"`: the servers of a site, to be imported.

use std::collections::BTreeMap;

use model::{Selector, Server};
use tfplugin::{Context, Diagnostic, ListResource, Listed, Model, Wanted, async_trait};

use crate::{client::Client, resources::ServerModel};

/// The servers that are registered in the site's agent, by whichever Terraform state: a whole rack
/// is taken over with `terraform query -generate-config-out`.
#[derive(Clone, Debug, Model)]
pub(crate) struct ServersQuery {
    /// Labels they must have, with these values.
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Who made them, compared without case.
    pub manufacturer: Option<String>,
    /// Their model, compared without case.
    pub model: Option<String>,
}

/// The list `baremetal_server`.
pub(crate) struct Servers;

#[async_trait]
impl ListResource<Client> for Servers {
    type Model = ServersQuery;
    type Resource = ServerModel;
    const NAME: &'static str = "server";

    async fn list(
        &self,
        cx: &mut Context<Client>,
        config: ServersQuery,
        _: Wanted,
    ) -> Result<Vec<Listed<ServerModel>>, Diagnostic> {
        let selector = Selector {
            match_labels: config.match_labels.unwrap_or_default(),
            manufacturer: config.manufacturer,
            model: config.model,
            ..Selector::default()
        };
        let mut servers = cx.client.agent.api().await?.servers().await?;
        servers.retain(|server| selector.matches(&server.spec.labels, &server.spec.hardware));
        servers.sort_by_key(|server| server.id);
        let listed =
            |server| Listed::resource(display_name(&server), ServerModel::registered(server));
        Ok(servers.into_iter().map(listed).collect())
    }
}

/// What tells people which machine it is; the UUID is what tells machines.
fn display_name(server: &Server) -> String {
    let hardware = &server.spec.hardware;
    let parts = [
        &hardware.manufacturer,
        &hardware.model,
        &hardware.serial_number,
    ];
    let known: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    if known.is_empty() {
        format!("server behind {}", server.spec.bmc.endpoint)
    } else {
        known.join(" ")
    }
}
