//! What a reply means: its class by status and messages, its ETag, when to ask again.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{StatusCode, header};
use serde_json::Value;

use crate::{error::Error, lenient::Doc, messages::Message, origin::Origin, wire::Reply};

/// A resource as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) value: Value,
    pub(crate) etag: Option<String>,
}

impl Document {
    pub(crate) const fn doc(&self) -> Doc<'_> {
        Doc::new(&self.value)
    }
}

impl Reply {
    /// The reply, if what was asked for was done. A 2xx can carry an error.
    pub(crate) fn check(self) -> Result<Self, Error> {
        match self.problem() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// The resource in the reply to a GET.
    pub(crate) fn document(self) -> Result<Document, Error> {
        if let Some(error) = self.problem() {
            return Err(error);
        }
        let etag = self.etag();
        let cause = match self.json {
            Ok(value @ Value::Object(_)) => return Ok(Document { value, etag }),
            Ok(_) => "it is JSON, but no object".to_owned(),
            Err(cause) => cause,
        };
        Err(Error::Decode {
            endpoint: self.endpoint,
            request: self.request,
            cause,
        })
    }

    /// Why what was asked for was not done.
    pub(crate) fn problem(&self) -> Option<Error> {
        if self.status.is_success() && !self.says_failure() {
            return None;
        }
        let status = self.status.as_u16();
        let (endpoint, request) = (self.endpoint.clone(), self.request.clone());
        let messages = self.messages.clone();
        if messages.says_session_limit() {
            return Some(Error::SessionLimit { endpoint, messages });
        }
        if matches!(status, 408 | 425 | 429 | 502..=504) || messages.says_busy() {
            let retry_after = self.retry_after();
            return Some(Error::Busy {
                endpoint,
                request,
                status,
                retry_after,
                messages,
            });
        }
        Some(match status {
            404 => Error::NotFound {
                endpoint,
                path: self.path().to_owned(),
            },
            405 | 501 => Error::NotSupported {
                endpoint,
                what: request,
            },
            409 => Error::Conflict {
                endpoint,
                request,
                messages,
            },
            412 | 428 => Error::Precondition {
                endpoint,
                request,
                status,
            },
            _ if messages.says_read_only() => {
                let what = messages
                    .iter()
                    .next()
                    .map(Message::to_string)
                    .unwrap_or_default();
                Error::NotSupported {
                    endpoint,
                    what: format!("{request}: {what}"),
                }
            }
            _ => Error::Rejected {
                endpoint,
                request,
                status,
                messages,
            },
        })
    }

    /// Whether a 2xx carries an error. A resource may be annotated with messages about other things
    /// than this request.
    fn says_failure(&self) -> bool {
        if !self.request.starts_with("GET ") {
            return self.messages.has_failure();
        }
        // An error in the place of a resource is one, whatever its messages are.
        let is_error = |doc: Doc<'_>| !doc.get("error").raw().is_null();
        self.doc().is_some_and(is_error) && !self.is_resource()
    }

    /// The ETag that a write may send back, without the quotes that some firmware doubles.
    pub(crate) fn etag(&self) -> Option<String> {
        let header = self
            .headers
            .get(header::ETAG)
            .and_then(|value| value.to_str().ok());
        let body = self.doc().and_then(|doc| doc.word("@odata.etag"));
        [header, body].into_iter().flatten().find_map(clean_etag)
    }

    /// The `Location`, as a path on this BMC.
    pub(crate) fn location(&self) -> Option<String> {
        let location = self.headers.get(header::LOCATION)?.to_str().ok()?.trim();
        (!location.is_empty()).then(|| Origin::path_of(location))
    }

    /// How long the BMC asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let text = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        let value = text(header::RETRY_AFTER)?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = |text: &str| rfc2822::parse(text).ok().map(|zoned| zoned.timestamp());
        // The clock of a BMC may be years off, so its own date is what counts.
        let now = text(header::DATE)
            .and_then(date)
            .unwrap_or_else(Timestamp::now);
        Some(Duration::try_from(date(value)?.duration_since(now)).unwrap_or_default())
    }

    pub(crate) fn is(&self, status: StatusCode) -> bool {
        self.status == status
    }

    /// The body, if it is JSON.
    pub(crate) fn doc(&self) -> Option<Doc<'_>> {
        self.json.as_ref().ok().map(Doc::new)
    }

    fn is_resource(&self) -> bool {
        let doc = self.doc();
        doc.is_some_and(|doc| doc.has("@odata.id") || doc.has("@odata.type"))
    }

    fn path(&self) -> &str {
        self.request.split_once(' ').map_or("", |(_, path)| path)
    }
}

fn clean_etag(tag: &str) -> Option<String> {
    let mut tag = tag.trim();
    // One from a body may be anything, and is to become a header.
    if !tag.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return None;
    }
    while tag.len() > 3 && tag.starts_with("\"\"") && tag.ends_with("\"\"") {
        tag = &tag[1..tag.len() - 1];
    }
    if let Some(inner) = tag
        .strip_prefix("\"W/\"")
        .and_then(|rest| rest.strip_suffix("\"\""))
    {
        return Some(format!("W/\"{inner}\""));
    }
    let empty = matches!(tag.trim_start_matches("W/"), "" | "\"\"");
    (!empty).then(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;
    use crate::messages::Messages;

    fn reply(request: &str, status: u16, headers: &[(HeaderName, &str)], body: Value) -> Reply {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, text)| (name.clone(), value(text)))
            .collect();
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            messages: Messages::read(&body, &[]),
            json: Ok(body),
            request: request.to_owned(),
            endpoint: "https://b".to_owned(),
        }
    }

    fn info(id: &str) -> Value {
        json!({"error": {"@Message.ExtendedInfo": [{"MessageId": id}]}})
    }

    #[track_caller]
    fn check(request: &str, status: u16, body: Value, expected: &str) {
        let problem = reply(request, status, &[], body).problem();
        let class = problem.map_or_else(|| "done".to_owned(), |error| format!("{error:?}"));
        assert!(class.starts_with(expected), "{request} {status}: {class}");
    }

    #[test]
    fn a_reply_has_the_class_of_its_status_and_messages() {
        check("GET /a", 200, json!({}), "done");
        check("PATCH /a", 200, info("V.1.0.Success"), "done");
        check(
            "PATCH /a",
            200,
            info("Base.1.0.PropertyNotWritable"),
            "NotSupported",
        );
        check("GET /a", 200, info("Base.1.0.InternalError"), "Rejected");
        check(
            "GET /a",
            404,
            json!({}),
            "NotFound { endpoint: \"https://b\", path: \"/a\" }",
        );
        check("PATCH /a", 405, json!({}), "NotSupported");
        check("PATCH /a", 409, json!({}), "Conflict");
        check("PATCH /a", 412, json!({}), "Precondition");
        check("PATCH /a", 428, json!({}), "Precondition");
        check("GET /a", 503, json!({}), "Busy");
        check(
            "POST /a",
            503,
            info("Base.1.0.SessionLimitExceeded"),
            "SessionLimit",
        );
        check(
            "PATCH /a",
            400,
            info("V.1.UnableToModifyDuringSystemPOST"),
            "Busy",
        );
        check(
            "PATCH /a",
            400,
            info("Base.1.0.PropertyUnknown"),
            "NotSupported",
        );
        check(
            "PATCH /a",
            400,
            info("Base.1.0.PropertyValueNotInList"),
            "Rejected",
        );
        check("GET /a", 500, json!({}), "Rejected");
    }

    #[test]
    fn an_annotated_resource_is_no_error() {
        let mut body = json!({"@odata.id": "/a"});
        body["AssetTag@Message.ExtendedInfo"] = json!([{"MessageId": "B.1.PropertyNotWritable"}]);
        check("GET /a", 200, body, "done");
    }

    #[test]
    fn an_etag_is_unwrapped_and_an_empty_one_is_none() {
        let check = |header: &str, expected: Option<&str>| {
            let reply = reply("GET /a", 200, &[(header::ETAG, header)], json!({}));
            assert_eq!(reply.etag().as_deref(), expected, "{header}");
        };
        check("\"abc\"", Some("\"abc\""));
        check("W/\"abc\"", Some("W/\"abc\""));
        check("\"\"abc\"\"", Some("\"abc\""));
        check("\"W/\"abc\"\"", Some("W/\"abc\""));
        check("\"\"", None);
        check("", None);
        let body = json!({"@odata.etag": "\"x\r\ny\""});
        assert_eq!(reply("GET /a", 200, &[], body).etag(), None);
        let body = json!({"@odata.etag": "\"x\""});
        assert_eq!(
            reply("GET /a", 200, &[], body).etag().as_deref(),
            Some("\"x\"")
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_clock_of_the_bmc() {
        let check = |headers: &[(HeaderName, &str)], expected: Option<u64>| {
            let found = reply("GET /a", 503, headers, json!({})).retry_after();
            assert_eq!(found, expected.map(Duration::from_secs), "{headers:?}");
        };
        check(&[(header::RETRY_AFTER, "5")], Some(5));
        check(&[(header::RETRY_AFTER, "soon")], None);
        check(
            &[
                (header::DATE, "Thu, 01 Jan 1970 00:00:10 GMT"),
                (header::RETRY_AFTER, "Thu, 01 Jan 1970 00:00:30 GMT"),
            ],
            Some(20),
        );
        check(
            &[
                (header::DATE, "Thu, 01 Jan 1970 00:00:30 GMT"),
                (header::RETRY_AFTER, "Thu, 01 Jan 1970 00:00:10 GMT"),
            ],
            Some(0),
        );
    }
}
