//! One request and its reply, as bytes: only so much of HTTP/1.1 (RFC 9112) as its framing, and only
//! with lengths, which is what the rack and its clients send.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

/// The connection to a BMC.
pub(super) type Upstream = tokio_rustls::client::TlsStream<TcpStream>;

/// A request, all of it.
pub(super) struct Request {
    head: String,
    body: Vec<u8>,
}

/// A reply, all of it.
pub(super) struct Reply {
    head: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The next one, unless the client has no more.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let Some(head) = read_head(from).await? else {
            return Ok(None);
        };
        let body = read_body(from, &head).await?;
        Ok(Some(Self { head, body }))
    }

    /// Method and path.
    pub(super) fn line(&self) -> String {
        let line = self.head.lines().next().unwrap_or_default();
        line.trim_end_matches(" HTTP/1.1").to_owned()
    }

    /// Sends it, and reads the reply unless there is none.
    pub(super) async fn send(&self, upstream: &mut Upstream) -> io::Result<Option<Reply>> {
        upstream.write_all(self.head.as_bytes()).await?;
        upstream.write_all(&self.body).await?;
        upstream.flush().await?;
        let Some(head) = read_head(upstream).await? else {
            return Ok(None);
        };
        let bodiless = self.head.starts_with("HEAD ") || head.contains(" 204 ");
        let body = if bodiless {
            Vec::new()
        } else {
            read_body(upstream, &head).await?
        };
        Ok(Some(Reply { head, body }))
    }
}

impl Reply {
    /// What is said in the place of a BMC.
    pub(super) fn refusal(status: u16, retry_after: Option<u16>) -> Self {
        let retry_after =
            retry_after.map_or_else(String::new, |seconds| format!("Retry-After: {seconds}\r\n"));
        let head = format!("HTTP/1.1 {status} Refused\r\n{retry_after}Content-Length: 0\r\n\r\n");
        Self {
            head,
            body: Vec::new(),
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.head.split(' ').nth(1)?.parse().ok()
    }

    /// The same with another body, of another type. One that says that it has no body gets one too.
    pub(super) fn with_body(&self, body: &[u8], kind: &str) -> Self {
        let kept = self.head.lines().filter(|line| {
            let name = line.split(':').next().unwrap_or_default();
            !line.is_empty()
                && !["content-length", "content-type"]
                    .iter()
                    .any(|other| name.eq_ignore_ascii_case(other))
        });
        let mut head: String = kept.map(|line| format!("{line}\r\n")).collect();
        head = head.replacen(" 204 No Content", " 200 OK", 1);
        head += &format!(
            "Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Self {
            head,
            body: body.to_vec(),
        }
    }

    pub(super) async fn write(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        to.write_all(self.head.as_bytes()).await?;
        to.write_all(&self.body).await?;
        to.flush().await
    }

    /// Writes the head and half of the body. A reply without a body ends within its head.
    pub(super) async fn write_half(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let all = [self.head.as_bytes(), &self.body].concat();
        let length = if self.body.is_empty() {
            self.head.len() / 2
        } else {
            self.head.len() + self.body.len() / 2
        };
        to.write_all(&all[..length]).await?;
        to.flush().await
    }
}

/// Everything up to the empty line, with it. Byte by byte: nothing of what follows may be taken.
async fn read_head(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match from.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && head.is_empty() => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        if head.len() > LONGEST_HEAD {
            return Err(io::Error::other("the header is too long"));
        }
    }
    String::from_utf8(head).map(Some).map_err(io::Error::other)
}

async fn read_body(from: &mut (impl AsyncRead + Unpin), head: &str) -> io::Result<Vec<u8>> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or(Ok(0), |(_, value)| value.trim().parse());
    let mut body = vec![0; length.map_err(io::Error::other)?];
    from.read_exact(&mut body).await?;
    Ok(body)
}

const LONGEST_HEAD: usize = 64 << 10;
