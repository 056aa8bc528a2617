//! Which servers are planned, and how far their boots have come.
//!
//! DHCP, TFTP and HTTP ask here about a packet or a request; nothing here knows which of them asks.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use model::{Boot, BootMethod, Claim, Event, EventKind, MacAddr, ServerId, Stage};
use tracing::info;
use uuid::Uuid;

use crate::{
    boot_configs, events,
    store::{Error, Expect, Op, Store, Table, Versioned},
};

/// A server that is claimed and armed: one that the agent answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The server.
    pub server_id: ServerId,
    /// The address it was found by.
    pub mac: MacAddr,
    /// The host name its claim gives it.
    pub hostname: Option<String>,
    /// The boot that is armed. [`Boot::is_installed`] says whether it is over.
    pub boot: Boot,
    /// How its firmware boots.
    pub method: BootMethod,
}

/// The planned server that has the address `mac`, if there is one.
///
/// # Errors
///
/// If the store fails.
pub fn planned(store: &Store, mac: MacAddr) -> Result<Option<Planned>, Error> {
    let Some(server) = store.get::<ServerId>(Table::Macs, &mac.to_string())? else {
        return Ok(None);
    };
    planned_server(store, server.value, mac)
}

/// The planned server `server_id`, as found by its address `mac`.
///
/// # Errors
///
/// If the store fails.
pub fn planned_server(
    store: &Store,
    server_id: ServerId,
    mac: MacAddr,
) -> Result<Option<Planned>, Error> {
    let Some(claim) = claim(store, server_id)? else {
        return Ok(None);
    };
    let Claim {
        hostname,
        boot: Some(boot),
        ..
    } = claim.value
    else {
        return Ok(None);
    };
    let Some(method) = boot_configs::method(store, boot.boot_config_id, &boot.revision)? else {
        return Ok(None);
    };
    Ok(Some(Planned {
        server_id,
        mac,
        hostname,
        boot,
        method,
    }))
}

/// A stage that somebody saw a boot reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The server.
    pub server_id: ServerId,
    /// The boot.
    pub boot: Uuid,
    /// The stage.
    pub stage: Stage,
    /// When.
    pub at: Timestamp,
    /// The address the server is leased, if that is known.
    pub address: Option<Ipv4Addr>,
}

impl Reached {
    fn event(&self) -> Event {
        Event {
            at: self.at,
            server_id: self.server_id,
            kind: EventKind::Stage,
            boot: self.boot,
            stage: Some(self.stage),
            address: self.address,
        }
    }
}

/// Notes that a boot reached a stage, and the address its server is leased.
///
/// What was noted before stays, and a boot that is no longer armed is none of our business, so
/// this may be called for every packet and every request.
///
/// # Errors
///
/// If the store fails.
pub fn reach(store: &Store, reached: &Reached) -> Result<(), Error> {
    loop {
        let Some(mut claim) = claim(store, reached.server_id)? else {
            return Ok(());
        };
        let Some(armed) = claim
            .value
            .boot
            .as_mut()
            .filter(|armed| armed.id == reached.boot)
        else {
            return Ok(());
        };
        let first = armed.reach(reached.stage, reached.at);
        let moved = reached.address.is_some() && armed.address != reached.address;
        if !first && !moved {
            return Ok(());
        }
        armed.address = reached.address.or(armed.address);
        let key = reached.server_id.to_string();
        let expect = Expect::Version(claim.version);
        let mut ops = vec![Op::put(Table::Claims, key, &claim.value, expect)?];
        if first {
            ops.extend(events::record(store, &reached.event())?);
        }
        match store.commit(ops) {
            Err(error) if error.is_conflict() => {}
            Ok(()) if first => {
                let Reached {
                    server_id,
                    boot,
                    stage,
                    ..
                } = reached;
                info!(server = %server_id, %boot, %stage, "boot stage reached");
                return Ok(());
            }
            outcome => return outcome,
        }
    }
}

fn claim(store: &Store, server_id: ServerId) -> Result<Option<Versioned<Claim>>, Error> {
    store.get(Table::Claims, &server_id.to_string())
}
