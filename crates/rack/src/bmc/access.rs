//! Who may ask a BMC: one account, its lockout, and sessions.
//!
//! Everything takes `now`, so that a test can let time pass.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hyper::Method;
use model::Secret;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;

use crate::{hex, http::Request};

/// What a BMC counted, for tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BmcCounters {
    /// Requests, all of them.
    pub requests: u64,
    /// GETs, by path.
    pub gets: BTreeMap<String, u64>,
    /// Sessions that were opened.
    pub sessions_opened: u64,
    /// Sessions that are open.
    pub sessions_live: usize,
    /// The most sessions that were open at once.
    pub sessions_most: usize,
    /// Logins that failed, with Basic or for a session.
    pub login_failures: u64,
    /// How often the account was locked.
    pub lockouts: u64,
    /// Requests to reset the system, by type, those included that were refused for its state.
    pub resets: BTreeMap<String, u64>,
    /// Jobs that were queued, each of which costs a restart.
    pub jobs: u64,
}

/// The account of a BMC and what it has open.
#[derive(Debug)]
pub(super) struct Access {
    username: String,
    password: Secret,
    max_sessions: usize,
    lockout: Duration,
    sessions: Vec<Session>,
    next_session: u64,
    failures_in_a_row: u32,
    locked_until: Option<Instant>,
    pub(super) counters: BmcCounters,
}

/// An open session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    token: Secret,
    used_at: Instant,
}

/// Why nobody was logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoginError {
    /// Wrong user name or password, or the account is locked: the BMC does not say which.
    Refused,
    /// Too many sessions are open; this is how many there may be.
    SessionLimit(usize),
    /// The host has no random numbers.
    NoRandomness,
}

impl Access {
    pub(super) fn new(
        username: String,
        password: Secret,
        max_sessions: usize,
        lockout: Duration,
    ) -> Self {
        Self {
            username,
            password,
            max_sessions,
            lockout,
            sessions: Vec::new(),
            next_session: 1,
            failures_in_a_row: 0,
            locked_until: None,
            counters: BmcCounters::default(),
        }
    }

    pub(super) fn username(&self) -> &str {
        &self.username
    }

    pub(super) const fn lockout(&self) -> Duration {
        self.lockout
    }

    pub(super) fn is_locked(&self, now: Instant) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// Whether these are the credentials; counts failures and locks the account after five in a
    /// row. While it is locked the right password is refused too, without counting.
    pub(super) fn check(&mut self, username: &str, password: &str, now: Instant) -> bool {
        if self.is_locked(now) {
            self.counters.login_failures += 1;
            return false;
        }
        if self.locked_until.take().is_some() {
            self.failures_in_a_row = 0;
        }
        if username == self.username && password == self.password.expose() {
            self.failures_in_a_row = 0;
            return true;
        }
        self.fail(now);
        false
    }

    /// Counts a failed login.
    pub(super) fn fail(&mut self, now: Instant) {
        self.counters.login_failures += 1;
        self.failures_in_a_row += 1;
        if self.failures_in_a_row >= LOCKOUT_THRESHOLD {
            self.counters.lockouts += 1;
            self.locked_until = Some(now + self.lockout);
        }
    }

    /// Whether an `Authorization` header logs in.
    pub(super) fn check_basic(&mut self, header: &str, now: Instant) -> bool {
        let credentials = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, encoded)| BASE64.decode(encoded.trim()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        match credentials.as_deref().and_then(|text| text.split_once(':')) {
            Some((username, password)) => self.check(username, password, now),
            None => {
                self.fail(now);
                false
            }
        }
    }

    /// Whether a token belongs to an open session. Using a session keeps it open.
    pub(super) fn check_token(&mut self, token: &str, now: Instant) -> bool {
        self.expire(now);
        let session = self
            .sessions
            .iter_mut()
            .find(|session| session.token.expose() == token);
        session.map(|session| session.used_at = now).is_some()
    }

    /// Opens a session for whoever has the password: its id and its token.
    pub(super) fn open(
        &mut self,
        username: &str,
        password: &str,
        now: Instant,
    ) -> Result<(String, Secret), LoginError> {
        self.expire(now);
        if !self.check(username, password, now) {
            return Err(LoginError::Refused);
        }
        if self.sessions.len() >= self.max_sessions {
            return Err(LoginError::SessionLimit(self.max_sessions));
        }
        let mut random = [0; 16];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_says_nothing| LoginError::NoRandomness)?;
        let (id, token) = (self.next_session.to_string(), Secret::new(hex(&random)));
        self.next_session += 1;
        self.sessions.push(Session {
            id: id.clone(),
            token: token.clone(),
            used_at: now,
        });
        self.counters.sessions_opened += 1;
        self.counters.sessions_most = self.counters.sessions_most.max(self.sessions.len());
        Ok((id, token))
    }

    /// Closes a session. Returns whether there was one.
    pub(super) fn close(&mut self, id: &str) -> bool {
        let before = self.sessions.len();
        self.sessions.retain(|session| session.id != id);
        before != self.sessions.len()
    }

    /// Closes all sessions, as a restart of the BMC does.
    pub(super) fn close_all(&mut self) {
        self.sessions.clear();
    }

    pub(super) fn sessions(&mut self, now: Instant) -> &[Session] {
        self.expire(now);
        &self.sessions
    }

    pub(super) const fn max_sessions(&self) -> usize {
        self.max_sessions
    }

    pub(super) fn count(&mut self, request: &Request) {
        self.counters.requests += 1;
        if request.method == Method::GET {
            let gets = self.counters.gets.entry(request.path.clone());
            *gets.or_default() += 1;
        }
    }

    pub(super) fn counters(&self) -> BmcCounters {
        BmcCounters {
            sessions_live: self.sessions.len(),
            ..self.counters.clone()
        }
    }

    fn expire(&mut self, now: Instant) {
        self.sessions
            .retain(|session| now.saturating_duration_since(session.used_at) < SESSION_TIMEOUT);
    }
}

/// How long an unused session stays open: what Dell and OpenBMC report.
pub(super) const SESSION_TIMEOUT: Duration = Duration::from_secs(1800);
pub(super) const LOCKOUT_THRESHOLD: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        let lockout = Duration::from_secs(60);
        Access::new("admin".to_owned(), Secret::new("right"), 2, lockout)
    }

    #[test]
    fn five_failures_in_a_row_lock_the_account_until_the_lockout_is_over() {
        let (mut access, start) = (access(), Instant::now());
        for _ in 0..4 {
            assert!(!access.check("admin", "wrong", start));
        }
        assert!(access.check("admin", "right", start));
        for _ in 0..5 {
            assert!(!access.check("admin", "wrong", start));
        }
        assert!(!access.check("admin", "right", start + Duration::from_secs(59)));
        assert!(access.check("admin", "right", start + Duration::from_secs(60)));
        assert!(!access.check("admin", "wrong", start + Duration::from_secs(60)));
        let counters = access.counters();
        assert_eq!((counters.login_failures, counters.lockouts), (11, 1));
    }

    #[test]
    fn a_session_that_is_not_used_is_closed_and_one_that_is_used_stays() {
        let (mut access, start) = (access(), Instant::now());
        let (_, idle) = access.open("admin", "right", start).unwrap();
        let (_, used) = access.open("admin", "right", start).unwrap();
        assert_eq!(
            access.open("admin", "right", start).unwrap_err(),
            LoginError::SessionLimit(2)
        );
        let later = start + SESSION_TIMEOUT / 2;
        assert!(access.check_token(used.expose(), later));
        let end = start + SESSION_TIMEOUT;
        assert!(!access.check_token(idle.expose(), end));
        assert!(access.check_token(used.expose(), end));
        assert!(access.open("admin", "right", end).is_ok());
        let counters = access.counters();
        assert_eq!((counters.sessions_opened, counters.sessions_live), (3, 2));
        assert_eq!(counters.sessions_most, 2);
    }

    #[test]
    fn a_basic_header_that_cannot_be_read_is_a_failed_login() {
        let (mut access, now) = (access(), Instant::now());
        let right = format!("Basic {}", BASE64.encode("admin:right"));
        assert!(access.check_basic(&right, now));
        for header in ["", "Basic", "Basic !", "Basic YWJj", "Bearer x"] {
            assert!(!access.check_basic(header, now), "{header}");
        }
    }
}
