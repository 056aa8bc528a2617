//! Logging in to a BMC: Basic and sessions (DSP0266 section 13.3).

use std::time::Instant;

use hyper::{
    StatusCode,
    header::{AUTHORIZATION, HeaderName, LOCATION},
};
use serde_json::Value;

use super::{
    Bmc,
    access::{Access, LoginError},
    accounts::{self, PasswordChange},
    messages::{Message, error},
    object, resources, text_header,
};
use crate::http::{Reply, Request};

impl Bmc {
    /// Who asks, or the reply to whoever may not.
    pub(super) fn authorize(&self, request: &Request, now: Instant) -> Result<String, Reply> {
        let wrong = self.machine.read(|state| state.faults.wrong_credentials);
        let mut access = self.access();
        let denied = |message| Err(error(StatusCode::UNAUTHORIZED, &[message]));
        if let Some(token) = text_header(request, &X_AUTH_TOKEN) {
            return match access.check_token(token, now) {
                Some(username) => Ok(username),
                None => denied(Message::no_valid_session()),
            };
        }
        let Some(header) = text_header(request, &AUTHORIZATION) else {
            return denied(Message::no_valid_session());
        };
        if wrong {
            access.fail("", now);
        } else if let Some(username) = access.check_basic(header, now) {
            return Ok(username);
        }
        denied(Message::unauthorized(&request.path))
    }

    pub(super) fn sessions(&self, now: Instant) -> Value {
        let mut access = self.access();
        let members: Vec<String> = access
            .sessions(now)
            .iter()
            .map(|session| resources::session_uri(&session.id))
            .collect();
        resources::collection(
            "/redfish/v1/SessionService/Sessions",
            "SessionCollection",
            "Session Collection",
            &members,
        )
    }

    pub(super) fn session(&self, id: &str, now: Instant) -> Option<Value> {
        let mut access = self.access();
        let session = access
            .sessions(now)
            .iter()
            .find(|session| session.id == id)?;
        Some(resources::session(session))
    }

    pub(super) fn log_in(&self, request: &Request, now: Instant) -> Reply {
        let body = match object(request) {
            Ok(body) => body,
            Err(reply) => return reply,
        };
        let field = |name: &str| match body.get(name) {
            Some(Value::String(text)) => Ok(text.as_str()),
            // The value is not repeated: it may be the password, put into the wrong shape.
            Some(_) => Err(Message::property_type(name, &Value::Null)),
            None => Err(Message::property_missing(name)),
        };
        let (username, password) = match (field("UserName"), field("Password")) {
            (Ok(username), Ok(password)) => (username, password),
            (Err(message), _) | (_, Err(message)) => {
                return error(StatusCode::BAD_REQUEST, &[message]);
            }
        };
        let faults = self.machine.read(|state| state.faults.clone());
        let mut access = self.access();
        let opened = if faults.wrong_credentials {
            access.fail(username, now);
            Err(LoginError::Refused)
        } else if faults.sessions_full {
            Err(LoginError::SessionLimit(access.max_sessions()))
        } else {
            access.open(username, password, now)
        };
        match opened {
            Ok((id, token)) => {
                let mut document = resources::session_document(&id, username);
                if let Some(message) = restriction(&access, username, PasswordChange::InSession) {
                    document["@Message.ExtendedInfo"] = Value::from(vec![message.to_json()]);
                }
                let mut reply = Reply::json(StatusCode::CREATED, &document);
                reply.set(LOCATION, resources::session_uri(&id));
                reply.set(X_AUTH_TOKEN, token.expose());
                reply
            }
            Err(LoginError::Refused) => {
                let messages = [Message::unauthorized(&request.path)];
                error(StatusCode::UNAUTHORIZED, &messages)
            }
            // 503 and not 429 or 400: this is how real BMCs say it.
            Err(LoginError::SessionLimit(most)) => error(
                StatusCode::SERVICE_UNAVAILABLE,
                &[Message::session_limit(most)],
            ),
            Err(LoginError::NoRandomness) => {
                error(StatusCode::INTERNAL_SERVER_ERROR, &[Message::busy(1)])
            }
        }
    }

    pub(super) fn log_out(&self, id: &str, request: &Request) -> Reply {
        if self.access().close(id) {
            Reply::empty(StatusCode::NO_CONTENT)
        } else {
            error(StatusCode::NOT_FOUND, &[Message::missing(&request.path)])
        }
    }
}

/// The message that asks an account for a new password, if this BMC says it in this way.
pub(super) fn restriction(
    access: &Access,
    username: &str,
    said: PasswordChange,
) -> Option<Message> {
    let account = access.accounts.by_name(username)?;
    let required = account.change_required && access.accounts.rules.password_change == Some(said);
    required.then(|| Message::password_change(&accounts::uri(&account.id)))
}

const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
