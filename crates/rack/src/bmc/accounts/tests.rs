//! What becomes of accounts, without HTTP.

use serde_json::{Value, json};

use super::*;
use crate::bmc::messages::Message;

fn accounts(rules: AccountRules) -> Accounts {
    let password = Secret::new("right");
    Accounts::new(rules, "admin".to_owned(), password, Duration::from_secs(60))
}

fn create(accounts: &mut Accounts, body: &Value, by: &str) -> Result<String, Refusal> {
    accounts.create(body.as_object().unwrap(), by)
}

fn change(accounts: &mut Accounts, id: &str, body: &Value) -> Result<bool, Refusal> {
    accounts.change(id, body.as_object().unwrap(), "admin")
}

fn operator() -> Value {
    json!({ "UserName": "op", "Password": "first-pass", "RoleId": "Operator" })
}

#[test]
fn an_account_is_created_changed_locked_unlocked_and_removed() {
    let (mut all, now) = (accounts(AccountRules::default()), Instant::now());
    let id = create(&mut all, &operator(), "admin").unwrap();
    assert_eq!(all.check("op", "first-pass", now), Attempt::Right);
    let twice = create(&mut all, &operator(), "admin");
    assert_eq!(twice, Err(Refusal::Taken("op".to_owned())));
    assert_eq!(create(&mut all, &operator(), "op"), Err(Refusal::Forbidden));
    let new = json!({ "Password": "second-pass" });
    assert_eq!(change(&mut all, &id, &new), Ok(true));
    for locked in [false, false, false, false, true] {
        let attempt = all.check("op", "first-pass", now);
        assert_eq!(attempt, Attempt::Wrong { locked });
    }
    // Its neighbour is not locked with it.
    assert_eq!(all.check("admin", "right", now), Attempt::Right);
    let wrong = Attempt::Wrong { locked: false };
    assert_eq!(all.check("op", "second-pass", now), wrong);
    let unlock = json!({ "Locked": false });
    assert_eq!(change(&mut all, &id, &unlock), Ok(false));
    assert_eq!(all.check("op", "second-pass", now), Attempt::Right);
    let disable = json!({ "Enabled": false });
    assert_eq!(change(&mut all, &id, &disable), Ok(false));
    assert_eq!(all.check("op", "second-pass", now), wrong);
    assert_eq!(all.remove(&id, "admin"), Ok("op".to_owned()));
    assert_eq!(all.remove(&id, "admin"), Err(Refusal::Missing));
}

#[test]
fn what_is_wrong_with_a_request_is_said_and_a_password_is_never_repeated() {
    let mut all = accounts(AccountRules {
        password_length: 12..=20,
        ..AccountRules::default()
    });
    let mut body = operator();
    body["Password"] = json!("hunter2");
    body["Colour"] = json!("red");
    let Err(Refusal::Bad(wrong)) = create(&mut all, &body, "admin") else {
        panic!("it was created");
    };
    assert_eq!(wrong.len(), 2);
    let shown: Vec<Value> = wrong.iter().map(Message::to_json).collect();
    assert!(!json!(shown).to_string().contains("hunter2"));
    assert!(json!(shown).to_string().contains("12 to 20"));
}

#[test]
fn fixed_slots_are_filled_in_and_cleared_and_the_first_is_nobodys() {
    let rules = AccountRules {
        fixed_slots: Some(4),
        ..AccountRules::default()
    };
    let mut all = accounts(rules);
    assert_eq!(all.by_name("admin").unwrap().id, "2");
    let created = create(&mut all, &operator(), "admin");
    assert_eq!(created, Err(Refusal::NoCreate));
    assert!(matches!(
        change(&mut all, "1", &operator()),
        Err(Refusal::Bad(_))
    ));
    assert_eq!(change(&mut all, "3", &operator()), Ok(true));
    let role = json!({ "RoleId": "ReadOnly" });
    assert!(matches!(change(&mut all, "3", &role), Err(Refusal::Bad(_))));
    let role = json!({ "RoleId": "ReadOnly", "Password": "first-pass" });
    assert_eq!(change(&mut all, "3", &role), Ok(true));
    let clear = json!({ "UserName": "", "Enabled": false });
    assert_eq!(change(&mut all, "3", &clear), Ok(true));
    assert!(all.by_name("op").is_none());
    assert_eq!(all.all().len(), 4);
}
