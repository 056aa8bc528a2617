//! The way of an authorized request: its turn, its session, its retries.
//!
//! Two requests may be on the way to one BMC. A change takes both places from its first look to its
//! last, so that two changes never interleave.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::SemaphorePermit;

use crate::{
    bmc::Inner,
    error::Error,
    quirks::Hints,
    reply::Document,
    retry::{Attempts, Kind},
    service_root::SYSTEMS,
    wire::{Authorization, OnStop, Reply, Request},
};

/// A place to send requests from.
pub(crate) struct Lane<'a> {
    pub(crate) inner: &'a Inner,
    /// All places, if this is for a change.
    exclusive: Option<SemaphorePermit<'a>>,
}

impl Inner {
    /// For reads. Each request waits for its own turn.
    pub(crate) const fn shared(&self) -> Lane<'_> {
        Lane {
            inner: self,
            exclusive: None,
        }
    }

    /// For a change: nobody else speaks to the BMC until the lane is dropped.
    pub(crate) async fn exclusive(&self) -> Result<Lane<'_>, Error> {
        let turn = self.permits.acquire_many(PLACES);
        let permit = self.wire.unless_stopped(turn).await?;
        Ok(Lane {
            inner: self,
            exclusive: permit.ok(),
        })
    }
}

impl Inner {
    /// Whether a 401 may mean nothing: the BMC took these credentials before, and is one of those
    /// that refuse good ones now and then. Anywhere else a second attempt could lock the account.
    pub(crate) async fn may_be_moody(&self, authorization: &Authorization) -> Result<bool, Error> {
        if !self.learned(|learned| learned.credentials_worked) {
            return Ok(false);
        }
        let root = match self.anonymous_root().await? {
            Some(root) => Some(root),
            // It may be in that mood for its root too.
            None => self.authorized_root(authorization).await?,
        };
        Ok(root.is_some_and(|root| Hints::of(&root, None).retry_unauthorized))
    }

    /// Whether a 404 may mean that the session has ended: the BMC does not find its systems either.
    /// One that has none where they should be is asked so once.
    async fn may_have_expired(&self, authorization: &Authorization) -> Result<bool, Error> {
        let doubt = self.learned(|learned| {
            let seen = learned.session_seen.map(|at| at.elapsed());
            !learned.missing_is_missing && seen.is_none_or(|since| since >= SURE_FOR)
        });
        if !doubt || !matches!(authorization, Authorization::Token { .. }) {
            return Ok(false);
        }
        let root = self.known_root();
        let systems = root.as_ref().and_then(|root| root.systems.as_deref());
        let probe = Request::get(systems.unwrap_or(SYSTEMS));
        let reply = self.wire.send(&probe, authorization).await?;
        if reply.status.is_success() {
            self.learned(|learned| learned.session_seen = Some(Instant::now()));
        }
        Ok(matches!(reply.status.as_u16(), 401 | 404))
    }
}

impl Lane<'_> {
    /// Reads a resource.
    pub(crate) async fn get(&self, path: &str) -> Result<Document, Error> {
        self.send(Kind::Read, Request::get(path)).await?.document()
    }

    /// Reads whatever is at `path`, a task monitor perhaps.
    pub(crate) async fn look(&self, path: &str) -> Result<Reply, Error> {
        self.send(Kind::Read, Request::get(path)).await
    }

    /// Reads what is at `path` as somebody who has not logged in, in turn with all others.
    pub(crate) async fn look_anonymously(&self, path: &str) -> Result<Reply, Error> {
        let _turn = self.turn().await?;
        let request = Request::get(path);
        self.inner
            .wire
            .send(&request, &Authorization::Anonymous)
            .await
    }

    /// Sends one PATCH.
    pub(crate) async fn patch(
        &self,
        path: &str,
        body: &Value,
        if_match: Option<&str>,
    ) -> Result<Reply, Error> {
        let method = Method::PATCH;
        let request = Request {
            method,
            path,
            body: Some(body),
            if_match,
            on_stop: OnStop::Abort,
        };
        self.send(Kind::Change, request).await
    }

    /// Sends one POST of an action. It never carries `If-Match`: some firmware answers 412 to that.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Reply, Error> {
        self.send(Kind::Action, Request::post(path, body)).await
    }

    /// Sends one DELETE. What is gone cannot be removed twice.
    pub(crate) async fn delete(&self, path: &str) -> Result<Reply, Error> {
        let method = Method::DELETE;
        let request = Request {
            method,
            ..Request::get(path)
        };
        self.send(Kind::Change, request).await
    }

    /// Waits, unless the caller stops.
    pub(crate) async fn pause(&self, delay: Duration) -> Result<(), Error> {
        self.inner.wire.pause(delay).await
    }

    async fn send(&self, kind: Kind, request: Request<'_>) -> Result<Reply, Error> {
        let inner = self.inner;
        let mut attempts = Attempts::new(kind, inner.timing, inner.max_retries);
        loop {
            let turn = self.turn().await?;
            // A login has its own retries, so its failure is final here.
            let entry = inner.authorization().await?;
            let mut outcome = inner.wire.send(&request, &entry.authorization).await;
            if is(&outcome, StatusCode::UNAUTHORIZED)
                && inner.may_be_moody(&entry.authorization).await?
            {
                inner.wire.pause(inner.timing.unauthorized_pause).await?;
                outcome = inner.wire.send(&request, &entry.authorization).await;
            }
            let mut authorization = inner.prove(entry, &outcome)?;
            if is(&outcome, StatusCode::UNAUTHORIZED) {
                let given_up;
                (authorization, given_up) = inner.renew(&authorization).await?;
                outcome = inner.wire.send(&request, &authorization).await;
                inner.end(given_up).await;
            }
            if is(&outcome, StatusCode::NOT_FOUND) && inner.may_have_expired(&authorization).await?
            {
                let given_up;
                (authorization, given_up) = inner.renew(&authorization).await?;
                outcome = inner.wire.send(&request, &authorization).await;
                let still = is(&outcome, StatusCode::NOT_FOUND);
                inner.learned(|learned| learned.missing_is_missing = still);
                inner.end(given_up).await;
            }
            if is(&outcome, StatusCode::FORBIDDEN)
                && let Some(error) = outcome.as_ref().ok().and_then(|r| inner.password_change(r))
            {
                return Err(error);
            }
            if outcome
                .as_ref()
                .is_ok_and(|reply| reply.status.is_success())
            {
                inner.learned(|learned| learned.credentials_worked = true);
            }
            inner.touch();
            drop(turn);
            if matches!(outcome, Err(Error::Unreachable { sent: true, .. })) {
                // Some firmware drops connections that it has answered on.
                inner.wire.close_connections();
            }
            match attempts.next(&outcome) {
                Some(delay) => inner.wire.pause(delay).await?,
                None => return outcome,
            }
        }
    }

    async fn turn(&self) -> Result<Option<SemaphorePermit<'_>>, Error> {
        if self.exclusive.is_some() {
            return Ok(None);
        }
        let turn = self.inner.permits.acquire();
        Ok(self.inner.wire.unless_stopped(turn).await?.ok())
    }
}

fn is(outcome: &Result<Reply, Error>, status: StatusCode) -> bool {
    outcome.as_ref().is_ok_and(|reply| reply.is(status))
}

/// So long a session that was seen alive is not doubted for what is not found.
const SURE_FOR: Duration = Duration::from_secs(10);

/// How many requests may be on the way to one BMC: they are slow, and few firmware likes more.
pub(crate) const PLACES: u32 = 2;
