//! Removing an account: a DELETE, or a slot that is cleared.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Account, send};
use crate::{bmc::Bmc, error::Error, lane::Lane};

impl Bmc {
    /// Removes the account of a user. One that is gone, or whose resource is somebody else's by now,
    /// is left alone.
    pub async fn delete_account(&self, uri: &str, username: &str) -> Result<(), Error> {
        let lane = self.inner.exclusive().await?;
        let mut lost = None;
        for _attempt in 0..2 {
            let Some(account) = still_there(&lane, uri, username).await? else {
                return Ok(());
            };
            match remove(&lane, &account).await {
                Ok(()) | Err(Error::NotFound { .. }) => lost = None,
                Err(error) if error.is_outcome_unknown() => lost = Some(error),
                Err(error) => return Err(error),
            }
        }
        match (still_there(&lane, uri, username).await?, lost) {
            (None, _) => Ok(()),
            (Some(_), Some(error)) => Err(error),
            (Some(_), None) => Err(Error::NotSupported {
                endpoint: self.endpoint().to_owned(),
                what: format!("removing {uri}: it took the request and kept the account"),
            }),
        }
    }
}

async fn still_there(lane: &Lane<'_>, uri: &str, username: &str) -> Result<Option<Account>, Error> {
    match lane.get(uri).await {
        Ok(document) => {
            let account = Account::read(uri, document);
            Ok(Some(account).filter(|account| account.username.as_deref() == Some(username)))
        }
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn remove(lane: &Lane<'_>, account: &Account) -> Result<(), Error> {
    let reply = lane.delete(&account.uri).await?;
    let by_clearing =
        reply.is(StatusCode::METHOD_NOT_ALLOWED) || reply.is(StatusCode::NOT_IMPLEMENTED);
    if !by_clearing {
        return reply.check().map(drop);
    }
    let mut result = Ok(());
    for body in [
        json!({"UserName": "", "Enabled": false, "RoleId": "None"}),
        json!({"UserName": "", "Enabled": false}),
        json!({"UserName": ""}),
    ] {
        let Value::Object(body) = body else { continue };
        result = send(lane, account, &body).await;
        if !matches!(
            result,
            Err(Error::Rejected { .. } | Error::NotSupported { .. })
        ) {
            break;
        }
    }
    result
}
