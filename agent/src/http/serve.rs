//! Serving HTTP on a listener, with or without TLS, until told to stop.
//!
//! Nobody is waited for without end, and one peer has a share of the connections, so that one that
//! sends nothing, or reads nothing, or a thousand times, keeps nobody else from booting.

mod stall;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;
use tracing::{debug, warn};

use self::stall::Impatient;
use crate::limits::{Admission, Limits, Place};

/// The other end of the connection that a request came over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The certificate or its key cannot be read.
    #[error("failed to read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: pem::Error,
    },
    /// They do not fit together, or are of a kind that is not understood.
    #[error("{} and {} cannot be used together", cert.display(), key.display())]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        #[source]
        source: rustls::Error,
    },
}

/// TLS with the certificate chain in one file and its key in another.
pub(crate) fn tls(cert: &PathBuf, key: &PathBuf) -> Result<TlsAcceptor, TlsError> {
    let unreadable = |path: &PathBuf| {
        let path = path.clone();
        move |source| TlsError::File { path, source }
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(unreadable(cert))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(chain, private)
            })
            .map_err(|source| TlsError::Pair {
                cert: cert.clone(),
                key: key.clone(),
                source,
            })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Answers requests with `router` until `shutdown`, and then those that are under way.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => match limits.admit(peer.ip()) {
                Admission::Granted(place) => {
                    let connection = Connection {
                        router: router.clone(),
                        peer,
                        place,
                        shutdown: shutdown.clone(),
                    };
                    connections.spawn(connection.run(stream, tls.clone()));
                }
                Admission::Refused { first: true } => {
                    warn!(%peer, "too many connections, more are closed at once");
                }
                Admission::Refused { first: false } => debug!(%peer, "too many connections"),
            },
            Err(error) => refused(&error).await,
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// A connection that could not be accepted is the other side's, or we are out of descriptors. Both
/// pass, and the second only if nobody spins here.
async fn refused(error: &io::Error) {
    warn!(%error, "connection not accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

struct Connection {
    router: Router,
    peer: SocketAddr,
    place: Place,
    shutdown: CancellationToken,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Answers are written whole; waiting to fill a segment only delays them.
        let _best_effort = stream.set_nodelay(true);
        let Some(tls) = tls else {
            return self.http(stream).await;
        };
        match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.http(stream).await,
            Ok(Err(error)) => debug!(peer = %self.peer, %error, "TLS handshake failed"),
            Err(_elapsed) => debug!(peer = %self.peer, "TLS handshake timed out"),
        }
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self {
            router,
            peer,
            place,
            shutdown,
        } = self;
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            router.clone().oneshot(request.map(Body::new))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(Impatient::new(stream, STALL)), service);
        tokio::pin!(connection);
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            debug!(%peer, %error, "connection broke");
        }
        drop(place);
    }
}

const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a connection may wait for the next request.
const HEADERS: Duration = Duration::from_secs(60);

/// How long the other end may take nothing of what it asked for. iPXE takes a break between two
/// images, and none within one.
const STALL: Duration = Duration::from_secs(120);

/// How much of a request is kept before its handler has it, its headers above all.
const BUFFER: usize = 64 * 1024;

#[cfg(test)]
mod tests;
