//! `baremetal_server` (data source): one server of a site.

use std::collections::BTreeMap;

use model::{Selector, ServerId};
use tfplugin::{Context, DataSource, Diagnostic, Model, Value, async_trait};

use super::servers::FoundServer;
use crate::{checks, client::Client, diagnostics};

/// One server that is registered in the site's agent, by whichever Terraform state: by its id, or
/// the only one with certain labels.
#[derive(Clone, Debug, Model)]
pub(crate) struct ServerModel {
    /// Its system UUID. Exactly one of `id` and `match_labels` is needed.
    #[tf(computed, optional, check = checks::uuid, same = checks::same_uuid)]
    pub id: Option<String>,
    /// Labels it must have, with these values. Exactly one server may have them all.
    pub match_labels: Option<BTreeMap<String, String>>,
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

/// The data source `baremetal_server`.
pub(crate) struct Server;

#[async_trait]
impl DataSource<Client> for Server {
    type Model = ServerModel;
    const NAME: &'static str = "server";

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let (id, labels) = (config.get("id"), config.get("match_labels"));
        if id.is_unknown() || labels.is_unknown() {
            return Vec::new();
        }
        let no_label = matches!(labels, Value::Map(labels) if labels.is_empty());
        match (id.is_null(), labels.is_null() || no_label) {
            (true, true) => vec![diagnostics::at(
                "id",
                "No server is asked for",
                "Give its id, or match_labels that one server alone has.",
            )],
            (false, false) => vec![diagnostics::at(
                "match_labels",
                "A server is asked for twice",
                "There are id and match_labels. Keep one of them.",
            )],
            _ => Vec::new(),
        }
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        config: ServerModel,
    ) -> Result<ServerModel, Diagnostic> {
        let api = cx.client.agent.api().await?;
        let found = match config.id.as_deref() {
            Some(id) => {
                let id: ServerId = id.parse().map_err(|error| {
                    diagnostics::at("id", "The id cannot be read", format!("{error}."))
                })?;
                api.server(id).await?
            }
            None => only(api.servers().await?, &config)?,
        };
        Ok(fill(config, found.into()))
    }
}

/// The only server with the labels.
fn only(
    mut servers: Vec<model::Server>,
    config: &ServerModel,
) -> Result<model::Server, Diagnostic> {
    let selector = Selector {
        match_labels: config.match_labels.clone().unwrap_or_default(),
        ..Selector::default()
    };
    servers.retain(|server| selector.matches(&server.spec.labels, &server.spec.hardware));
    match <[model::Server; 1]>::try_from(servers) {
        Ok([server]) => Ok(server),
        Err(none) if none.is_empty() => Err(diagnostics::at(
            "match_labels",
            "No server has these labels",
            "No server that is registered in the agent has all of them. Correct them, or register \
             one.",
        )),
        Err(several) => {
            let ids: Vec<_> = several.iter().map(|server| server.id.to_string()).collect();
            Err(diagnostics::at(
                "match_labels",
                "Several servers have these labels",
                format!(
                    "They are {}. Add labels that one of them alone has, or use baremetal_servers.",
                    ids.join(", ")
                ),
            ))
        }
    }
}

fn fill(config: ServerModel, found: FoundServer) -> ServerModel {
    ServerModel {
        // As it was written, if it was.
        id: config.id.or(found.id),
        match_labels: config.match_labels,
        labels: found.labels,
        manufacturer: found.manufacturer,
        model: found.model,
        serial_number: found.serial_number,
        memory_mib: found.memory_mib,
        boot_mac_addresses: found.boot_mac_addresses,
        bmc_endpoint: found.bmc_endpoint,
        state: found.state,
        unclaimable: found.unclaimable,
        holder: found.holder,
    }
}
