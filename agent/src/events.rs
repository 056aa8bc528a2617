//! The history of each server: the stages its boots reached, and what was tried with its secrets.
//!
//! A server has two rings of a fixed number of entries, one of boots and one of security events, so
//! that neither fills the disk and neither hides the other. A ring is as old as its server.

use jiff::{SignedDuration, Timestamp};
use model::{Event, ServerId};
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::store::{Error, Expect, Op, Store, Table};

/// How far a ring is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// The number of the next entry, from 0 and never starting over.
    next: u64,
    /// When the last entry was made.
    last: Option<Timestamp>,
}

/// The operations that note `event`. They expect the ring as it is now.
pub(crate) fn record(store: &Store, event: &Event) -> Result<Vec<Op>, Error> {
    let ring = ring(event);
    let key = format!("head/{ring}");
    let head = store.get::<Head>(Table::Events, &key)?;
    let expect = Expect::as_read(head.as_ref());
    let Head { next, last } = head.map(|head| head.value).unwrap_or_default();
    // Whoever replays a secret decides how often, but not how often that is written.
    let soon = |last: Timestamp| event.at.duration_since(last) < SECURITY_PAUSE;
    if event.kind.is_security() && last.is_some_and(soon) {
        return Ok(Vec::new());
    }
    let head = Head {
        next: next.wrapping_add(1),
        last: Some(event.at),
    };
    let slot = format!("event/{ring}/{:03}", next % ENTRIES);
    Ok(vec![
        Op::put(Table::Events, key, &head, expect)?,
        Op::put(Table::Events, slot, event, Expect::Any)?,
    ])
}

/// Notes a security event. That it cannot be noted does not change what is answered.
pub(crate) fn note(store: &Store, event: &Event) {
    loop {
        match record(store, event).and_then(|ops| store.commit(ops)) {
            Err(error) if error.is_conflict() => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                error!(server = %event.server_id, error, "event not noted");
                return;
            }
            Ok(()) => return,
        }
    }
}

/// The last `limit` events of one server or of all, the latest last.
pub(crate) fn list(
    store: &Store,
    server: Option<ServerId>,
    limit: usize,
) -> Result<Vec<Event>, Error> {
    let prefix = server.map_or_else(|| "event/".to_owned(), |id| format!("event/{id}/"));
    let stored = store.list_under::<Event>(Table::Events, &prefix)?;
    let mut events: Vec<_> = stored.into_iter().map(|(_, event)| event.value).collect();
    events.sort_by_key(|event| (event.at, event.server_id, event.stage));
    events.drain(..events.len().saturating_sub(limit));
    Ok(events)
}

/// The operations that forget the history of a server.
pub(crate) fn forget(store: &Store, server: ServerId) -> Result<Vec<Op>, Error> {
    let mut ops = Vec::new();
    for prefix in ["head", "event"] {
        let prefix = format!("{prefix}/{server}/");
        let stored = store.list_under::<serde_json::Value>(Table::Events, &prefix)?;
        let keys = stored.into_iter().map(|(key, _)| key);
        ops.extend(keys.map(|key| Op::delete(Table::Events, key, Expect::Any)));
    }
    Ok(ops)
}

fn ring(event: &Event) -> String {
    let ring = match event.kind.is_security() {
        true => "security",
        false => "boot",
    };
    format!("{}/{ring}", event.server_id)
}

/// How many entries a ring has.
const ENTRIES: u64 = 128;

const SECURITY_PAUSE: SignedDuration = SignedDuration::from_secs(10);

#[cfg(test)]
mod tests {
    use model::{EventKind, Stage};

    use super::*;
    use crate::fixture::{self, at, server_id, uuid};

    fn event(server: u8, kind: EventKind, seconds: i64) -> Event {
        Event {
            at: at(seconds),
            server_id: server_id(server),
            kind,
            boot: uuid(1),
            stage: (kind == EventKind::Stage).then_some(Stage::Dhcp),
            address: None,
        }
    }

    fn record_all(store: &Store, events: &[Event]) {
        for event in events {
            store.commit(record(store, event).unwrap()).unwrap();
        }
    }

    #[test]
    fn a_history_is_bounded_and_keeps_the_latest() {
        let (_dir, store) = fixture::store();
        let stages: Vec<_> = (0..200)
            .map(|second| event(1, EventKind::Stage, second))
            .collect();
        record_all(&store, &stages);
        let other = event(2, EventKind::Stage, 1000);
        record_all(&store, std::slice::from_ref(&other));
        let found = list(&store, Some(server_id(1)), usize::MAX).unwrap();
        assert_eq!(found, stages[72..]);
        let found = list(&store, None, 2).unwrap();
        assert_eq!(found, [stages[199].clone(), other]);
        store.commit(forget(&store, server_id(1)).unwrap()).unwrap();
        assert_eq!(list(&store, Some(server_id(1)), 9).unwrap(), []);
        assert_eq!(list(&store, None, 9).unwrap().len(), 1);
    }

    #[test]
    fn a_replay_is_noted_at_most_every_ten_seconds_and_hides_no_stage() {
        let (_dir, store) = fixture::store();
        let stage = event(1, EventKind::Stage, 0);
        record_all(&store, std::slice::from_ref(&stage));
        for second in 0..3000 {
            note(&store, &event(1, EventKind::SecretReplayed, second));
        }
        let found = list(&store, None, usize::MAX).unwrap();
        assert_eq!(found.len(), 129);
        assert_eq!(found[0], stage);
        assert_eq!(found[128].at, at(2990));
    }
}
