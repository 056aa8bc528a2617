//! `baremetal_endpoints`: the interfaces that the agent heard asking for an address.

use std::collections::BTreeMap;

use model::Endpoint;
use tfplugin::{Context, DataSource, Diagnostic, Model, async_trait};

use crate::{
    client::Client,
    mac_prefixes::{Console, MacPrefix, MacPrefixes},
};

/// The network interfaces, of BMCs and servers, that the agent heard asking for an address by DHCP.
/// All but the MAC address is what the interface says of itself: nothing proves it.
#[derive(Clone, Debug, Model)]
pub(crate) struct EndpointsModel {
    /// Those that were heard, by MAC address: what `for_each` takes.
    #[tf(computed)]
    pub endpoints: Option<BTreeMap<String, FoundEndpoint>>,
}

/// An interface that was heard.
#[derive(Clone, Debug, Model)]
pub(crate) struct FoundEndpoint {
    /// Its MAC address.
    #[tf(computed)]
    pub mac_address: Option<String>,
    /// The address that it was given last, by whichever DHCP server.
    #[tf(computed)]
    pub address: Option<String>,
    /// Its vendor class (option 60).
    #[tf(computed)]
    pub vendor_class: Option<String>,
    /// Its host name (option 12).
    #[tf(computed)]
    pub hostname: Option<String>,
    /// When it was heard first.
    #[tf(computed)]
    pub first_seen: Option<String>,
    /// When it was heard last.
    #[tf(computed)]
    pub last_seen: Option<String>,
    /// The entry of the provider's `mac_prefixes` with the longest prefix that fits; null if none
    /// does.
    #[tf(computed)]
    pub matched: Option<MatchedPrefix>,
}

/// An entry of the provider's `mac_prefixes`.
#[derive(Clone, Debug, Model)]
pub(crate) struct MatchedPrefix {
    /// The prefix, as hexadecimal digits alone.
    #[tf(computed)]
    pub prefix: Option<String>,
    /// Who made it.
    #[tf(computed)]
    pub manufacturer: Option<String>,
    /// What it speaks.
    #[tf(computed)]
    pub protocol: Option<String>,
    /// `https` or `http`.
    #[tf(computed)]
    pub scheme: Option<String>,
    /// Its TCP port.
    #[tf(computed)]
    pub port: Option<i64>,
    /// The name of its credentials.
    #[tf(computed)]
    pub credentials: Option<String>,
    /// How its serial console is reached.
    #[tf(computed)]
    pub console: Option<Console>,
}

/// The data source `baremetal_endpoints`.
pub(crate) struct Endpoints;

#[async_trait]
impl DataSource<Client> for Endpoints {
    type Model = EndpointsModel;
    const NAME: &'static str = "endpoints";

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut config: EndpointsModel,
    ) -> Result<EndpointsModel, Diagnostic> {
        let found = cx.client.agent.api().await?.endpoints().await?;
        let prefixes = &cx.client.mac_prefixes;
        let entry = |endpoint: Endpoint| (endpoint.mac.to_string(), seen(endpoint, prefixes));
        config.endpoints = Some(found.into_iter().map(entry).collect());
        Ok(config)
    }
}

fn seen(endpoint: Endpoint, prefixes: &MacPrefixes) -> FoundEndpoint {
    FoundEndpoint {
        mac_address: Some(endpoint.mac.to_string()),
        address: endpoint.address.map(|address| address.to_string()),
        vendor_class: endpoint.vendor_class,
        hostname: endpoint.hostname,
        first_seen: Some(endpoint.first_seen.to_string()),
        last_seen: Some(endpoint.last_seen.to_string()),
        matched: prefixes
            .find(endpoint.mac)
            .map(|(prefix, entry)| matched(prefix, entry)),
    }
}

fn matched(prefix: &str, entry: &MacPrefix) -> MatchedPrefix {
    MatchedPrefix {
        prefix: Some(prefix.to_owned()),
        manufacturer: entry.manufacturer.clone(),
        protocol: entry.protocol.clone(),
        scheme: entry.scheme.clone(),
        port: entry.port,
        credentials: entry.credentials.clone(),
        console: entry.console.clone(),
    }
}
