//! Habits with ETags and `If-Match`.

use hyper::{
    HeaderMap, Method, StatusCode,
    header::{ETAG, HeaderValue, IF_MATCH},
};
use serde_json::{Value, json};

use crate::bmc::exchange::Exchange;
use crate::{
    Quirk,
    bmc::{
        Bmc,
        messages::{Message, error},
        resources::Resource,
        text_header,
    },
    http::Reply,
};

impl Bmc {
    /// Checks `If-Match` as this BMC does. What is left to check is up to the standard code.
    pub(super) fn check_tag(&self, exchange: &mut Exchange) -> Option<Reply> {
        let given = text_header(&exchange.request, &IF_MATCH).map(|tag| tag.trim().to_owned());
        let failed = || {
            let messages = [Message::precondition_failed()];
            Some(error(StatusCode::PRECONDITION_FAILED, &messages))
        };
        let missing = || {
            let messages = [Message::precondition_required()];
            Some(error(StatusCode::PRECONDITION_REQUIRED, &messages))
        };
        if !exchange.is(&Method::PATCH) {
            let refused = exchange.has(Quirk::NoIfMatchOnActions) && given.is_some();
            return if refused { failed() } else { None };
        }
        if exchange.has(Quirk::TagInBody) {
            let in_body = exchange.body()["@odata.etag"].as_str().map(str::to_owned);
            return match (given, in_body) {
                (Some(_), _) => failed(),
                (None, None) => missing(),
                (None, Some(tag)) => {
                    let current = self.tag_of(exchange);
                    if current.as_deref() == Some(&tag) {
                        None
                    } else {
                        failed()
                    }
                }
            };
        }
        let Some(given) = given else {
            let needed = [Quirk::NeedsIfMatch, Quirk::RefusesOwnTag];
            return if exchange.quirks.has_any(&needed) {
                missing()
            } else {
                None
            };
        };
        let star = given == "*";
        let refused = (star && exchange.has(Quirk::RefusesStar))
            || (!star && exchange.has(Quirk::RefusesOwnTag));
        if refused {
            return failed();
        }
        if exchange.resource == Some(Resource::Settings) && !star {
            // The settings have a tag of their own; the standard code knows the system's only.
            if self.tag_of(exchange).map(|tag| of_settings(&tag)).as_ref() != Some(&given) {
                return failed();
            }
            exchange.request.headers.remove(IF_MATCH);
        }
        None
    }

    /// The tag that the standard code checks against.
    fn tag_of(&self, exchange: &Exchange) -> Option<String> {
        let mut request = exchange.request.clone();
        request.method = Method::GET;
        let resource = match exchange.resource.clone()? {
            Resource::Settings => Resource::System,
            resource => resource,
        };
        let reply = self.serve(&request, Some(&resource), &exchange.by, exchange.now);
        let tag = reply.headers.get(ETAG)?.to_str().ok()?;
        Some(tag.to_owned())
    }
}

/// The tag of the settings object beside that of its system.
pub(super) fn of_settings(tag: &str) -> String {
    format!("{}-settings\"", tag.trim_end_matches('"'))
}

/// Writes the tags of a reply as this BMC does.
pub(super) fn shown(exchange: &Exchange, headers: &mut HeaderMap, document: &mut Value) {
    let Some(tag) = document["@odata.etag"].as_str().map(str::to_owned) else {
        return;
    };
    let shown = if exchange.has(Quirk::EmptyEtag) {
        String::new()
    } else if exchange.has(Quirk::WeakEtag) {
        format!("W/{tag}")
    } else if exchange.has(Quirk::GzipEtag) {
        format!("{}-gzip\"", tag.trim_end_matches('"'))
    } else if exchange.has(Quirk::DoubleQuotedEtag) {
        format!("\"{tag}\"")
    } else {
        tag
    };
    document["@odata.etag"] = json!(shown);
    if exchange.has(Quirk::TagInBody) {
        headers.remove(ETAG);
    } else if headers.contains_key(ETAG)
        && let Ok(value) = HeaderValue::from_str(&shown)
    {
        headers.insert(ETAG, value);
    }
}
