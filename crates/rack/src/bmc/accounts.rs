//! The accounts of a BMC, as `AccountService` shows them (DSP0268, `ManagerAccount`).
//!
//! Everything takes `now`, so that a test can let time pass. Each account has its own lockout.

mod change;
mod document;

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use model::Secret;

pub(super) use self::{
    change::Refusal,
    document::{account, collection, role, roles, uri},
};

/// What a BMC's accounts are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRules {
    /// There are so many accounts, used or not: none is created or deleted, they are filled in and
    /// cleared. Dell has 16.
    pub fixed_slots: Option<usize>,
    /// How long a password may be.
    pub password_length: RangeInclusive<usize>,
    /// How it is said that the factory's password must be changed first, if it must.
    pub password_change: Option<PasswordChange>,
    /// A new password ends the sessions of its account.
    pub password_ends_sessions: bool,
    /// The account that asks cannot change itself, except for a password that must be changed.
    pub refuses_own: bool,
}

/// How a BMC says that a password must be changed before anything else (DSP0266 section 13.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordChange {
    /// In the reply that opens the session.
    InSession,
    /// With 403 to whatever the session asks for.
    Forbidden,
}

impl Default for AccountRules {
    fn default() -> Self {
        Self {
            fixed_slots: None,
            password_length: 4..=64,
            password_change: None,
            password_ends_sessions: false,
            refuses_own: false,
        }
    }
}

/// One account. In a BMC with fixed slots it may have no name yet.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) username: String,
    password: Option<Secret>,
    pub(super) role: String,
    pub(super) enabled: bool,
    pub(super) change_required: bool,
    failures_in_a_row: u32,
    locked_until: Option<Instant>,
}

impl Account {
    const fn empty(id: String) -> Self {
        Self {
            id,
            username: String::new(),
            password: None,
            role: String::new(),
            enabled: false,
            change_required: false,
            failures_in_a_row: 0,
            locked_until: None,
        }
    }

    pub(super) fn is_locked(&self, now: Instant) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// Whether the password is right and logs in.
    fn admits(&self, password: &str) -> bool {
        let right = self.password.as_ref().map(Secret::expose) == Some(password);
        right && self.enabled
    }
}

/// What a login attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    Right,
    /// Wrong, unknown or locked; and whether this attempt locked the account.
    Wrong {
        locked: bool,
    },
}

/// All accounts of a BMC.
#[derive(Debug)]
pub(super) struct Accounts {
    pub(super) rules: AccountRules,
    pub(super) lockout: Duration,
    all: Vec<Account>,
    next_id: usize,
}

impl Accounts {
    /// The factory's: one administrator, which has the second slot where there are slots.
    pub(super) fn new(
        rules: AccountRules,
        username: String,
        password: Secret,
        lockout: Duration,
    ) -> Self {
        let slots = rules.fixed_slots.unwrap_or(1);
        let mut all: Vec<Account> = (1..=slots)
            .map(|id| Account::empty(id.to_string()))
            .collect();
        let own = usize::from(rules.fixed_slots.is_some()).min(all.len().saturating_sub(1));
        if let Some(account) = all.get_mut(own) {
            account.username = username;
            account.password = Some(password);
            account.role = ADMINISTRATOR.to_owned();
            account.enabled = true;
            account.change_required = rules.password_change.is_some();
        }
        Self {
            rules,
            lockout,
            next_id: slots + 1,
            all,
        }
    }

    pub(super) fn all(&self) -> &[Account] {
        &self.all
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Account> {
        self.all.iter().find(|account| account.id == id)
    }

    pub(super) fn by_name(&self, username: &str) -> Option<&Account> {
        let named = |account: &&Account| account.username == username && !username.is_empty();
        self.all.iter().find(named)
    }

    /// Counts a failed login against an account, and locks it after five in a row.
    pub(super) fn fail(&mut self, username: &str, now: Instant) -> Attempt {
        let lockout = self.lockout;
        let named = |account: &&mut Account| account.username == username && !username.is_empty();
        let Some(account) = self.all.iter_mut().find(named) else {
            return Attempt::Wrong { locked: false };
        };
        account.failures_in_a_row += 1;
        let locked = account.failures_in_a_row >= LOCKOUT_THRESHOLD;
        if locked {
            account.locked_until = Some(now + lockout);
        }
        Attempt::Wrong { locked }
    }

    /// Whether these are the credentials of an account. While it is locked the right password is
    /// refused too, without counting.
    pub(super) fn check(&mut self, username: &str, password: &str, now: Instant) -> Attempt {
        let named = |account: &&mut Account| account.username == username && !username.is_empty();
        let Some(account) = self.all.iter_mut().find(named) else {
            return Attempt::Wrong { locked: false };
        };
        if account.is_locked(now) {
            return Attempt::Wrong { locked: false };
        }
        if account.locked_until.take().is_some() {
            account.failures_in_a_row = 0;
        }
        if account.admits(password) {
            account.failures_in_a_row = 0;
            return Attempt::Right;
        }
        self.fail(username, now)
    }
}

pub(super) const ADMINISTRATOR: &str = "Administrator";
pub(super) const LOCKOUT_THRESHOLD: u32 = 5;

#[cfg(test)]
mod tests;
