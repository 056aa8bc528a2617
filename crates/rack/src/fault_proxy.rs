//! What stands between a client and a BMC and spoils one exchange: a response that is lost, a
//! connection that breaks, a reply that is none.
//!
//! It ends TLS with a certificate of its own and speaks TLS to the BMC. Requests are numbered from the
//! last [`FaultProxy::spoil`] on, so that every one of a journey can be the one that goes wrong.

mod exchange;

use std::{
    fmt,
    io::{self, Error},
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;

use self::exchange::{Reply, Request};
use crate::{MachineHandle, Rack, pki::Authority};

/// What happens to one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The BMC does what it is asked, and the connection breaks before its reply.
    LoseResponse,
    /// The connection is reset before the BMC sees the request.
    Reset,
    /// The BMC does not see the request; this is answered in its place.
    Refuse {
        /// The status.
        status: u16,
        /// The seconds in `Retry-After`, if there is one.
        retry_after: Option<u16>,
    },
    /// The BMC sees the request this much later, whether or not the client still waits.
    StallRequest(Duration),
    /// The BMC does what it is asked, and its reply comes this much later.
    StallReply(Duration),
    /// The BMC does what it is asked, and half of its reply's body comes before the connection ends.
    Truncate,
    /// The BMC does what it is asked, and its body is half of what it should be, as if it were all.
    HalfJson,
    /// The BMC does what it is asked, and bytes come that are nothing.
    Garbage,
    /// The BMC does what it is asked, and a page for people comes.
    Html,
}

/// One exchange that the proxy saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Method and path.
    pub request: String,
    /// What the BMC answered, if it was asked and answered.
    pub status: Option<u16>,
    /// What was done to it.
    pub fault: Option<Fault>,
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.request)?;
        match self.status {
            Some(status) => write!(f, " -> {status}")?,
            None => write!(f, " -> nothing")?,
        }
        self.fault.map_or(Ok(()), |fault| write!(f, " ({fault:?})"))
    }
}

/// A proxy before one BMC. It ends with the value.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    fingerprint: String,
    plan: Arc<Mutex<Plan>>,
    shutdown: CancellationToken,
}

/// What is to be spoiled, and what was seen.
#[derive(Debug, Default)]
struct Plan {
    seen: u64,
    /// The number of a request, from 1 on, and what happens to it.
    next: Option<(u64, Fault)>,
    journal: Vec<Exchange>,
}

impl FaultProxy {
    /// Starts one on loopback before the BMC of `machine`, with no fault.
    ///
    /// # Errors
    ///
    /// If there is no port or no certificate for it.
    pub async fn start(rack: &Rack, machine: &MachineHandle) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let identity = Authority::new("proxy")
            .and_then(|authority| authority.issue(machine.name(), address.ip()))
            .map_err(Error::other)?;
        let plan = Arc::<Mutex<Plan>>::default();
        let shutdown = CancellationToken::new();
        let front = Front {
            acceptor: identity.acceptor,
            connector: connector(rack.ca_pem())?,
            bmc: machine.bmc_address(),
            plan: Arc::clone(&plan),
        };
        tokio::spawn(serve(listener, Arc::new(front), shutdown.clone()));
        Ok(Self {
            address,
            fingerprint: identity.fingerprint,
            plan,
            shutdown,
        })
    }

    /// The port it listens on, of 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its origin, `https://127.0.0.1:41234`.
    pub fn endpoint(&self) -> String {
        format!("https://{}", self.address)
    }

    /// SHA-256 of its certificate, lower case.
    pub fn fingerprint_sha256(&self) -> &str {
        &self.fingerprint
    }

    /// Counts anew, and does this to the request with this number, from 1 on. The journal is empty
    /// then.
    pub fn spoil(&self, number: u64, fault: Fault) {
        *lock(&self.plan) = Plan {
            next: Some((number, fault)),
            ..Plan::default()
        };
    }

    /// Counts anew, and spoils nothing.
    pub fn mend(&self) {
        *lock(&self.plan) = Plan::default();
    }

    /// The requests since counting began.
    pub fn requests(&self) -> u64 {
        lock(&self.plan).seen
    }

    /// The exchanges since counting began, in the order in which the requests came.
    pub fn journal(&self) -> Vec<Exchange> {
        lock(&self.plan).journal.clone()
    }

    /// The exchange that was spoiled since counting began.
    pub fn spoiled(&self) -> Option<Exchange> {
        let plan = lock(&self.plan);
        let mut journal = plan.journal.iter();
        journal.find(|exchange| exchange.fault.is_some()).cloned()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// What every connection needs.
struct Front {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    bmc: SocketAddr,
    plan: Arc<Mutex<Plan>>,
}

async fn serve(listener: TcpListener, front: Arc<Front>, shutdown: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
            () = shutdown.cancelled() => return,
        };
        if let Ok((stream, _)) = accepted {
            let front = Arc::clone(&front);
            connections.spawn(async move {
                if let Err(error) = front.connection(stream).await {
                    tracing::debug!(%error, "a connection through the proxy ended early");
                }
            });
        }
    }
}

impl Front {
    async fn connection(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut client = self.acceptor.accept(stream).await?;
        let mut bmc = None;
        while let Some(request) = Request::read(&mut client).await? {
            let (entry, fault) = self.enter(&request);
            match fault {
                Some(Fault::Reset) => {
                    // What is closed with a linger of nothing is reset.
                    return client.get_ref().0.set_zero_linger();
                }
                Some(Fault::Refuse {
                    status,
                    retry_after,
                }) => {
                    let reply = Reply::refusal(status, retry_after);
                    reply.write(&mut client).await?;
                    continue;
                }
                Some(Fault::StallRequest(delay)) => tokio::time::sleep(delay).await,
                _ => {}
            }
            let mut upstream = match bmc.take() {
                Some(upstream) => upstream,
                None => self.upstream().await?,
            };
            let Some(reply) = request.send(&mut upstream).await? else {
                return Ok(());
            };
            self.note(entry, reply.status());
            let reply = match fault {
                Some(Fault::LoseResponse) => return Ok(()),
                Some(Fault::Truncate) => return reply.write_half(&mut client).await,
                Some(Fault::HalfJson) => {
                    let half = reply.body.len() / 2;
                    reply.with_body(&reply.body[..half], "application/json")
                }
                Some(Fault::Garbage) => reply.with_body(GARBAGE, "application/json"),
                Some(Fault::Html) => reply.with_body(PAGE, "text/html"),
                Some(Fault::StallReply(delay)) => {
                    tokio::time::sleep(delay).await;
                    reply
                }
                _ => reply,
            };
            reply.write(&mut client).await?;
            bmc = Some(upstream);
        }
        Ok(())
    }

    async fn upstream(&self) -> io::Result<exchange::Upstream> {
        let stream = TcpStream::connect(self.bmc).await?;
        stream.set_nodelay(true)?;
        self.connector.connect(self.bmc.ip().into(), stream).await
    }

    /// Counts a request, and says what happens to it.
    fn enter(&self, request: &Request) -> (usize, Option<Fault>) {
        let mut plan = lock(&self.plan);
        plan.seen += 1;
        let seen = plan.seen;
        let fault = plan.next.filter(|(number, _)| *number == seen);
        let fault = fault.map(|(_, fault)| fault);
        plan.journal.push(Exchange {
            request: request.line(),
            status: None,
            fault,
        });
        (plan.journal.len() - 1, fault)
    }

    fn note(&self, entry: usize, status: Option<u16>) {
        // Counting may have begun anew meanwhile.
        if let Some(exchange) = lock(&self.plan).journal.get_mut(entry) {
            exchange.status = status;
        }
    }
}

/// What trusts the rack's BMCs alone.
fn connector(ca_pem: &str) -> io::Result<TlsConnector> {
    let authority = CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(Error::other)?;
    let mut roots = RootCertStore::empty();
    roots.add(authority).map_err(Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const GARBAGE: &[u8] = b"\x00\xff\x1b[2J}{\"PowerState\": \"O";
const PAGE: &[u8] = b"<!DOCTYPE html><html><body><h1>Web server is starting</h1></body></html>";

#[cfg(test)]
mod tests;
