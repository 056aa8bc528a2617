//! Reservations: fixed addresses for MAC addresses.
//!
//! **Invariant:** a MAC address has one reservation of a subnet at most, and an address one at all;
//! the index that says so changes in the same commit as the reservation.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use jiff::Timestamp;
use model::{MacAddr, Reservation, ReservationSpec, SubnetSource, is_hostname};
use uuid::Uuid;

use crate::{
    leases::Conflict,
    store::{self, Expect, Op, Store, Table, Versioned},
    subnets::{self, Subnets, address_key, macs_key},
};

/// Why an address was not reserved, or a reservation not found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is none.
    #[error("reservation {0} does not exist")]
    NotFound(Uuid),
    /// There is no such subnet.
    #[error("subnet {0} does not exist")]
    UnknownSubnet(Uuid),
    /// It would be one of another subnet.
    #[error("reservation {id} is one of subnet {subnet}")]
    OtherSubnet {
        /// The reservation.
        id: Uuid,
        /// Its subnet.
        subnet: Uuid,
    },
    /// The address is elsewhere.
    #[error("{address} is outside of the subnet {network}")]
    Outside {
        /// The address.
        address: Ipv4Addr,
        /// The network.
        network: Ipv4Net,
    },
    /// The host name is none.
    #[error("{0:?} is no host name: letters, digits and dashes, 63 a label")]
    Hostname(String),
    /// The MAC address names no interface.
    #[error("{0} is no address of one network interface")]
    NotUnicast(MacAddr),
    /// The MAC address has a reservation.
    #[error("{mac} has a reservation in this subnet, {other}")]
    MacTaken {
        /// The MAC address.
        mac: MacAddr,
        /// Its reservation.
        other: Uuid,
    },
    /// The address has a reservation.
    #[error("{address} is reserved already, by {other}")]
    AddressTaken {
        /// The address.
        address: Ipv4Addr,
        /// Its reservation.
        other: Uuid,
    },
    /// The address cannot be had now, or never.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Every reservation, in the order of the addresses.
pub(crate) fn list(store: &Store) -> Result<Vec<Reservation>, store::Error> {
    let all = store.list::<ReservationSpec>(Table::Reservations)?;
    let mut all: Vec<_> = all
        .into_iter()
        // A key that is no id was never written.
        .filter_map(|(key, spec)| {
            Some(Reservation {
                id: key.parse().ok()?,
                spec: spec.value,
            })
        })
        .collect();
    all.sort_by_key(|reservation| reservation.spec.address);
    Ok(all)
}

/// The reservation `id`.
pub(crate) fn find(store: &Store, id: Uuid) -> Result<Reservation, Error> {
    let spec = stored(store, id)?.ok_or(Error::NotFound(id))?.value;
    Ok(Reservation { id, spec })
}

fn stored(store: &Store, id: Uuid) -> Result<Option<Versioned<ReservationSpec>>, store::Error> {
    store.get(Table::Reservations, &id.to_string())
}

/// Makes the reservation `id`, or says what is now true of it.
pub(crate) fn put(
    subnets: &Subnets,
    store: &Store,
    id: Uuid,
    spec: ReservationSpec,
    now: Timestamp,
) -> Result<Reservation, Error> {
    if let Some(hostname) = spec.hostname.as_ref().filter(|name| !is_hostname(name)) {
        return Err(Error::Hostname(hostname.clone()));
    }
    if !spec.mac.is_unicast() {
        return Err(Error::NotUnicast(spec.mac));
    }
    let _one_at_a_time = subnets.change();
    loop {
        let old = stored(store, id)?;
        if let Some(old) = &old {
            if old.value == spec {
                return Ok(Reservation { id, spec });
            }
            if old.value.subnet_id != spec.subnet_id {
                let subnet = old.value.subnet_id;
                return Err(Error::OtherSubnet { id, subnet });
            }
        }
        let mut ops = subnet_ops(subnets, store, &spec)?;
        ops.extend(put_ops(store, id, &spec, old.as_ref())?);
        let old = old.as_ref().map(|old| &old.value);
        // DHCP must not lease it to somebody else while it is being stored.
        subnets.leases().lock().reserve(old, &spec, now)?;
        match store.commit(ops) {
            Ok(()) => return Ok(Reservation { id, spec }),
            Err(error) => {
                let mut leases = subnets.leases().lock();
                match old {
                    Some(old) => leases.reserve(Some(&spec), old, now)?,
                    None => leases.unreserve(&spec),
                }
                if !error.is_conflict() {
                    return Err(error.into());
                }
            }
        }
    }
}

/// What has to be so for the address to be one of its subnet.
fn subnet_ops(subnets: &Subnets, store: &Store, spec: &ReservationSpec) -> Result<Vec<Op>, Error> {
    let id = spec.subnet_id;
    let subnet = subnets.find(store, id).map_err(|error| match error {
        subnets::Error::Store(error) => error.into(),
        _ => Error::UnknownSubnet(id),
    })?;
    let network = subnet.spec.subnet;
    if !network.contains(&spec.address) {
        return Err(Error::Outside {
            address: spec.address,
            network,
        });
    }
    if subnet.spec.own_addresses().any(|own| own == spec.address) {
        return Err(Conflict::Never(spec.address).into());
    }
    match subnet.source {
        SubnetSource::File => Ok(Vec::new()),
        SubnetSource::Api => {
            let version = subnets::spec(store, id)?
                .ok_or(Error::UnknownSubnet(id))?
                .version;
            let expect = Expect::Version(version);
            Ok(vec![Op::check(Table::Subnets, id.to_string(), expect)])
        }
    }
}

fn put_ops(
    store: &Store,
    id: Uuid,
    spec: &ReservationSpec,
    old: Option<&Versioned<ReservationSpec>>,
) -> Result<Vec<Op>, Error> {
    let mut ops = vec![Op::put(
        Table::Reservations,
        id.to_string(),
        spec,
        Expect::as_read(old),
    )?];
    let keys = keys(spec);
    for key in old.map(|old| self::keys(&old.value)).into_iter().flatten() {
        if !keys.contains(&key) {
            ops.push(Op::delete(Table::Index, key, Expect::Any));
        }
    }
    let [mac_key, address_key] = keys;
    for (key, taken) in [
        (mac_key, mac_taken as Taken),
        (address_key, address_taken as Taken),
    ] {
        let owner = store.get::<Uuid>(Table::Index, &key)?;
        if let Some(other) = owner.as_ref().filter(|owner| owner.value != id) {
            return Err(taken(spec, other.value));
        }
        let expect = Expect::as_read(owner.as_ref());
        ops.push(Op::put(Table::Index, key, &id, expect)?);
    }
    Ok(ops)
}

type Taken = fn(&ReservationSpec, Uuid) -> Error;

fn mac_taken(spec: &ReservationSpec, other: Uuid) -> Error {
    Error::MacTaken {
        mac: spec.mac,
        other,
    }
}

fn address_taken(spec: &ReservationSpec, other: Uuid) -> Error {
    Error::AddressTaken {
        address: spec.address,
        other,
    }
}

/// The keys of the index that a reservation has.
fn keys(spec: &ReservationSpec) -> [String; 2] {
    let mac = format!("{}{}", macs_key(spec.subnet_id), spec.mac);
    [mac, address_key(spec.address)]
}

/// Removes the reservation `id`.
pub(crate) fn delete(subnets: &Subnets, store: &Store, id: Uuid) -> Result<(), Error> {
    let _one_at_a_time = subnets.change();
    loop {
        let old = stored(store, id)?.ok_or(Error::NotFound(id))?;
        let mut ops = vec![Op::delete(
            Table::Reservations,
            id.to_string(),
            Expect::Version(old.version),
        )];
        ops.extend(keys(&old.value).map(|key| Op::delete(Table::Index, key, Expect::Any)));
        match store.commit(ops) {
            Err(error) if error.is_conflict() => continue,
            outcome => outcome?,
        }
        subnets.leases().lock().unreserve(&old.value);
        return Ok(());
    }
}

#[cfg(test)]
mod tests;
