//! Who may ask, and what is said to those who may not.

use hyper::header::{LOCATION, WWW_AUTHENTICATE};

use super::*;

#[tokio::test]
async fn only_the_root_is_shown_to_anyone() {
    let client = Client::new().await;
    for path in [
        "/redfish",
        "/redfish/",
        "/redfish/v1",
        "/redfish/v1/",
        "/redfish/v1/odata",
    ] {
        let reply = client.raw("GET", path, &[], "");
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        assert_eq!(reply.headers[&ODATA_VERSION], "4.0");
    }
    let metadata = client.raw("GET", "/redfish/v1/$metadata", &[], "");
    assert!(metadata.body.starts_with(b"<?xml"));
    for path in [
        SYSTEM,
        "/redfish/v1/Systems",
        "/redfish/v1/nothing",
        "/elsewhere",
    ] {
        let reply = client.raw("GET", path, &[], "");
        check(&reply, 401, "Base.1.18.NoValidSession");
        assert!(reply.headers.contains_key(WWW_AUTHENTICATE));
    }
    let reply = client.ask("GET", "/redfish/v1/nothing", &Value::Null);
    check(&reply, 404, "Base.1.18.ResourceMissingAtURI");
    assert_eq!(client.bmc.counters().login_failures, 0);
}

#[tokio::test]
async fn a_session_is_opened_used_listed_and_closed() {
    let client = Client::new().await;
    let opened = client.log_in("rack-password");
    assert_eq!(opened.status, StatusCode::CREATED);
    let location = opened.headers[LOCATION].to_str().unwrap().to_owned();
    let token = opened.headers["x-auth-token"].to_str().unwrap().to_owned();
    let with_token =
        |method: &str, path: &str| client.raw(method, path, &[("x-auth-token", &token)], "");
    assert_eq!(with_token("GET", SYSTEM).status, StatusCode::OK);
    let list = json_of(&with_token("GET", "/redfish/v1/SessionService/Sessions"));
    assert_eq!(list["Members"], json!([{ "@odata.id": location }]));
    assert_eq!(json_of(&with_token("GET", &location))["UserName"], "admin");
    assert_eq!(
        with_token("DELETE", &location).status,
        StatusCode::NO_CONTENT
    );
    check(&with_token("GET", SYSTEM), 401, "Base.1.18.NoValidSession");
    let counters = client.bmc.counters();
    let sessions = (
        counters.sessions_opened,
        counters.sessions_live,
        counters.sessions_most,
    );
    assert_eq!((sessions, counters.login_failures), ((1, 0, 1), 0));
}

#[tokio::test]
async fn a_bmc_has_so_many_sessions_and_forgets_them_when_it_restarts() {
    let client = Client::new().await;
    for _ in 0..2 {
        assert_eq!(client.log_in("rack-password").status, StatusCode::CREATED);
    }
    check(
        &client.log_in("rack-password"),
        503,
        "Base.1.18.SessionLimitExceeded",
    );
    let path = "/redfish/v1/Managers/1/Actions/Manager.Reset";
    let reply = client.ask("POST", path, &json!({ "ResetType": "ForceRestart" }));
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    let reply = client.ask("POST", path, &json!({ "ResetType": "Off" }));
    check(&reply, 400, "Base.1.18.ActionParameterValueNotInList");
    assert_eq!(client.log_in("rack-password").status, StatusCode::CREATED);
    assert_eq!(client.bmc.counters().sessions_live, 1);
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_account_for_basic_and_sessions_alike() {
    let mut client = Client::new().await;
    for _ in 0..3 {
        check(
            &client.log_in("wrong"),
            401,
            "Base.1.18.ResourceAtUriUnauthorized",
        );
    }
    for _ in 0..2 {
        let header = basic("admin", "wrong");
        let reply = client.raw("GET", SYSTEM, &[("authorization", &header)], "");
        check(&reply, 401, "Base.1.18.ResourceAtUriUnauthorized");
    }
    check(
        &client.log_in("rack-password"),
        401,
        "Base.1.18.ResourceAtUriUnauthorized",
    );
    assert_eq!(client.ask("GET", SYSTEM, &Value::Null).status.as_u16(), 401);
    client.now += Duration::from_secs(60);
    assert_eq!(client.log_in("rack-password").status, StatusCode::CREATED);
    let counters = client.bmc.counters();
    assert_eq!((counters.login_failures, counters.lockouts), (7, 1));
}

#[tokio::test]
async fn a_login_that_cannot_be_read_says_why_and_never_repeats_the_password() {
    let client = Client::new().await;
    let path = "/redfish/v1/SessionService/Sessions";
    for (body, message) in [
        ("{\"Password\": \"hunter2", "Base.1.18.MalformedJSON"),
        ("[\"hunter2\"]", "Base.1.18.MalformedJSON"),
        ("{\"Password\": \"hunter2\"}", "Base.1.18.PropertyMissing"),
        (
            "{\"UserName\": \"a\", \"Password\": [\"hunter2\"]}",
            "Base.1.18.PropertyValueTypeError",
        ),
        ("{\"UserName\": \"a\"}", "Base.1.18.PropertyMissing"),
    ] {
        let reply = client.raw("POST", path, &[], body);
        check(&reply, 400, message);
        assert!(!String::from_utf8_lossy(&reply.body).contains("hunter2"));
    }
    let debug = format!("{:?}", client.bmc);
    assert!(!debug.contains("rack-password"), "{debug}");
}

#[tokio::test]
async fn a_factory_password_must_be_changed_first_and_both_ways_name_the_account() {
    for said in [PasswordChange::InSession, PasswordChange::Forbidden] {
        let client = Client::with(|config| {
            config.accounts.password_change = Some(said);
            config.accounts.password_ends_sessions = true;
        })
        .await;
        let opened = client.log_in("rack-password");
        assert_eq!(opened.status, StatusCode::CREATED);
        let told = json_of(&opened)["@Message.ExtendedInfo"][0]["MessageArgs"][0].clone();
        let account = "/redfish/v1/AccountService/Accounts/1";
        let expected = match said {
            PasswordChange::InSession => json!(account),
            PasswordChange::Forbidden => Value::Null,
        };
        assert_eq!(told, expected);
        let token = opened.headers["x-auth-token"].to_str().unwrap().to_owned();
        let with = |method: &str, path: &str, body: &str| {
            client.raw(method, path, &[("x-auth-token", &token)], body)
        };
        let refused = with("GET", SYSTEM, "");
        check(&refused, 403, "Base.1.18.PasswordChangeRequired");
        let info = &json_of(&refused)["error"]["@Message.ExtendedInfo"][0];
        assert_eq!(info["MessageArgs"], json!([account]));
        let short = json!({ "Password": "abc" }).to_string();
        check(
            &with("PATCH", account, &short),
            400,
            "Base.1.18.PropertyValueFormatError",
        );
        let new = json!({ "Password": "better-password" }).to_string();
        assert_eq!(with("PATCH", account, &new).status, StatusCode::OK);
        check(&with("GET", SYSTEM, ""), 401, "Base.1.18.NoValidSession");
        assert_eq!(client.log_in("better-password").status, StatusCode::CREATED);
        assert_eq!(client.bmc.counters().login_failures, 0);
    }
}

#[tokio::test]
async fn accounts_are_created_changed_and_removed_with_their_tags() {
    let client = Client::new().await;
    let accounts = "/redfish/v1/AccountService/Accounts";
    let body = json!({ "UserName": "op", "Password": "op-password", "RoleId": "Operator" });
    let created = client.ask("POST", accounts, &body);
    assert_eq!(created.status, StatusCode::CREATED);
    assert!(!String::from_utf8_lossy(&created.body).contains("op-password"));
    let uri = created.headers[LOCATION].to_str().unwrap().to_owned();
    check(
        &client.ask("POST", accounts, &body),
        409,
        "Base.1.18.ResourceAlreadyExists",
    );
    assert_eq!(client.get(accounts)["Members@odata.count"], 2);
    let tag = client.get(&uri)["@odata.etag"].as_str().unwrap().to_owned();
    let new = json!({ "Password": "other-password" }).to_string();
    let admin = basic("admin", "rack-password");
    let headers = [
        ("authorization", admin.as_str()),
        ("if-match", tag.as_str()),
    ];
    assert_eq!(
        client.raw("PATCH", &uri, &headers, &new).status,
        StatusCode::OK
    );
    let stale = client.raw("PATCH", &uri, &headers, &new);
    check(&stale, 412, "Base.1.18.PreconditionFailed");
    let own = basic("op", "other-password");
    let denied = client.raw(
        "POST",
        accounts,
        &[("authorization", &own)],
        &body.to_string(),
    );
    check(&denied, 403, "Base.1.18.InsufficientPrivilege");
    let role = client.get(&uri)["Links"]["Role"]["@odata.id"].clone();
    assert_eq!(client.get(role.as_str().unwrap())["RoleId"], "Operator");
    let removed = client.ask("DELETE", &uri, &Value::Null);
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(client.ask("GET", &uri, &Value::Null).status, 404);
    assert_eq!(client.bmc.counters().account_changes, 3);
}

#[tokio::test]
async fn a_bmc_that_restarts_is_away_and_one_that_lists_no_restart_takes_an_empty_request() {
    let client = Client::with(|config| {
        config.manager_resets.clear();
        config.bmc_restart = Duration::from_millis(20);
    })
    .await;
    let manager = client.get("/redfish/v1/Managers/1");
    assert!(
        manager["Actions"]["#Manager.Reset"]
            .get("ResetType@Redfish.AllowableValues")
            .is_none()
    );
    let path = "/redfish/v1/Managers/1/Actions/Manager.Reset";
    let body = json!({ "ResetType": "ForceRestart" });
    let refused = client.ask("POST", path, &body);
    check(&refused, 400, "Base.1.18.ActionParameterValueNotInList");
    let mut away = client.machine.watch();
    let accepted = client.ask("POST", path, &json!({}));
    assert_eq!(accepted.status, StatusCode::NO_CONTENT);
    for expected in [true, false] {
        while client.machine.read(|state| state.bmc_away) != expected {
            away.changed().await.unwrap();
        }
    }
    let counters = client.bmc.counters();
    assert_eq!(counters.manager_resets, [("none".to_owned(), 1)].into());
}
