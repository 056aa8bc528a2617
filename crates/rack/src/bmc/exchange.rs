//! The way of a request through a BMC: the door, the credentials, the habits, the standard code, and
//! back.

use std::time::Instant;

use hyper::{
    Method, StatusCode,
    header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, ETAG, IF_NONE_MATCH, RETRY_AFTER},
};
use serde_json::{Map, Value};

use super::{
    Bmc, ODATA_VERSION,
    expand::{BadQuery, Expand},
    messages::{Message, error},
    profiles::{Facts, Profile},
    quirk::{Quirk, Quirks},
    resources::Resource,
    text_header,
};
use crate::http::{Reply, Request};

/// A request on its way through a BMC.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) request: Request,
    pub(super) resource: Option<Resource>,
    pub(super) quirks: Quirks,
    pub(super) profile: Profile,
    /// Who asks, once that is known.
    pub(super) by: String,
    pub(super) facts: &'static Facts,
    pub(super) now: Instant,
}

impl Exchange {
    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.has(quirk)
    }

    pub(super) fn is(&self, method: &Method) -> bool {
        self.request.method == *method
    }

    pub(super) fn is_action(&self) -> bool {
        self.is(&Method::POST) && self.request.path.contains("/Actions/")
    }

    /// Whether it changes something other than a session.
    pub(super) fn is_change(&self) -> bool {
        self.is(&Method::PATCH) || self.is_action()
    }

    pub(super) fn body(&self) -> Value {
        serde_json::from_slice(&self.request.body).unwrap_or_default()
    }
}

impl Bmc {
    /// The reply to a request at `now`.
    pub(crate) fn respond(&self, request: &Request, now: Instant) -> Reply {
        self.access().count(request);
        let inward = self.names().inward(&request.path);
        let mut exchange = Exchange {
            resource: inward.as_deref().and_then(Resource::parse),
            request: request.clone(),
            quirks: self.quirks(),
            by: String::new(),
            profile: self.machine.config.profile,
            facts: self.machine.config.profile.facts(),
            now,
        };
        if let Some(path) = inward {
            exchange.request.path = path;
        }
        let reply = self.route(&mut exchange);
        let mut reply = unless_known(request, self.names().outward(reply));
        if let Some(resource) = &exchange.resource {
            reply.set(ALLOW, resource.allow());
        }
        reply.set(ODATA_VERSION, "4.0");
        reply.set(CACHE_CONTROL, "no-cache");
        reply
    }

    /// The way of a request: the door, the credentials, the habits, the standard code.
    fn route(&self, exchange: &mut Exchange) -> Reply {
        if let Some(reply) = self.at_the_door(exchange) {
            return self.afterwards(exchange, reply);
        }
        if let Err(reply) = self.admit(exchange) {
            return self.afterwards(exchange, reply);
        }
        let expand = match expansion(exchange) {
            Ok(expand) => expand,
            Err(reply) => return self.afterwards(exchange, reply),
        };
        let reply = self
            .inside(exchange)
            .unwrap_or_else(|| self.answer_plainly(exchange));
        let reply = self.afterwards(exchange, reply);
        match expand {
            Some(expand) if reply.status == StatusCode::OK => {
                self.expanded(exchange, expand, reply)
            }
            _ => reply,
        }
    }

    /// What this BMC shows at a link, for a client that is admitted.
    pub(super) fn look(&self, exchange: &Exchange, uri: &str) -> Reply {
        let mut inner = Exchange {
            resource: Resource::parse(uri),
            request: exchange.request.clone(),
            quirks: exchange.quirks.clone(),
            by: exchange.by.clone(),
            ..*exchange
        };
        inner.request.method = Method::GET;
        uri.clone_into(&mut inner.request.path);
        inner.request.query = None;
        let reply = self
            .inside(&mut inner)
            .unwrap_or_else(|| self.answer_plainly(&inner));
        self.afterwards(&inner, reply)
    }

    /// Checks what every request must have, whatever it is for.
    fn admit(&self, exchange: &mut Exchange) -> Result<(), Reply> {
        let (request, resource) = (&exchange.request, exchange.resource.as_ref());
        if self.machine.read(|state| state.faults.bmc_busy) {
            let mut reply = error(StatusCode::SERVICE_UNAVAILABLE, &[Message::busy(1)]);
            reply.set(RETRY_AFTER, 1);
            return Err(reply);
        }
        let version = text_header(request, &ODATA_VERSION);
        if version.is_some_and(|version| version != "4.0") {
            let messages = [Message::header_invalid("OData-Version")];
            return Err(error(StatusCode::PRECONDITION_FAILED, &messages));
        }
        let login = resource == Some(&Resource::Sessions) && request.method == Method::POST;
        let public = resource.is_some_and(Resource::is_public);
        if login || (public && !exchange.has(Quirk::RootNeedsLogin)) {
            return Ok(());
        }
        let basic = request.headers.contains_key(AUTHORIZATION)
            && !request.headers.contains_key("x-auth-token");
        if basic && exchange.has(Quirk::BasicDisabled) {
            let messages = [Message::no_valid_session()];
            return Err(error(StatusCode::UNAUTHORIZED, &messages));
        }
        let by = self.authorize(request, exchange.now).map_err(|reply| {
            let expired = request.headers.contains_key("x-auth-token");
            if expired && exchange.has(Quirk::RootMissingWhenExpired) {
                return error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)]);
            }
            reply
        })?;
        if let Some(reply) = self.restricted(resource, request, &by) {
            return Err(reply);
        }
        exchange.by = by;
        Ok(())
    }

    /// What the standard code answers.
    fn answer_plainly(&self, exchange: &Exchange) -> Reply {
        let resource = exchange.resource.as_ref();
        let without = match without_annotations(&exchange.request) {
            Ok(without) => without,
            Err(reply) => return reply,
        };
        let request = without.as_ref().unwrap_or(&exchange.request);
        self.serve(request, resource, &exchange.by, exchange.now)
    }
}

/// Nothing of a document that the client has (RFC 9110 section 13.1.2, weak comparison).
fn unless_known(request: &Request, reply: Reply) -> Reply {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = reply.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    let known = text_header(request, &IF_NONE_MATCH).zip(tag);
    let known = known.is_some_and(|(known, tag)| {
        known
            .split(',')
            .any(|known| opaque(known) == opaque(tag) || known.trim() == "*")
    });
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    if !known || !reads || reply.status != StatusCode::OK {
        return reply;
    }
    Reply {
        status: StatusCode::NOT_MODIFIED,
        body: bytes::Bytes::new(),
        ..reply
    }
}

/// A PATCH without OData's annotations, which change nothing; one of nothing else is refused
/// (DSP0266 section 7.6).
fn without_annotations(request: &Request) -> Result<Option<Request>, Reply> {
    if request.method != Method::PATCH {
        return Ok(None);
    }
    let Ok(mut body) = serde_json::from_slice::<Map<String, Value>>(&request.body) else {
        return Ok(None);
    };
    let before = body.len();
    body.retain(|name, _| !name.starts_with("@odata."));
    if body.len() == before {
        return Ok(None);
    }
    if body.is_empty() {
        return Err(error(StatusCode::BAD_REQUEST, &[Message::no_operation()]));
    }
    Ok(Some(Request {
        body: Value::Object(body).to_string().into(),
        ..request.clone()
    }))
}

/// What a request wants to have expanded. A service that takes a parameter not must say so (DSP0266
/// section 7.3).
fn expansion(exchange: &Exchange) -> Result<Option<Expand>, Reply> {
    let refused = |status, message| Err(error(status, &[message]));
    match Expand::parse(exchange.request.query.as_deref()) {
        Ok(Some(_)) if exchange.has(Quirk::ExpandUnsupported) => {
            refused(StatusCode::NOT_IMPLEMENTED, Message::query_not_supported())
        }
        Ok(expand) => Ok(expand),
        Err(BadQuery::NotSupported) => {
            refused(StatusCode::NOT_IMPLEMENTED, Message::query_not_supported())
        }
        Err(BadQuery::Value) => refused(StatusCode::BAD_REQUEST, Message::query_value()),
    }
}
