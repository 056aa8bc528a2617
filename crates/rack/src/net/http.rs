//! An HTTP/1.1 client that sends from the address a machine was leased.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, StatusCode, Uri,
    body::Incoming,
    client::conn::http1,
    header::{CONTENT_LENGTH, HOST, LOCATION, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use ring::digest;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::url::{resolve, scheme};
use crate::hex;

/// Who fetches, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    /// The address that was leased.
    pub(crate) local: Ipv4Addr,
    /// What the program calls itself.
    pub(crate) agent: &'static str,
    /// The wait for a response to begin or to go on.
    pub(crate) timeout: Duration,
}

/// A response, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    /// Its length as its header says, where it does.
    pub(crate) announced: Option<u64>,
    /// Its length as it came.
    pub(crate) length: u64,
    pub(crate) sha256: String,
    /// Its beginning, as much as was to be kept.
    pub(crate) kept: Bytes,
}

/// How much of a response to keep.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// All of a script, the first bytes of anything else. Images are big, and a rack boots many
    /// machines at once.
    Script,
    /// All.
    All,
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0:?} is not a URL")]
    Url(String),
    #[error("{0} URLs are not supported")]
    Scheme(String),
    #[error("{0} cannot be resolved")]
    Name(String),
    #[error("failed to connect to {to} from {from}")]
    Connect {
        to: SocketAddr,
        from: Ipv4Addr,
        #[source]
        source: io::Error,
    },
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("status {0}")]
    Status(StatusCode),
    #[error("{got} bytes came of {announced}")]
    Short { got: u64, announced: u64 },
    #[error("more than {0} redirects")]
    Redirects(u8),
    #[error("more than {0} bytes, which is too long for a script, a loader or a config")]
    TooLong(usize),
}

impl Client {
    /// Fetches `url`, following redirects as iPXE does.
    pub(crate) async fn get(&self, url: &str, keep: Keep) -> Result<Fetched, Error> {
        self.fetch(Method::GET, url, keep).await
    }

    /// Asks for the length of what is at `url`.
    pub(crate) async fn head(&self, url: &str) -> Result<Option<u64>, Error> {
        let fetched = self.fetch(Method::HEAD, url, Keep::All).await?;
        Ok(fetched.announced)
    }

    /// Posts nothing to `url`.
    pub(crate) async fn post(&self, url: &str) -> Result<StatusCode, Error> {
        let response = self.send(&Method::POST, url).await?;
        Ok(response.status())
    }

    async fn fetch(&self, method: Method, url: &str, keep: Keep) -> Result<Fetched, Error> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(&method, &url).await?;
            let status = response.status();
            let location = response.headers().get(LOCATION);
            let location = location.and_then(|value| value.to_str().ok());
            match location {
                Some(location) if status.is_redirection() => url = resolve(&url, location),
                _ if status != StatusCode::OK => return Err(Error::Status(status)),
                _ => return self.receive(response, &method, keep).await,
            }
        }
        Err(Error::Redirects(MAX_REDIRECTS))
    }

    async fn send(&self, method: &Method, url: &str) -> Result<hyper::Response<Incoming>, Error> {
        let uri: Uri = url
            .parse()
            .map_err(|_says_less| Error::Url(url.chars().take(200).collect()))?;
        match uri.scheme_str() {
            Some("http") => {}
            _ => {
                let scheme = scheme(url).unwrap_or("relative");
                return Err(Error::Scheme(scheme.to_owned()));
            }
        }
        let Some(authority) = uri.authority() else {
            return Err(Error::Url(url.to_owned()));
        };
        let stream = self.connect(authority.host(), authority.port_u16()).await?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, authority.as_str())
            .header(USER_AGENT, self.agent)
            .body(Full::<Bytes>::default())
            .map_err(|_says_less| Error::Url(url.to_owned()))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(Error::Broken)?;
        // The connection is a task of its own and ends with its stream, so that the response can
        // be read after this function; it holds nothing else.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an HTTP connection ended early");
            }
        });
        let response = timeout(self.timeout, sender.send_request(request)).await;
        response
            .map_err(|_elapsed| Error::Timeout(self.timeout))?
            .map_err(Error::Broken)
    }

    async fn connect(&self, host: &str, port: Option<u16>) -> Result<TcpStream, Error> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let unresolved = || Error::Name(host.to_owned());
        let to = tokio::net::lookup_host((host, port.unwrap_or(80)))
            .await
            .map_err(|_says_less| unresolved())?
            .find(SocketAddr::is_ipv4)
            .ok_or_else(unresolved)?;
        let from = self.local;
        let error = |source| Error::Connect { to, from, source };
        let socket = TcpSocket::new_v4().map_err(error)?;
        socket.bind((from, 0).into()).map_err(error)?;
        timeout(self.timeout, socket.connect(to))
            .await
            .map_err(|_elapsed| Error::Timeout(self.timeout))?
            .map_err(error)
    }

    async fn receive(
        &self,
        response: hyper::Response<Incoming>,
        method: &Method,
        keep: Keep,
    ) -> Result<Fetched, Error> {
        let announced = response
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = pin!(response.into_body());
        let mut digest = digest::Context::new(&digest::SHA256);
        let (mut kept, mut length) = (BytesMut::new(), 0);
        loop {
            let frame = timeout(self.timeout, body.frame()).await;
            let frame = match frame.map_err(|_elapsed| Error::Timeout(self.timeout))? {
                Some(frame) => frame.map_err(Error::Broken)?,
                None => break,
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            digest.update(&data);
            length += data.len() as u64;
            keep_some(&mut kept, &data, keep)?;
        }
        if let Some(announced) = announced
            && *method != Method::HEAD
            && length != announced
        {
            let got = length;
            return Err(Error::Short { got, announced });
        }
        Ok(Fetched {
            announced,
            length,
            sha256: hex(digest.finish().as_ref()),
            kept: kept.freeze(),
        })
    }
}

fn keep_some(kept: &mut BytesMut, data: &[u8], keep: Keep) -> Result<(), Error> {
    if kept.len() < HEAD {
        let (head, rest) = data.split_at(data.len().min(HEAD - kept.len()));
        kept.extend_from_slice(head);
        if rest.is_empty() {
            return Ok(());
        }
        return keep_some(kept, rest, keep);
    }
    let all = match keep {
        Keep::All => true,
        Keep::Script => kept.starts_with(b"#!"),
    };
    if all {
        if kept.len() + data.len() > MAX_KEPT {
            return Err(Error::TooLong(MAX_KEPT));
        }
        kept.extend_from_slice(data);
    }
    Ok(())
}

/// Enough for every magic number that a boot loader looks at.
const HEAD: usize = 4096;
const MAX_KEPT: usize = 16 << 20;
const MAX_REDIRECTS: u8 = 10;
