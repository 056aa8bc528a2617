//! A BMC: what it answers to a Redfish request (DSP0266).
//!
//! [`Bmc::respond`] is the whole of it, and takes the time; [`Service`] adds what only shows over a
//! connection, such as slowness and lost responses.

mod access;
mod account_service;
mod accounts;
mod exchange;
mod expand;
mod habits;
mod inventory;
mod login;
mod messages;
mod names;
mod profiles;
mod quirk;
mod resources;
mod restart;
mod system;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hyper::{
    Method, StatusCode,
    header::{ETAG, HeaderName, IF_MATCH, LINK},
};
use serde_json::{Map, Value};

pub use access::BmcCounters;
pub use accounts::{AccountRules, PasswordChange};
pub(crate) use profiles::UuidHabit;
pub use profiles::{Profile, UnknownProfile};
pub use quirk::{Quirk, Quirks, UnknownQuirk};

use self::{
    access::Access,
    accounts::Accounts,
    habits::Memory,
    messages::{Message, error},
    names::Names,
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
    names: Mutex<Names>,
    memory: Mutex<Memory>,
    /// What a restart of the BMC may be called, and how long it takes.
    manager_resets: Vec<String>,
    restart: Duration,
}

impl Bmc {
    pub(crate) fn new(machine: Arc<Machine>, config: &RackConfig) -> Self {
        let rules = habits::account_rules(&machine.config.quirks, config.accounts.clone());
        let accounts = Accounts::new(
            rules,
            config.username.clone(),
            config.password.clone(),
            config.lockout,
        );
        let names = Names::of(machine.config.profile.facts());
        Self {
            machine,
            access: Mutex::new(Access::new(accounts, config.max_sessions)),
            names: Mutex::new(names),
            memory: Mutex::new(Memory::default()),
            manager_resets: config.manager_resets.clone(),
            restart: config.bmc_restart,
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
        counters.jobs = self.memory().jobs;
        counters
    }

    pub(crate) fn drop_sessions(&self) {
        self.access().close_all();
    }

    /// Forgets what it remembers for its quirks.
    pub(crate) fn forget(&self) {
        let failures = self.access().counters.login_failures;
        self.memory().forget(failures);
    }

    /// What the standard asks for, for a client that is admitted as `by`.
    fn serve(
        &self,
        request: &Request,
        resource: Option<&Resource>,
        by: &str,
        now: Instant,
    ) -> Reply {
        let Some(resource) = resource else {
            return missing(request);
        };
        match (request.method.as_str(), resource) {
            ("GET" | "HEAD", Resource::Reset | Resource::ManagerReset) => not_allowed(request),
            ("GET" | "HEAD", Resource::Inventory(place)) => {
                match inventory::document(&self.machine.config, *place) {
                    Some(document) => show(&document),
                    None => error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)]),
                }
            }
            ("GET" | "HEAD", resource) => self.get(resource, request, now),
            ("POST", Resource::Sessions) => self.log_in(request, now),
            ("DELETE", Resource::Session(id)) => self.log_out(id, request),
            ("PATCH", Resource::System) => self.patch_system(request),
            ("POST", Resource::Accounts) => self.create_account(request, by, now),
            ("PATCH", Resource::Account(id)) => self.change_account(id, request, by, now),
            ("DELETE", Resource::Account(id)) => self.remove_account(id, request, by),
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
                None => return missing(request),
            },
            Resource::AccountService
            | Resource::Accounts
            | Resource::Account(_)
            | Resource::Roles
            | Resource::Role(_) => return self.account_resource(resource, request, now),
            Resource::Systems => collection(
                "/redfish/v1/Systems",
                "ComputerSystemCollection",
                "Computer System Collection",
            ),
            Resource::System => return self.system(),
            Resource::Interfaces => resources::interfaces(machine),
            Resource::Interface(number) => match resources::interface(machine, *number) {
                Some(document) => document,
                None => return missing(request),
            },
            Resource::Managers => collection(
                "/redfish/v1/Managers",
                "ManagerCollection",
                "Manager Collection",
            ),
            Resource::Manager => resources::manager(machine, &self.manager_resets()),
            Resource::ChassisCollection => collection(
                "/redfish/v1/Chassis",
                "ChassisCollection",
                "Chassis Collection",
            ),
            Resource::Chassis => {
                let power = self.machine.read(|state| state.power.as_str());
                resources::chassis(machine, power)
            }
            Resource::TaskService => habits::task_service(),
            Resource::Tasks => self.tasks(),
            // Where there are any, they are a habit of the BMC.
            Resource::Settings
            | Resource::ResetActionInfo
            | Resource::Task(_)
            | Resource::TaskMonitor(_) => return missing(request),
            Resource::Reset | Resource::ManagerReset | Resource::Inventory(_) => {
                return not_allowed(request);
            }
        };
        show(&document)
    }

    fn system(&self) -> Reply {
        let document = self
            .machine
            .read(|state| system::document(&self.machine.config, state));
        show(&document)
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
            let change = Change::parse(machine, state, &body)
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

    fn quirks(&self) -> Quirks {
        self.machine.read(|state| state.quirks.clone())
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn access(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Bmc {
    async fn answer(&self, request: Request) -> Option<Reply> {
        let slow = self.machine.read(|state| state.faults.slow_ms);
        tokio::time::sleep(Duration::from_millis(slow)).await;
        let now = Instant::now();
        if self.breaks(&request, now) {
            return None;
        }
        let is_change = !matches!(request.method, Method::GET | Method::HEAD)
            && !request.path.contains("/SessionService");
        let reply = self.respond(&request, now);
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
    if let Some(tag) = document["@odata.etag"].as_str() {
        reply.set(ETAG, tag);
    }
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

fn missing(request: &Request) -> Reply {
    error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)])
}

fn not_allowed(request: &Request) -> Reply {
    let messages = [Message::not_allowed(request.method.as_str())];
    error(StatusCode::METHOD_NOT_ALLOWED, &messages)
}

fn text_header<'a>(request: &'a Request, name: &HeaderName) -> Option<&'a str> {
    request.headers.get(name)?.to_str().ok()
}

const SCHEMAS: &str = "http://redfish.dmtf.org/schemas/v1";
const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");

#[cfg(test)]
mod tests;
