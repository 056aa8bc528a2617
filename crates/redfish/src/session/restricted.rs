//! The session of an account whose password must be changed first (DSP0266 section 13.5.3): it may
//! read and change its own account, and nothing else.

use model::Secret;
use serde_json::json;

use super::{LOGIN_GRACE, State, Token};
use crate::{
    bmc::Inner,
    error::Error,
    lane::Lane,
    origin::Origin,
    service_root::{SESSIONS, SYSTEMS},
    wire::{Authorization, OnStop, Request},
};

impl Inner {
    /// Logs in although the password must be changed, and returns the account's resource as the BMC
    /// names it. From here on a lane's requests are those of the restricted session.
    ///
    /// # Errors
    ///
    /// [`Error::PasswordChangeRequired`] without an account if the BMC names none: another account
    /// than the one that is meant must not be changed.
    pub(crate) async fn enter_restricted(&self) -> Result<String, Error> {
        let mut state = self.wire.unless_stopped(self.session.lock()).await?;
        let root = self.known_root();
        let path = root.and_then(|root| root.sessions_uri());
        let (token, mut account) = match &*state {
            State::Session(token) => (Some(token.clone()), None),
            State::Basic => (None, None),
            State::Fresh
            | State::Proven
            | State::Rejected(Error::PasswordChangeRequired { .. }) => {
                let path = path.as_deref().unwrap_or(SESSIONS);
                let reply = self.post_session(path).await?;
                let named = self.password_change(&reply).and_then(account_of);
                let token = self.token(&reply);
                if token.is_none() && named.is_none() {
                    return Err(reply
                        .problem()
                        .unwrap_or_else(|| self.rejected(reply.messages)));
                }
                (token, named)
            }
            State::Rejected(error) => return Err(error.clone()),
        };
        let authorization = token.as_ref().map_or(Authorization::Basic, Token::proof);
        *state = token.map_or(State::Basic, State::Session);
        if account.is_none() {
            // Firmware that says nothing at the login says it to the first request.
            match self.wire.send(&Request::get(SYSTEMS), &authorization).await {
                Ok(reply) => account = self.password_change(&reply).and_then(account_of),
                Err(error) => {
                    drop(state);
                    self.logout().await;
                    return Err(error);
                }
            }
        }
        account.ok_or_else(|| Error::PasswordChangeRequired {
            endpoint: self.wire.endpoint(),
            username: self.wire.credentials().username,
            account: None,
        })
    }

    /// Ends whatever session there is, so that the next request logs in with the new password.
    pub(crate) async fn start_anew(&self) {
        self.logout().await;
        let mut state = self.session.lock().await;
        *state = State::Fresh;
    }

    /// Whether these credentials open a session, which is ended at once.
    pub(crate) async fn try_login(
        &self,
        lane: &Lane<'_>,
        username: &str,
        password: &Secret,
    ) -> Result<bool, Error> {
        let root = lane.root().await?;
        let path = root.sessions_uri().unwrap_or_else(|| SESSIONS.to_owned());
        let credentials = json!({"UserName": username, "Password": password.expose()});
        let mut request = Request::post(&path, &credentials);
        request.on_stop = OnStop::Linger(LOGIN_GRACE);
        let reply = self.wire.send(&request, &Authorization::Anonymous).await?;
        if let Some(token) = self.token_of(&reply, username.to_owned()) {
            self.delete(&token, OnStop::Abort).await;
            return Ok(true);
        }
        match reply.status.as_u16() {
            400 | 401 | 403 => Ok(false),
            _ => Err(reply
                .problem()
                .unwrap_or_else(|| self.rejected(reply.messages))),
        }
    }

    /// Whether requests go with a session, and not with the credentials themselves.
    pub(crate) async fn has_session(&self) -> bool {
        matches!(*self.session.lock().await, State::Session(_))
    }
}

impl Token {
    fn proof(&self) -> Authorization {
        Authorization::Token {
            token: self.value.clone(),
            generation: self.generation,
        }
    }
}

fn account_of(error: Error) -> Option<String> {
    match error {
        Error::PasswordChangeRequired { account, .. } => account.map(|uri| Origin::path_of(&uri)),
        _ => None,
    }
}
