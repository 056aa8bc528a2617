//! Who may ask a BMC: its accounts and their sessions.
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

use super::accounts::{Accounts, Attempt};
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
    /// How often an account was locked.
    pub lockouts: u64,
    /// Requests to reset the system, by type, those included that were refused for its state.
    pub resets: BTreeMap<String, u64>,
    /// Jobs that were queued, each of which costs a restart.
    pub jobs: u64,
    /// Restarts of the BMC itself, by type; `none` for a request that names none.
    pub manager_resets: BTreeMap<String, u64>,
    /// Changes of accounts that were made.
    pub account_changes: u64,
}

/// The accounts of a BMC and what they have open.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) accounts: Accounts,
    max_sessions: usize,
    sessions: Vec<Session>,
    next_session: u64,
    pub(super) counters: BmcCounters,
}

/// An open session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) username: String,
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
    pub(super) fn new(accounts: Accounts, max_sessions: usize) -> Self {
        Self {
            accounts,
            max_sessions,
            sessions: Vec::new(),
            next_session: 1,
            counters: BmcCounters::default(),
        }
    }

    /// Whether these are the credentials of an account; counts what is not.
    pub(super) fn check(&mut self, username: &str, password: &str, now: Instant) -> bool {
        let attempt = self.accounts.check(username, password, now);
        self.count_attempt(attempt)
    }

    /// Counts a failed login.
    pub(super) fn fail(&mut self, username: &str, now: Instant) {
        let attempt = self.accounts.fail(username, now);
        self.count_attempt(attempt);
    }

    fn count_attempt(&mut self, attempt: Attempt) -> bool {
        if let Attempt::Wrong { locked } = attempt {
            self.counters.login_failures += 1;
            self.counters.lockouts += u64::from(locked);
        }
        attempt == Attempt::Right
    }

    /// Whose `Authorization` header this is, if it logs in.
    pub(super) fn check_basic(&mut self, header: &str, now: Instant) -> Option<String> {
        match basic(header) {
            Some((username, password)) => self.check(&username, &password, now).then_some(username),
            None => {
                self.fail("", now);
                None
            }
        }
    }

    /// Whose open session a token belongs to. Using a session keeps it open.
    pub(super) fn check_token(&mut self, token: &str, now: Instant) -> Option<String> {
        self.expire(now);
        let session = self
            .sessions
            .iter_mut()
            .find(|session| session.token.expose() == token)?;
        session.used_at = now;
        Some(session.username.clone())
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
            username: username.to_owned(),
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

    /// Closes the sessions of an account that has another password now, or is gone.
    pub(super) fn close_of(&mut self, username: &str) {
        self.sessions.retain(|session| session.username != username);
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

/// The user name and the password of an `Authorization` header.
fn basic(header: &str) -> Option<(String, String)> {
    let (_, encoded) = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}

/// How long an unused session stays open: what Dell and OpenBMC report.
pub(super) const SESSION_TIMEOUT: Duration = Duration::from_secs(1800);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bmc::accounts::AccountRules;

    fn access() -> Access {
        let (name, password) = ("admin".to_owned(), Secret::new("right"));
        let rules = AccountRules::default();
        Access::new(
            Accounts::new(rules, name, password, Duration::from_secs(60)),
            2,
        )
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
        assert!(access.check_token(used.expose(), later).is_some());
        let end = start + SESSION_TIMEOUT;
        assert!(access.check_token(idle.expose(), end).is_none());
        assert!(access.check_token(used.expose(), end).is_some());
        assert!(access.open("admin", "right", end).is_ok());
        let counters = access.counters();
        assert_eq!((counters.sessions_opened, counters.sessions_live), (3, 2));
        assert_eq!(counters.sessions_most, 2);
    }

    #[test]
    fn a_basic_header_that_cannot_be_read_is_a_failed_login() {
        let (mut access, now) = (access(), Instant::now());
        let right = format!("Basic {}", BASE64.encode("admin:right"));
        assert_eq!(access.check_basic(&right, now).as_deref(), Some("admin"));
        for header in ["", "Basic", "Basic !", "Basic YWJj", "Bearer x"] {
            assert!(access.check_basic(header, now).is_none(), "{header}");
        }
    }
}
