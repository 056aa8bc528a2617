//! The session of a handle, for somebody who speaks to the BMC by other means.

use model::Secret;
use reqwest::StatusCode;

use super::State;
use crate::{
    bmc::Bmc,
    error::Error,
    service_root::SYSTEMS,
    wire::{Authorization, Request},
};

/// A session that is open.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// What to send as `X-Auth-Token`.
    pub token: Secret,
    /// Its resource. Some firmware does not tell.
    pub uri: Option<String>,
}

impl Bmc {
    /// The session of this handle; logs in if there is none yet. [`logout`](Self::logout) ends it.
    /// Nothing if the BMC has no session for us.
    ///
    /// # Errors
    ///
    /// If the BMC does not answer, or refuses the credentials.
    pub async fn session(&self) -> Result<Option<OpenSession>, Error> {
        let inner = &self.inner;
        let mut state = inner.wire.unless_stopped(inner.session.lock()).await?;
        if state.is_out() {
            inner.enter(&mut state).await?;
        }
        match &*state {
            State::Session(token) => Ok(token.value.to_str().ok().map(|value| OpenSession {
                token: Secret::new(value),
                uri: token.location.clone(),
            })),
            State::Rejected(error) => Err(error.clone()),
            State::Fresh | State::Proven | State::Basic => Ok(None),
        }
    }

    /// Uses the session once, so that it does not expire, and says whether it is still open. It is
    /// not replaced if it is not: whoever has its token could not know.
    ///
    /// # Errors
    ///
    /// If the BMC does not answer.
    pub async fn keep_session(&self) -> Result<bool, Error> {
        let inner = &self.inner;
        let token = match &*inner.wire.unless_stopped(inner.session.lock()).await? {
            State::Session(token) => token.clone(),
            State::Fresh | State::Proven | State::Basic | State::Rejected(_) => return Ok(false),
        };
        // Not the session's own resource, which some firmware shows to administrators alone.
        let request = Request::get(SYSTEMS);
        let authorization = Authorization::Token {
            token: token.value.clone(),
            generation: token.generation,
        };
        let reply = inner.wire.send(&request, &authorization).await?;
        Ok(!reply.is(StatusCode::UNAUTHORIZED))
    }
}
