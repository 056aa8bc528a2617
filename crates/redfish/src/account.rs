//! The accounts of a BMC (DSP0268, `AccountService` and `ManagerAccount`).
//!
//! A password cannot be read back. What can be is read before and after each change; a password
//! whose reply was lost is sent once more, which is as right the second time. The account that this
//! handle logs in with goes on with its new password.

mod create;
mod own;
mod remove;

pub use create::{Creation, NewAccount};

use model::Secret;
use serde_json::{Map, Value, json};

use crate::{
    bmc::Bmc,
    collection::{self, Expand, Member},
    error::Error,
    lane::Lane,
    lenient::Doc,
    patch,
    quirks::Hints,
    reply::Document,
};

/// An account, or an empty slot for one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Its resource.
    pub uri: String,
    /// Its id on this BMC.
    pub id: Option<String>,
    /// Its name; a slot that nobody uses has none.
    pub username: Option<String>,
    /// Its role, such as `Administrator`.
    pub role: Option<String>,
    /// Whether it may log in.
    pub enabled: Option<bool>,
    /// Whether it is locked after failed logins.
    pub locked: Option<bool>,
    /// Whether its password must be changed before anything else.
    pub password_change_required: Option<bool>,
    /// It shows that nobody has it.
    vacant: bool,
    etag: Option<String>,
}

impl Account {
    fn read(uri: &str, document: Document) -> Self {
        let doc = document.doc();
        let enabled = doc.flag("Enabled");
        let no_name = doc.get("UserName").raw().as_str();
        let no_name = no_name.is_some_and(|name| name.trim().is_empty());
        Self {
            uri: uri.to_owned(),
            id: doc.word("Id").map(str::to_owned),
            username: doc.word("UserName").map(str::to_owned),
            role: doc.word("RoleId").map(str::to_owned),
            enabled,
            locked: doc.flag("Locked"),
            password_change_required: doc.flag("PasswordChangeRequired"),
            vacant: no_name && enabled != Some(true),
            etag: document.etag,
        }
    }
}

/// What to change of an account. What is `None` stays.
#[derive(Clone, Default)]
pub struct AccountChange {
    /// Its new password.
    pub password: Option<Secret>,
    /// The password to send with other changes, for a BMC that insists on one.
    pub known_password: Option<Secret>,
    /// Its role.
    pub role: Option<String>,
    /// Whether it may log in.
    pub enabled: Option<bool>,
    /// Ends its lockout, if it is locked.
    pub unlock: bool,
}

impl AccountChange {
    /// The properties that differ from what the account has.
    fn body(&self, account: &Account) -> Map<String, Value> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        if let Some(password) = &self.password {
            put("Password", json!(password.expose()));
        }
        if let Some(role) = &self.role
            && account.role.as_ref() != Some(role)
        {
            put("RoleId", json!(role));
        }
        if let Some(enabled) = self.enabled
            && account.enabled != Some(enabled)
        {
            put("Enabled", json!(enabled));
        }
        if self.unlock && account.locked == Some(true) {
            put("Locked", json!(false));
        }
        body
    }
}

/// What the account service says of passwords, and where the accounts are.
struct Service {
    accounts: String,
    least: Option<u64>,
    most: Option<u64>,
}

impl Service {
    async fn read(lane: &Lane<'_>) -> Result<Self, Error> {
        let root = lane.root().await?;
        let link = Doc::new(&root.raw).link("AccountService");
        let path = link.unwrap_or_else(|| ACCOUNT_SERVICE.to_owned());
        let document = lane.get(&path).await?;
        let doc = document.doc();
        let limit = |name: &str| doc.count(name).filter(|&length| length > 0);
        Ok(Self {
            accounts: doc
                .link("Accounts")
                .unwrap_or_else(|| format!("{}/Accounts", path.trim_end_matches('/'))),
            least: limit("MinPasswordLength"),
            most: limit("MaxPasswordLength"),
        })
    }

    /// Refuses a password that the BMC would refuse, or would cut off without a word.
    fn check(&self, lane: &Lane<'_>, password: &Secret) -> Result<(), Error> {
        let length = password.expose().chars().count() as u64;
        let wrong = |how: &str, limit: u64| {
            let bmc = lane.inner.wire.origin.as_str();
            Err(Error::InvalidConfig {
                what: format!("the password is {how} than the {limit} characters that {bmc} takes"),
            })
        };
        match (self.least, self.most) {
            (Some(least), _) if length < least => wrong("shorter", least),
            (_, Some(most)) if length > most => wrong("longer", most),
            _ => Ok(()),
        }
    }
}

impl Bmc {
    /// Whether this handle logs in as this user.
    pub fn logs_in_as(&self, username: &str) -> bool {
        self.inner.wire.credentials().username == username
    }

    /// Whether this handle logs in with this password.
    pub fn logs_in_with(&self, password: &Secret) -> bool {
        self.inner.wire.credentials().password.expose() == password.expose()
    }

    /// Reads the account of a user. `uri` is where it was seen last: it costs one request if it is
    /// there still.
    pub async fn account(
        &self,
        username: &str,
        uri: Option<&str>,
    ) -> Result<Option<Account>, Error> {
        let lane = self.inner.shared();
        if let Some(uri) = uri {
            match lane.get(uri).await {
                Ok(document) => {
                    let account = Account::read(uri, document);
                    if account.username.as_deref() == Some(username) {
                        return Ok(Some(account));
                    }
                }
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let service = Service::read(&lane).await?;
        Ok(named(listed(&lane, &service).await?, username))
    }

    /// Changes an account, as far as it differs, and returns it as it is then.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidConfig`] for a password of a length that the BMC does not take: nothing was
    /// sent. [`Error::AuthRejected`] if this is the account that logs in, the reply was lost, and
    /// the BMC takes neither its session nor the new password.
    pub async fn change_account(
        &self,
        uri: &str,
        change: &AccountChange,
    ) -> Result<Account, Error> {
        let lane = self.inner.exclusive().await?;
        if let Some(password) = &change.password {
            Service::read(&lane).await?.check(&lane, password)?;
        }
        let account = Account::read(uri, lane.get(uri).await?);
        let own = account
            .username
            .as_deref()
            .is_some_and(|username| self.logs_in_as(username));
        let body = change.body(&account);
        if body.is_empty() {
            return Ok(account);
        }
        match &change.password {
            Some(password) if own => own::patch(&lane, &account, &body, password).await?,
            _ => patch_account(&lane, &account, body, change).await?,
        }
        Ok(Account::read(uri, lane.get(uri).await?))
    }
}

/// Sends a change of somebody else's account.
async fn patch_account(
    lane: &Lane<'_>,
    account: &Account,
    mut body: Map<String, Value>,
    change: &AccountChange,
) -> Result<(), Error> {
    let mut account = account.clone();
    for attempt in 0..ATTEMPTS {
        let error = match send(lane, &account, &body).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let missing = matches!(&error, Error::Rejected { messages, .. }
            if messages.find(&["PropertyMissing", "CreateFailedMissingReqProperties"]).is_some());
        match &change.known_password {
            // Some firmware takes a role or a state only together with the password.
            Some(password) if missing && !body.contains_key("Password") => {
                body.insert("Password".to_owned(), json!(password.expose()));
            }
            _ if error.is_outcome_unknown() && attempt + 1 < ATTEMPTS => {
                account = Account::read(&account.uri, lane.get(&account.uri).await?);
                // A password that was set may be set again.
                if !body.contains_key("Password") && change.body(&account).is_empty() {
                    return Ok(());
                }
            }
            _ => return Err(error),
        }
    }
    Ok(())
}

async fn send(lane: &Lane<'_>, account: &Account, body: &Map<String, Value>) -> Result<(), Error> {
    let hints = Hints::of(&*lane.root().await?, None);
    let target = patch::Target {
        path: &account.uri,
        etag: account.etag.clone(),
        hints: &hints,
    };
    let body = Value::Object(body.clone());
    patch::send(lane, target, &body).await.map(drop)
}

async fn listed(lane: &Lane<'_>, service: &Service) -> Result<Vec<Account>, Error> {
    let members = collection::members(lane, &service.accounts, Expand::Never).await?;
    let read = |Member { uri, document }: Member| Account::read(&uri, document);
    Ok(members.into_iter().map(read).collect())
}

fn named(accounts: Vec<Account>, username: &str) -> Option<Account> {
    let own = |account: &Account| account.username.as_deref() == Some(username);
    accounts.into_iter().find(own)
}

const ACCOUNT_SERVICE: &str = "/redfish/v1/AccountService";
/// The first, one with what was missing, one after a lost reply.
const ATTEMPTS: u32 = 3;
