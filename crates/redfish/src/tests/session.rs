//! Logging in once, and never wrongly twice.

use std::time::{Duration, Instant};

use axum::http::Method;
use model::BmcTls;
use serde_json::json;

use super::fake_bmc::{Answer, FakeBmc, PASSWORD, SESSIONS, SYSTEM};
use crate::{Error, tests::fake_bmc};

#[tokio::test]
async fn many_requests_at_once_share_one_session_and_logout_deletes_it() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let all = (0..8).map(|_| {
        let bmc = bmc.clone();
        tokio::spawn(async move { bmc.system(SYSTEM).await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    assert_eq!(fake.with(|machine| machine.logins), 1);
    let login = &fake.received(&Method::POST, SESSIONS)[0];
    assert_eq!(login.header("authorization"), None);
    assert_eq!(login.header("odata-version"), Some("4.0"));
    bmc.service_root().await.unwrap();
    let root = &fake.received(&Method::GET, "/redfish/v1/")[0];
    assert_eq!(
        (root.header("authorization"), root.header("x-auth-token")),
        (None, None)
    );
    bmc.logout().await;
    assert!(fake.with(|machine| machine.sessions.is_empty()));
}

#[tokio::test]
async fn at_most_two_requests_are_on_the_way() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    fake.rule(|_, request| request.is(&Method::GET, SYSTEM).then_some(Answer::Hang));
    let before = fake.received(&Method::GET, SYSTEM).len();
    let all: Vec<_> = (0..6)
        .map(|_| {
            let bmc = bmc.clone();
            tokio::spawn(async move { bmc.system(SYSTEM).await })
        })
        .collect();
    let seen = || fake.received(&Method::GET, SYSTEM).len() - before;
    while seen() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Time for a third, and much less than the timeout of the first.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(seen(), 2);
    fake.stop.cancel();
    for one in all {
        assert!(matches!(one.await.unwrap(), Err(Error::Stopped)));
    }
}

#[tokio::test]
async fn logout_works_after_the_caller_stopped() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    fake.stop.cancel();
    bmc.logout().await;
    assert!(fake.with(|machine| machine.sessions.is_empty()));
}

#[tokio::test]
async fn a_session_that_is_lent_is_kept_and_not_replaced() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let session = bmc.session().await.unwrap().unwrap();
    assert!(session.uri.unwrap().starts_with(SESSIONS));
    assert!(fake.with(|machine| {
        machine
            .sessions
            .iter()
            .any(|token| token == session.token.expose())
    }));
    assert!(bmc.keep_session().await.unwrap());
    fake.with(|machine| machine.sessions.clear());
    assert!(!bmc.keep_session().await.unwrap());
    assert_eq!(fake.with(|machine| machine.logins), 1);
}

#[tokio::test]
async fn logout_takes_no_longer_than_a_second() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    fake.rule(|_, request| (request.method == Method::DELETE).then_some(Answer::Hang));
    let began = Instant::now();
    bmc.logout().await;
    assert!(began.elapsed().as_millis() < 1500, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_session_that_ended_is_replaced_and_the_request_is_sent_again() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    fake.with(|machine| machine.sessions.clear());
    bmc.system(SYSTEM).await.unwrap();
    assert_eq!(fake.with(|machine| machine.logins), 2);
    assert_eq!(fake.received(&Method::GET, SYSTEM).len(), 3);
}

#[tokio::test]
async fn a_refusal_that_a_fresh_session_does_not_cure_leaves_no_session_behind() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.systems().await.unwrap();
    fake.rule(|_, request| {
        request
            .is(&Method::GET, SYSTEM)
            .then(|| Answer::status(401))
    });
    let error = bmc.system(SYSTEM).await.unwrap_err();
    assert!(
        matches!(error, Error::Rejected { status: 401, .. }),
        "{error:?}"
    );
    assert_eq!(fake.with(|machine| machine.sessions.len()), 1);
    // The session itself is good.
    assert!(bmc.manager(None).await.unwrap().is_some());
}

#[tokio::test]
async fn one_wrong_password_answers_every_request() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc_with("wrong-horse-8", BmcTls::default()).unwrap();
    let all: Vec<_> = (0..6)
        .map(|_| {
            let bmc = bmc.clone();
            tokio::spawn(async move { bmc.systems().await.unwrap_err() })
        })
        .collect();
    for one in all {
        let error = one.await.unwrap();
        assert!(matches!(error, Error::AuthRejected { .. }), "{error:?}");
        let text = format!("{error} {error:?} {}", error.advice());
        assert!(
            text.contains("\"operator\"") && !text.contains("wrong-horse-8"),
            "{text}"
        );
    }
    assert!(bmc.system(SYSTEM).await.is_err());
    assert_eq!(fake.with(|machine| machine.logins), 1);
    let all = fake.with(|machine| machine.received.clone());
    assert!(
        all.iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[tokio::test]
async fn a_400_to_a_login_counts_as_a_wrong_password() {
    let fake = FakeBmc::start().await;
    fake.script(
        Method::POST,
        SESSIONS,
        vec![Answer::message(400, "Vendor.2.8.UnauthorizedLoginAttempt")],
    );
    let bmc = fake.bmc();
    for _ in 0..2 {
        let error = bmc.systems().await.unwrap_err();
        assert!(matches!(error, Error::AuthRejected { .. }), "{error:?}");
    }
    assert_eq!(fake.received(&Method::POST, SESSIONS).len(), 1);
}

#[tokio::test]
async fn without_sessions_the_credentials_are_tried_once_and_then_used() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        machine.resources.insert(
            "/redfish/v1/".to_owned(),
            json!({"Systems": {"@odata.id": "/redfish/v1/Systems"}}),
        );
    });
    fake.rule(|_, request| {
        request
            .is(&Method::POST, SESSIONS)
            .then(|| Answer::status(404))
    });
    fake.bmc().system(SYSTEM).await.unwrap();

    let wrong = fake.bmc_with("wrong", BmcTls::default()).unwrap();
    let before = fake.with(|machine| machine.received.len());
    assert!(matches!(
        wrong.system(SYSTEM).await,
        Err(Error::AuthRejected { .. })
    ));
    assert!(matches!(
        wrong.system(SYSTEM).await,
        Err(Error::AuthRejected { .. })
    ));
    // The place where sessions usually are, the root and one attempt.
    assert_eq!(fake.with(|machine| machine.received.len()) - before, 3);
}

#[tokio::test]
async fn when_no_session_is_free_basic_is_used_and_nothing_is_repeated() {
    let fake = FakeBmc::start().await;
    let full = || Answer::message(503, "Base.1.12.SessionLimitExceeded");
    fake.rule(move |_, request| request.is(&Method::POST, SESSIONS).then(full));
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    bmc.system(SYSTEM).await.unwrap();
    assert_eq!(fake.received(&Method::POST, SESSIONS).len(), 1);

    fake.with(|machine| machine.basic_allowed = false);
    let error = fake.bmc().system(SYSTEM).await.unwrap_err();
    assert!(matches!(error, Error::SessionLimit { .. }), "{error:?}");
}

#[tokio::test]
async fn a_password_that_must_change_stops_everything_and_names_the_account() {
    let fake = FakeBmc::start().await;
    let account = "/redfish/v1/AccountService/Accounts/2";
    let info = json!({"MessageId": "Base.1.8.PasswordChangeRequired", "MessageArgs": [account]});
    let body = json!({"@Message.ExtendedInfo": [info]});
    let answer = Answer::json(201, &body).with("X-Auth-Token", "limited");
    fake.script(Method::POST, SESSIONS, vec![answer]);
    let bmc = fake.bmc();
    for _ in 0..2 {
        let error = bmc.systems().await.unwrap_err();
        assert!(
            matches!(error, Error::PasswordChangeRequired { .. }),
            "{error:?}"
        );
        assert!(error.advice().contains(account), "{}", error.advice());
    }
    assert_eq!(fake.received(&Method::POST, SESSIONS).len(), 1);
}

#[tokio::test]
async fn a_root_that_wants_a_login_gets_one() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        let anonymous = request.header("x-auth-token").is_none();
        (request.is(&Method::GET, "/redfish/v1/") && anonymous).then(|| Answer::status(401))
    });
    let bmc = fake.bmc();
    assert_eq!(
        bmc.service_root().await.unwrap().vendor.as_deref(),
        Some("Contoso")
    );
    assert_eq!(bmc.systems().await.unwrap().len(), 1);
    // A change has the BMC for itself, and still reads the root.
    fake.bmc().set_asset_tag(SYSTEM, "new").await.unwrap();
}

#[tokio::test]
async fn an_account_that_must_change_its_password_later_is_told_apart_from_one_without_rights() {
    let fake = FakeBmc::start().await;
    let answers = vec![
        Answer::message(403, "Base.1.8.InsufficientPrivilege"),
        Answer::message(403, "Base.1.8.PasswordChangeRequired"),
    ];
    fake.script(Method::GET, SYSTEM, answers);
    let bmc = fake.bmc();
    let error = bmc.system(SYSTEM).await.unwrap_err();
    assert!(
        matches!(error, Error::Rejected { status: 403, .. }),
        "{error:?}"
    );
    let error = bmc.system(SYSTEM).await.unwrap_err();
    assert!(
        matches!(error, Error::PasswordChangeRequired { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_stopped_caller_does_not_log_in_and_one_that_logs_in_can_log_out() {
    let fake = FakeBmc::start().await;
    fake.stop.cancel();
    assert!(matches!(fake.bmc().systems().await, Err(Error::Stopped)));
    assert!(fake.with(|machine| machine.received.is_empty()));

    let fake = FakeBmc::start().await;
    let stop = fake.stop.clone();
    fake.rule(move |_, request| {
        if request.is(&Method::POST, SESSIONS) {
            stop.cancel();
        }
        None
    });
    let bmc = fake.bmc();
    assert!(matches!(bmc.systems().await, Err(Error::Stopped)));
    bmc.logout().await;
    assert_eq!(
        fake.with(|machine| (machine.logins, machine.sessions.len())),
        (1, 0)
    );
}

#[tokio::test]
async fn a_session_without_a_location_is_named_by_its_body() {
    let fake = FakeBmc::start().await;
    fake.rule(|machine, request| {
        if !request.is(&Method::POST, SESSIONS) {
            return None;
        }
        machine.sessions.insert("t".to_owned());
        let body = json!({"@odata.id": format!("{SESSIONS}/t")});
        Some(Answer::json(200, &body).with("X-Auth-Token", "t"))
    });
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    bmc.logout().await;
    assert_eq!(
        fake.received(&Method::DELETE, &format!("{SESSIONS}/t"))
            .len(),
        1
    );
}

#[tokio::test]
async fn a_busy_login_is_repeated_and_poisons_nothing() {
    let fake = FakeBmc::start().await;
    fake.script(Method::POST, SESSIONS, vec![Answer::status(503)]);
    let bmc = fake.bmc();
    let error = bmc.systems().await.unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    assert_eq!(bmc.systems().await.unwrap().len(), 1);
}

#[test]
fn a_handle_and_its_settings_show_no_password() {
    let fake = fake_bmc::credentials(PASSWORD);
    let connection = model::BmcConnection {
        endpoint: "https://10.0.0.5/".to_owned(),
        credentials: "rack".to_owned(),
        tls: BmcTls {
            insecure: true,
            ..BmcTls::default()
        },
    };
    let bmc = crate::Bmc::new(&connection, fake, &crate::Config::default()).unwrap();
    assert_eq!(
        format!("{bmc:?}"),
        "Bmc { endpoint: \"https://10.0.0.5\", .. }"
    );
}

#[tokio::test]
async fn a_401_without_a_reason_is_repeated_once_where_that_is_known_and_nowhere_else() {
    for (vendor, moody) in [("HPE", true), ("Contoso", false)] {
        let fake = FakeBmc::start().await;
        fake.with(|machine| {
            machine.resources.get_mut("/redfish/v1/").unwrap()["Vendor"] = json!(vendor);
        });
        let bmc = fake.bmc_with_basic(PASSWORD);
        bmc.system(SYSTEM).await.unwrap();
        fake.script(Method::GET, SYSTEM, vec![Answer::status(401)]);
        let again = bmc.system(SYSTEM).await;
        assert_eq!(again.is_ok(), moody, "{vendor}: {again:?}");
        let asked = fake.received(&Method::GET, SYSTEM).len();
        assert_eq!(asked, if moody { 3 } else { 2 }, "{vendor}");
    }
    // The first time, nobody knows whether they are good.
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        machine.resources.get_mut("/redfish/v1/").unwrap()["Vendor"] = json!("HPE");
    });
    let bmc = fake.bmc_with_basic("wrong");
    bmc.system(SYSTEM).await.unwrap_err();
    bmc.system(SYSTEM).await.unwrap_err();
    assert_eq!(fake.received(&Method::GET, SYSTEM).len(), 1);
}
