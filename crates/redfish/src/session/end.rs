//! Ending sessions: a BMC has few.

use std::time::Duration;

use reqwest::{Method, StatusCode};

use super::{State, Token};
use crate::{
    bmc::Inner,
    error::Error,
    wire::{Authorization, OnStop, Reply, Request},
};

impl Inner {
    /// Deletes a session that was given up. There may be nothing wrong with it, on a BMC that refuses
    /// now and then for nothing, and it would occupy a place.
    pub(crate) async fn end(&self, given_up: Option<Token>) {
        if let Some(token) = given_up {
            self.delete(&token, OnStop::Abort).await;
        }
    }

    /// Deletes the session. Whether that worked is nobody's concern: it expires.
    pub(crate) async fn logout(&self) {
        let work = async {
            let mut state = self.session.lock().await;
            if let State::Session(token) = &*state {
                let token = token.clone();
                *state = State::Fresh;
                self.delete(&token, OnStop::Ignore).await;
            }
        };
        if tokio::time::timeout(LOGOUT_TIMEOUT, work).await.is_err() {
            tracing::debug!(
                bmc = self.wire.origin.as_str(),
                "the session was left to expire"
            );
        }
    }

    /// Deletes the session if nothing was asked for so long. Whoever comes meanwhile waits and logs in
    /// anew: a second session could be one too many.
    pub(crate) async fn logout_if_idle(&self, idle: Duration) {
        let Ok(mut state) = self.session.try_lock() else {
            return;
        };
        let token = match &*state {
            State::Session(token) if self.is_idle_for(idle) => token.clone(),
            _ => return,
        };
        *state = State::Fresh;
        let work = self.delete(&token, OnStop::Ignore);
        drop(tokio::time::timeout(LOGOUT_TIMEOUT, work).await);
    }

    /// With the session's own token, so that it cannot end the session of somebody else whose
    /// resource has the same name by now.
    pub(super) async fn delete(&self, token: &Token, on_stop: OnStop) {
        let Some(location) = &token.location else {
            return;
        };
        let authorization = Authorization::Token {
            token: token.value.clone(),
            generation: token.generation,
        };
        let request = Request {
            method: Method::DELETE,
            on_stop,
            ..Request::get(location)
        };
        let mut ended = self.wire.send(&request, &authorization).await;
        // A 401 is what a session that is over is answered, and what some firmware answers for nothing.
        let again = match &ended {
            Ok(reply) => reply.is(StatusCode::UNAUTHORIZED) || !is_over(&ended),
            Err(error) => !matches!(error, Error::Stopped),
        };
        if again {
            // What was in its way may be gone already, and deleting twice is deleting.
            tokio::time::sleep(AGAIN_AFTER).await;
            ended = self.wire.send(&request, &authorization).await;
        }
        if let Some(note) = &token.note
            && is_over(&ended)
        {
            note.erase();
        }
    }
}

/// Whether there is nothing left to delete, or never will be a way to. A session is there still if
/// nobody said otherwise, or if the BMC was too busy.
fn is_over(ended: &Result<Reply, Error>) -> bool {
    let Ok(reply) = ended else {
        return false;
    };
    !reply.status.is_server_error() && !matches!(reply.status.as_u16(), 408 | 425 | 429)
}

/// The pause before a logout is tried again, of the little time that there is for it.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Terraform gives a provider two seconds to end.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(1);
