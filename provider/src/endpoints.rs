//! Where the agent has heard network interfaces: its endpoint table, read once for many resources.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use model::MacAddr;
use tokio::sync::Mutex;

use crate::client::{AgentApi, ApiError};

/// The agent's endpoint table as it was read last. Whoever asks while it is being read waits for
/// that, so a thousand BMCs that are refreshed at once read it once.
#[derive(Default)]
pub(crate) struct EndpointTable(Mutex<Option<(Instant, Addresses)>>);

type Addresses = Arc<BTreeMap<MacAddr, Option<Ipv4Addr>>>;

impl EndpointTable {
    /// The address that an interface was heard to have: `None` if it was never heard, `Some(None)` if
    /// it was heard to have none yet.
    pub(crate) async fn address_of(
        &self,
        api: &AgentApi,
        mac: MacAddr,
    ) -> Result<Option<Option<Ipv4Addr>>, ApiError> {
        let mut kept = self.0.lock().await;
        let fresh = kept.as_ref().filter(|(read, _)| read.elapsed() < GOOD_FOR);
        let addresses = match fresh {
            Some((_, addresses)) => Arc::clone(addresses),
            None => {
                let endpoints = api.endpoints().await?;
                let address = |endpoint: model::Endpoint| (endpoint.mac, endpoint.address);
                let addresses: Addresses = Arc::new(endpoints.into_iter().map(address).collect());
                *kept = Some((Instant::now(), Arc::clone(&addresses)));
                addresses
            }
        };
        drop(kept);
        Ok(addresses.get(&mac).copied())
    }
}

/// BMCs move seldom, and a plan of many takes seconds.
const GOOD_FOR: Duration = Duration::from_secs(5);
