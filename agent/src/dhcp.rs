//! The DHCP service: receive, respond, store the lease, send.
//!
//! Each packet is a task of its own, because it waits for the disk: the store flushes once for all
//! leases that wait together. Two packets of one client are never worked on at the same time, so
//! that what is stored of it last is also what was decided last.
//!
//! **Invariant:** a lease is on stable storage before its DHCPACK is sent, and stays taken until its
//! end is.

mod boot_file;
mod door;
mod proxy;
mod responder;
mod socket;
mod turns;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::Arc,
};

use jiff::Timestamp;
use model::Stage;
use netboot::{
    dhcp::{
        Message, MessageType,
        options::{BOOT_FILE, MESSAGE},
    },
    pxe::Client,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

pub(crate) use self::responder::Settings;
use self::{
    boot_file::Loaders,
    door::Door,
    proxy::Port,
    responder::{Outcome, Reason, respond},
    socket::Socket,
    turns::Turns,
};
use crate::{
    boot::{self, Planned, Reached},
    config::{Config, DhcpMode},
    endpoints::{Endpoints, Heard},
    leases::{self, Lease, SharedLeases},
    store::{self, Store},
    way_out,
};

/// Why the DHCP service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its address cannot be used.
    #[error("failed to bind the DHCP socket on {listen}{}", way_out(source, key))]
    Bind {
        /// The address.
        listen: SocketAddrV4,
        /// What configures it.
        key: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Its interface has no address.
    #[error("failed to find an IPv4 address of the interface {interface}")]
    Interface {
        /// The interface.
        interface: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no address that clients could know it by.
    #[error("there is no address that servers could know the DHCP server by")]
    NoServerAddress,
}

/// What the DHCP service works on together with the control API.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// The leases.
    pub(crate) leases: SharedLeases,
    /// The endpoints that are heard.
    pub(crate) endpoints: Endpoints,
    /// The store.
    pub(crate) store: Store,
}

/// The DHCP service, ready to run.
#[derive(Debug)]
pub struct Server {
    doors: Vec<Door>,
    local_addr: SocketAddr,
}

#[derive(Debug)]
struct Service {
    settings: Settings,
    mode: DhcpMode,
    leases: SharedLeases,
    endpoints: Endpoints,
    turns: Turns,
    store: Store,
}

impl Server {
    /// Binds the sockets. It must be called from within a runtime.
    ///
    /// # Errors
    ///
    /// If an address cannot be used.
    pub(crate) fn bind(config: &Config, settings: Settings, shared: Shared) -> Result<Self, Error> {
        let Shared {
            leases,
            endpoints,
            store,
        } = shared;
        let mode = config.dhcp.mode;
        let service = Arc::new(Service {
            settings,
            mode,
            leases,
            endpoints,
            turns: Turns::default(),
            store,
        });
        let open = |port, listen, key| {
            let bind = |source| Error::Bind {
                listen,
                key,
                source,
            };
            let socket = Socket::bind(listen, config.dhcp.interface.as_deref()).map_err(bind)?;
            let local_addr = socket.local_addr().map_err(bind)?;
            let door = Door {
                socket: Arc::new(socket),
                port,
                service: Arc::clone(&service),
            };
            Ok::<_, Error>((door, local_addr))
        };
        let (door, local_addr) = open(Port::Dhcp, config.dhcp.listen, "dhcp.listen")?;
        let mut doors = vec![door];
        if mode == DhcpMode::Proxy {
            doors.push(open(Port::Pxe, config.dhcp.pxe_listen, "dhcp.pxe_listen")?.0);
        }
        Ok(Self { doors, local_addr })
    }

    /// Where it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Answers until `shutdown`, and returns when everything that was begun is done.
    pub async fn run(self, shutdown: CancellationToken) {
        let doors = self
            .doors
            .into_iter()
            .map(|door| door.run(shutdown.clone()));
        doors.collect::<JoinSet<()>>().join_all().await;
    }
}

/// What the answers have in common.
///
/// # Errors
///
/// If there is no address to be known by, or the interface has none.
pub(crate) fn settings(config: &Config, boot_url: &str) -> Result<Settings, Error> {
    let server_address = config.server_address().ok_or(Error::NoServerAddress)?;
    let link = match (config.dhcp.link, &config.dhcp.interface) {
        (Some(link), _) => link,
        (None, Some(interface)) => {
            socket::interface_address(interface).map_err(|source| Error::Interface {
                interface: interface.clone(),
                source,
            })?
        }
        (None, None) => server_address,
    };
    Ok(Settings {
        server_address,
        tftp_address: config.tftp_address().unwrap_or(server_address),
        boot_url: boot_url.to_owned(),
        link,
        loaders: Loaders {
            configured: config.tftp.loaders.clone(),
        },
    })
}

impl Service {
    /// Decides and stores. What comes back may be sent.
    fn decide(&self, port: Port, request: &Message) -> Result<Option<Message>, store::Error> {
        let planned = boot::planned(&self.store, request.mac)?;
        let now = Timestamp::now();
        if let Some(heard) = Heard::of(request) {
            self.endpoints.hear(heard, now);
        }
        let (settings, planned_for) = (&self.settings, planned.as_ref());
        let outcome = match self.mode {
            DhcpMode::Server => {
                respond(settings, &mut self.leases.lock(), request, planned_for, now)
            }
            DhcpMode::Proxy => proxy::respond(settings, port, request, planned_for, now),
        };
        log(request, planned.as_ref(), &outcome);
        match outcome {
            Outcome::Reply(reply) => Ok(Some(reply)),
            Outcome::Confirm { reply, lease } => {
                // If this fails, the lease is taken in memory only, which is on the safe side.
                leases::insert(&self.store, &lease)?;
                if let Some(planned) = &planned {
                    self.reached(planned, &lease, now)?;
                }
                Ok(Some(reply))
            }
            Outcome::Heard(lease) => {
                leases::insert(&self.store, &lease)?;
                if let Some(planned) = &planned {
                    self.reached(planned, &lease, now)?;
                }
                Ok(None)
            }
            Outcome::Release(lease) => {
                leases::insert(&self.store, &lease)?;
                if let Some(subnet) = self.leases.lock().subnet_of(lease.address) {
                    subnet.release(lease.mac, lease.address, now);
                }
                Ok(None)
            }
            Outcome::Decline(address) => {
                leases::remove(&self.store, address)?;
                if let Some(subnet) = self.leases.lock().subnet_of(address) {
                    subnet.decline(address, now);
                }
                Ok(None)
            }
            Outcome::Ignore(_) => Ok(None),
        }
    }

    fn reached(&self, planned: &Planned, lease: &Lease, at: Timestamp) -> Result<(), store::Error> {
        let reached = Reached {
            server_id: planned.server_id,
            boot: planned.boot.id,
            stage: Stage::Dhcp,
            at,
            address: Some(lease.address),
        };
        boot::reach(&self.store, &reached)
    }
}

/// One line for each packet.
fn log(request: &Message, planned: Option<&Planned>, outcome: &Outcome) {
    let (mac, xid, kind) = (request.mac, request.xid, request.message_type);
    let relay: Option<Ipv4Addr> = request.is_relayed().then_some(request.relay);
    let relay = relay.map(tracing::field::display);
    let server = planned.map(|planned| tracing::field::display(planned.server_id));
    match outcome {
        Outcome::Ignore(reason @ (Reason::NoFreeAddress | Reason::UnknownSubnet(_)))
            if planned.is_some() =>
        {
            warn!(%mac, xid, server, relay, %kind, %reason, "planned server not answered");
        }
        Outcome::Ignore(reason) => debug!(%mac, xid, relay, %kind, %reason, "ignored"),
        Outcome::Decline(address) => {
            warn!(%mac, xid, server, relay, %address, "address is used by somebody else");
        }
        Outcome::Heard(lease) => {
            let (server, address) = (lease.server_id, lease.address);
            info!(%mac, xid, %server, relay, %address, "another server's lease heard");
        }
        Outcome::Release(lease) => {
            info!(%mac, xid, server = %lease.server_id, address = %lease.address, "released");
        }
        Outcome::Confirm { reply, lease } => {
            let client = Client::of(request);
            let stage = client.map(|client| tracing::field::debug(client.stage));
            let file = reply.options.get(BOOT_FILE);
            let (server, address) = (lease.server_id, lease.address);
            info!(%mac, xid, %server, relay, %address, stage, file, "leased");
        }
        Outcome::Reply(reply) if reply.message_type == MessageType::Nak => {
            let reason = reply.options.get(MESSAGE);
            info!(%mac, xid, server, relay, reason, "refused");
        }
        Outcome::Reply(reply) => {
            let (kind, address) = (reply.message_type, reply.your_address);
            debug!(%mac, xid, server, relay, %kind, %address, "answered");
            if let Some(client) = Client::of(request)
                && client.architecture.is_none()
                && !reply.options.contains(BOOT_FILE)
            {
                warn!(%mac, xid, server, "no loader for the architecture of this server");
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
