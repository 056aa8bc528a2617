//! A BMC: what it answers to a Redfish request (DSP0266).
//!
//! [`Bmc::respond`] is the whole of it, and takes the time; [`Service`] adds what only shows over a
//! connection, such as slowness and lost responses.

mod access;
mod login;
mod messages;
mod resources;
mod system;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hyper::{
    Method, StatusCode,
    header::{ALLOW, CACHE_CONTROL, ETAG, HeaderName, IF_MATCH, LINK, RETRY_AFTER},
};
use serde_json::{Map, Value};

pub use access::BmcCounters;

use self::{
    access::Access,
    messages::{Message, error},
    resources::Resource,
    system::Change,
};
use crate::{
    RackConfig,
    http::{Reply, Request, Service},
    machine::{
        Machine,
        power::{Refused, ResetType},
    },
};

/// The BMC of one machine.
#[derive(Debug)]
pub(crate) struct Bmc {
    machine: Arc<Machine>,
    access: Mutex<Access>,
}

impl Bmc {
    pub(crate) fn new(machine: Arc<Machine>, config: &RackConfig) -> Self {
        let access = Access::new(
            config.username.clone(),
            config.password.clone(),
            config.max_sessions,
            config.lockout,
        );
        Self {
            machine,
            access: Mutex::new(access),
        }
    }

    pub(crate) fn counters(&self) -> BmcCounters {
        let mut counters = self.access().counters();
        counters.resets = self.machine.read(|state| {
            state
                .resets
                .iter()
                .map(|(reset, count)| (reset.as_str().to_owned(), *count))
                .collect()
        });
        counters
    }

    pub(crate) fn drop_sessions(&self) {
        self.access().close_all();
    }

    /// The reply to a request at `now`.
    pub(crate) fn respond(&self, request: &Request, now: Instant) -> Reply {
        self.access().count(request);
        let resource = Resource::parse(&request.path);
        let mut reply = self.route(request, resource.as_ref(), now);
        if let Some(resource) = &resource {
            reply.set(ALLOW, resource.allow());
        }
        reply.set(ODATA_VERSION, "4.0");
        reply.set(CACHE_CONTROL, "no-cache");
        reply
    }

    fn route(&self, request: &Request, resource: Option<&Resource>, now: Instant) -> Reply {
        if self.machine.read(|state| state.faults.bmc_busy) {
            let mut reply = error(StatusCode::SERVICE_UNAVAILABLE, &[Message::busy(1)]);
            reply.set(RETRY_AFTER, 1);
            return reply;
        }
        let version = text_header(request, &ODATA_VERSION);
        if version.is_some_and(|version| version != "4.0") {
            let messages = [Message::header_invalid("OData-Version")];
            return error(StatusCode::PRECONDITION_FAILED, &messages);
        }
        let login = resource == Some(&Resource::Sessions) && request.method == Method::POST;
        let public = resource.is_some_and(Resource::is_public);
        if !login
            && !public
            && let Err(reply) = self.authorize(request, now)
        {
            return reply;
        }
        let Some(resource) = resource else {
            return error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)]);
        };
        // A service that takes no parameters must say so (DSP0266 section 7.3).
        if request.query.as_deref().is_some_and(has_odata_parameter) {
            let messages = [Message::query_not_supported()];
            return error(StatusCode::NOT_IMPLEMENTED, &messages);
        }
        match (request.method.as_str(), resource) {
            ("GET" | "HEAD", Resource::Reset | Resource::ManagerReset) => not_allowed(request),
            ("GET" | "HEAD", resource) => self.get(resource, request, now),
            ("POST", Resource::Sessions) => self.log_in(request, now),
            ("DELETE", Resource::Session(id)) => self.log_out(id, request),
            ("PATCH", Resource::System) => self.patch_system(request),
            ("POST", Resource::Reset) => self.reset(request),
            ("POST", Resource::ManagerReset) => self.reset_manager(request),
            _ => not_allowed(request),
        }
    }

    fn get(&self, resource: &Resource, request: &Request, now: Instant) -> Reply {
        let machine = &self.machine.config;
        let collection = |uri: &str, kind: &str, name: &str| {
            resources::collection(uri, kind, name, &[format!("{uri}/1")])
        };
        let document = match resource {
            Resource::Versions => resources::versions(),
            Resource::Root => resources::root(machine),
            Resource::ServiceDocument => resources::service_document(),
            Resource::Metadata => {
                let body = resources::metadata();
                return Reply::text(StatusCode::OK, "application/xml", body);
            }
            Resource::SessionService => resources::session_service(),
            Resource::Sessions => self.sessions(now),
            Resource::Session(id) => match self.session(id, now) {
                Some(document) => document,
                None => return error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)]),
            },
            Resource::AccountService => resources::account_service(&self.access()),
            Resource::Systems => collection(
                "/redfish/v1/Systems",
                "ComputerSystemCollection",
                "Computer System Collection",
            ),
            Resource::System => return self.system(),
            Resource::Interfaces => {
                let members: Vec<String> = (1..=machine.macs.len())
                    .map(resources::interface_uri)
                    .collect();
                resources::collection(
                    "/redfish/v1/Systems/1/EthernetInterfaces",
                    "EthernetInterfaceCollection",
                    "Ethernet Interface Collection",
                    &members,
                )
            }
            Resource::Interface(number) => match resources::interface(machine, *number) {
                Some(document) => document,
                None => return error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)]),
            },
            Resource::Managers => collection(
                "/redfish/v1/Managers",
                "ManagerCollection",
                "Manager Collection",
            ),
            Resource::Manager => resources::manager(machine),
            Resource::ChassisCollection => collection(
                "/redfish/v1/Chassis",
                "ChassisCollection",
                "Chassis Collection",
            ),
            Resource::Chassis => {
                let power = self.machine.read(|state| state.power.as_str());
                resources::chassis(machine, power)
            }
            Resource::Reset | Resource::ManagerReset => return not_allowed(request),
        };
        show(&document)
    }

    fn system(&self) -> Reply {
        let document = self
            .machine
            .read(|state| system::document(&self.machine.config, state));
        let mut reply = show(&document);
        if let Some(tag) = document["@odata.etag"].as_str() {
            reply.set(ETAG, tag);
        }
        reply
    }

    fn patch_system(&self, request: &Request) -> Reply {
        let body = match object(request) {
            Ok(body) => body,
            Err(reply) => return reply,
        };
        let machine = &self.machine.config;
        let refused = self.machine.change(|state| {
            let document = system::document(machine, state);
            let required = state.faults.require_if_match;
            match_precondition(request, document["@odata.etag"].as_str(), required)?;
            let change = Change::parse(machine, &body)
                .map_err(|messages| error(StatusCode::BAD_REQUEST, &messages))?;
            change.apply(state);
            Ok(())
        });
        match refused {
            Ok(()) => self.system(),
            Err(reply) => reply,
        }
    }

    fn reset(&self, request: &Request) -> Reply {
        let action = "ComputerSystem.Reset";
        let body = match object(request) {
            Ok(body) => body,
            Err(reply) => return reply,
        };
        let Some(value) = body.get("ResetType") else {
            let messages = [Message::parameter_missing(action, "ResetType")];
            return error(StatusCode::BAD_REQUEST, &messages);
        };
        let Some(reset) = value.as_str().and_then(ResetType::parse) else {
            let messages = [Message::parameter_not_in_list(action, "ResetType", value)];
            return error(StatusCode::BAD_REQUEST, &messages);
        };
        match self.machine.reset(reset) {
            Ok(()) => Reply::empty(StatusCode::NO_CONTENT),
            Err(Refused::AlreadyThere(power) | Refused::WrongState(power)) => {
                let messages = [Message::power_state(reset.as_str(), power.as_str())];
                error(StatusCode::CONFLICT, &messages)
            }
        }
    }

    /// A restarted BMC has forgotten its sessions. That it is away for minutes is `bmc_down`.
    fn reset_manager(&self, request: &Request) -> Reply {
        let body = match object(request) {
            Ok(body) => body,
            Err(reply) => return reply,
        };
        let value = body.get("ResetType").cloned().unwrap_or_default();
        let known = value
            .as_str()
            .is_some_and(|text| resources::MANAGER_RESETS.contains(&text));
        if !known {
            let message = Message::parameter_not_in_list("Manager.Reset", "ResetType", &value);
            return error(StatusCode::BAD_REQUEST, &[message]);
        }
        self.drop_sessions();
        Reply::empty(StatusCode::NO_CONTENT)
    }

    fn access(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Bmc {
    async fn answer(&self, request: Request) -> Option<Reply> {
        let slow = self.machine.read(|state| state.faults.slow_ms);
        tokio::time::sleep(Duration::from_millis(slow)).await;
        let is_change = request.method == Method::PATCH || request.path.ends_with(".Reset");
        let reply = self.respond(&request, Instant::now());
        let lost = is_change
            && self.machine.change(|state| {
                let lost = state.faults.lose_responses > 0;
                state.faults.lose_responses = state.faults.lose_responses.saturating_sub(1);
                lost
            });
        (!lost).then_some(reply)
    }

    async fn cut(&self) {
        self.machine.bmc_down().await;
    }
}

/// A document, with the header that names its schema (DSP0266 section 8.2).
fn show(document: &Value) -> Reply {
    let mut reply = Reply::json(StatusCode::OK, document);
    let kind = document["@odata.type"].as_str();
    if let Some((schema, _)) = kind.and_then(|kind| kind.strip_prefix('#')?.rsplit_once('.')) {
        let link = format!("<{SCHEMAS}/{schema}.json>; rel=describedby");
        reply.set(LINK, link);
    }
    reply
}

/// Checks `If-Match` against the tag of the resource (RFC 9110 section 13.1.1, strong comparison).
fn match_precondition(request: &Request, tag: Option<&str>, required: bool) -> Result<(), Reply> {
    let Some(header) = text_header(request, &IF_MATCH) else {
        if required {
            let messages = [Message::precondition_required()];
            return Err(error(StatusCode::PRECONDITION_REQUIRED, &messages));
        }
        return Ok(());
    };
    let matches = header
        .split(',')
        .map(str::trim)
        .any(|given| given == "*" || Some(given) == tag);
    if matches {
        return Ok(());
    }
    let messages = [Message::precondition_failed()];
    Err(error(StatusCode::PRECONDITION_FAILED, &messages))
}

fn object(request: &Request) -> Result<Map<String, Value>, Reply> {
    serde_json::from_slice(&request.body).map_err(|_may_hold_a_password| {
        error(StatusCode::BAD_REQUEST, &[Message::malformed_json()])
    })
}

fn not_allowed(request: &Request) -> Reply {
    let messages = [Message::not_allowed(request.method.as_str())];
    error(StatusCode::METHOD_NOT_ALLOWED, &messages)
}

fn text_header<'a>(request: &'a Request, name: &HeaderName) -> Option<&'a str> {
    request.headers.get(name)?.to_str().ok()
}

fn has_odata_parameter(query: &str) -> bool {
    query
        .split('&')
        .any(|part| part.starts_with('$') || part.starts_with("%24"))
}

const SCHEMAS: &str = "http://redfish.dmtf.org/schemas/v1";
const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");

#[cfg(test)]
mod tests;
