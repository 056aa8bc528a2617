//! A wrong password is offered once, however the BMC says that it is wrong.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::fake_bmc::{Answer, FakeBmc, PASSWORD, SESSIONS, SYSTEM};
use crate::{Authentication, Bmc, Config, Error};

const ROOT: &str = "/redfish/v1/";
const WRONG: &str = "wrong-horse-8";

fn session(fake: &FakeBmc, password: &str) -> Bmc {
    let config = Config {
        authentication: Authentication::Session,
        ..Config::default()
    };
    fake.bmc_so(password, config)
}

fn with_root(fake: &FakeBmc, name: &str, value: Value) {
    fake.with(|machine| machine.resources.get_mut(ROOT).unwrap()[name] = value);
}

/// How often a password was offered, in whatever way.
fn offered(fake: &FakeBmc) -> usize {
    let all = fake.with(|machine| machine.received.clone());
    all.iter()
        .filter(|request| {
            request.is(&Method::POST, SESSIONS) || request.header("authorization").is_some()
        })
        .count()
}

async fn is_refused_after_one_offer(fake: &FakeBmc, bmc: &Bmc, case: &str) {
    for _ in 0..3 {
        let error = bmc.system(SYSTEM).await.unwrap_err();
        assert!(
            matches!(error, Error::AuthRejected { .. }),
            "{case}: {error:?}"
        );
    }
    assert_eq!(offered(fake), 1, "{case}");
}

#[tokio::test]
async fn the_place_of_the_sessions_is_known_however_it_is_written() {
    let spelled = [
        SESSIONS.to_owned(),
        format!("{SESSIONS}/"),
        format!("https://bmc.example{SESSIONS}"),
        SESSIONS.to_lowercase(),
    ];
    for place in spelled {
        for status in [400, 401] {
            let fake = FakeBmc::start().await;
            with_root(&fake, "Links", json!({"Sessions": {"@odata.id": place}}));
            fake.rule(move |_, request| {
                let login = request.method == Method::POST;
                login.then(|| Answer::status(status))
            });
            let bmc = session(&fake, WRONG);
            bmc.system(SYSTEM).await.unwrap_err();
            let all = fake.with(|machine| machine.received.clone());
            let posts = all.iter().filter(|one| one.method == Method::POST);
            assert_eq!(posts.count(), 1, "{place} {status}");
        }
    }
}

#[tokio::test]
async fn a_first_login_that_says_why_needs_no_other_place() {
    let fake = FakeBmc::start().await;
    let elsewhere = json!({"Sessions": {"@odata.id": "/redfish/v1/Sessions"}});
    with_root(&fake, "Links", elsewhere);
    is_refused_after_one_offer(&fake, &session(&fake, WRONG), "elsewhere").await;
    assert_eq!(
        fake.received(&Method::POST, "/redfish/v1/Sessions").len(),
        0
    );
}

#[tokio::test]
async fn a_refused_login_stands_although_the_root_names_no_sessions() {
    for status in [400, 401, 403] {
        for why in [None, Some("Vendor.2.8.UnauthorizedLoginAttempt")] {
            let fake = FakeBmc::start().await;
            with_root(&fake, "Links", json!({}));
            with_root(&fake, "SessionService", Value::Null);
            fake.rule(move |_, request| {
                request.is(&Method::POST, SESSIONS).then(|| {
                    why.map_or_else(
                        || Answer::status(status),
                        |why| Answer::message(status, why),
                    )
                })
            });
            let case = format!("{status} {why:?}");
            is_refused_after_one_offer(&fake, &session(&fake, WRONG), &case).await;
        }
    }
}

#[tokio::test]
async fn a_login_at_a_place_that_does_not_exist_was_looked_at_by_nobody() {
    let fake = FakeBmc::start().await;
    with_root(&fake, "Links", json!({}));
    with_root(&fake, "SessionService", Value::Null);
    fake.rule(|_, request| {
        let status = match request.method {
            Method::POST => 401,
            _ => 404,
        };
        (request.path == SESSIONS).then(|| Answer::status(status))
    });
    session(&fake, PASSWORD).system(SYSTEM).await.unwrap();
    assert_eq!(fake.received(&Method::POST, SESSIONS).len(), 1);
}

/// So does sushy-tools' emulator, which has no sessions and asks for Basic wherever one looks.
#[tokio::test]
async fn a_bmc_without_sessions_that_asks_for_basic_everywhere_gets_it() {
    let fake = FakeBmc::start().await;
    with_root(&fake, "Links", json!({}));
    with_root(&fake, "SessionService", Value::Null);
    fake.rule(|_, request| {
        let asks = || Answer::status(401).with("WWW-Authenticate", "Basic realm=\"BMC\"");
        (request.path == SESSIONS).then(asks)
    });
    session(&fake, PASSWORD).system(SYSTEM).await.unwrap();
    assert_eq!(fake.received(&Method::POST, SESSIONS).len(), 1);
}

#[tokio::test]
async fn basic_ends_with_whatever_answer_says_that_the_password_is_wrong() {
    for status in [400, 401, 403] {
        let fake = FakeBmc::start().await;
        fake.rule(move |_, request| {
            let refusal = || Answer::message(status, "Vendor.2.8.UnauthorizedLoginAttempt");
            request.header("authorization").map(|_| refusal())
        });
        let bmc = fake.bmc_with_basic(WRONG);
        is_refused_after_one_offer(&fake, &bmc, &format!("basic {status}")).await;
    }
}

#[tokio::test]
async fn basic_in_place_of_a_session_ends_with_such_an_answer_too() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        if request.is(&Method::POST, SESSIONS) {
            return Some(Answer::status(404));
        }
        let refusal = || Answer::message(400, "Vendor.2.8.UnauthorizedLoginAttempt");
        request.header("authorization").map(|_| refusal())
    });
    let bmc = session(&fake, WRONG);
    for _ in 0..3 {
        let error = bmc.system(SYSTEM).await.unwrap_err();
        assert!(matches!(error, Error::AuthRejected { .. }), "{error:?}");
    }
    let all = fake.with(|machine| machine.received.clone());
    let basic = all
        .iter()
        .filter(|one| one.header("authorization").is_some());
    assert_eq!(basic.count(), 1);
}

#[tokio::test]
async fn one_401_without_a_reason_after_an_idle_time_ends_nothing_where_that_is_known() {
    for (vendor, moody) in [("HPE", true), ("Contoso", false)] {
        for lone in [true, false] {
            let fake = FakeBmc::start().await;
            with_root(&fake, "Vendor", json!(vendor));
            let bmc = fake.bmc_so(PASSWORD, Config::default());
            if lone {
                bmc.expect_basic();
            }
            bmc.system(SYSTEM).await.unwrap();
            bmc.system(SYSTEM).await.unwrap();
            bmc.logout_if_idle(Duration::ZERO).await;
            let refusal = || Answer::status(401).with("WWW-Authenticate", "Basic");
            let before = offered(&fake);
            if lone {
                fake.script(Method::GET, SYSTEM, vec![refusal()]);
            } else {
                fake.script(Method::POST, SESSIONS, vec![refusal()]);
            }
            let again = bmc.system(SYSTEM).await;
            assert_eq!(again.is_ok(), moody, "{vendor} {lone}: {again:?}");
            let expected = if moody { 2 } else { 1 };
            assert_eq!(offered(&fake) - before, expected, "{vendor} {lone}");
            assert_eq!(bmc.system(SYSTEM).await.is_ok(), moody, "{vendor} {lone}");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_given_up_for_what_is_not_there_is_ended() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        let missing = request.method == Method::GET && request.path != ROOT;
        missing.then(|| Answer::status(404))
    });
    let bmc = session(&fake, PASSWORD);
    for _ in 0..2 {
        let error = bmc.system(SYSTEM).await.unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    }
    assert_eq!(fake.with(|machine| machine.sessions.len()), 1);
    bmc.logout().await;
    assert_eq!(fake.with(|machine| machine.sessions.len()), 0);
}
