//! Collections: their pages and their members.

use std::{collections::BTreeSet, io};

use serde_json::Value;

use crate::{
    error::Error,
    lane::Lane,
    lenient::{Doc, resource_key},
    reply::Document,
};

/// Whether a collection may be read together with its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expand {
    Try,
    Never,
}

/// A member of a collection.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) uri: String,
    pub(crate) document: Document,
}

/// Reads the members of a collection. One that cannot be read is left out: some firmware lists
/// what it does not have. It is an error only if none can be read, or the BMC is gone.
pub(crate) async fn members(
    lane: &Lane<'_>,
    path: &str,
    expand: Expand,
) -> Result<Vec<Member>, Error> {
    let budget = lane.inner.wire.request_timeout().saturating_mul(BUDGET);
    let reading = tokio::time::timeout(budget, read(lane, path, expand));
    reading.await.unwrap_or_else(|_elapsed| {
        let bmc = lane.inner.wire.origin.as_str();
        Err(Error::Timeout {
            what: format!("{bmc} did not give all members of {path}"),
            after: budget,
        })
    })
}

async fn read(lane: &Lane<'_>, path: &str, expand: Expand) -> Result<Vec<Member>, Error> {
    let mut members = Vec::new();
    let mut first_error = None;
    let mut held = Held::default();
    for listed in list(lane, path, expand, &mut held).await? {
        let uri = match listed {
            Listed::Whole(member) => {
                members.push(member);
                continue;
            }
            Listed::Link(uri) => uri,
        };
        match lane.get(&uri).await {
            Ok(document) if !held.takes(&document) => return Err(too_large(lane, path)),
            Ok(document) => members.push(Member { uri, document }),
            Err(error) if is_of_the_member(&error) => {
                let bmc = lane.inner.wire.origin.as_str();
                tracing::warn!(bmc, uri, %error, "left a member out");
                first_error.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match first_error {
        Some(error) if members.is_empty() => Err(error),
        _ => Ok(members),
    }
}

enum Listed {
    Link(String),
    Whole(Member),
}

/// The entries of all pages, each once. A page that comes again is the end: all have been read.
async fn list(
    lane: &Lane<'_>,
    path: &str,
    expand: Expand,
    held: &mut Held,
) -> Result<Vec<Listed>, Error> {
    let mut listed = Vec::new();
    let mut members = BTreeSet::new();
    let mut pages = BTreeSet::from([resource_key(path)]);
    let mut page = first_page(lane, path, expand).await?;
    loop {
        if !held.takes(&page) {
            return Err(too_large(lane, path));
        }
        for item in page.doc().items("Members") {
            let Some(uri) = item.as_link() else {
                tracing::warn!(
                    bmc = lane.inner.wire.origin.as_str(),
                    path,
                    "a member has no URI"
                );
                continue;
            };
            if members.insert(resource_key(&uri)) {
                listed.push(entry(item, uri));
            }
            if members.len() > MAX_MEMBERS {
                return Err(endless(
                    lane,
                    path,
                    format!("more than {MAX_MEMBERS} members"),
                ));
            }
        }
        let next = page.doc().link("Members@odata.nextLink");
        let Some(next) = next.filter(|next| pages.insert(resource_key(next))) else {
            return Ok(listed);
        };
        if pages.len() > MAX_PAGES {
            return Err(endless(lane, path, format!("more than {MAX_PAGES} pages")));
        }
        page = lane.get(&next).await?;
    }
}

fn entry(item: Doc<'_>, uri: String) -> Listed {
    if !is_whole(item) {
        return Listed::Link(uri);
    }
    let document = Document {
        value: item.raw().clone(),
        etag: item.word("@odata.etag").map(str::to_owned),
    };
    Listed::Whole(Member { uri, document })
}

fn too_large(lane: &Lane<'_>, path: &str) -> Error {
    endless(lane, path, format!("more than {MAX_BYTES} bytes"))
}

/// How much of a collection was read, in bytes of JSON.
#[derive(Default)]
struct Held(usize);

impl Held {
    /// Counts a document. `false` if that is too much.
    fn takes(&mut self, document: &Document) -> bool {
        serde_json::to_writer(&mut *self, &document.value).is_ok() && self.0 <= MAX_BYTES
    }
}

impl io::Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn endless(lane: &Lane<'_>, path: &str, what: String) -> Error {
    Error::Decode {
        endpoint: lane.inner.wire.endpoint(),
        request: format!("GET {path}"),
        cause: format!("it has {what}"),
    }
}

async fn first_page(lane: &Lane<'_>, path: &str, expand: Expand) -> Result<Document, Error> {
    if expand == Expand::Try && !lane.inner.learned(|learned| learned.no_expand) {
        match lane.get(&format!("{path}?$expand=.($levels=1)")).await {
            Ok(page) if !matches!(page.doc().get("Members").raw(), Value::Null) => return Ok(page),
            Err(Error::Stopped) => return Err(Error::Stopped),
            Err(error) if !is_of_the_member(&error) => return Err(error),
            _ => lane.inner.learned(|learned| learned.no_expand = true),
        }
    }
    lane.get(path).await
}

/// Whether a member is the resource itself and not a reference to it.
fn is_whole(item: Doc<'_>) -> bool {
    item.has("@odata.type") && item.has("Id") && item.names().len() > 3
}

/// Whether an error concerns one resource, and not the BMC.
const fn is_of_the_member(error: &Error) -> bool {
    matches!(
        error,
        Error::NotFound { .. }
            | Error::NotSupported { .. }
            | Error::Rejected { .. }
            | Error::Conflict { .. }
            | Error::Precondition { .. }
            | Error::Redirected { .. }
            | Error::Decode { .. }
    )
}

/// More than any BMC has. Each costs a request.
const MAX_PAGES: usize = 64;
const MAX_MEMBERS: usize = 512;
/// All of them together, which are held at once.
const MAX_BYTES: usize = 32 << 20;
/// So many times the longest that one request may take.
const BUDGET: u32 = 5;
