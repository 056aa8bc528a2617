//! Address leases: what is on stable storage, and which subnet leases what.
//!
//! The store holds every lease that was ever confirmed and not given to somebody else since. The
//! DHCP service keeps them in memory too, by `Leases`, so that no packet costs a search.

mod subnet;

use std::net::Ipv4Addr;

use jiff::Timestamp;
use model::{MacAddr, ServerId};
use serde::{Deserialize, Serialize};

pub(crate) use self::subnet::{Refusal, SubnetLeases};
use crate::{
    config::Subnet,
    store::{Error, Expect, Op, Store, Table},
};

/// An address that a server is leased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who has it.
    pub mac: MacAddr,
    /// What it is.
    pub address: Ipv4Addr,
    /// The server of that MAC address.
    pub server_id: ServerId,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The lease of `address` at `now`, if there is one.
///
/// # Errors
///
/// If the store fails.
pub fn server_at(store: &Store, address: Ipv4Addr, now: Timestamp) -> Result<Option<Lease>, Error> {
    let lease = store.get::<Lease>(Table::Leases, &address.to_string())?;
    Ok(lease
        .map(|lease| lease.value)
        .filter(|lease| lease.expires_at > now))
}

/// Writes a lease, in place of any other lease of its address. It is on stable storage when this
/// returns.
///
/// # Errors
///
/// If the store fails.
pub fn insert(store: &Store, lease: &Lease) -> Result<(), Error> {
    let key = lease.address.to_string();
    store.commit(vec![Op::put(Table::Leases, key, lease, Expect::Any)?])
}

/// Forgets the lease of an address.
///
/// # Errors
///
/// If the store fails.
pub fn remove(store: &Store, address: Ipv4Addr) -> Result<(), Error> {
    let key = address.to_string();
    store.commit(vec![Op::delete(Table::Leases, key, Expect::Any)])
}

/// Every subnet and what it leases.
#[derive(Debug)]
pub(crate) struct Leases {
    // By network; they do not overlap.
    subnets: Vec<SubnetLeases>,
}

impl Leases {
    /// The leases of `subnets`, none so far. The addresses in `never` are leased to nobody.
    pub(crate) fn new(subnets: &[Subnet], never: &[Ipv4Addr]) -> Self {
        let mut subnets: Vec<_> = subnets
            .iter()
            .map(|subnet| SubnetLeases::new(subnet.clone(), never))
            .collect();
        subnets.sort_by_key(|leases| leases.subnet().subnet.network());
        Self { subnets }
    }

    /// The same with every lease in the store.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub(crate) fn load(
        subnets: &[Subnet],
        never: &[Ipv4Addr],
        store: &Store,
    ) -> Result<Self, Error> {
        let mut leases = Self::new(subnets, never);
        let stored = store.list::<Lease>(Table::Leases)?;
        leases.restore(stored.into_iter().map(|(_, lease)| lease.value));
        Ok(leases)
    }

    /// Takes over leases that were confirmed before. What no pool has any more is left out.
    pub(crate) fn restore(&mut self, stored: impl IntoIterator<Item = Lease>) {
        // A server that moved to another address of its subnet has the one it got last.
        let mut stored: Vec<Lease> = stored.into_iter().collect();
        stored.sort_by_key(|lease| lease.expires_at);
        for lease in stored {
            if let Some(subnet) = self.subnet_of(lease.address) {
                subnet.restore(&lease);
            }
        }
    }

    /// The subnet that `address` is in.
    pub(crate) fn subnet_of(&mut self, address: Ipv4Addr) -> Option<&mut SubnetLeases> {
        let after = self
            .subnets
            .partition_point(|leases| leases.subnet().subnet.network() <= address);
        let leases = self.subnets.get_mut(after.checked_sub(1)?)?;
        leases.subnet().subnet.contains(&address).then_some(leases)
    }
}

#[cfg(test)]
mod tests;
