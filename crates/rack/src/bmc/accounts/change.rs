//! Creating, changing and removing accounts.

use model::Secret;
use serde_json::{Map, Value};

use super::{ADMINISTRATOR, Account, Accounts, document::ROLES};
use crate::bmc::messages::Message;

/// What a request wants an account to be, once all of it is known to be right.
#[derive(Default)]
pub(in crate::bmc) struct Wanted {
    username: Option<String>,
    password: Option<Secret>,
    role: Option<String>,
    enabled: Option<bool>,
    unlock: bool,
}

/// Why an account was not changed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::bmc) enum Refusal {
    /// The request is wrong.
    Bad(Vec<Message>),
    /// Whoever asks may not.
    Forbidden,
    /// There are slots, which are filled in instead.
    NoCreate,
    /// The name is taken.
    Taken(String),
    /// There is no such account.
    Missing,
}

impl Wanted {
    /// Reads a body. Everything that is wrong with it is reported, and no value is repeated that
    /// may be a password.
    pub(in crate::bmc) fn parse(
        body: &Map<String, Value>,
        accounts: &Accounts,
    ) -> Result<Self, Refusal> {
        let mut wanted = Self::default();
        let mut wrong = Vec::new();
        for (name, value) in body {
            if let Err(message) = wanted.take(name, value, accounts) {
                wrong.push(message.about(&format!("/{name}")));
            }
        }
        if wrong.is_empty() {
            Ok(wanted)
        } else {
            Err(Refusal::Bad(wrong))
        }
    }

    fn take(&mut self, name: &str, value: &Value, accounts: &Accounts) -> Result<(), Message> {
        let text = || {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| Message::property_type(name, &Value::Null))
        };
        match name {
            "UserName" => {
                let username = text()?;
                if username.len() > 16 {
                    return Err(Message::property_not_in_list(name, value));
                }
                self.username = Some(username);
            }
            "Password" => {
                let password = text()?;
                let length = &accounts.rules.password_length;
                if !length.contains(&password.chars().count()) {
                    return Err(Message::password_length(length));
                }
                self.password = Some(Secret::new(password));
            }
            "RoleId" => {
                let role = text()?;
                let slots = accounts.rules.fixed_slots.is_some();
                let known = ROLES.contains(&role.as_str()) || (slots && role == "None");
                if !known {
                    return Err(Message::property_not_in_list(name, value));
                }
                self.role = Some(role);
            }
            "Enabled" => {
                let enabled = value.as_bool();
                self.enabled = Some(enabled.ok_or_else(|| Message::property_type(name, value))?);
            }
            // Only an administrator's `false` means anything (DSP0268).
            "Locked" if value == &Value::Bool(false) => self.unlock = true,
            "Locked" => return Err(Message::property_not_in_list(name, value)),
            "@odata.etag" => {}
            "Id" | "Name" | "Links" | "AccountTypes" | "PasswordChangeRequired" => {
                return Err(Message::property_read_only(name));
            }
            _ => return Err(Message::property_unknown(name)),
        }
        Ok(())
    }

    /// Whether nothing but the password is to change.
    const fn is_password_alone(&self) -> bool {
        self.password.is_some()
            && self.username.is_none()
            && self.role.is_none()
            && self.enabled.is_none()
            && !self.unlock
    }
}

impl Accounts {
    /// Creates an account and returns its id.
    pub(in crate::bmc) fn create(
        &mut self,
        body: &Map<String, Value>,
        by: &str,
    ) -> Result<String, Refusal> {
        if self.rules.fixed_slots.is_some() {
            return Err(Refusal::NoCreate);
        }
        self.administrator(by)?;
        let wanted = Wanted::parse(body, self)?;
        let given = [
            ("UserName", wanted.username.is_some()),
            ("Password", wanted.password.is_some()),
            ("RoleId", wanted.role.is_some()),
        ];
        let missing = given.into_iter().filter(|(_, given)| !given);
        let missing: Vec<_> = missing
            .map(|(name, _)| Message::property_missing(name))
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::Bad(missing));
        }
        self.free_name(wanted.username.as_deref(), "")?;
        let id = self.next_id.to_string();
        self.next_id += 1;
        let mut account = Account::empty(id.clone());
        account.enabled = true;
        account.apply(wanted);
        self.all.push(account);
        Ok(id)
    }

    /// Changes an account, or fills in or clears a slot. Returns whether it has a new password.
    pub(in crate::bmc) fn change(
        &mut self,
        id: &str,
        body: &Map<String, Value>,
        by: &str,
    ) -> Result<bool, Refusal> {
        let account = self.by_id(id).ok_or(Refusal::Missing)?;
        let (own, required) = (account.username == by, account.change_required);
        let (empty, slots) = (
            account.username.is_empty(),
            self.rules.fixed_slots.is_some(),
        );
        let wanted = Wanted::parse(body, self)?;
        if own && wanted.is_password_alone() {
            if self.rules.refuses_own && !required {
                return Err(Refusal::Forbidden);
            }
        } else {
            if own && self.rules.refuses_own {
                return Err(Refusal::Forbidden);
            }
            self.administrator(by)?;
        }
        if slots && id == "1" {
            return Err(Refusal::Bad(vec![Message::property_read_only("UserName")]));
        }
        let clears = slots && wanted.username.as_deref() == Some("");
        // A slot takes privileges only together with a password.
        let raises = wanted.role.is_some() || wanted.enabled == Some(true);
        if slots
            && !clears
            && raises
            && wanted.password.is_none()
            && (empty || wanted.role.is_some())
        {
            return Err(Refusal::Bad(vec![Message::property_missing("Password")]));
        }
        self.free_name(wanted.username.as_deref(), id)?;
        let new_password = wanted.password.is_some() || clears;
        let Some(account) = self.all.iter_mut().find(|account| account.id == id) else {
            return Err(Refusal::Missing);
        };
        if clears {
            *account = Account::empty(id.to_owned());
        } else {
            account.apply(wanted);
        }
        Ok(new_password)
    }

    /// Removes an account and returns its name.
    pub(in crate::bmc) fn remove(&mut self, id: &str, by: &str) -> Result<String, Refusal> {
        if self.rules.fixed_slots.is_some() {
            return Err(Refusal::NoCreate);
        }
        self.administrator(by)?;
        let at = self.all.iter().position(|account| account.id == id);
        let account = self.all.remove(at.ok_or(Refusal::Missing)?);
        Ok(account.username)
    }

    fn administrator(&self, by: &str) -> Result<(), Refusal> {
        let account = self.by_name(by).ok_or(Refusal::Forbidden)?;
        if account.role == ADMINISTRATOR {
            Ok(())
        } else {
            Err(Refusal::Forbidden)
        }
    }

    fn free_name(&self, username: Option<&str>, id: &str) -> Result<(), Refusal> {
        let taken = username.and_then(|username| self.by_name(username));
        match taken.filter(|account| account.id != id) {
            Some(account) => Err(Refusal::Taken(account.username.clone())),
            None => Ok(()),
        }
    }
}

impl Account {
    fn apply(&mut self, wanted: Wanted) {
        let Wanted {
            username,
            password,
            role,
            enabled,
            unlock,
        } = wanted;
        self.username = username.unwrap_or_else(|| std::mem::take(&mut self.username));
        self.role = role.unwrap_or_else(|| std::mem::take(&mut self.role));
        self.enabled = enabled.unwrap_or(self.enabled);
        if let Some(password) = password {
            self.password = Some(password);
            self.change_required = false;
        }
        if unlock {
            self.locked_until = None;
            self.failures_in_a_row = 0;
        }
    }
}
