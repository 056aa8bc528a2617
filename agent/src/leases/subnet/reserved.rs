//! Reserved addresses, and what changes about a subnet while it is in use.

use std::{collections::HashMap, net::Ipv4Addr};

use jiff::Timestamp;
use model::{LeaseState, MacAddr, ReservationSpec, ServerId};

use super::{Holder, Holding, SubnetLeases};
use crate::config::Subnet;

/// Which addresses are for whom.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    by_mac: HashMap<MacAddr, ReservationSpec>,
    by_address: HashMap<Ipv4Addr, MacAddr>,
}

impl Reserved {
    /// The address that is reserved for a client.
    pub(super) fn address_of(&self, mac: MacAddr) -> Option<Ipv4Addr> {
        self.by_mac.get(&mac).map(|reserved| reserved.address)
    }

    /// The client that an address is reserved for.
    pub(super) fn holder_of(&self, address: Ipv4Addr) -> Option<MacAddr> {
        self.by_address.get(&address).copied()
    }
}

/// Why an address cannot be reserved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Conflict {
    /// No server can have it.
    #[error("{0} is an address of the network itself or of the agent")]
    Never(Ipv4Addr),
    /// Somebody else has it.
    #[error("{address} is leased to {mac} until {until}")]
    Leased {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        mac: MacAddr,
        /// The server of that MAC address; an offer has none yet.
        server_id: Option<ServerId>,
        /// Until when.
        until: Timestamp,
    },
}

impl SubnetLeases {
    /// Keeps an address for one client from now on. Whoever else had it, and has it no more, does
    /// not get it again.
    ///
    /// # Errors
    ///
    /// If somebody else has it, or nobody can.
    pub(crate) fn reserve(
        &mut self,
        new: &ReservationSpec,
        now: Timestamp,
    ) -> Result<(), Conflict> {
        let (mac, address) = (new.mac, new.address);
        if self.never.contains(&address) {
            return Err(Conflict::Never(address));
        }
        if let Some(held) = self.held.get(&address).copied() {
            if let Some(other) = held.holder.mac().filter(|other| *other != mac) {
                if held.until > now {
                    return Err(Conflict::Leased {
                        address,
                        mac: other,
                        server_id: held.holder.server_id(),
                        until: held.until,
                    });
                }
                self.forget(address);
            }
            self.ends.remove(&(held.until, address));
        }
        self.reserved.by_mac.insert(mac, new.clone());
        self.reserved.by_address.insert(address, mac);
        Ok(())
    }

    /// Gives a reserved address back to the pools. If no pool has it, a lease of it ends.
    pub(crate) fn unreserve(&mut self, mac: MacAddr) {
        let Some(old) = self.reserved.by_mac.remove(&mac) else {
            return;
        };
        let address = old.address;
        self.reserved.by_address.remove(&address);
        if !self.has(address) {
            self.forget(address);
        } else if let Some(held) = self.held.get(&address) {
            self.ends.insert((held.until, address));
        } else {
            // The search for fresh addresses may be past it.
            self.hold(address, Holder::Declined, Timestamp::MIN);
        }
    }

    /// The host name that is reserved for a client.
    pub(crate) fn hostname_of(&self, mac: MacAddr) -> Option<&str> {
        self.reserved.by_mac.get(&mac)?.hostname.as_deref()
    }

    /// Changes what is said of the same network. What no pool has any more and is not reserved ends.
    pub(crate) fn change(&mut self, subnet: Subnet, never: &[Ipv4Addr]) {
        let old = std::mem::replace(self, Self::new(subnet, never));
        self.reserved = old.reserved;
        for (address, held) in old.held {
            let kept = match held.holder.mac() {
                Some(mac) => self.may_have(mac, address),
                None => self.has(address) || self.reserved.holder_of(address).is_some(),
            };
            if kept {
                self.held.insert(address, held);
                if self.reserved.holder_of(address).is_none() {
                    self.ends.insert((held.until, address));
                }
            }
        }
        let held = &self.held;
        self.by_mac = old.by_mac;
        self.by_mac.retain(|_, address| held.contains_key(address));
    }

    /// What is offered, leased or declined, and what was leased.
    pub(crate) fn list(&self, now: Timestamp) -> impl Iterator<Item = Listed> {
        self.held.iter().filter_map(move |(address, held)| {
            let state = match (held.holder, held.until > now) {
                (Holder::Offered(_), true) => LeaseState::Offered,
                (Holder::Leased(..), true) => LeaseState::Active,
                (Holder::Leased(..), false) => LeaseState::Ended,
                (Holder::Declined, true) => LeaseState::Declined,
                (Holder::Offered(_) | Holder::Declined, false) => return None,
            };
            Some(Listed {
                address: *address,
                mac: held.holder.mac(),
                server_id: held.holder.server_id(),
                state,
                until: held.until,
            })
        })
    }

    /// Panics if an invariant of this module or its parent does not hold.
    #[cfg(test)]
    pub(crate) fn assert_sound(&self) {
        let ends = self.held.iter().filter_map(|(address, held)| {
            let pooled = self.reserved.holder_of(*address).is_none();
            pooled.then_some((held.until, *address))
        });
        assert_eq!(ends.collect::<std::collections::BTreeSet<_>>(), self.ends);
        for (mac, address) in &self.by_mac {
            let holder = self.held.get(address).and_then(|held| held.holder.mac());
            assert_eq!(holder, Some(*mac), "{address}");
        }
        for (address, mac) in &self.reserved.by_address {
            let holder = self.held.get(address).and_then(|held| held.holder.mac());
            assert!(holder.is_none_or(|holder| holder == *mac), "{address}");
            assert_eq!(self.reserved.address_of(*mac), Some(*address));
        }
        for address in self.held.keys() {
            let ours = self.has(*address) || self.reserved.holder_of(*address).is_some();
            assert!(ours, "{address}");
        }
    }

    fn forget(&mut self, address: Ipv4Addr) {
        let Some(Holding { holder, until }) = self.held.remove(&address) else {
            return;
        };
        self.ends.remove(&(until, address));
        if let Some(mac) = holder.mac()
            && self.own(mac) == Some(address)
        {
            self.by_mac.remove(&mac);
        }
    }
}

/// An address that is not free, or that somebody had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) address: Ipv4Addr,
    pub(crate) mac: Option<MacAddr>,
    pub(crate) server_id: Option<ServerId>,
    pub(crate) state: LeaseState,
    pub(crate) until: Timestamp,
}
