//! The documents of the accounts and of their roles.

use std::time::Instant;

use serde_json::{Value, json};

use super::{ADMINISTRATOR, Account, Accounts};
use crate::bmc::{
    resources::{self, link},
    system::etag,
};

/// The resource of an account.
pub(in crate::bmc) fn uri(id: &str) -> String {
    format!("{ACCOUNTS}/{id}")
}

/// The collection of all accounts.
pub(in crate::bmc) fn collection(accounts: &Accounts) -> Value {
    let members: Vec<String> = accounts
        .all()
        .iter()
        .map(|account| uri(&account.id))
        .collect();
    resources::collection(
        ACCOUNTS,
        "ManagerAccountCollection",
        "Accounts Collection",
        &members,
    )
}

/// One account, with its ETag. It never shows a password.
pub(in crate::bmc) fn account(account: &Account, now: Instant) -> Value {
    let mut document = json!({
        "@odata.id": uri(&account.id),
        "@odata.type": "#ManagerAccount.v1_12_0.ManagerAccount",
        "Id": account.id,
        "Name": "User Account",
        "UserName": account.username,
        "Password": null,
        "AccountTypes": ["Redfish"],
        "RoleId": if account.role.is_empty() { "None" } else { &account.role },
        "Enabled": account.enabled,
        "Locked": account.is_locked(now),
        "PasswordChangeRequired": account.change_required,
        "Links": {},
    });
    if ROLES.contains(&account.role.as_str()) {
        document["Links"] = json!({ "Role": link(&role_uri(&account.role)) });
    }
    // A tag changes with the password too, although nobody sees that.
    let secret = account.password.as_ref().map(model::Secret::expose);
    let tag = etag(&json!([document, secret]));
    document["@odata.etag"] = json!(tag);
    document
}

/// The collection of the roles.
pub(in crate::bmc) fn roles() -> Value {
    let members = ROLES.map(role_uri);
    resources::collection(ROLES_URI, "RoleCollection", "Roles Collection", &members)
}

/// One role (DSP0266 section 13.4.2).
pub(in crate::bmc) fn role(id: &str) -> Option<Value> {
    let privileges: &[&str] = match id {
        ADMINISTRATOR => &[
            "Login",
            "ConfigureManager",
            "ConfigureUsers",
            "ConfigureSelf",
            "ConfigureComponents",
        ],
        "Operator" => &["Login", "ConfigureSelf", "ConfigureComponents"],
        "ReadOnly" => &["Login", "ConfigureSelf"],
        _ => return None,
    };
    Some(json!({
        "@odata.id": role_uri(id),
        "@odata.type": "#Role.v1_3_1.Role",
        "Id": id,
        "Name": "User Role",
        "RoleId": id,
        "IsPredefined": true,
        "AssignedPrivileges": privileges,
    }))
}

fn role_uri(id: &str) -> String {
    format!("{ROLES_URI}/{id}")
}

/// The roles that every service has.
pub(in crate::bmc) const ROLES: [&str; 3] = [ADMINISTRATOR, "Operator", "ReadOnly"];
const ACCOUNTS: &str = "/redfish/v1/AccountService/Accounts";
const ROLES_URI: &str = "/redfish/v1/AccountService/Roles";
