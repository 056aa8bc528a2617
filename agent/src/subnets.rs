//! The subnets: those of the configuration file and those that came over the API.
//!
//! A change is on stable storage first and in effect for DHCP right after. One change is made at a
//! time, so that what is in effect is what was stored last.
//!
//! **Invariant:** no two subnets overlap, and each reservation is in a subnet that was there when it
//! was made.

use std::{
    net::Ipv4Addr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ipnet::Ipv4Net;
use jiff::Timestamp;
use model::{InvalidSubnet, ReservationSpec, Subnet, SubnetSource, SubnetSpec};
use tracing::warn;
use uuid::{Builder, Uuid};

use crate::{
    digest,
    leases::{Lease, Leases, SharedLeases},
    store::{self, Expect, Op, Store, Table, Versioned},
};

/// Why a subnet was not changed, found or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is none.
    #[error("subnet {0} does not exist")]
    NotFound(Uuid),
    /// It cannot work.
    #[error(transparent)]
    Invalid(#[from] InvalidSubnet),
    /// Some address would be in two subnets.
    #[error("subnet {network} overlaps the subnet {} ({})", other.spec.subnet, other.id)]
    Overlap {
        /// The network that was asked for.
        network: Ipv4Net,
        /// The subnet that is there.
        other: Box<Subnet>,
    },
    /// It would become another network.
    #[error("subnet {id} is {is}, not {wanted}")]
    OtherNetwork {
        /// The subnet.
        id: Uuid,
        /// Its network.
        is: Ipv4Net,
        /// The network that was asked for.
        wanted: Ipv4Net,
    },
    /// An address of the network itself is reserved for a server.
    #[error("{0} is reserved for a server")]
    Reserved(Ipv4Addr),
    /// It is in the configuration file.
    #[error("subnet {0} is in the configuration file")]
    InFile(Ipv4Net),
    /// Addresses of it are reserved.
    #[error("subnet {network} has {reservations} reservations")]
    InUse {
        /// The network.
        network: Ipv4Net,
        /// How many there are.
        reservations: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Every subnet.
#[derive(Debug)]
pub(crate) struct Subnets {
    file: Vec<Subnet>,
    leases: SharedLeases,
    change: Mutex<()>,
}

impl Subnets {
    /// The subnets of the configuration file, and everything about subnets in the store. The
    /// addresses in `never` are leased to nobody.
    ///
    /// # Errors
    ///
    /// If a subnet of the file overlaps one of the store, or the store fails.
    pub(crate) fn open(
        configured: &[SubnetSpec],
        never: &[Ipv4Addr],
        store: &Store,
    ) -> Result<Self, Error> {
        let file = configured.iter().map(|spec| Subnet {
            id: id_of(spec.subnet),
            spec: spec.clone(),
            source: SubnetSource::File,
        });
        let file: Vec<_> = file.collect();
        let stored = stored(store)?;
        for subnet in &stored {
            if let Some(other) = file.iter().find(|other| other.spec.overlaps(&subnet.spec)) {
                return Err(Error::Overlap {
                    network: other.spec.subnet,
                    other: Box::new(subnet.clone()),
                });
            }
        }
        let specs: Vec<_> = file
            .iter()
            .chain(&stored)
            .map(|subnet| subnet.spec.clone())
            .collect();
        let mut leases = Leases::new(&specs, never);
        for (_, reservation) in store.list::<ReservationSpec>(Table::Reservations)? {
            let reservation = reservation.value;
            // What the file said when it was made may not be what it says now.
            if let Err(conflict) = leases.reserve(None, &reservation, Timestamp::MIN) {
                warn!(mac = %reservation.mac, %conflict, "reservation is not in effect");
            }
        }
        leases.load(store)?;
        Ok(Self {
            file,
            leases: SharedLeases::new(leases),
            change: Mutex::new(()),
        })
    }

    /// What DHCP leases from.
    pub(crate) const fn leases(&self) -> &SharedLeases {
        &self.leases
    }

    /// The right to change subnets and reservations.
    pub(crate) fn change(&self) -> MutexGuard<'_, ()> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every subnet, in the order of their addresses.
    pub(crate) fn list(&self, store: &Store) -> Result<Vec<Subnet>, store::Error> {
        let mut all = stored(store)?;
        all.extend(self.file.iter().cloned());
        all.sort_by_key(|subnet| subnet.spec.subnet);
        Ok(all)
    }

    /// The subnet `id`.
    pub(crate) fn find(&self, store: &Store, id: Uuid) -> Result<Subnet, Error> {
        if let Some(subnet) = self.in_file(id) {
            return Ok(subnet.clone());
        }
        let spec = spec(store, id)?.ok_or(Error::NotFound(id))?;
        Ok(by_api(id, spec.value))
    }

    fn in_file(&self, id: Uuid) -> Option<&Subnet> {
        self.file.iter().find(|subnet| subnet.id == id)
    }

    /// Makes the subnet `id`, or says what is now true of it.
    pub(crate) fn put(&self, store: &Store, id: Uuid, spec: SubnetSpec) -> Result<Subnet, Error> {
        spec.check()?;
        if let Some(subnet) = self.in_file(id) {
            return Err(Error::InFile(subnet.spec.subnet));
        }
        let _one_at_a_time = self.change();
        loop {
            let old = self::spec(store, id)?;
            if let Some(old) = &old {
                if old.value == spec {
                    return Ok(by_api(id, spec));
                }
                if old.value.subnet != spec.subnet {
                    return Err(Error::OtherNetwork {
                        id,
                        is: old.value.subnet,
                        wanted: spec.subnet,
                    });
                }
            }
            // Every change of subnets writes it, so two that overlap cannot both be made.
            let all = store.get::<()>(Table::Index, ALL)?;
            self.fits(store, id, &spec)?;
            let expect = Expect::as_read(old.as_ref());
            let ops = vec![
                Op::put(Table::Subnets, id.to_string(), &spec, expect)?,
                Op::put(Table::Index, ALL, &(), Expect::as_read(all.as_ref()))?,
            ];
            match store.commit(ops) {
                Err(error) if error.is_conflict() => continue,
                outcome => outcome?,
            }
            self.take_effect(store, &spec)?;
            return Ok(by_api(id, spec));
        }
    }

    fn fits(&self, store: &Store, id: Uuid, spec: &SubnetSpec) -> Result<(), Error> {
        let all = self.list(store)?;
        let other = all
            .into_iter()
            .find(|other| other.id != id && other.spec.overlaps(spec));
        if let Some(other) = other {
            return Err(Error::Overlap {
                network: spec.subnet,
                other: Box::new(other),
            });
        }
        for address in spec.own_addresses() {
            if store
                .get::<Uuid>(Table::Index, &address_key(address))?
                .is_some()
            {
                return Err(Error::Reserved(address));
            }
        }
        Ok(())
    }

    fn take_effect(&self, store: &Store, spec: &SubnetSpec) -> Result<(), store::Error> {
        let stored = store.list::<Lease>(Table::Leases)?;
        let known = stored
            .into_iter()
            .map(|(_, lease)| lease.value)
            .filter(|lease| spec.subnet.contains(&lease.address));
        let mut leases = self.leases.lock();
        let new = leases
            .subnets()
            .iter()
            .all(|known| known.subnet().subnet != spec.subnet);
        leases.put_subnet(spec.clone());
        if new {
            leases.restore(known);
        }
        Ok(())
    }

    /// Removes the subnet `id`, in which nothing may be reserved. Its leases end.
    pub(crate) fn delete(&self, store: &Store, id: Uuid) -> Result<(), Error> {
        if let Some(subnet) = self.in_file(id) {
            return Err(Error::InFile(subnet.spec.subnet));
        }
        let _one_at_a_time = self.change();
        loop {
            let old = spec(store, id)?.ok_or(Error::NotFound(id))?;
            let network = old.value.subnet;
            let reservations = store.list_under::<Uuid>(Table::Index, &macs_key(id))?.len();
            if reservations > 0 {
                return Err(Error::InUse {
                    network,
                    reservations,
                });
            }
            let mut ops = vec![
                Op::delete(Table::Subnets, id.to_string(), Expect::Version(old.version)),
                Op::none_under(Table::Index, macs_key(id)),
                Op::put(Table::Index, ALL, &(), Expect::Any)?,
            ];
            let leases = store.list::<Lease>(Table::Leases)?.into_iter();
            let inside = leases.filter(|(_, lease)| network.contains(&lease.value.address));
            ops.extend(inside.map(|(key, _)| Op::delete(Table::Leases, key, Expect::Any)));
            match store.commit(ops) {
                Err(error) if error.is_conflict() => continue,
                outcome => outcome?,
            }
            self.leases.lock().remove_subnet(network);
            return Ok(());
        }
    }

    /// What is leased, in the order of the addresses.
    pub(crate) fn leased(
        &self,
        store: &Store,
        now: Timestamp,
    ) -> Result<Vec<model::Lease>, store::Error> {
        let mut found = Vec::new();
        let subnets = self.list(store)?;
        for leases in self.leases.lock().subnets() {
            let network = leases.subnet().subnet;
            let Some(subnet) = subnets.iter().find(|known| known.spec.subnet == network) else {
                continue;
            };
            found.extend(leases.list(now).map(|listed| model::Lease {
                address: listed.address,
                subnet_id: subnet.id,
                mac: listed.mac,
                server_id: listed.server_id,
                state: listed.state,
                expires_at: listed.until,
            }));
        }
        found.sort_unstable_by_key(|lease| lease.address);
        Ok(found)
    }
}

/// What is stored of the subnet `id`.
pub(crate) fn spec(store: &Store, id: Uuid) -> Result<Option<Versioned<SubnetSpec>>, store::Error> {
    store.get(Table::Subnets, &id.to_string())
}

fn stored(store: &Store) -> Result<Vec<Subnet>, store::Error> {
    let all = store.list::<SubnetSpec>(Table::Subnets)?.into_iter();
    // A key that is no id was never written.
    Ok(all
        .filter_map(|(key, spec)| Some(by_api(key.parse().ok()?, spec.value)))
        .collect())
}

const fn by_api(id: Uuid, spec: SubnetSpec) -> Subnet {
    Subnet {
        id,
        spec,
        source: SubnetSource::Api,
    }
}

/// The id of a subnet of the configuration file: of one network always the same.
fn id_of(network: Ipv4Net) -> Uuid {
    let digest = digest::sha256(format!("subnet {network}").as_bytes());
    let number = digest.get(..32).unwrap_or_default();
    let number = u128::from_str_radix(number, 16).unwrap_or_default();
    Builder::from_random_bytes(number.to_be_bytes()).into_uuid()
}

/// Under which keys of the index the reserved MAC addresses of a subnet are.
pub(crate) fn macs_key(id: Uuid) -> String {
    format!("reserved_mac/{id}/")
}

/// Under which key of the index a reserved address is.
pub(crate) fn address_key(address: Ipv4Addr) -> String {
    format!("reserved_address/{address}")
}

/// The key of the index that every change of subnets writes.
const ALL: &str = "subnets";

#[cfg(test)]
mod tests;
