//! What the account service of a BMC answers.

use std::time::Instant;

use hyper::{
    Method, StatusCode,
    header::{ALLOW, ETAG, LOCATION},
};

use super::{
    Bmc,
    accounts::{self, PasswordChange, Refusal},
    login::restriction,
    match_precondition,
    messages::{Message, error},
    not_allowed, object,
    resources::{self, Resource},
    show,
};
use crate::http::{Reply, Request};

impl Bmc {
    /// The reply to whoever must change a password first and asks for something else (DSP0266
    /// section 13.5.3): the account itself and the end of the session stay open.
    pub(super) fn restricted(
        &self,
        resource: Option<&Resource>,
        request: &Request,
        by: &str,
    ) -> Option<Reply> {
        let access = self.access();
        let message = [PasswordChange::InSession, PasswordChange::Forbidden]
            .into_iter()
            .find_map(|said| restriction(&access, by, said))?;
        let account = access.accounts.by_name(by)?;
        let open = match resource {
            Some(Resource::Account(id)) => {
                *id == account.id && matches!(request.method, Method::GET | Method::PATCH)
            }
            Some(Resource::Session(_)) => request.method == Method::DELETE,
            _ => false,
        };
        (!open).then(|| error(StatusCode::FORBIDDEN, &[message]))
    }

    /// The account service itself, and what it has.
    pub(super) fn account_resource(
        &self,
        resource: &Resource,
        request: &Request,
        now: Instant,
    ) -> Reply {
        let document = match resource {
            Resource::Account(id) => return self.account(id, request, now),
            Resource::Accounts => Some(accounts::collection(&self.access().accounts)),
            Resource::Roles => Some(accounts::roles()),
            Resource::Role(id) => accounts::role(id),
            _ => Some(resources::account_service(&self.access())),
        };
        match document {
            Some(document) => show(&document),
            None => error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)]),
        }
    }

    fn account(&self, id: &str, request: &Request, now: Instant) -> Reply {
        let access = self.access();
        let Some(account) = access.accounts.by_id(id) else {
            return error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)]);
        };
        let document = accounts::account(account, now);
        let mut reply = show(&document);
        if let Some(tag) = document["@odata.etag"].as_str() {
            reply.set(ETAG, tag);
        }
        reply
    }

    pub(super) fn create_account(&self, request: &Request, by: &str, now: Instant) -> Reply {
        let body = match object(request) {
            Ok(body) => body,
            Err(reply) => return reply,
        };
        let mut access = self.access();
        match access.accounts.create(&body, by) {
            Ok(id) => {
                access.counters.account_changes += 1;
                drop(access);
                let mut reply = self.account(&id, request, now);
                reply.status = StatusCode::CREATED;
                reply.set(LOCATION, accounts::uri(&id));
                reply
            }
            Err(refusal) => refused(refusal, request, "GET, HEAD"),
        }
    }

    pub(super) fn change_account(
        &self,
        id: &str,
        request: &Request,
        by: &str,
        now: Instant,
    ) -> Reply {
        let body = match object(request) {
            Ok(body) => body,
            Err(reply) => return reply,
        };
        let required = self.machine.read(|state| state.faults.require_if_match);
        let mut access = self.access();
        let Some(account) = access.accounts.by_id(id) else {
            return error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)]);
        };
        let username = account.username.clone();
        let document = accounts::account(account, now);
        let tag = document["@odata.etag"].as_str();
        if let Err(reply) = match_precondition(request, tag, required) {
            return reply;
        }
        match access.accounts.change(id, &body, by) {
            Ok(new_password) => {
                access.counters.account_changes += 1;
                if new_password && access.accounts.rules.password_ends_sessions {
                    access.close_of(&username);
                }
                drop(access);
                self.account(id, request, now)
            }
            Err(refusal) => refused(refusal, request, "GET, HEAD, PATCH"),
        }
    }

    pub(super) fn remove_account(&self, id: &str, request: &Request, by: &str) -> Reply {
        let mut access = self.access();
        match access.accounts.remove(id, by) {
            Ok(username) => {
                access.counters.account_changes += 1;
                access.close_of(&username);
                Reply::empty(StatusCode::NO_CONTENT)
            }
            Err(refusal) => refused(refusal, request, "GET, HEAD, PATCH"),
        }
    }
}

fn refused(refusal: Refusal, request: &Request, allow: &'static str) -> Reply {
    match refusal {
        Refusal::Bad(messages) => error(StatusCode::BAD_REQUEST, &messages),
        Refusal::Forbidden => error(StatusCode::FORBIDDEN, &[Message::no_privilege()]),
        Refusal::NoCreate => {
            let mut reply = not_allowed(request);
            reply.set(ALLOW, allow);
            reply
        }
        Refusal::Taken(name) => {
            let message = Message::already_exists("ManagerAccount", "UserName", &name);
            error(StatusCode::CONFLICT, &[message])
        }
        Refusal::Missing => error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)]),
    }
}
