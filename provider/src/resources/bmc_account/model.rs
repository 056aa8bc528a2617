//! What a BMC account's attributes are, and how it is named for an import.

use model::{BmcConnection, Secret};
use redfish::Account;
use tfplugin::{Model, Timeouts, Value};

use crate::{
    checks,
    resources::{ConnectionInput, bmc, not_readable},
};

/// An account on a BMC: created, given a new password, and removed. A BMC with a fixed number of
/// accounts has a free one filled in, and cleared again.
///
/// It may be the account that the provider itself logs in with, under `bmc.credentials`: its
/// password is changed to `password_wo` when `password_wo_version` changes, the run goes on with the
/// new one, and before the next run the provider's `credentials` must have it. If they have it
/// already, the change counts as done. A factory password that the BMC wants changed first is
/// changed in the same way; a `baremetal_bmc` of such a BMC has to wait with `depends_on`, so give
/// `bmc` as an object then. Destroying the account that the provider logs in with is refused.
#[derive(Clone, Debug, Model)]
pub(crate) struct BmcAccountModel {
    /// Its identity: what an import takes.
    #[tf(computed, keep, identity)]
    pub id: Option<String>,
    /// How its BMC is reached: `baremetal_bmc.NAME.connection`.
    #[tf(check = not_readable)]
    pub bmc: ConnectionInput,
    /// Its user name.
    #[tf(replace, check = checks::account_name)]
    pub username: String,
    /// Its role in the BMC's words, such as `Administrator`, `Operator` or `ReadOnly`.
    pub role: String,
    /// Whether it may log in.
    #[tf(default = true)]
    pub enabled: bool,
    /// Its password, which is needed to create it. It is in neither state nor plan, and it may be
    /// ephemeral. The BMC's limits of its length are looked at before it is sent. BMCs with a fixed
    /// number of accounts take a new role only together with the password, so keep it set there.
    #[tf(sensitive, write_only)]
    pub password_wo: Option<String>,
    /// The version of `password_wo`: another one sets the password anew, and ends a lockout. An
    /// import does not know it; leave it out, or the next apply sets the password.
    pub password_wo_version: Option<i64>,
    /// Its resource on the BMC.
    #[tf(computed, keep)]
    pub uri: Option<String>,
    /// Whether the BMC has locked it, after failed logins.
    #[tf(computed, keep)]
    pub locked: Option<bool>,
    /// How long its operations may take.
    pub timeouts: Option<Timeouts>,
}

impl BmcAccountModel {
    /// One that is to be imported: a user name and, after the first slash, a BMC as `baremetal_bmc`
    /// is imported.
    pub(super) fn imported(id: &str) -> Option<Self> {
        let (username, bmc) = id.split_once('/')?;
        let connection = bmc::imported_connection(bmc).filter(|_| !username.is_empty())?;
        Some(Self {
            id: Some(id.to_owned()),
            bmc: ConnectionInput::from_model(&connection),
            username: username.to_owned(),
            role: String::new(),
            enabled: true,
            password_wo: None,
            password_wo_version: None,
            uri: None,
            locked: None,
            timeouts: None,
        })
    }

    pub(super) fn connection(&self) -> BmcConnection {
        self.bmc.to_model()
    }

    /// Takes over what the BMC says. What it does not say stays as it is.
    pub(super) fn adopt(&mut self, account: Account) {
        self.uri = Some(account.uri);
        self.locked = account.locked.or(self.locked);
        if let Some(role) = account.role {
            self.role = role;
        }
        self.enabled = account.enabled.unwrap_or(self.enabled);
    }

    /// What an apply returns: what was planned, and what was not known then.
    pub(super) fn made(mut self, account: &Account) -> Self {
        let id = import_id(&self.username, &self.connection());
        self.id.get_or_insert(id);
        self.uri.get_or_insert_with(|| account.uri.clone());
        self.locked = self.locked.or(account.locked).or(Some(false));
        self
    }
}

/// The password of the configuration, the only place that has it.
pub(super) fn password(config: &Value) -> Option<Secret> {
    config.get("password_wo").as_str().map(Secret::new)
}

fn import_id(username: &str, connection: &BmcConnection) -> String {
    format!("{username}/{}", bmc::import_id(connection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_imported_by_the_id_it_has() {
        for id in [
            "terraform/rack1@10.0.0.5:443",
            "terraform/rack1@10.0.0.5:8443?fingerprint_sha256=ab12",
            "terraform/rack1@[fe80::1]:443?insecure=true&scheme=http",
        ] {
            let account = BmcAccountModel::imported(id).unwrap();
            assert_eq!(account.username, "terraform");
            assert_eq!(import_id("terraform", &account.connection()), id);
        }
        for bad in ["", "terraform", "/rack1@10.0.0.5", "terraform/10.0.0.5"] {
            assert!(BmcAccountModel::imported(bad).is_none(), "{bad}");
        }
    }
}
