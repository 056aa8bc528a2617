//! Endpoints: the network interfaces that were heard asking for an address, planned or not.
//!
//! Whoever is on the network decides what is said here, so everything about it is bounded: how many
//! endpoints are known, how fast new ones are learned, how long their texts are and how often they
//! are written. What is kept in memory is written every few seconds, a number of them at once.
//!
//! **Invariant:** `ages` has one entry for each entry of `known`.

mod heard;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use model::{Endpoint, MacAddr};
use tokio_util::sync::CancellationToken;
use tracing::error;

pub(crate) use self::heard::Heard;
use crate::store::{self, Expect, Op, Store, Table};

/// The endpoints as the DHCP service and the control API share them.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints(Arc<Mutex<Known>>);

impl Endpoints {
    /// The endpoints that are in the store.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub(crate) fn open(store: &Store) -> Result<Self, store::Error> {
        let mut known = Known::default();
        for (_, endpoint) in store.list::<Endpoint>(Table::Endpoints)? {
            known.restore(endpoint.value);
        }
        Ok(Self(Arc::new(Mutex::new(known))))
    }

    /// Notes that an endpoint was heard.
    pub(crate) fn hear(&self, heard: Heard, now: Timestamp) {
        self.lock().hear(heard, now);
    }

    /// Every endpoint, in the order of the MAC addresses.
    pub(crate) fn list(&self) -> Vec<Endpoint> {
        let known = self.lock();
        let mut all: Vec<_> = known
            .known
            .values()
            .map(|entry| entry.endpoint.clone())
            .collect();
        drop(known);
        all.sort_by_key(|endpoint| endpoint.mac);
        all
    }

    /// Writes what is new every few seconds until `shutdown`, and then the rest.
    pub(crate) async fn run(self, store: Store, shutdown: CancellationToken) {
        while shutdown
            .run_until_cancelled(tokio::time::sleep(WRITE_EVERY))
            .await
            .is_some()
        {
            let endpoints = self.clone();
            store.run(move |store| endpoints.write(store)).await;
        }
        let endpoints = self.clone();
        store
            .run(move |store| while endpoints.write(store) {})
            .await;
    }

    /// Writes what is new, as much of it as may be written at once. Returns whether there is more.
    fn write(&self, store: &Store) -> bool {
        let changes = self.lock().take_changes();
        let more = changes.len() == WRITE_AT_ONCE;
        let op = |(mac, endpoint): (MacAddr, Option<Endpoint>)| match endpoint {
            Some(endpoint) => Op::put(Table::Endpoints, mac.to_string(), &endpoint, Expect::Any),
            None => Ok(Op::delete(Table::Endpoints, mac.to_string(), Expect::Any)),
        };
        let ops: Result<Vec<_>, _> = changes.into_iter().map(op).collect();
        let written = ops.and_then(|ops| match ops.is_empty() {
            true => Ok(()),
            false => store.commit(ops),
        });
        if let Err(error) = written {
            // They are heard again.
            error!(
                error = &error as &dyn std::error::Error,
                "endpoints not written"
            );
            return false;
        }
        more
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known, and what of it is not written yet.
#[derive(Debug)]
struct Known {
    known: HashMap<MacAddr, Entry>,
    ages: BTreeSet<(Timestamp, MacAddr)>,
    changed: BTreeSet<MacAddr>,
    /// How many new endpoints may be learned at once, and since when that holds.
    budget: u32,
    counted_at: Timestamp,
}

#[derive(Debug)]
struct Entry {
    endpoint: Endpoint,
    /// What `last_seen` is in the store, if it is there.
    written: Option<Timestamp>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            ages: BTreeSet::new(),
            changed: BTreeSet::new(),
            budget: NEW_AT_ONCE,
            counted_at: Timestamp::MIN,
        }
    }
}

impl Known {
    fn restore(&mut self, endpoint: Endpoint) {
        self.ages.insert((endpoint.last_seen, endpoint.mac));
        let written = Some(endpoint.last_seen);
        let entry = Entry { endpoint, written };
        self.known.insert(entry.endpoint.mac, entry);
        self.evict();
    }

    fn hear(&mut self, heard: Heard, now: Timestamp) {
        let Some(entry) = self.known.get_mut(&heard.mac) else {
            self.learn(heard, now);
            return;
        };
        let Entry { endpoint, written } = entry;
        self.ages.remove(&(endpoint.last_seen, endpoint.mac));
        let before = endpoint.clone();
        // A message says some of it only.
        endpoint.address = heard.address.or(endpoint.address);
        endpoint.vendor_class = heard.vendor_class.or_else(|| endpoint.vendor_class.take());
        endpoint.hostname = heard.hostname.or_else(|| endpoint.hostname.take());
        let same = *endpoint == before;
        endpoint.last_seen = now;
        self.ages.insert((now, endpoint.mac));
        let lately = |written: Timestamp| now.duration_since(written) < WRITE_SEEN;
        if !same || !written.is_some_and(lately) {
            self.changed.insert(heard.mac);
        }
    }

    fn learn(&mut self, heard: Heard, now: Timestamp) {
        let passed = now.duration_since(self.counted_at).as_secs();
        if passed > 0 {
            let more = u32::try_from(passed).unwrap_or(u32::MAX);
            let more = more.saturating_mul(NEW_A_SECOND);
            self.budget = self.budget.saturating_add(more).min(NEW_AT_ONCE);
            self.counted_at = now;
        }
        // A real one asks again.
        let Some(rest) = self.budget.checked_sub(1) else {
            return;
        };
        self.budget = rest;
        let endpoint = Endpoint {
            mac: heard.mac,
            address: heard.address,
            vendor_class: heard.vendor_class,
            hostname: heard.hostname,
            first_seen: now,
            last_seen: now,
        };
        self.ages.insert((now, heard.mac));
        self.changed.insert(heard.mac);
        let written = None;
        self.known.insert(heard.mac, Entry { endpoint, written });
        self.evict();
    }

    /// Forgets the one that was heard the longest ago, if there are too many.
    fn evict(&mut self) {
        while self.known.len() > MOST
            && let Some((_, mac)) = self.ages.pop_first()
        {
            let gone = self.known.remove(&mac);
            match gone.and_then(|entry| entry.written) {
                Some(_) => self.changed.insert(mac),
                None => self.changed.remove(&mac),
            };
        }
    }

    /// What has to be written: endpoints, and those that are gone.
    fn take_changes(&mut self) -> Vec<(MacAddr, Option<Endpoint>)> {
        let mut changes = Vec::new();
        while changes.len() < WRITE_AT_ONCE
            && let Some(mac) = self.changed.pop_first()
        {
            let endpoint = self.known.get_mut(&mac).map(|entry| {
                entry.written = Some(entry.endpoint.last_seen);
                entry.endpoint.clone()
            });
            changes.push((mac, endpoint));
        }
        changes
    }
}

/// How many are known: a site's servers and their BMCs, twice.
const MOST: usize = 40_000;

/// How many are learned at once, when a site is powered on.
const NEW_AT_ONCE: u32 = 1000;

/// How many are learned each second after that.
const NEW_A_SECOND: u32 = 20;

const WRITE_EVERY: Duration = Duration::from_secs(5);

const WRITE_AT_ONCE: usize = 512;

/// How old `last_seen` may be in the store.
const WRITE_SEEN: SignedDuration = SignedDuration::from_mins(10);

#[cfg(test)]
mod tests;
