//! A small HTTP/1.1 server for everything in the rack that answers requests.
//!
//! A [`Service`] sees whole requests and gives whole replies, so that what a BMC answers can be
//! tested without a socket.

use std::{
    convert::Infallible,
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Method, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// A request, all of it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How many requests came over the same connection before.
    pub(crate) earlier: u32,
}

/// A reply, all of it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What answers requests.
pub(crate) trait Service: Send + Sync + 'static {
    /// The reply, or `None` to break the connection without one.
    fn answer(&self, request: Request) -> impl Future<Output = Option<Reply>> + Send;

    /// Completes while the service must look dead: no connection is kept or taken.
    fn cut(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

impl Reply {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Self {
        let mut reply = Self::empty(status);
        reply.set(CONTENT_TYPE, "application/json; charset=utf-8");
        reply.body = Bytes::from(body.to_string());
        reply
    }

    pub(crate) fn text(status: StatusCode, content_type: &'static str, body: String) -> Self {
        let mut reply = Self::empty(status);
        reply.set(CONTENT_TYPE, content_type);
        reply.body = Bytes::from(body);
        reply
    }

    /// Sets a header. A value that HTTP does not allow is left out.
    pub(crate) fn set(&mut self, name: HeaderName, value: impl fmt::Display) {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.headers.insert(name, value);
        }
    }
}

/// Answers connections until `shutdown`, then drops them.
pub(crate) async fn serve<S: Service>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Arc<S>,
    shutdown: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
            () = shutdown.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                connections.spawn(connection(stream, peer, tls.clone(), Arc::clone(&service)));
            }
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection");
                // Out of descriptors, most likely: give some connections the time to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection<S: Service>(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    service: Arc<S>,
) {
    // Nagle's algorithm and delayed ACKs together make every small reply take 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "failed to set TCP_NODELAY");
    }
    let cut = service.cut();
    let work = async {
        let Some(acceptor) = tls else {
            return answer_all(stream, &service).await;
        };
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => answer_all(stream, &service).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_elapsed) => tracing::debug!(%peer, "TLS handshake timed out"),
        }
    };
    tokio::select! {
        biased;
        () = cut => {}
        () = work => {}
    }
}

async fn answer_all<S: Service>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    service: &Arc<S>,
) {
    let count = AtomicU32::new(0);
    let answer = service_fn(|request| {
        let earlier = count.fetch_add(1, Ordering::Relaxed);
        async move { answer_one(request, service, earlier).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection ended early");
    }
}

async fn answer_one<S: Service>(
    request: hyper::Request<Incoming>,
    service: &Arc<S>,
    earlier: u32,
) -> Result<Response<Full<Bytes>>, Broken> {
    let (head, body) = request.into_parts();
    let reply = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => {
            let request = Request {
                method: head.method,
                path: head.uri.path().to_owned(),
                query: head.uri.query().map(str::to_owned),
                headers: head.headers,
                body: body.to_bytes(),
                earlier,
            };
            service.answer(request).await.ok_or(Broken)?
        }
        Err(error) => {
            tracing::debug!(%error, "failed to read a request body");
            Reply::empty(StatusCode::PAYLOAD_TOO_LARGE)
        }
    };
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}

/// Breaks a connection: hyper closes it when a service fails.
#[derive(Debug, thiserror::Error)]
#[error("the service broke the connection")]
struct Broken;

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
const MAX_BODY: usize = 256 * 1024;
