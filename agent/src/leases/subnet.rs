//! The leases of one subnet.
//!
//! Every method takes `now`; nothing here reads a clock, a socket or a file. An address is free,
//! offered, leased or declined, and each of the last three ends at a time of its own: an address is
//! free exactly when its end has passed. No operation of DHCP looks at more than a few addresses, as
//! long as there are free ones.
//!
//! **Invariant:** `ends` has one entry for each entry of `held` whose address is not reserved, and
//! whoever is in `by_mac` is the holder of that address. A reserved address is held by nobody but
//! the one it is reserved for.

mod reserved;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    net::Ipv4Addr,
};

use jiff::{SignedDuration, Timestamp};
use model::{MacAddr, ServerId};

pub(crate) use self::reserved::Conflict;
use self::reserved::Reserved;
use super::Lease;
use crate::config::Subnet;

/// The leases of one subnet.
#[derive(Debug)]
pub(crate) struct SubnetLeases {
    subnet: Subnet,
    never: HashSet<Ipv4Addr>,
    reserved: Reserved,
    held: HashMap<Ipv4Addr, Holding>,
    by_mac: HashMap<MacAddr, Ipv4Addr>,
    ends: BTreeSet<(Timestamp, Ipv4Addr)>,
    fresh: Fresh,
}

/// Who has an address, and until when. Who had it last is remembered after the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holding {
    holder: Holder,
    until: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Offered(MacAddr),
    Leased(MacAddr, ServerId),
    Declined,
}

impl Holder {
    const fn mac(self) -> Option<MacAddr> {
        match self {
            Self::Offered(mac) | Self::Leased(mac, _) => Some(mac),
            Self::Declined => None,
        }
    }

    const fn server_id(self) -> Option<ServerId> {
        match self {
            Self::Leased(_, server_id) => Some(server_id),
            Self::Offered(_) | Self::Declined => None,
        }
    }
}

/// How far the pools have been used: everything before is or was held, or is not for everybody.
#[derive(Clone, Copy, Debug, Default)]
struct Fresh {
    pool: usize,
    used: u32,
}

/// Why an address is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// No pool of the subnet has it.
    #[error("{0} is not an address of this subnet")]
    NotOurs(Ipv4Addr),
    /// Somebody else has it.
    #[error("{0} is in use")]
    Taken(Ipv4Addr),
    /// The client has another one.
    #[error("{wanted} is not the address of this client, {held} is")]
    NotYours {
        /// What it asked for.
        wanted: Ipv4Addr,
        /// What it has.
        held: Ipv4Addr,
    },
}

impl SubnetLeases {
    /// The leases of `subnet`, none so far. The addresses in `never` are leased to nobody.
    pub(crate) fn new(subnet: Subnet, never: &[Ipv4Addr]) -> Self {
        Self {
            never: never.iter().copied().chain(subnet.router).collect(),
            subnet,
            reserved: Reserved::default(),
            held: HashMap::new(),
            by_mac: HashMap::new(),
            ends: BTreeSet::new(),
            fresh: Fresh::default(),
        }
    }

    /// The subnet.
    pub(crate) const fn subnet(&self) -> &Subnet {
        &self.subnet
    }

    /// Takes over a lease that was confirmed before.
    pub(crate) fn restore(&mut self, lease: &Lease) {
        if self.may_have(lease.mac, lease.address) {
            let holder = Holder::Leased(lease.mac, lease.server_id);
            self.hold(lease.address, holder, lease.expires_at);
        }
    }

    /// Offers a client an address: the one that is reserved for it, or the one it has or had, or the
    /// one it wishes for, or one that nobody ever had, or the one that nobody has had for the longest
    /// time. When there is none of those, it is the one that was declined first: anybody on the link
    /// can decline every address in a planned server's name, and that must not keep all of them from
    /// booting.
    pub(crate) fn offer(
        &mut self,
        mac: MacAddr,
        wish: Option<Ipv4Addr>,
        now: Timestamp,
    ) -> Option<Ipv4Addr> {
        let until = after(now, OFFER);
        if let Some(address) = self.reserved.address_of(mac) {
            let held = self.held.get(&address).filter(|held| held.until > now);
            return match held.map(|held| held.holder) {
                Some(Holder::Declined) => None,
                Some(Holder::Leased(..)) if self.own(mac) == Some(address) => Some(address),
                Some(Holder::Leased(..) | Holder::Offered(_)) | None => {
                    self.hold(address, Holder::Offered(mac), until);
                    Some(address)
                }
            };
        }
        if let Some(address) = self.own(mac) {
            let live = self.held.get(&address).is_some_and(|own| own.until > now);
            // A lease is never shortened to an offer: the client may be using it still.
            if !live || self.is_offered(address) {
                self.hold(address, Holder::Offered(mac), until);
            }
            return Some(address);
        }
        let address = wish
            .filter(|wish| self.is_free(mac, *wish, now))
            .or_else(|| self.take_fresh())
            .or_else(|| self.oldest(now))
            .or_else(|| self.first_declined())?;
        self.hold(address, Holder::Offered(mac), until);
        Some(address)
    }

    /// Leases an address to a client: the one it was offered, the one it has, or a free one if it
    /// has none.
    ///
    /// # Errors
    ///
    /// If the client cannot have that address.
    pub(crate) fn confirm(
        &mut self,
        mac: MacAddr,
        server_id: ServerId,
        address: Ipv4Addr,
        now: Timestamp,
    ) -> Result<Lease, Refusal> {
        let reserved = self.reserved.address_of(mac);
        if reserved != Some(address) {
            if !self.has(address) {
                return Err(Refusal::NotOurs(address));
            }
            let own = self.own(mac).filter(|own| {
                let live = |held: &Holding| held.until > now;
                self.held.get(own).is_some_and(live)
            });
            // A running system keeps the address it has until it boots again.
            let keeps = own == Some(address) && !self.is_offered(address);
            if let Some(held) = reserved.filter(|_| !keeps).or(own)
                && held != address
            {
                return Err(Refusal::NotYours {
                    wanted: address,
                    held,
                });
            }
        }
        if self.own(mac) != Some(address) && !self.is_free(mac, address, now) {
            return Err(Refusal::Taken(address));
        }
        let expires_at = after(now, i64::from(self.subnet.lease_seconds));
        self.hold(address, Holder::Leased(mac, server_id), expires_at);
        Ok(Lease {
            mac,
            address,
            server_id,
            expires_at,
        })
    }

    /// The lease that a client has at `now`.
    pub(crate) fn lease_of(&self, mac: MacAddr, now: Timestamp) -> Option<Lease> {
        let address = self.own(mac)?;
        let holding = self.held.get(&address)?;
        match holding.holder {
            Holder::Leased(_, server_id) if holding.until > now => Some(Lease {
                mac,
                address,
                server_id,
                expires_at: holding.until,
            }),
            Holder::Leased(..) | Holder::Offered(_) | Holder::Declined => None,
        }
    }

    /// Whether the client has that address, offered or leased.
    pub(crate) fn holds(&self, mac: MacAddr, address: Ipv4Addr, now: Timestamp) -> bool {
        let live = |holding: &Holding| holding.until > now;
        self.own(mac) == Some(address) && self.held.get(&address).is_some_and(live)
    }

    /// Ends what a client has of `address`. It gets the same one again if it comes back in time.
    pub(crate) fn release(&mut self, mac: MacAddr, address: Ipv4Addr, now: Timestamp) {
        if self.holds(mac, address, now)
            && let Some(holding) = self.held.get(&address)
        {
            self.hold(address, holding.holder, now);
        }
    }

    /// Ends the offer to a client that took another server's.
    pub(crate) fn withdraw(&mut self, mac: MacAddr, now: Timestamp) {
        if let Some(address) = self.own(mac).filter(|address| self.is_offered(*address)) {
            self.release(mac, address, now);
        }
    }

    /// Keeps an address out of use that somebody uses without a lease.
    pub(crate) fn decline(&mut self, address: Ipv4Addr, now: Timestamp) {
        if self.has(address) || self.reserved.holder_of(address).is_some() {
            self.hold(address, Holder::Declined, after(now, DECLINED));
        }
    }

    fn own(&self, mac: MacAddr) -> Option<Ipv4Addr> {
        self.by_mac.get(&mac).copied()
    }

    fn is_offered(&self, address: Ipv4Addr) -> bool {
        let holding = self.held.get(&address);
        holding.is_some_and(|holding| matches!(holding.holder, Holder::Offered(_)))
    }

    /// Whether a pool has the address and it may be leased at all.
    fn has(&self, address: Ipv4Addr) -> bool {
        !self.never.contains(&address) && self.subnet.pools.iter().any(|p| p.contains(address))
    }

    /// Whether a client may have the address at all, whoever has it now.
    fn may_have(&self, mac: MacAddr, address: Ipv4Addr) -> bool {
        match self.reserved.holder_of(address) {
            Some(holder) => holder == mac,
            None => self.has(address),
        }
    }

    fn is_free(&self, mac: MacAddr, address: Ipv4Addr, now: Timestamp) -> bool {
        let ended = |holding: &Holding| holding.until <= now;
        self.may_have(mac, address) && self.held.get(&address).is_none_or(ended)
    }

    /// The next address that nobody ever had. Each is looked at once in the life of the agent.
    fn take_fresh(&mut self) -> Option<Ipv4Addr> {
        while let Some(pool) = self.subnet.pools.get(self.fresh.pool) {
            let next = pool.first().to_bits().checked_add(self.fresh.used);
            let Some(address) = next.map(Ipv4Addr::from_bits).filter(|a| pool.contains(*a)) else {
                self.fresh = Fresh {
                    pool: self.fresh.pool + 1,
                    used: 0,
                };
                continue;
            };
            self.fresh.used += 1;
            let reserved = self.reserved.holder_of(address).is_some();
            if !reserved && !self.held.contains_key(&address) && !self.never.contains(&address) {
                return Some(address);
            }
        }
        None
    }

    /// The address whose end is the longest ago.
    fn oldest(&self, now: Timestamp) -> Option<Ipv4Addr> {
        let (end, address) = self.ends.first()?;
        (*end <= now).then_some(*address)
    }

    /// The declined address that ends first.
    fn first_declined(&self) -> Option<Ipv4Addr> {
        let declined = |address: &Ipv4Addr| {
            let holding = self.held.get(address);
            holding.is_some_and(|holding| holding.holder == Holder::Declined)
        };
        let mut addresses = self.ends.iter().map(|(_, address)| *address);
        addresses.find(declined)
    }

    fn hold(&mut self, address: Ipv4Addr, holder: Holder, until: Timestamp) {
        let holding = Holding { holder, until };
        if let Some(before) = self.held.insert(address, holding) {
            self.ends.remove(&(before.until, address));
            if let Some(mac) = before.holder.mac()
                && self.own(mac) == Some(address)
            {
                self.by_mac.remove(&mac);
            }
        }
        if self.reserved.holder_of(address).is_none() {
            self.ends.insert((until, address));
        }
        if let Some(mac) = holder.mac() {
            self.by_mac.insert(mac, address);
        }
    }
}

fn after(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

/// How long an offer holds, in seconds. UEFI firmware and iPXE take up to 4 s to ask for it, more if
/// they wait for other servers.
const OFFER: i64 = 60;

/// How long a declined address is kept out of use, in seconds.
const DECLINED: i64 = 3600;
