//! Where a BMC departs from the standard: requests that it refuses or reads in its own way, and
//! documents that it shows in its own form.
//!
//! The standard code knows nothing of this. A request passes [`at_the_door`](Bmc::at_the_door)
//! before its credentials are checked and [`inside`](Bmc::inside) after that; both may answer in
//! place of the standard code, or change what it gets to see. What it answers is then changed by
//! [`documents`] and [`replies`].

mod boot;
mod documents;
mod power;
mod replies;
mod shapes;
mod tags;
mod tasks;

use std::time::{Duration, Instant};

use hyper::{
    Method, StatusCode,
    header::{ACCEPT_ENCODING, LOCATION},
};
use serde_json::{Value, json};

pub(super) use self::tasks::{Task, service as task_service};
use super::{
    AccountRules, Bmc, PasswordChange,
    exchange::Exchange,
    messages::{Message, error},
    missing,
    profiles::Profile,
    quirk::{Quirk, Quirks},
    resources::Resource,
    show, text_header,
};
use crate::http::{Reply, Request};

/// What a BMC remembers for its quirks.
#[derive(Debug)]
pub(super) struct Memory {
    /// Requests with right credentials.
    admitted: u64,
    /// How many changes are still refused because the system is in its self test.
    in_post: u32,
    /// How many changes are still refused because of a job.
    busy: u32,
    /// How many resets are still refused because of an earlier one.
    unsettled: u32,
    /// Until when nothing is answered.
    blocked_until: Option<Instant>,
    failures_before: u64,
    /// The boot order as it was first shown.
    boot_order: Option<Value>,
    pub(super) tasks: Vec<Task>,
    pub(super) jobs: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            admitted: 0,
            // A BMC that nobody has asked yet does not know better than that the system starts.
            in_post: REFUSALS,
            busy: 0,
            unsettled: 0,
            blocked_until: None,
            failures_before: 0,
            boot_order: None,
            tasks: Vec::new(),
            jobs: 0,
        }
    }
}

impl Memory {
    /// Forgets what is due to a quirk; what was queued and counted stays.
    pub(super) fn forget(&mut self, failures_before: u64) {
        *self = Self {
            failures_before,
            tasks: std::mem::take(&mut self.tasks),
            jobs: self.jobs,
            ..Self::default()
        };
    }
}

/// Takes one off a count of refusals; returns whether there was one.
fn take_one(count: &mut u32) -> bool {
    let any = *count > 0;
    *count = count.saturating_sub(1);
    any
}

impl Bmc {
    /// Whether the connection breaks instead of an answer.
    pub(super) fn breaks(&self, request: &Request, now: Instant) -> bool {
        let quirks = self.quirks();
        if quirks.has(Quirk::DropsUsedConnections) && request.earlier > 0 {
            return true;
        }
        if !quirks.has(Quirk::AddressBlockAfterFailures) {
            return false;
        }
        let (failures, lockout) = {
            let access = self.access();
            (access.counters.login_failures, access.accounts.lockout)
        };
        let mut memory = self.memory();
        if memory.blocked_until.is_some_and(|until| now < until) {
            return true;
        }
        if failures >= memory.failures_before + FAILURES_TO_BLOCK {
            memory.failures_before = failures;
            memory.blocked_until = Some(now + lockout.max(Duration::from_secs(1)));
            return true;
        }
        false
    }

    /// What is answered before anybody asks who it is.
    pub(super) fn at_the_door(&self, exchange: &Exchange) -> Option<Reply> {
        let request = &exchange.request;
        if exchange.has(Quirk::IdentityEncodingRefused)
            && text_header(request, &ACCEPT_ENCODING).is_some_and(|it| it.contains("identity"))
        {
            let message = Message::header_invalid("Accept-Encoding");
            return Some(error(StatusCode::NOT_ACCEPTABLE, &[message]));
        }
        if exchange.has(Quirk::RedirectingRoot) && request.path == "/redfish/v1/" {
            let mut reply = Reply::empty(StatusCode::PERMANENT_REDIRECT);
            reply.set(LOCATION, "/redfish/v1");
            return Some(reply);
        }
        let of_sessions = matches!(
            exchange.resource,
            Some(Resource::SessionService | Resource::Sessions | Resource::Session(_))
        );
        if of_sessions && exchange.has(Quirk::NoSessions) {
            return Some(missing(&exchange.request));
        }
        None
    }

    /// What is answered after the credentials were found right, or done to the request.
    pub(super) fn inside(&self, exchange: &mut Exchange) -> Option<Reply> {
        if exchange.has(Quirk::Intermittent401) {
            let mut memory = self.memory();
            memory.admitted += 1;
            if memory.admitted.is_multiple_of(3) {
                let messages = [Message::no_valid_session()];
                return Some(error(StatusCode::UNAUTHORIZED, &messages));
            }
        }
        if let Some(reply) = self.extra_resource(exchange) {
            return Some(reply);
        }
        if !exchange.is_change() {
            return self.task_shown(exchange);
        }
        self.not_now(exchange)
            .or_else(|| self.check_tag(exchange))
            .or_else(|| self.check_properties(exchange))
            .or_else(|| self.check_boot(exchange))
            .or_else(|| self.check_reset(exchange))
            .or_else(|| self.begin_task(exchange))
    }

    /// Refuses a change for what the BMC or the system is doing.
    fn not_now(&self, exchange: &Exchange) -> Option<Reply> {
        let mut memory = self.memory();
        let refused = |registry, key, text| {
            let message = Message::of_maker(registry, key, text);
            Some(error(StatusCode::BAD_REQUEST, &[message]))
        };
        if exchange.has(Quirk::BusyDuringPost)
            && exchange.is(&Method::PATCH)
            && take_one(&mut memory.in_post)
        {
            let text = "The system is in its self test.";
            return refused("iLO.2.14", "UnableToModifyDuringSystemPOST", text);
        }
        if exchange.has(Quirk::BusyAfterJob) && take_one(&mut memory.busy) {
            return refused("IDRAC.2.8", "SYS518", "The data sources are unavailable.");
        }
        None
    }

    /// Refuses properties that this BMC does not have or does not let anybody write.
    fn check_properties(&self, exchange: &Exchange) -> Option<Reply> {
        if !exchange.is(&Method::PATCH) || exchange.resource != Some(Resource::System) {
            return None;
        }
        let body = exchange.body();
        let written = |name: &str| body.get(name).is_some();
        let message = if exchange.has(Quirk::AssetTagReadOnly) && written("AssetTag") {
            Message::property_read_only("AssetTag").about("/AssetTag")
        } else if exchange.has(Quirk::IndicatorLedOnly) && written("LocationIndicatorActive") {
            Message::property_unknown("LocationIndicatorActive").about("/LocationIndicatorActive")
        } else if exchange.has(Quirk::LocationIndicatorOnly) && written("IndicatorLED") {
            Message::property_unknown("IndicatorLED").about("/IndicatorLED")
        } else {
            return None;
        };
        Some(error(StatusCode::BAD_REQUEST, &[message]))
    }

    /// Resources that only some BMCs have.
    fn extra_resource(&self, exchange: &Exchange) -> Option<Reply> {
        let path = exchange.request.path.as_str();
        if exchange.has(Quirk::BrokenSubresources) {
            match path {
                "/redfish/v1/Systems/1/Memory" => return Some(missing(&exchange.request)),
                "/redfish/v1/Systems/1/Storage" => {
                    let message = Message::internal_error();
                    return Some(error(StatusCode::INTERNAL_SERVER_ERROR, &[message]));
                }
                _ => {}
            }
        }
        if exchange.has(Quirk::ExtraSystems) && exchange.is(&Method::GET) {
            match path {
                documents::EXTRA_SYSTEM => return Some(show(&documents::extra_system())),
                documents::EXTRA_MANAGER => return Some(show(&documents::extra_manager())),
                _ => {}
            }
        }
        let is_there = match exchange.resource {
            Some(Resource::Settings) => exchange.quirks.has_any(SETTINGS),
            Some(Resource::ResetActionInfo) => exchange.has(Quirk::AllowablesInActionInfo),
            _ => return None,
        };
        if !is_there {
            return Some(missing(&exchange.request));
        }
        let document = match exchange.resource {
            _ if !exchange.is(&Method::GET) => return None,
            Some(Resource::Settings) => {
                let mut document = documents::settings(&self.plain_system(exchange));
                if exchange.has(Quirk::SettingsWithoutBoot) {
                    documents::remove(&mut document, &["Boot"]);
                }
                document
            }
            _ => power::action_info(exchange),
        };
        Some(show(&document))
    }

    /// The system as the standard code shows it.
    fn plain_system(&self, exchange: &Exchange) -> Value {
        let mut request = exchange.request.clone();
        request.method = Method::GET;
        let reply = self.serve(
            &request,
            Some(&Resource::System),
            &exchange.by,
            exchange.now,
        );
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    /// What the quirks make of the reply of the standard code.
    pub(super) fn afterwards(&self, exchange: &Exchange, reply: Reply) -> Reply {
        if exchange.quirks.is_empty() && exchange.profile == Profile::Standard {
            return reply;
        }
        let reply = replies::of_login(exchange, reply);
        let reply = self.after_change(exchange, reply);
        self.shown(exchange, reply)
    }

    /// What a change brings about besides what was asked for.
    fn after_change(&self, exchange: &Exchange, reply: Reply) -> Reply {
        if !reply.status.is_success() || !exchange.is_change() {
            return reply;
        }
        let reset = exchange.resource == Some(Resource::Reset);
        let boot = exchange.is(&Method::PATCH) && exchange.body().get("Boot").is_some();
        {
            let mut memory = self.memory();
            if reset {
                memory.in_post = REFUSALS;
                memory.unsettled = REFUSALS;
            }
            if boot {
                memory.busy = REFUSALS;
            }
        }
        if reset && exchange.has(Quirk::SessionsLostOnReset) {
            self.drop_sessions();
        }
        if boot && exchange.has(Quirk::OverrideRefusedButApplied) {
            let message = Message::property_not_in_list("Boot", &json!("the one that was sent"));
            return error(StatusCode::BAD_REQUEST, &[message.about("/Boot")]);
        }
        replies::of_change(exchange, reply)
    }
}

/// With one of these there is a settings object.
pub(super) const SETTINGS: &[Quirk] = &[
    Quirk::OverrideOnlyOnSystem,
    Quirk::OverrideOnlyInSettings,
    Quirk::AllowablesInSettings,
    Quirk::SettingsWithoutBoot,
];
/// How often a BMC refuses what it will take later.
const REFUSALS: u32 = 2;
const FAILURES_TO_BLOCK: u64 = 3;

/// What a restart of a BMC with these quirks may be called, if they say anything of it.
pub(super) fn manager_resets(quirks: &Quirks) -> Option<Vec<String>> {
    let one = |name: &str| Some(vec![name.to_owned()]);
    if quirks.has(Quirk::ManagerResetGracefulOnly) {
        one("GracefulRestart")
    } else if quirks.has(Quirk::ManagerResetForceOnly) {
        one("ForceRestart")
    } else if quirks.has(Quirk::ManagerResetWithoutTypes) {
        Some(Vec::new())
    } else {
        None
    }
}

/// What the accounts of a BMC are like that has these quirks when it is new.
pub(super) fn account_rules(quirks: &Quirks, mut rules: AccountRules) -> AccountRules {
    if quirks.has(Quirk::FixedAccountSlots) {
        rules.fixed_slots.get_or_insert(SLOTS);
    }
    if quirks.has(Quirk::PasswordChangeRequiredSession) {
        rules.password_change = Some(PasswordChange::InSession);
    } else if quirks.has(Quirk::PasswordChangeRequired403) {
        rules.password_change = Some(PasswordChange::Forbidden);
    }
    rules
}

/// How many accounts a BMC has that has a fixed number of them.
const SLOTS: usize = 16;
