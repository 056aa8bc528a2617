//! A unix socket that only its owner can reach, and the connections on it.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{UnixListener, UnixStream},
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;

use super::leftovers;

/// A socket in a directory of its own, which is removed with this value.
#[derive(Debug)]
pub(crate) struct Endpoint {
    directory: PathBuf,
    socket: PathBuf,
}

impl Endpoint {
    /// Makes a directory that nobody else may enter, and listens in it. Those of providers that
    /// were killed are removed.
    pub(crate) fn bind(base: &Path) -> io::Result<(Self, UnixListener)> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let directory = base.join(leftovers::name(std::process::id(), now.as_nanos()));
        // Fails if it exists: a directory that somebody else has made is not ours.
        DirBuilder::new().mode(0o700).create(&directory)?;
        let endpoint = Self {
            socket: directory.join(leftovers::SOCKET),
            directory,
        };
        leftovers::remove(base, &endpoint.directory);
        let listener = UnixListener::bind(&endpoint.socket)?;
        Ok((endpoint, listener))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            tracing::warn!(%error, "failed to remove the socket");
        }
    }
}

/// How many connections there are.
#[derive(Debug)]
pub(crate) struct Connections(watch::Receiver<usize>);

impl Connections {
    /// Accepts connections for as long as somebody takes them. One that does not get through the
    /// TLS handshake is dropped.
    pub(crate) fn accept(
        listener: UnixListener,
        tls: Option<TlsAcceptor>,
    ) -> (Self, ReceiverStream<io::Result<Connection>>) {
        let (count, counted) = watch::channel(0);
        let (accepted, incoming) = mpsc::channel(4);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (accepted, count, tls) = (accepted.clone(), count.clone(), tls.clone());
                tokio::spawn(async move {
                    if let Some(stream) = secure(stream, tls).await {
                        let connection = Connection {
                            stream,
                            _counted: Counted::one(count),
                        };
                        // The server may have ended.
                        drop(accepted.send(Ok(connection)).await);
                    }
                });
            }
        });
        (Self(counted), ReceiverStream::new(incoming))
    }

    /// Returns when there have been connections, and then none for `grace`.
    pub(crate) async fn abandoned(mut self, grace: Duration) {
        loop {
            // An error means that the counter is gone, and every connection with it.
            if self.0.wait_for(|count| *count > 0).await.is_err()
                || self.0.wait_for(|count| *count == 0).await.is_err()
                || timeout(grace, self.0.wait_for(|count| *count > 0))
                    .await
                    .is_err()
            {
                return;
            }
        }
    }
}

async fn secure(stream: UnixStream, tls: Option<TlsAcceptor>) -> Option<Stream> {
    let Some(tls) = tls else {
        return Some(Stream::Plain(stream));
    };
    match timeout(TLS_HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(Stream::Tls(stream.into())),
        Ok(Err(error)) => {
            tracing::warn!(%error, "refused a connection");
            None
        }
        Err(_) => {
            tracing::warn!("a connection did not finish its TLS handshake");
            None
        }
    }
}

/// One connection of the host.
pub(crate) struct Connection {
    stream: Stream,
    _counted: Counted,
}

enum Stream {
    Plain(UnixStream),
    Tls(Box<TlsStream<UnixStream>>),
}

struct Counted(watch::Sender<usize>);

impl Counted {
    fn one(count: watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl tonic::transport::server::Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// The host connects at once, from the same machine.
const TLS_HANDSHAKE: Duration = Duration::from_secs(10);
