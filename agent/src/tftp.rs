//! The TFTP service: loaders from a directory, by name, to read.
//!
//! The protocol is `async-tftp`'s; its names stop here. It has its own executor and its own thread
//! that waits for sockets, and runs inside of one task of ours, where everything of ours works too.
//! A client that gives up a transfer does not stop it there, which is why it retries only some
//! seconds long. Until then a transfer has a socket, and anybody can ask for one in anybody's name,
//! so a client has a share of them.

use std::{
    collections::HashMap,
    fs::Metadata,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    path::{Component, Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use async_tftp::{
    packet,
    server::{Handler, TftpServer, TftpServerBuilder},
};
use bytes::{Buf, Bytes};
use futures_util::io::{AsyncRead, Sink};
use jiff::Timestamp;
use model::Stage;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::{
    boot::{self, Reached},
    config::Config,
    leases,
    limits::{Admission, Limits, Place},
    store::{self, Store},
    way_out,
};

/// Why the TFTP service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its address cannot be used.
    #[error(
        "failed to bind the TFTP socket on {listen}{}",
        way_out(source, "tftp.listen")
    )]
    Bind {
        /// The address.
        listen: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Its socket cannot be used.
    #[error("failed to start the TFTP service on {listen}")]
    Start {
        /// The address.
        listen: SocketAddr,
        /// Why not.
        #[source]
        source: async_tftp::Error,
    },
}

/// The TFTP service, ready to run.
pub struct Server {
    tftp: TftpServer<Loaders>,
    local_addr: SocketAddr,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Server").field(&self.local_addr).finish()
    }
}

impl Server {
    /// Binds the socket.
    ///
    /// # Errors
    ///
    /// If the address cannot be used.
    pub async fn bind(config: &Config, store: &Store) -> Result<Self, Error> {
        let listen = config.tftp.listen;
        let bind = |source| Error::Bind { listen, source };
        let socket = UdpSocket::bind(listen).map_err(bind)?;
        let local_addr = socket.local_addr().map_err(bind)?;
        let loaders = Loaders {
            dir: config.tftp.loader_dir.clone(),
            store: store.clone(),
            read: HashMap::new(),
            limits: Limits::new(TRANSFERS, TRANSFERS_EACH),
        };
        let start = |source| Error::Start { listen, source };
        let tftp = TftpServerBuilder::with_handler(loaders)
            .std_socket(socket)
            .map_err(start)?
            .timeout(RETRY)
            .max_send_retries(RETRIES)
            // A client's own timeout may be minutes, each time.
            .ignore_client_timeout()
            .window_size_limit(WINDOW)
            .block_size_limit(BLOCK)
            .build()
            .await
            .map_err(start)?;
        Ok(Self { tftp, local_addr })
    }

    /// Where it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown`. Transfers that are not finished then are given up.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            served = self.tftp.serve() => {
                if let Err(error) = served {
                    error!(error = &error as &dyn std::error::Error, "TFTP service stopped");
                }
            }
        }
    }
}

/// The files that are served. Those that were asked for are kept: all clients share them.
struct Loaders {
    dir: PathBuf,
    store: Store,
    read: HashMap<String, Loader>,
    limits: Limits,
}

struct Loader {
    modified: Option<SystemTime>,
    content: Bytes,
}

impl Loaders {
    /// The content of a file, as it is now.
    async fn content(&mut self, name: &str) -> io::Result<Bytes> {
        let path = self.dir.join(name);
        let metadata = tokio::fs::metadata(&path).await?;
        let modified = metadata.modified().ok();
        if let Some(loader) = self.read.get(name)
            && loader.modified == modified
            && metadata.len() == loader.content.len() as u64
        {
            return Ok(loader.content.clone());
        }
        self.read.remove(name);
        check(&metadata)?;
        let content = Bytes::from(tokio::fs::read(&path).await?);
        let loader = Loader {
            modified,
            content: content.clone(),
        };
        self.read.insert(name.to_owned(), loader);
        Ok(content)
    }
}

fn check(metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    if metadata.len() > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(())
}

/// The file name in a request: one name, with or without a slash or `./` before it, and no hidden
/// file. Nothing else can name a file outside of the directory.
fn file_name(path: &Path) -> Option<&str> {
    let mut components = path
        .components()
        .filter(|part| !matches!(part, Component::RootDir | Component::CurDir));
    match (components.next(), components.next()) {
        (Some(Component::Normal(name)), None) => {
            name.to_str().filter(|name| !name.starts_with('.'))
        }
        _ => None,
    }
}

impl Handler for Loaders {
    type Reader = Transfer;
    type Writer = Sink;

    async fn read_req_open(
        &mut self,
        client: &SocketAddr,
        path: &Path,
    ) -> Result<(Transfer, Option<u64>), packet::Error> {
        let Some(name) = file_name(path) else {
            debug!(address = %client.ip(), file = ?path, "not a loader");
            return Err(packet::Error::FileNotFound);
        };
        let place = match self.limits.admit(client.ip()) {
            Admission::Granted(place) => place,
            Admission::Refused { first } => {
                if first {
                    warn!(address = %client.ip(), "too many transfers, more are refused");
                }
                return Err(packet::Error::Msg("too many transfers".to_owned()));
            }
        };
        match self.content(name).await {
            Ok(content) => {
                let bytes = content.len() as u64;
                let transfer = Transfer {
                    rest: content,
                    _place: place,
                    finished: Some(Finished {
                        store: self.store.clone(),
                        client: client.ip(),
                        file: name.to_owned(),
                        bytes,
                    }),
                };
                Ok((transfer, Some(bytes)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // iPXE asks for an `autoexec.ipxe` by itself, firmware only for what it was told.
                info!(address = %client.ip(), file = name, "no such loader");
                Err(packet::Error::FileNotFound)
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(address = %client.ip(), file = name, error, "loader not readable");
                Err(packet::Error::UnknownError)
            }
        }
    }

    async fn write_req_open(
        &mut self,
        client: &SocketAddr,
        path: &Path,
        _size: Option<u64>,
    ) -> Result<Sink, packet::Error> {
        debug!(address = %client.ip(), file = ?path, "refused to be written to");
        Err(packet::Error::PermissionDenied)
    }
}

/// What is left to read of a file for one client.
struct Transfer {
    rest: Bytes,
    _place: Place,
    finished: Option<Finished>,
}

impl AsyncRead for Transfer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = self.rest.len().min(buffer.len());
        self.rest.copy_to_slice(&mut buffer[..bytes]);
        // Firmware opens a file only to learn its size, and gives up: that is no fetch.
        if self.rest.is_empty()
            && let Some(finished) = self.finished.take()
        {
            tokio::spawn(finished.note());
        }
        Poll::Ready(Ok(bytes))
    }
}

/// A file that was read to its end.
struct Finished {
    store: Store,
    client: IpAddr,
    file: String,
    bytes: u64,
}

impl Finished {
    async fn note(self) {
        let Self {
            store,
            client,
            file,
            bytes,
        } = self;
        info!(address = %client, %file, bytes, "loader served");
        let noted = store.run(move |store| reached(store, client, Timestamp::now()));
        if let Err(error) = noted.await {
            let error = &error as &dyn std::error::Error;
            error!(address = %client, error, "boot stage not noted");
        }
    }
}

/// Notes that the server with that address has its loader. One without a lease of ours is none of
/// ours.
fn reached(store: &Store, client: IpAddr, now: Timestamp) -> Result<(), store::Error> {
    let IpAddr::V4(address) = client.to_canonical() else {
        return Ok(());
    };
    let Some(lease) = leases::server_at(store, address, now)? else {
        return Ok(());
    };
    let Some(planned) = boot::planned_server(store, lease.server_id, lease.mac)? else {
        return Ok(());
    };
    boot::reach(
        store,
        &Reached {
            server_id: planned.server_id,
            boot: planned.boot.id,
            stage: Stage::Loader,
            at: now,
            address: Some(address),
        },
    )
}

/// How long an acknowledgement is waited for before a window is sent again.
const RETRY: Duration = Duration::from_secs(1);

/// How often a window is sent again.
const RETRIES: u32 = 8;

/// The most blocks in a window (RFC 7440). More is no faster.
const WINDOW: u16 = 64;

/// The largest block (RFC 2348): what fits one Ethernet frame. Fragments get lost, and a window of the
/// largest blocks there are would be 4 MiB of memory for each client that asks.
const BLOCK: u16 = 1468;

/// How many transfers there may be at once.
const TRANSFERS: usize = 4096;

/// How many of those one client may have. It needs one, but what it gave up lingers.
const TRANSFERS_EACH: usize = 32;

/// The largest file that is served, in bytes. Loaders are kept in memory.
const LARGEST: u64 = 64 << 20;

#[cfg(test)]
mod tests;
