//! Proving who asks: one session for each handle, and never a second wrong password.
//!
//! BMCs have few sessions and lock accounts after few failures. So the login is single-flight, the
//! token is shared, and the first rejected login answers every request after it.

mod end;
mod first;
mod journal;
mod left;
mod loan;
mod restricted;

pub use journal::SessionJournal;
pub use loan::OpenSession;

use std::{sync::atomic::Ordering, time::Duration};

use reqwest::{StatusCode, header::HeaderValue};
use serde_json::json;
use tokio::sync::MutexGuard;

use crate::{
    bmc::Inner,
    error::Error,
    lenient::{Doc, resource_key},
    messages::Messages,
    origin::Origin,
    retry::{Attempts, Kind},
    service_root::{SESSIONS, SYSTEMS},
    session::journal::{Note, Record},
    wire::{Authorization, OnStop, Reply, Request},
};

/// How requests of a handle are authorized.
#[derive(Debug)]
pub(crate) enum State {
    /// Nothing was tried yet.
    Fresh,
    /// The first request has proved the credentials by itself; the next opens a session.
    Proven,
    /// By a session.
    Session(Token),
    /// By the credentials themselves, because the BMC has no session for us.
    Basic,
    /// Not at all: this is what the BMC said, and it is not asked again.
    Rejected(Error),
}

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    value: HeaderValue,
    /// Its resource, which a logout deletes.
    location: Option<String>,
    generation: u64,
    /// What finds it, should this process be killed.
    note: Option<Note>,
}

impl State {
    fn authorization(&self) -> Result<Authorization, Error> {
        match self {
            Self::Fresh | Self::Proven => Ok(Authorization::Anonymous),
            Self::Session(Token {
                value, generation, ..
            }) => Ok(Authorization::Token {
                token: value.clone(),
                generation: *generation,
            }),
            Self::Basic => Ok(Authorization::Basic),
            Self::Rejected(error) => Err(error.clone()),
        }
    }

    /// Whether a request has to log in first.
    const fn is_out(&self) -> bool {
        matches!(self, Self::Fresh | Self::Proven)
    }
}

/// What to send with a request.
pub(crate) struct Entry<'a> {
    pub(crate) authorization: Authorization,
    /// Held while nobody knows whether the BMC takes the credentials: the answer to this request
    /// tells, and a second request must not offer a wrong password again meanwhile.
    unproven: Option<MutexGuard<'a, State>>,
}

impl Inner {
    /// What to send with a request. The first call logs in; those that come meanwhile wait for it.
    pub(crate) async fn authorization(&self) -> Result<Entry<'_>, Error> {
        let mut state = self.wire.unless_stopped(self.session.lock()).await?;
        if let Some(authorization) = self.by_itself(&state) {
            return Ok(Entry {
                authorization,
                unproven: Some(state),
            });
        }
        if state.is_out() {
            self.enter(&mut state).await?;
        }
        Ok(Entry {
            authorization: state.authorization()?,
            unproven: None,
        })
    }

    /// Takes the answer to a request as proof of the credentials that came with it, or against them.
    pub(crate) fn prove(
        &self,
        entry: Entry<'_>,
        outcome: &Result<Reply, Error>,
    ) -> Result<Authorization, Error> {
        if let (Some(mut state), Ok(reply)) = (entry.unproven, outcome)
            && let Some(proven) = self.proven(&entry.authorization, reply)
        {
            *state = proven;
            if let State::Rejected(error) = &*state {
                return Err(error.clone());
            }
        }
        Ok(entry.authorization)
    }

    /// What to send after a 401 to `stale`, and the session that was given up for it.
    pub(crate) async fn renew(
        &self,
        stale: &Authorization,
    ) -> Result<(Authorization, Option<Token>), Error> {
        let mut state = self.wire.unless_stopped(self.session.lock()).await?;
        let mut given_up = None;
        match (&*state, stale) {
            (State::Session(token), Authorization::Token { generation, .. })
                if token.generation == *generation =>
            {
                tracing::debug!(bmc = self.wire.origin.as_str(), "the session has ended");
                given_up = Some(token.clone());
                *state = State::Proven;
            }
            (State::Basic, Authorization::Basic) => {
                *state = State::Rejected(self.rejected(Messages::default()));
            }
            // Somebody else has logged in again already, or was rejected.
            _ => {}
        }
        if state.is_out() {
            self.enter(&mut state).await?;
        }
        Ok((state.authorization()?, given_up))
    }

    async fn enter(&self, state: &mut State) -> Result<(), Error> {
        match self.login().await {
            Ok(entered) => {
                self.learned(|learned| learned.credentials_worked = true);
                *state = entered;
            }
            Err(error) => {
                let last = matches!(
                    error,
                    Error::AuthRejected { .. }
                        | Error::PasswordChangeRequired { .. }
                        | Error::SessionLimit { .. }
                );
                if last {
                    *state = State::Rejected(error.clone());
                }
                return Err(error);
            }
        }
        self.end_left_behind(state).await;
        Ok(())
    }

    async fn login(&self) -> Result<State, Error> {
        let mut tried = None;
        if self.known_root().is_none() {
            // Where nearly all BMCs have it: reading the root first would cost every run a request
            // for each BMC.
            let outcome = self.offer(SESSIONS).await;
            if !may_be_elsewhere(&outcome) {
                return self.entered(outcome?, SYSTEMS).await;
            }
            tried = Some(outcome);
        }
        let root = self.anonymous_root().await?;
        let sessions = match &root {
            Some(root) => root.sessions_uri(),
            None => Some(SESSIONS.to_owned()),
        };
        let systems = root.as_ref().and_then(|root| root.systems.clone());
        let systems = systems.as_deref().unwrap_or(SYSTEMS);
        let Some(path) = sessions else {
            return match tried {
                Some(Ok(reply)) if self.may_have_looked(&reply).await? => {
                    self.entered(reply, systems).await
                }
                _ => self.basic(systems, None).await,
            };
        };
        let reply = match tried {
            // It was the right place, so the answer stands. A password is not offered twice.
            Some(outcome) if is_usual(&path) => outcome?,
            _ => self.offer(&path).await?,
        };
        self.entered(reply, systems).await
    }

    /// What the reply to a login comes to.
    async fn entered(&self, reply: Reply, systems: &str) -> Result<State, Error> {
        let messages = reply.messages.clone();
        if let Some(error) = self.password_change(&reply) {
            if let Some(token) = self.token(&reply) {
                self.delete(&token, OnStop::Abort).await;
            }
            return Err(error);
        }
        let status = reply.status;
        if status.is_success() {
            let token = self.token(&reply).ok_or_else(|| Error::Decode {
                endpoint: self.wire.endpoint(),
                request: reply.request.clone(),
                cause: "it has no X-Auth-Token".to_owned(),
            })?;
            return Ok(State::Session(token));
        }
        if messages.says_session_limit() {
            tracing::warn!(
                bmc = self.wire.origin.as_str(),
                "no free session; using Basic"
            );
            return self.basic(systems, Some(messages)).await;
        }
        match status.as_u16() {
            404 | 405 | 501 => self.basic(systems, None).await,
            // Some firmware says 400 to a wrong password. Sending it once more would only count.
            400 | 401 | 403 => Err(self.rejected(messages)),
            _ if messages.says_bad_login() => Err(self.rejected(messages)),
            _ => Err(reply.problem().unwrap_or_else(|| self.rejected(messages))),
        }
    }

    /// Logs in at `path`. A refusal of credentials that worked before is no news from a BMC that is
    /// known for such.
    async fn offer(&self, path: &str) -> Result<Reply, Error> {
        let outcome = self.post_session(path).await;
        match &outcome {
            Ok(reply)
                if reply.is(StatusCode::UNAUTHORIZED)
                    && !reply.messages.says_bad_login()
                    && self.may_be_moody(&Authorization::Anonymous).await? =>
            {
                self.wire.pause(self.timing.unauthorized_pause).await?;
                self.post_session(path).await
            }
            _ => outcome,
        }
    }

    /// Whether a login at the usual place may have been refused for its password. Not if there is
    /// nothing at that place: some firmware asks for a login even there.
    async fn may_have_looked(&self, refusal: &Reply) -> Result<bool, Error> {
        if !matches!(refusal.status.as_u16(), 400 | 401 | 403) {
            return Ok(false);
        }
        // One that asks for Basic there has not read what a login holds, and names no sessions.
        if refusal.is(StatusCode::UNAUTHORIZED) && first::offers_basic(&refusal.headers) {
            return Ok(refusal.messages.says_bad_login());
        }
        let look = Request::get(SESSIONS);
        match self.wire.send(&look, &Authorization::Anonymous).await {
            Ok(reply) => Ok(!reply.is(StatusCode::NOT_FOUND)),
            Err(Error::Stopped) => Err(Error::Stopped),
            // A doubt that costs a login could cost the account.
            Err(_) => Ok(true),
        }
    }

    async fn post_session(&self, path: &str) -> Result<Reply, Error> {
        let credentials = self.wire.credentials();
        let body =
            json!({"UserName": credentials.username, "Password": credentials.password.expose()});
        let mut request = Request::post(path, &body);
        request.on_stop = OnStop::Linger(LOGIN_GRACE);
        let mut attempts = Attempts::new(Kind::Action, self.timing, self.max_retries);
        loop {
            let outcome = self.wire.send(&request, &Authorization::Anonymous).await;
            match attempts.next(&outcome) {
                Some(delay) => self.wire.pause(delay).await?,
                None => return outcome,
            }
        }
    }

    /// Tries the credentials on a resource before any other request may use them.
    async fn basic(&self, probe: &str, full: Option<Messages>) -> Result<State, Error> {
        let request = Request::get(probe);
        let mut attempts = Attempts::new(Kind::Read, self.timing, self.max_retries);
        let reply = loop {
            let outcome = self.wire.send(&request, &Authorization::Basic).await;
            match attempts.next(&outcome) {
                Some(delay) => self.wire.pause(delay).await?,
                None => break outcome?,
            }
        };
        if let Some(error) = self.password_change(&reply) {
            return Err(error);
        }
        match (reply.status, full) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(messages)) => {
                Err(Error::SessionLimit {
                    endpoint: self.wire.endpoint(),
                    messages,
                })
            }
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None) => {
                Err(self.rejected(reply.messages))
            }
            (status, _) if !status.is_success() && reply.messages.says_bad_login() => {
                Err(self.rejected(reply.messages))
            }
            (status, _) if status.is_server_error() => Err(reply
                .problem()
                .unwrap_or_else(|| self.rejected(Messages::default()))),
            _ => Ok(State::Basic),
        }
    }

    fn token(&self, reply: &Reply) -> Option<Token> {
        self.token_of(reply, self.wire.credentials().username)
    }

    fn token_of(&self, reply: &Reply, username: String) -> Option<Token> {
        let mut value = reply.headers.get("X-Auth-Token")?.clone();
        value.set_sensitive(true);
        // Some firmware sends no Location.
        let body = reply.doc().and_then(Doc::as_link);
        let location = reply
            .location()
            .or_else(|| body.map(|link| Origin::path_of(&link)));
        let generation = self.generation.fetch_add(1, Ordering::Relaxed);
        let note = location.as_ref().and_then(|uri| {
            self.journal.note(&Record {
                endpoint: self.wire.endpoint(),
                username,
                uri: uri.clone(),
                created: reply.doc().and_then(|doc| doc.text("CreatedTime")),
            })
        });
        Some(Token {
            value,
            location,
            generation,
            note,
        })
    }

    fn rejected(&self, messages: Messages) -> Error {
        let username = self.wire.credentials().username;
        Error::AuthRejected {
            endpoint: self.wire.endpoint(),
            username,
            messages,
        }
    }

    /// The error of a reply that asks for a new password first.
    pub(crate) fn password_change(&self, reply: &Reply) -> Option<Error> {
        let message = reply.messages.password_change()?;
        let account = message.args.first().map(|uri| Origin::path_of(uri));
        let username = self.wire.credentials().username;
        Some(Error::PasswordChangeRequired {
            endpoint: self.wire.endpoint(),
            username,
            account,
        })
    }
}

/// Whether a login was answered as by a BMC that has its sessions somewhere else. One that does not
/// know the place may ask for a login even there, but says nothing of the password.
fn may_be_elsewhere(outcome: &Result<Reply, Error>) -> bool {
    match outcome {
        Ok(reply) if reply.messages.says_bad_login() => false,
        Ok(reply) => matches!(reply.status.as_u16(), 400 | 401 | 403 | 404 | 405 | 501),
        Err(error) => matches!(error, Error::Redirected { .. }),
    }
}

/// Whether this is where sessions usually are, however a BMC writes it.
fn is_usual(path: &str) -> bool {
    resource_key(&Origin::path_of(path)) == resource_key(SESSIONS)
}

/// The reply to a login names the session to delete, so a stopped caller waits this long for it.
const LOGIN_GRACE: Duration = Duration::from_millis(600);
