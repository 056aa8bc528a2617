//! A new password for the account that this handle logs in with.

use model::Secret;
use serde_json::{Map, Value, json};

use super::{Account, Service, send};
use crate::{bmc::Bmc, error::Error, lane::Lane};

/// Sends a change that holds a new password, and goes on with it.
///
/// If the reply is lost, the new password counts from then on, and the change is sent once more:
/// with the session, if the BMC has kept it, and else after a login with the new password. So at
/// most one login fails, and only if the change was not made *and* the session is gone.
pub(super) async fn patch(
    lane: &Lane<'_>,
    account: &Account,
    body: &Map<String, Value>,
    password: &Secret,
) -> Result<(), Error> {
    let wire = &lane.inner.wire;
    let error = match send(lane, account, body).await {
        Ok(()) => {
            wire.set_password(password.clone());
            return Ok(());
        }
        Err(error) if error.is_outcome_unknown() => error,
        Err(error) => return Err(error),
    };
    tracing::warn!(bmc = wire.origin.as_str(), %error, "the new password was not confirmed");
    let old = wire.set_password(password.clone());
    // Its tag may have changed with the password.
    let account = Account {
        etag: None,
        ..account.clone()
    };
    match send(lane, &account, body).await {
        Ok(()) => Ok(()),
        // A password that is the present one may not be set again. Whether it is, a login tells.
        Err(Error::Rejected { status: 400, .. }) => {
            lane.inner.start_anew().await;
            let read = lane.get(&account.uri).await;
            if read.is_err() {
                wire.set_password(old);
            }
            read.map(drop)
        }
        Err(error) => {
            wire.set_password(old);
            Err(error)
        }
    }
}

impl Bmc {
    /// Sets the new password that the BMC demands before anything else, on the account that the BMC
    /// names and on no other, and logs in with it from then on. Returns that account's resource.
    ///
    /// # Errors
    ///
    /// [`Error::PasswordChangeRequired`] if the BMC does not name the account.
    pub async fn change_required_password(&self, password: &Secret) -> Result<String, Error> {
        let lane = self.inner.exclusive().await?;
        let uri = self.inner.enter_restricted().await?;
        // The restricted session may not be shown the limits, or the account.
        match Service::read(&lane).await {
            Ok(service) => service.check(&lane, password)?,
            Err(
                Error::PasswordChangeRequired { .. }
                | Error::NotFound { .. }
                | Error::Rejected { status: 403, .. },
            ) => {}
            Err(error) => return Err(error),
        }
        let account = match lane.get(&uri).await {
            Ok(document) => Account::read(&uri, document),
            Err(Error::PasswordChangeRequired { .. } | Error::Rejected { status: 403, .. }) => {
                Account {
                    uri: uri.clone(),
                    ..Account::default()
                }
            }
            Err(error) => return Err(error),
        };
        let body = Map::from_iter([("Password".to_owned(), json!(password.expose()))]);
        let changed = patch(&lane, &account, &body, password).await;
        // The restricted session stays restricted on some firmware.
        self.inner.start_anew().await;
        changed?;
        Ok(uri)
    }

    /// Whether a user can log in with a password: one login, whose session is ended at once. A
    /// wrong password counts against that account, so this is for when there is reason to expect
    /// that it is right.
    pub async fn admits(&self, username: &str, password: &Secret) -> Result<bool, Error> {
        let lane = self.inner.exclusive().await?;
        self.inner.try_login(&lane, username, password).await
    }
}
