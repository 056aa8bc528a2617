//! Collections: their pages and their members.

use serde_json::Value;

use crate::{
    error::Error,
    lane::Lane,
    lenient::{Doc, same_uri},
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
    let mut members = Vec::new();
    let mut first_error = None;
    for listed in list(lane, path, expand).await? {
        let uri = match listed {
            Listed::Whole(member) => {
                members.push(member);
                continue;
            }
            Listed::Link(uri) => uri,
        };
        match lane.get(&uri).await {
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

/// The entries of all pages.
async fn list(lane: &Lane<'_>, path: &str, expand: Expand) -> Result<Vec<Listed>, Error> {
    let mut listed = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let mut page = first_page(lane, path, expand).await?;
    loop {
        for item in page.doc().items("Members") {
            let Some(uri) = item.as_link() else {
                tracing::warn!(
                    bmc = lane.inner.wire.origin.as_str(),
                    path,
                    "a member has no URI"
                );
                continue;
            };
            listed.push(if is_whole(item) {
                let (value, etag) = (item.raw().clone(), item.word("@odata.etag"));
                let document = Document {
                    value,
                    etag: etag.map(str::to_owned),
                };
                Listed::Whole(Member { uri, document })
            } else {
                Listed::Link(uri)
            });
        }
        let next = page.doc().link("Members@odata.nextLink");
        match next.filter(|next| !seen.iter().any(|seen| same_uri(seen, next))) {
            Some(next) if seen.len() < MAX_PAGES => {
                page = lane.get(&next).await?;
                seen.push(next);
            }
            _ => return Ok(listed),
        }
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

/// More pages than any BMC has.
const MAX_PAGES: usize = 64;
