//! Changing a resource: one PATCH, with the `If-Match` that this firmware takes.
//!
//! Some firmware insists on an ETag (428), some refuses the one it gave (412), some takes only `*`
//! and some everything but that. So there is a ladder, climbed by what the BMC answers; what worked
//! is remembered. The changes sent here state what is wanted, and are as right after somebody
//! else's change as before it: re-reading only gets a tag, it never merges.

use std::borrow::Cow;

use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    error::Error,
    lane::Lane,
    quirks::{FirstTag, Hints},
    task,
    wire::Reply,
};

/// What to change.
pub(crate) struct Target<'a> {
    pub(crate) path: &'a str,
    /// Its tag, if it was just read.
    pub(crate) etag: Option<String>,
    pub(crate) hints: &'a Hints,
}

/// A way to say which version of a resource is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// Not at all.
    Absent,
    /// The tag as the BMC gave it.
    Tag,
    /// The tag without what may have been added to it: `W/` before it, `-gzip` at its end.
    Stripped,
    /// Any version.
    Star,
    /// The tag in the body.
    Embedded,
}

/// Sends a change and follows the task it may start.
pub(crate) async fn send(
    lane: &Lane<'_>,
    target: Target<'_>,
    body: &Value,
) -> Result<Reply, Error> {
    let reply = climb(lane, target, body).await?.check()?;
    if reply.is(StatusCode::ACCEPTED) {
        task::follow(lane, &reply).await?;
    }
    Ok(reply)
}

async fn climb(lane: &Lane<'_>, target: Target<'_>, body: &Value) -> Result<Reply, Error> {
    let Target {
        path,
        mut etag,
        hints,
    } = target;
    let learned = lane
        .inner
        .learned(|learned| learned.rungs.get(path).copied());
    let mut rung = learned.unwrap_or_else(|| first(hints, etag.as_deref()));
    let mut tried = Vec::new();
    let mut looked = false;
    let mut requests = 0;
    loop {
        let reply = attempt(lane, path, body, rung, etag.as_deref()).await?;
        requests += 1;
        let status = reply.status.as_u16();
        if !wants_another_tag(&reply) {
            if reply.status.is_success() {
                lane.inner
                    .learned(|learned| learned.rungs.insert(path.to_owned(), rung));
            }
            return Ok(reply);
        }
        tracing::debug!(
            bmc = lane.inner.wire.origin.as_str(),
            path,
            status,
            ?rung,
            "If-Match"
        );
        tried.push(rung);
        if !looked {
            looked = true;
            requests += 1;
            let fresh = lane.get(path).await?.etag;
            if fresh != etag {
                tried.retain(|rung| matches!(rung, Rung::Absent | Rung::Star));
                etag = fresh;
            }
        }
        let next = next(status, &tried, etag.as_deref(), hints);
        match next {
            Some(next) if requests < MAX_REQUESTS => rung = next,
            _ => return Ok(reply),
        }
    }
}

async fn attempt(
    lane: &Lane<'_>,
    path: &str,
    body: &Value,
    rung: Rung,
    etag: Option<&str>,
) -> Result<Reply, Error> {
    let bare = etag.map(bare);
    let if_match = match rung {
        Rung::Absent | Rung::Embedded => None,
        Rung::Tag => etag,
        Rung::Stripped => bare.as_deref(),
        Rung::Star => Some("*"),
    };
    if let (Rung::Embedded, Some(etag)) = (rung, etag) {
        let mut body = body.clone();
        body["@odata.etag"] = Value::from(etag);
        return lane.patch(path, &body, None).await;
    }
    lane.patch(path, body, if_match).await
}

fn wants_another_tag(reply: &Reply) -> bool {
    matches!(reply.status.as_u16(), 412 | 428)
        || reply
            .messages
            .find(&["PreconditionRequired", "PreconditionHeaderMissing"])
            .is_some()
}

const fn first(hints: &Hints, etag: Option<&str>) -> Rung {
    match (hints.first_tag, etag) {
        (FirstTag::Star, _) => Rung::Star,
        (FirstTag::IfKnown, Some(_)) => Rung::Tag,
        (FirstTag::IfKnown, None) => Rung::Absent,
    }
}

/// The next rung after `tried` failed, the last of them with `status`.
fn next(status: u16, tried: &[Rung], etag: Option<&str>, hints: &Hints) -> Option<Rung> {
    let order = if status == 412 {
        [
            Rung::Tag,
            Rung::Stripped,
            Rung::Star,
            Rung::Absent,
            Rung::Embedded,
        ]
    } else {
        [
            Rung::Tag,
            Rung::Star,
            Rung::Stripped,
            Rung::Embedded,
            Rung::Absent,
        ]
    };
    let possible = |rung: &Rung| match rung {
        Rung::Absent => status == 412,
        Rung::Tag | Rung::Embedded => etag.is_some(),
        Rung::Stripped => etag.is_some_and(|etag| bare(etag) != etag),
        Rung::Star => !hints.never_star,
    };
    order
        .into_iter()
        .find(|rung| possible(rung) && !tried.contains(rung))
}

/// Some firmware takes a weak tag only as a strong one, and some has a web server that marks the
/// tags of what it compresses.
fn bare(etag: &str) -> Cow<'_, str> {
    let strong = etag.strip_prefix("W/").unwrap_or(etag);
    let unmarked = ["-gzip\"", "--gzip\"", ";gzip\""]
        .iter()
        .find_map(|mark| strong.strip_suffix(mark));
    match unmarked {
        Some(tag) => Cow::Owned(format!("{tag}\"")),
        None => Cow::Borrowed(strong),
    }
}

/// A change that needs more than this is not going to be taken.
const MAX_REQUESTS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// The rungs that are climbed when the BMC answers `status` to each.
    #[track_caller]
    fn check(hints: &Hints, status: u16, etag: Option<&str>, expected: &[Rung]) {
        let mut tried = vec![first(hints, etag)];
        while let Some(rung) = next(status, &tried, etag, hints) {
            tried.push(rung);
        }
        assert_eq!(tried, expected, "{hints:?} {status} {etag:?}");
    }

    #[test]
    fn the_ladder_is_climbed_by_what_the_bmc_answers() {
        use Rung::{Absent, Embedded, Star, Stripped, Tag};
        let none = Hints::default();
        check(&none, 412, Some("\"a\""), &[Tag, Star, Absent, Embedded]);
        check(
            &none,
            412,
            Some("W/\"a\""),
            &[Tag, Stripped, Star, Absent, Embedded],
        );
        check(
            &none,
            412,
            Some("\"a-gzip\""),
            &[Tag, Stripped, Star, Absent, Embedded],
        );
        check(&none, 428, None, &[Absent, Star]);
        check(&none, 428, Some("\"a\""), &[Tag, Star, Embedded]);
        let never_star = Hints {
            never_star: true,
            ..Hints::default()
        };
        check(&never_star, 412, Some("\"a\""), &[Tag, Absent, Embedded]);
        let star_first = Hints {
            first_tag: FirstTag::Star,
            ..Hints::default()
        };
        check(
            &star_first,
            412,
            Some("\"a\""),
            &[Star, Tag, Absent, Embedded],
        );
    }

    #[test]
    fn what_a_web_server_added_to_a_tag_is_taken_off() {
        for (tag, expected) in [
            ("\"a\"", "\"a\""),
            ("W/\"a\"", "\"a\""),
            ("\"a-gzip\"", "\"a\""),
            ("W/\"a-gzip\"", "\"a\""),
            ("W/\"a;gzip\"", "\"a\""),
            ("a", "a"),
        ] {
            assert_eq!(bare(tag), expected);
        }
    }
}
