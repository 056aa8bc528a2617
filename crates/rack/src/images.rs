//! An upstream image server: a kernel and an initial RAM disk, the same bytes every time.
//!
//! It stands for whatever mirror a user's boot config names; machines never ask it, the agent does.

use bytes::Bytes;
use hyper::{
    Method, StatusCode,
    header::{ACCEPT_RANGES, ALLOW, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE},
};

use crate::{
    http::{Reply, Request, Service},
    loader::noise,
    sha256,
};

/// The images and their digests.
#[derive(Debug)]
pub(crate) struct Images {
    kernel: Image,
    initrd: Image,
}

#[derive(Debug)]
struct Image {
    bytes: Bytes,
    sha256: String,
}

impl Images {
    pub(crate) fn new() -> Self {
        Self {
            kernel: Image::new(kernel()),
            initrd: Image::new(initrd()),
        }
    }

    /// SHA-256 of the kernel.
    pub(crate) fn kernel_sha256(&self) -> &str {
        &self.kernel.sha256
    }

    /// SHA-256 of the initial RAM disk.
    pub(crate) fn initrd_sha256(&self) -> &str {
        &self.initrd.sha256
    }

    fn respond(&self, request: &Request) -> Reply {
        let image = match request.path.as_str() {
            "/kernel" => &self.kernel,
            "/initrd" => &self.initrd,
            _ => return Reply::empty(StatusCode::NOT_FOUND),
        };
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let mut reply = Reply::empty(StatusCode::METHOD_NOT_ALLOWED);
            reply.set(ALLOW, "GET, HEAD");
            return reply;
        }
        let range = request
            .headers
            .get(RANGE)
            .and_then(|value| value.to_str().ok())
            .and_then(|range| parse_range(range, image.bytes.len()));
        let mut reply = match range {
            None => {
                let mut reply = Reply::empty(StatusCode::OK);
                reply.body = image.bytes.clone();
                reply
            }
            Some(Err(())) => {
                let mut reply = Reply::empty(StatusCode::RANGE_NOT_SATISFIABLE);
                reply.set(CONTENT_RANGE, format!("bytes */{}", image.bytes.len()));
                return reply;
            }
            Some(Ok((first, last))) => {
                let mut reply = Reply::empty(StatusCode::PARTIAL_CONTENT);
                let all = image.bytes.len();
                reply.set(CONTENT_RANGE, format!("bytes {first}-{last}/{all}"));
                reply.body = image.bytes.slice(first..=last);
                reply
            }
        };
        reply.set(CONTENT_TYPE, "application/octet-stream");
        reply.set(ACCEPT_RANGES, "bytes");
        reply.set(ETAG, format!("\"{}\"", image.sha256));
        reply
    }
}

impl Service for Images {
    async fn answer(&self, request: Request) -> Option<Reply> {
        Some(self.respond(&request))
    }
}

impl Image {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            sha256: sha256(&bytes),
            bytes: bytes.into(),
        }
    }
}

/// A kernel for every machine of a rack: an EFI stub, a Linux/x86 header and the arm64 magic.
fn kernel() -> Vec<u8> {
    let mut bytes = noise("kernel", 768 * 1024);
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x38..0x3c].copy_from_slice(b"ARM\x64");
    bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes
}

/// An initial RAM disk: it begins as a gzip file does.
fn initrd() -> Vec<u8> {
    let mut bytes = noise("initrd", 1536 * 1024);
    bytes[..3].copy_from_slice(&[0x1f, 0x8b, 0x08]);
    bytes
}

/// The first and last byte of a single range (RFC 9110 section 14.1.2). `None`: to be ignored.
fn parse_range(range: &str, length: usize) -> Option<Result<(usize, usize), ()>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", suffix) => (length.saturating_sub(suffix.parse().ok()?), end),
        (first, "") => (first.parse().ok()?, end),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.min(end)),
    };
    Some(if first <= last {
        Ok((first, last))
    } else {
        Err(())
    })
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;

    #[track_caller]
    fn check(range: &str, expected: Option<Result<(usize, usize), ()>>) {
        assert_eq!(parse_range(range, 100), expected, "{range}");
    }

    #[test]
    fn a_single_range_is_cut_out_and_anything_else_is_the_whole() {
        check("bytes=0-9", Some(Ok((0, 9))));
        check("bytes=90-", Some(Ok((90, 99))));
        check("bytes=-10", Some(Ok((90, 99))));
        check("bytes=90-1000", Some(Ok((90, 99))));
        check("bytes=100-", Some(Err(())));
        check("bytes=0-1,5-6", None);
        check("lines=0-1", None);
        check("bytes=a-b", None);
    }

    #[test]
    fn a_kernel_looks_like_one_and_has_the_digest_that_is_told() {
        let images = Images::new();
        let mut request = Request {
            method: Method::GET,
            path: "/kernel".to_owned(),
            query: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            earlier: 0,
        };
        let whole = images.respond(&request);
        assert_eq!(&whole.body[0x202..0x206], b"HdrS");
        assert_eq!(sha256(&whole.body), images.kernel_sha256());
        request.headers.insert(RANGE, "bytes=2-3".parse().unwrap());
        let part = images.respond(&request);
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.body, whole.body.slice(2..4));
        assert_eq!(part.headers[CONTENT_RANGE], "bytes 2-3/786432");
    }
}
