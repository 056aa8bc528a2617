//! Ending sessions: a BMC has few.

use std::time::Duration;

use reqwest::Method;

use super::{State, Token};
use crate::{
    bmc::Inner,
    wire::{Authorization, OnStop, Request},
};

impl Inner {
    /// Deletes a session that was given up for nothing: its successor was refused too, so there is
    /// nothing wrong with it, and it would occupy a place.
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

    /// Deletes the session if nothing was asked for so long. Whoever comes meanwhile logs in anew.
    pub(crate) async fn logout_if_idle(&self, idle: Duration) {
        let token = {
            let Ok(mut state) = self.session.try_lock() else {
                return;
            };
            match &*state {
                State::Session(token) if self.is_idle_for(idle) => {
                    let token = token.clone();
                    *state = State::Fresh;
                    token
                }
                _ => return,
            }
        };
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
        let ended = self.wire.send(&request, &authorization).await;
        // It is there still if nobody said so, or if the BMC was too busy.
        if let (Ok(reply), Some(note)) = (ended, &token.note)
            && !reply.status.is_server_error()
        {
            note.erase();
        }
    }
}

/// Terraform gives a provider two seconds to end.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(1);
