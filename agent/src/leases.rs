//! Address leases: what is on stable storage, and which subnet leases what.
//!
//! The store holds every lease that was ever confirmed and not given to somebody else since. The
//! DHCP service keeps them in memory too, by `Leases`, so that no packet costs a search.

mod subnet;

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ipnet::Ipv4Net;
use jiff::Timestamp;
use model::{MacAddr, ReservationSpec, ServerId};
use serde::{Deserialize, Serialize};

pub(crate) use self::subnet::{Conflict, Refusal, SubnetLeases};
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

/// The leases as the DHCP service and the control API share them. It is locked for a decision alone,
/// never while something waits.
#[derive(Clone, Debug)]
pub(crate) struct SharedLeases(Arc<Mutex<Leases>>);

impl SharedLeases {
    pub(crate) fn new(leases: Leases) -> Self {
        Self(Arc::new(Mutex::new(leases)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Leases> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every subnet and what it leases.
#[derive(Debug)]
pub(crate) struct Leases {
    // By network; they do not overlap.
    subnets: Vec<SubnetLeases>,
    never: Vec<Ipv4Addr>,
}

impl Leases {
    /// The leases of `subnets`, none so far. The addresses in `never` are leased to nobody.
    pub(crate) fn new(subnets: &[Subnet], never: &[Ipv4Addr]) -> Self {
        let mut subnets: Vec<_> = subnets
            .iter()
            .map(|subnet| SubnetLeases::new(subnet.clone(), never))
            .collect();
        subnets.sort_by_key(|leases| leases.subnet().subnet.network());
        Self {
            subnets,
            never: never.to_vec(),
        }
    }

    /// Takes over every lease in the store. What is reserved has to be reserved before.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub(crate) fn load(&mut self, store: &Store) -> Result<(), Error> {
        let stored = store.list::<Lease>(Table::Leases)?;
        self.restore(stored.into_iter().map(|(_, lease)| lease.value));
        Ok(())
    }

    /// Leases addresses in `subnet` from now on. A network that is there already is changed.
    pub(crate) fn put_subnet(&mut self, subnet: Subnet) {
        let network = subnet.subnet;
        let after = |leases: &SubnetLeases| leases.subnet().subnet.network() < network.network();
        let place = self.subnets.partition_point(after);
        match self.subnets.get_mut(place) {
            Some(leases) if leases.subnet().subnet == network => {
                leases.change(subnet, &self.never);
            }
            Some(_) | None => {
                let leases = SubnetLeases::new(subnet, &self.never);
                self.subnets.insert(place, leases);
            }
        }
    }

    /// Leases no address of a network any more.
    pub(crate) fn remove_subnet(&mut self, network: Ipv4Net) {
        self.subnets
            .retain(|leases| leases.subnet().subnet != network);
    }

    /// Reserves an address, in place of what was reserved before.
    ///
    /// # Errors
    ///
    /// If it cannot be; then nothing is changed.
    pub(crate) fn reserve(
        &mut self,
        old: Option<&ReservationSpec>,
        new: &ReservationSpec,
        now: Timestamp,
    ) -> Result<(), Conflict> {
        let moves = |old: &&ReservationSpec| (old.mac, old.address) != (new.mac, new.address);
        let old = old.filter(moves);
        if let Some(old) = old {
            self.unreserve(old);
        }
        let reserved = self
            .subnet_of(new.address)
            .map_or(Ok(()), |subnet| subnet.reserve(new, now));
        if let (Err(_), Some(old)) = (&reserved, old)
            && let Some(subnet) = self.subnet_of(old.address)
        {
            // It was its own a moment ago, so nobody has it.
            let _reserved = subnet.reserve(old, now);
        }
        reserved
    }

    /// Gives a reserved address back.
    pub(crate) fn unreserve(&mut self, old: &ReservationSpec) {
        if let Some(subnet) = self.subnet_of(old.address) {
            subnet.unreserve(old.mac);
        }
    }

    /// Every subnet's leases.
    pub(crate) fn subnets(&self) -> &[SubnetLeases] {
        &self.subnets
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
