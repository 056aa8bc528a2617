//! Registered servers, and which server has which MAC address.
//!
//! **Invariant:** a MAC address belongs to one server at most, and the index that says so changes
//! in the same commit as the server.

use jiff::Timestamp;
use model::{Claim, MacAddr, Registrar, Server, ServerId, ServerSpec, ServerState};
use serde::{Deserialize, Serialize};

use crate::{
    events,
    store::{self, Expect, Op, Store, Table, Versioned},
};

/// Why a server was not registered or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is not registered.
    #[error("server {0} is not registered")]
    NotFound(ServerId),
    /// Another server has one of its addresses.
    #[error("{mac} belongs to server {other}")]
    MacConflict {
        /// The address.
        mac: MacAddr,
        /// The other server.
        other: ServerId,
    },
    /// Somebody else has registered it.
    #[error("server {id} is registered by {}", .registrar.holder)]
    Registered {
        /// The server.
        id: ServerId,
        /// The BMC it is registered behind.
        endpoint: String,
        /// Who did.
        registrar: Box<Registrar>,
    },
    /// What was sent is no server.
    #[error("{mac} is not the address of one interface")]
    NotUnicast {
        /// The address.
        mac: MacAddr,
    },
    /// Somebody holds it.
    #[error("server {} is claimed by {}", .0.server_id, .0.holder)]
    Claimed(Box<Claim>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What is stored of a server. Whether it is claimed is in its claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// What was registered.
    pub spec: ServerSpec,
    /// When it was first registered.
    pub registered_at: Timestamp,
}

impl Record {
    fn with_claim(self, id: ServerId, claim: Option<Claim>) -> Server {
        Server {
            id,
            spec: self.spec,
            state: claim
                .as_ref()
                .map_or(ServerState::Available, |_claim| ServerState::Reserved),
            holder: claim.map(|claim| claim.holder),
            registered_at: self.registered_at,
        }
    }
}

/// What is stored of the server `id`.
pub(crate) fn record(
    store: &Store,
    id: ServerId,
) -> Result<Option<Versioned<Record>>, store::Error> {
    store.get(Table::Servers, &id.to_string())
}

/// Every registered server, in the order of the ids.
pub(crate) fn list(store: &Store) -> Result<Vec<Server>, store::Error> {
    let mut claims: std::collections::BTreeMap<String, Versioned<Claim>> =
        store.list(Table::Claims)?.into_iter().collect();
    let servers = store.list::<Record>(Table::Servers)?.into_iter();
    let server = |(key, record): (String, Versioned<Record>)| {
        // A key that is no id was never written.
        let id = key.parse().ok()?;
        let claim = claims.remove(&key).map(|claim| claim.value);
        Some(record.value.with_claim(id, claim))
    };
    Ok(servers.filter_map(server).collect())
}

/// The server `id`.
pub(crate) fn find(store: &Store, id: ServerId) -> Result<Server, Error> {
    let record = record(store, id)?.ok_or(Error::NotFound(id))?;
    let claim = store.get::<Claim>(Table::Claims, &id.to_string())?;
    Ok(record.value.with_claim(id, claim.map(|claim| claim.value)))
}

/// Registers the server `id`, or says what is now true of it.
pub(crate) fn put(
    store: &Store,
    id: ServerId,
    spec: ServerSpec,
    now: Timestamp,
) -> Result<Server, Error> {
    if let Some(mac) = spec.boot_mac_addresses.iter().find(|mac| !mac.is_unicast()) {
        return Err(Error::NotUnicast { mac: *mac });
    }
    loop {
        let old = record(store, id)?;
        if let Some(old) = &old {
            may_register(id, &old.value.spec, &spec)?;
        }
        if old.as_ref().is_none_or(|old| old.value.spec != spec) {
            match store.commit(put_ops(store, id, &spec, old.as_ref(), now)?) {
                Err(error) if error.is_conflict() => continue,
                outcome => outcome?,
            }
        }
        return find(store, id);
    }
}

/// Refuses a second registration beside the one that is there, unless that one was cut short.
fn may_register(id: ServerId, old: &ServerSpec, new: &ServerSpec) -> Result<(), Error> {
    let (Some(first), Some(second)) = (&old.registrar, &new.registrar) else {
        return Ok(());
    };
    let cut_short = !first.recorded && first.holder == second.holder && first.run != second.run;
    if first.uid == second.uid || cut_short {
        return Ok(());
    }
    Err(Error::Registered {
        id,
        endpoint: old.bmc.endpoint.clone(),
        registrar: Box::new(first.clone()),
    })
}

fn put_ops(
    store: &Store,
    id: ServerId,
    spec: &ServerSpec,
    old: Option<&Versioned<Record>>,
    now: Timestamp,
) -> Result<Vec<Op>, Error> {
    let registered_at = old.map_or(now, |old| old.value.registered_at);
    let record = Record {
        spec: spec.clone(),
        registered_at,
    };
    let mut ops = vec![Op::put(
        Table::Servers,
        id.to_string(),
        &record,
        Expect::as_read(old),
    )?];
    let had = old.map_or(&[][..], |old| &old.value.spec.boot_mac_addresses);
    for mac in had
        .iter()
        .filter(|mac| !spec.boot_mac_addresses.contains(mac))
    {
        ops.extend(forget(store, id, *mac)?);
    }
    for mac in &spec.boot_mac_addresses {
        let key = mac.to_string();
        let owner = store.get::<ServerId>(Table::Macs, &key)?;
        match &owner {
            Some(owner) if owner.value != id => {
                return Err(Error::MacConflict {
                    mac: *mac,
                    other: owner.value,
                });
            }
            Some(_) | None => {
                ops.push(Op::put(
                    Table::Macs,
                    key,
                    &id,
                    Expect::as_read(owner.as_ref()),
                )?);
            }
        }
    }
    Ok(ops)
}

/// Takes `mac` from the server `id`, if it is that server's.
fn forget(store: &Store, id: ServerId, mac: MacAddr) -> Result<Option<Op>, store::Error> {
    let key = mac.to_string();
    let owner = store.get::<ServerId>(Table::Macs, &key)?;
    let owner = owner.filter(|owner| owner.value == id);
    Ok(owner.map(|owner| Op::delete(Table::Macs, key, Expect::Version(owner.version))))
}

/// Removes the server `id`, which nobody may hold.
pub(crate) fn delete(store: &Store, id: ServerId) -> Result<(), Error> {
    let key = id.to_string();
    loop {
        let old = record(store, id)?.ok_or(Error::NotFound(id))?;
        if let Some(claim) = store.get::<Claim>(Table::Claims, &key)? {
            return Err(Error::Claimed(Box::new(claim.value)));
        }
        let mut ops = vec![
            Op::delete(Table::Servers, key.as_str(), Expect::Version(old.version)),
            Op::check(Table::Claims, key.as_str(), Expect::Absent),
        ];
        for mac in &old.value.spec.boot_mac_addresses {
            ops.extend(forget(store, id, *mac)?);
        }
        ops.extend(events::forget(store, id)?);
        match store.commit(ops) {
            Err(error) if error.is_conflict() => {}
            outcome => return Ok(outcome?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, server_id, spec};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_mac_address_belongs_to_one_server_until_it_is_given_up() {
        let (_dir, store) = fixture::store();
        let (a, b) = (server_id(1), server_id(2));
        put(&store, a, spec(&[1, 2]), NOW).unwrap();
        let error = put(&store, b, spec(&[2, 3]), NOW).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("52:54:00:00:00:02 belongs to server {a}")
        );
        assert!(
            matches!(find(&store, b), Err(Error::NotFound(_))),
            "nothing was written"
        );

        put(&store, a, spec(&[1]), NOW).unwrap();
        put(&store, b, spec(&[2, 3]), NOW).unwrap();
        delete(&store, a).unwrap();
        put(&store, b, spec(&[1]), NOW).unwrap();
        let owners = store.list::<ServerId>(Table::Macs).unwrap();
        let owners: Vec<_> = owners
            .into_iter()
            .map(|(key, owner)| (key, owner.value))
            .collect();
        assert_eq!(owners, [("52:54:00:00:00:01".to_owned(), b)]);
    }

    #[test]
    fn a_server_is_registered_by_one_unless_that_one_was_cut_short() {
        let by = |uid: u128, run: u128, holder: &str, recorded: bool| {
            let mut spec = spec(&[1]);
            spec.registrar = Some(Registrar {
                uid: fixture::uuid(uid),
                holder: fixture::holder(holder),
                run: fixture::uuid(run),
                recorded,
            });
            spec
        };
        let cases = [
            (by(1, 1, "a", true), by(1, 2, "a", false), true),
            (by(1, 1, "a", false), by(2, 1, "a", false), false),
            (by(1, 1, "a", false), by(2, 2, "a", false), true),
            (by(1, 1, "a", true), by(2, 2, "a", false), false),
            (by(1, 1, "a", false), by(2, 2, "b", false), false),
            (by(1, 1, "a", true), spec(&[1]), true),
        ];
        for (first, second, expected) in cases {
            let (_dir, store) = fixture::store();
            put(&store, server_id(1), first.clone(), NOW).unwrap();
            let outcome = put(&store, server_id(1), second.clone(), NOW);
            assert_eq!(outcome.is_ok(), expected, "{first:?} {second:?}");
        }
    }

    #[test]
    fn registering_again_keeps_the_first_time_and_an_unchanged_server_is_not_written() {
        let (_dir, store) = fixture::store();
        let id = server_id(1);
        put(&store, id, spec(&[1]), NOW).unwrap();
        let version = record(&store, id).unwrap().unwrap().version;
        let again = put(&store, id, spec(&[1]), Timestamp::MAX).unwrap();
        assert_eq!(again.registered_at, NOW);
        assert_eq!(again.state, ServerState::Available);
        assert_eq!(record(&store, id).unwrap().unwrap().version, version);
        put(&store, id, spec(&[2]), Timestamp::MAX).unwrap();
        assert_eq!(find(&store, id).unwrap().registered_at, NOW);
    }

    #[test]
    fn an_address_that_names_no_interface_is_refused() {
        let (_dir, store) = fixture::store();
        let mut spec = spec(&[]);
        spec.boot_mac_addresses = vec![MacAddr::new([0xff; 6])];
        let error = put(&store, server_id(1), spec, NOW).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ff:ff:ff:ff:ff:ff is not the address of one interface"
        );
    }
}
