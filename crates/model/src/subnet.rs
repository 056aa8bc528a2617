//! Subnets: networks to lease addresses in.

use std::{fmt::Display, net::Ipv4Addr};

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Pool, is_hostname};

/// A network to lease addresses in: an entry of the agent's configuration file, or the body of
/// `PUT /v1/subnets/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubnetSpec {
    /// The network, such as `10.0.0.0/24`.
    #[schemars(with = "String")]
    pub subnet: Ipv4Net,
    /// The addresses to lease, such as `10.0.0.100-10.0.0.200`.
    pub pools: Vec<Pool>,
    /// The router (option 3).
    #[serde(default)]
    pub router: Option<Ipv4Addr>,
    /// Name servers (option 6).
    #[serde(default)]
    pub dns: Vec<Ipv4Addr>,
    /// Time servers (option 42).
    #[serde(default)]
    pub ntp: Vec<Ipv4Addr>,
    /// The domain name (option 15).
    #[serde(default)]
    pub domain: Option<String>,
    /// How long a lease lasts, in seconds, 60 to 7200.
    #[serde(default = "default_lease")]
    pub lease_seconds: u32,
}

/// What cannot work about a subnet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} = {value}: {reason}")]
pub struct InvalidSubnet {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// Why it cannot work, and the way out.
    pub reason: String,
}

impl SubnetSpec {
    /// A subnet with these pools and nothing else.
    pub const fn new(subnet: Ipv4Net, pools: Vec<Pool>) -> Self {
        Self {
            subnet,
            pools,
            router: None,
            dns: Vec::new(),
            ntp: Vec::new(),
            domain: None,
            lease_seconds: default_lease(),
        }
    }

    /// Whether some address is in both networks.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.subnet.contains(&other.subnet.network())
            || other.subnet.contains(&self.subnet.network())
    }

    /// Checks that it can work.
    ///
    /// # Errors
    ///
    /// The first thing that cannot.
    pub fn check(&self) -> Result<(), InvalidSubnet> {
        let net = self.subnet;
        if net.trunc() != net {
            let network = net.trunc();
            let reason = format!("this is an address in a network; write the network, {network}");
            return Err(invalid("subnet", net, reason));
        }
        if let Some(router) = self.router
            && !net.contains(&router)
        {
            let reason = format!("it is outside of {net}, so no server could reach it");
            return Err(invalid("router", router, reason));
        }
        if !(LEASE_MIN..=LEASE_MAX).contains(&self.lease_seconds) {
            let reason = format!("a lease lasts {LEASE_MIN} to {LEASE_MAX} seconds");
            return Err(invalid("lease_seconds", self.lease_seconds, reason));
        }
        if let Some(domain) = &self.domain
            && !is_hostname(domain)
        {
            let reason = "this is no domain name: labels of letters, digits and dashes";
            return Err(invalid("domain", format!("{domain:?}"), reason));
        }
        for (field, servers) in [("dns", &self.dns), ("ntp", &self.ntp)] {
            // An option is 255 bytes, and a reply has to fit into one packet.
            if servers.len() > SERVERS_MAX {
                let reason = format!("a reply has room for {SERVERS_MAX} of them");
                return Err(invalid(field, servers.len(), reason));
            }
        }
        for (at, pool) in self.pools.iter().enumerate() {
            self.check_pool(*pool, &self.pools[..at])?;
        }
        Ok(())
    }

    fn check_pool(&self, pool: Pool, others: &[Pool]) -> Result<(), InvalidSubnet> {
        let net = self.subnet;
        let refuse = |reason: String| Err(invalid("pools", pool, reason));
        if !net.contains(&pool.first()) || !net.contains(&pool.last()) {
            return refuse(format!("it is not inside of {net}"));
        }
        for address in self.own_addresses() {
            if pool.contains(address) {
                return refuse(format!(
                    "it contains {address}, which is the network's own; split it"
                ));
            }
        }
        others
            .iter()
            .find(|other| pool.overlaps(**other))
            .map_or(Ok(()), |other| {
                refuse(format!("it overlaps the pool {other}"))
            })
    }

    /// The addresses that no server can have: the network's, its broadcast address, its router's.
    pub fn own_addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let net = self.subnet;
        // A network of one or two addresses has neither of the first two (RFC 3021).
        let ends = (net.prefix_len() < 31).then(|| [net.network(), net.broadcast()]);
        ends.into_iter().flatten().chain(self.router)
    }
}

fn invalid(field: &'static str, value: impl Display, reason: impl Into<String>) -> InvalidSubnet {
    InvalidSubnet {
        field,
        value: value.to_string(),
        reason: reason.into(),
    }
}

const fn default_lease() -> u32 {
    600
}

/// Who says what a subnet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubnetSource {
    /// The API: it can be changed there.
    Api,
    /// The agent's configuration file: it can be changed there alone.
    File,
}

/// A subnet that the agent leases addresses in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subnet {
    /// Its identity. One of the configuration file has always the same for the same network.
    pub id: Uuid,
    /// What it is.
    pub spec: SubnetSpec,
    /// Who says so.
    pub source: SubnetSource,
}

/// A fixed address for one MAC address: the body of `PUT /v1/reservations/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationSpec {
    /// The subnet.
    pub subnet_id: Uuid,
    /// Whose address it is.
    pub mac: crate::MacAddr,
    /// The address, of a pool of the subnet or not.
    pub address: Ipv4Addr,
    /// The host name to give with it (option 12), unless a claim gives another.
    #[serde(default)]
    pub hostname: Option<String>,
}

/// A reservation as the agent keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reservation {
    /// Its identity.
    pub id: Uuid,
    /// What is reserved.
    pub spec: ReservationSpec,
}

/// The shortest lease, in seconds.
pub const LEASE_MIN: u32 = 60;
/// The longest lease, in seconds.
pub const LEASE_MAX: u32 = 7200;

const SERVERS_MAX: usize = 8;
