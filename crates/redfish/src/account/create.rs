//! Making an account: a POST, or an empty slot that is filled in.

use model::Secret;
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use super::{Account, Service, listed, named, send};
use crate::{bmc::Bmc, error::Error, lane::Lane, wire::Reply};

/// An account to make.
#[derive(Clone)]
pub struct NewAccount {
    /// Its name.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Its role, such as `Operator`.
    pub role: String,
    /// Whether it may log in.
    pub enabled: bool,
}

/// What became of an account to make.
#[derive(Clone, Debug, PartialEq)]
pub enum Creation {
    /// It was made.
    Made(Account),
    /// There was one of this name before, and it was left as it is.
    Exists(Account),
}

impl NewAccount {
    fn body(&self, with_enabled: bool) -> Map<String, Value> {
        let mut body = Map::from_iter([
            ("UserName".to_owned(), json!(self.username)),
            ("Password".to_owned(), json!(self.password.expose())),
            ("RoleId".to_owned(), json!(self.role)),
        ]);
        if with_enabled {
            body.insert("Enabled".to_owned(), json!(self.enabled));
        }
        body
    }
}

impl Bmc {
    /// Makes an account, unless there is one of its name. A reply that is lost is made up for by
    /// looking: the name was free before.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidConfig`] for a password of a length that the BMC does not take: nothing was
    /// sent. [`Error::NotSupported`] if all slots are taken.
    pub async fn create_account(&self, new: &NewAccount) -> Result<Creation, Error> {
        let lane = self.inner.exclusive().await?;
        let service = Service::read(&lane).await?;
        let before = listed(&lane, &service).await?;
        if let Some(account) = named(before, &new.username) {
            return Ok(Creation::Exists(account));
        }
        service.check(&lane, &new.password)?;
        let made = post(&lane, &service, new).await?;
        let accounts = listed(&lane, &service).await?;
        if let Some(account) = named(accounts.clone(), &new.username) {
            return Ok(Creation::Made(account));
        }
        if made {
            return Err(Error::NotSupported {
                endpoint: self.endpoint().to_owned(),
                what: format!(
                    "account {:?}: it took it and does not list it",
                    new.username
                ),
            });
        }
        fill_slot(&lane, &accounts, new).await?;
        let accounts = listed(&lane, &service).await?;
        let account = named(accounts, &new.username);
        account
            .map(Creation::Made)
            .ok_or_else(|| Error::NotSupported {
                endpoint: self.endpoint().to_owned(),
                what: format!("account {:?}: its slot stays empty", new.username),
            })
    }
}

/// Posts the account, twice if the first reply was lost and nothing came of it. `false` if this BMC
/// makes no accounts.
async fn post(lane: &Lane<'_>, service: &Service, new: &NewAccount) -> Result<bool, Error> {
    let mut with_enabled = true;
    let mut lost = false;
    loop {
        let body = Value::Object(new.body(with_enabled));
        let error = match lane.post(&service.accounts, &body).await {
            Ok(reply) if makes_none(&reply) => return Ok(false),
            Ok(reply) => match reply.check() {
                Ok(_made) => return Ok(true),
                Err(error) => error,
            },
            Err(error) => error,
        };
        match &error {
            // The name is whoever's it was when the first reply was lost.
            Error::Conflict { .. } if lost => return Ok(true),
            Error::NotSupported { .. } if with_enabled && new.enabled => with_enabled = false,
            error if error.is_outcome_unknown() && !lost => {
                lost = true;
                if named(listed(lane, service).await?, &new.username).is_some() {
                    return Ok(true);
                }
            }
            _ => return Err(error),
        }
    }
}

fn makes_none(reply: &Reply) -> bool {
    reply.is(StatusCode::METHOD_NOT_ALLOWED) || reply.is(StatusCode::NOT_IMPLEMENTED)
}

/// Fills in the first empty slot. The first of all belongs to the firmware; one whose name cannot be
/// read may be somebody's.
async fn fill_slot(lane: &Lane<'_>, slots: &[Account], new: &NewAccount) -> Result<(), Error> {
    let empty = |slot: &&Account| slot.vacant && slot.id.as_deref() != Some("1");
    let Some(slot) = slots.iter().find(empty) else {
        return Err(Error::NotSupported {
            endpoint: lane.inner.wire.endpoint(),
            what: format!("a further account: all {} slots are taken", slots.len()),
        });
    };
    let sent = send(lane, slot, &new.body(true)).await;
    match sent {
        Err(error) if error.is_outcome_unknown() => {
            // The same again is as right, and a slot that is somebody else's by now is not touched.
            let seen = Account::read(&slot.uri, lane.get(&slot.uri).await?);
            match seen.username.as_deref() {
                Some(username) if username != new.username => Err(error),
                _ => send(lane, &seen, &new.body(true)).await,
            }
        }
        sent => sent,
    }
}
