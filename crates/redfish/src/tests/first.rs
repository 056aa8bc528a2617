//! The first request of a handle, when its BMC is known to take Basic.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use super::fake_bmc::{Answer, FakeBmc, PASSWORD, SESSIONS, SYSTEM};
use crate::{Bmc, Config, Error};

/// The requests so far, as method, path and what proved who asks.
fn lines(fake: &FakeBmc) -> Vec<String> {
    let all = fake.with(|machine| machine.received.clone());
    let line = |request: &super::fake_bmc::Received| {
        let proof = match (
            request.header("authorization"),
            request.header("x-auth-token"),
        ) {
            (Some(_), None) => " basic",
            (None, Some(_)) => " token",
            _ => "",
        };
        format!("{} {}{proof}", request.method, request.path)
    };
    all.iter().map(line).collect()
}

/// A handle with the default settings that was told of Basic.
fn expecting(fake: &FakeBmc, password: &str) -> Bmc {
    let bmc = fake.bmc_so(password, Config::default());
    bmc.expect_basic();
    bmc
}

#[tokio::test]
async fn a_lone_read_is_one_request_and_leaves_no_session() {
    let fake = FakeBmc::start().await;
    let bmc = expecting(&fake, PASSWORD);
    bmc.system(SYSTEM).await.unwrap();
    bmc.logout().await;
    assert_eq!(lines(&fake), [format!("GET {SYSTEM} basic")]);
}

#[tokio::test]
async fn the_second_request_opens_the_one_session() {
    let fake = FakeBmc::start().await;
    let bmc = expecting(&fake, PASSWORD);
    for _ in 0..3 {
        bmc.system(SYSTEM).await.unwrap();
    }
    bmc.logout().await;
    let expected = [
        format!("GET {SYSTEM} basic"),
        format!("POST {SESSIONS}"),
        format!("GET {SYSTEM} token"),
        format!("GET {SYSTEM} token"),
        format!("DELETE {SESSIONS}/1 token"),
    ];
    assert_eq!(lines(&fake), expected);
}

#[tokio::test]
async fn requests_that_come_meanwhile_wait_for_the_proof() {
    for (password, gets) in [(PASSWORD, 6), ("wrong-horse-8", 1)] {
        let fake = FakeBmc::start().await;
        let bmc = expecting(&fake, password);
        let all: Vec<_> = (0..6)
            .map(|_| {
                let bmc = bmc.clone();
                tokio::spawn(async move { bmc.system(SYSTEM).await })
            })
            .collect();
        for one in all {
            match one.await.unwrap() {
                Ok(_) => assert_eq!(password, PASSWORD),
                Err(error) => assert!(matches!(error, Error::AuthRejected { .. }), "{error:?}"),
            }
        }
        let lines = lines(&fake);
        let by = |end: &str| lines.iter().filter(|line| line.ends_with(end)).count();
        assert_eq!((by("basic"), by("token")), (1, gets - 1), "{lines:?}");
        let logins = u32::from(password == PASSWORD);
        assert_eq!(fake.with(|machine| machine.logins), logins);
    }
}

#[tokio::test]
async fn nothing_but_a_challenge_makes_a_handle_offer_basic() {
    for (advertised, known) in [(true, true), (false, false)] {
        let fake = FakeBmc::start().await;
        fake.with(|machine| machine.basic_advertised = advertised);
        let bmc = fake.bmc_so(PASSWORD, Config::default());
        assert_eq!(bmc.advertises_basic(), None);
        assert_eq!(bmc.ask_for_basic().await.unwrap(), Some(known));
        assert_eq!(lines(&fake), ["GET /redfish/v1/Systems"]);
        bmc.system(SYSTEM).await.unwrap();
        let basic = lines(&fake).contains(&format!("GET {SYSTEM} basic"));
        assert_eq!(basic, known);
    }
    let fake = FakeBmc::start().await;
    let open = Answer::json(200, &json!({})).with("WWW-Authenticate", "Basic");
    fake.script(Method::GET, "/redfish/v1/Systems", vec![open]);
    let bmc = fake.bmc_so(PASSWORD, Config::default());
    assert_eq!(bmc.ask_for_basic().await.unwrap(), None);
}

#[tokio::test]
async fn basic_that_was_switched_off_since_costs_a_login_and_no_failure() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        machine.basic_allowed = false;
        machine.basic_advertised = false;
    });
    let bmc = expecting(&fake, PASSWORD);
    bmc.system(SYSTEM).await.unwrap();
    let expected = [
        format!("GET {SYSTEM} basic"),
        format!("POST {SESSIONS}"),
        format!("GET {SYSTEM} token"),
    ];
    assert_eq!(lines(&fake), expected);
    assert_eq!(bmc.advertises_basic(), Some(false));
}

#[tokio::test]
async fn a_password_that_was_changed_since_is_offered_once() {
    let refusals = [
        None,
        Some(
            Answer::message(400, "Vendor.2.8.UnauthorizedLoginAttempt")
                .with("WWW-Authenticate", "Negotiate, Basic realm=\"x\""),
        ),
    ];
    for refusal in refusals {
        let fake = FakeBmc::start().await;
        fake.rule(move |_, request| request.is(&Method::GET, SYSTEM).then(|| refusal.clone())?);
        let bmc = expecting(&fake, "wrong-horse-8");
        for _ in 0..3 {
            let error = bmc.system(SYSTEM).await.unwrap_err();
            assert!(matches!(error, Error::AuthRejected { .. }), "{error:?}");
        }
        assert_eq!(lines(&fake), [format!("GET {SYSTEM} basic")]);
    }
}

#[tokio::test]
async fn a_password_that_must_be_changed_first_ends_it_as_it_ends_a_login() {
    let fake = FakeBmc::start().await;
    let answers = vec![Answer::message(403, "Base.1.8.PasswordChangeRequired")];
    fake.script(Method::GET, SYSTEM, answers);
    let bmc = expecting(&fake, PASSWORD);
    for _ in 0..2 {
        let error = bmc.system(SYSTEM).await.unwrap_err();
        let expected = matches!(error, Error::PasswordChangeRequired { .. });
        assert!(expected, "{error:?}");
    }
    assert_eq!(lines(&fake).len(), 1);
}

#[tokio::test]
async fn an_answer_that_proves_nothing_leaves_the_next_request_the_first() {
    for answer in [Answer::status(503), Answer::Break] {
        let fake = FakeBmc::start().await;
        fake.script(Method::GET, SYSTEM, vec![answer]);
        let bmc = expecting(&fake, PASSWORD);
        bmc.system(SYSTEM).await.unwrap();
        let expected = [format!("GET {SYSTEM} basic"), format!("GET {SYSTEM} basic")];
        assert_eq!(lines(&fake), expected);
    }
}

#[tokio::test]
async fn a_session_that_ended_idle_makes_the_next_request_a_first_one() {
    let fake = FakeBmc::start().await;
    let bmc = expecting(&fake, PASSWORD);
    bmc.system(SYSTEM).await.unwrap();
    bmc.system(SYSTEM).await.unwrap();
    bmc.logout_if_idle(Duration::ZERO).await;
    bmc.system(SYSTEM).await.unwrap();
    assert_eq!(lines(&fake).last(), Some(&format!("GET {SYSTEM} basic")));
    assert!(fake.with(|machine| machine.sessions.is_empty()));
}
