//! Accounts, and logging in as somebody who may do nothing yet.

use axum::http::Method;
use model::Secret;
use serde_json::{Value, json};

use super::fake_bmc::{Answer, FakeBmc, PASSWORD, SESSIONS};
use crate::{Creation, Error, NewAccount};

const SERVICE: &str = "/redfish/v1/AccountService";
const SYSTEMS: &str = "/redfish/v1/Systems";

fn slot(number: u32) -> String {
    format!("{SERVICE}/Accounts/{number}")
}

/// A BMC with these accounts.
async fn with_accounts(accounts: &[Value]) -> FakeBmc {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let places = (1..).zip(accounts);
        let members: Vec<_> = places
            .clone()
            .map(|(number, _)| json!({"@odata.id": slot(number)}))
            .collect();
        let list = format!("{SERVICE}/Accounts");
        let service = json!({"Accounts": {"@odata.id": list}});
        machine.resources.insert(SERVICE.to_owned(), service);
        machine.resources.insert(list, json!({"Members": members}));
        for (number, account) in places {
            let mut account = account.clone();
            account["Id"] = json!(number.to_string());
            machine.resources.insert(slot(number), account);
        }
    });
    fake
}

#[tokio::test]
async fn only_a_slot_that_shows_an_empty_name_and_no_use_is_filled_in() {
    let fake = with_accounts(&[
        json!({"UserName": "", "Enabled": false}),
        json!({"Enabled": false}),
        json!({"UserName": "", "Enabled": true}),
        json!({"UserName": {"odd": 1}, "Enabled": false}),
        json!({"UserName": null, "Enabled": false}),
        json!({"UserName": "", "Enabled": false}),
    ])
    .await;
    let new = NewAccount {
        username: "rescue".to_owned(),
        password: Secret::new("Rescue-password-7"),
        role: "Operator".to_owned(),
        enabled: true,
    };
    let made = fake.bmc().create_account(&new).await.unwrap();
    let Creation::Made(account) = made else {
        panic!("{made:?}");
    };
    assert_eq!(account.uri, slot(6));
    for number in 1..6 {
        assert_eq!(fake.patches(&slot(number)).len(), 0, "{number}");
    }
}

#[tokio::test]
async fn a_restricted_session_that_is_not_shown_the_limits_changes_its_password_all_the_same() {
    let fake = with_accounts(&[json!({"UserName": "operator"})]).await;
    fake.rule(|machine, request| {
        if !request.is(&Method::POST, SESSIONS) {
            return None;
        }
        machine.sessions.insert("limited".to_owned());
        let info =
            json!({"MessageId": "Base.1.8.PasswordChangeRequired", "MessageArgs": [slot(1)]});
        let body = json!({"@Message.ExtendedInfo": [info]});
        Some(Answer::json(201, &body).with("X-Auth-Token", "limited"))
    });
    fake.rule(|_, request| {
        let refusal = || Answer::message(403, "Base.1.8.InsufficientPrivilege");
        request.is(&Method::GET, SERVICE).then(refusal)
    });
    let bmc = fake.bmc();
    let next = Secret::new("Next-password-8");
    let uri = bmc.change_required_password(&next).await.unwrap();
    assert_eq!(uri, slot(1));
    let expected = [json!({"Password": "Next-password-8"})];
    assert_eq!(fake.patches(&slot(1)), expected);
}

#[tokio::test]
async fn a_restricted_login_that_comes_to_nothing_leaves_no_session() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| request.is(&Method::GET, SYSTEMS).then_some(Answer::Break));
    let bmc = fake.bmc();
    let next = Secret::new("Next-password-8");
    let error = bmc.change_required_password(&next).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert_eq!(
        fake.with(|machine| (machine.logins, machine.sessions.len())),
        (1, 0)
    );
    assert!(bmc.logs_in_with(&Secret::new(PASSWORD)));
}
