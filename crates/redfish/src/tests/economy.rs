//! How few requests things cost.

use std::time::Duration;

use axum::http::Method;
use model::BmcTls;
use serde_json::json;

use super::fake_bmc::{Answer, FAST, FakeBmc, PASSWORD, SESSIONS, SYSTEM, credentials};
use crate::{Bmc, Config, Error};

/// The requests so far, as method and path.
fn lines(fake: &FakeBmc) -> Vec<String> {
    let all = fake.with(|machine| machine.received.clone());
    all.iter()
        .map(|request| format!("{} {}", request.method, request.path))
        .collect()
}

#[tokio::test]
async fn a_lone_read_is_a_login_a_request_and_a_logout() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    bmc.logout().await;
    let expected = [
        format!("POST {SESSIONS}"),
        format!("GET {SYSTEM}"),
        format!("DELETE {SESSIONS}/1"),
    ];
    assert_eq!(lines(&fake), expected);
}

#[tokio::test]
async fn a_lone_read_with_basic_authentication_is_one_request() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc_with_basic(PASSWORD);
    bmc.system(SYSTEM).await.unwrap();
    bmc.logout().await;
    assert_eq!(lines(&fake), [format!("GET {SYSTEM}")]);
}

#[tokio::test]
async fn a_wrong_password_is_offered_once_by_basic_authentication_too() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc_with_basic("wrong-horse-8");
    let all: Vec<_> = (0..6)
        .map(|_| {
            let bmc = bmc.clone();
            tokio::spawn(async move { bmc.system(SYSTEM).await.unwrap_err() })
        })
        .collect();
    for one in all {
        let error = one.await.unwrap();
        assert!(matches!(error, Error::AuthRejected { .. }), "{error:?}");
    }
    assert_eq!(lines(&fake).len(), 1);
}

#[tokio::test]
async fn a_busy_answer_proves_no_password() {
    let fake = FakeBmc::start().await;
    fake.script(Method::GET, SYSTEM, vec![Answer::status(503)]);
    let bmc = fake.bmc_with_basic("wrong-horse-8");
    let error = bmc.system(SYSTEM).await.unwrap_err();
    assert!(matches!(error, Error::AuthRejected { .. }), "{error:?}");
    assert_eq!(lines(&fake).len(), 2);
}

#[tokio::test]
async fn a_bmc_with_its_sessions_elsewhere_is_asked_where() {
    let unknown = [
        Answer::status(404),
        Answer::status(405),
        Answer::message(401, "Base.1.8.AccessDenied"),
        Answer::status(308).with("Location", format!("{SESSIONS}/")),
    ];
    for answer in unknown {
        let fake = FakeBmc::start().await;
        fake.with(|machine| {
            let root = machine.resources.get_mut("/redfish/v1/").unwrap();
            root["Links"]["Sessions"] = json!({"@odata.id": "/redfish/v1/Sessions"});
        });
        let label = format!("{answer:?}");
        fake.rule(move |machine, request| {
            if request.is(&Method::POST, SESSIONS) {
                return Some(answer.clone());
            }
            if !request.is(&Method::POST, "/redfish/v1/Sessions") {
                return None;
            }
            machine.sessions.insert("t".to_owned());
            Some(Answer::json(201, &json!({})).with("X-Auth-Token", "t"))
        });
        let bmc = fake.bmc();
        bmc.system(SYSTEM).await.unwrap();
        bmc.system(SYSTEM).await.unwrap();
        assert_eq!(fake.received(&Method::POST, SESSIONS).len(), 1, "{label}");
        let logins = fake.received(&Method::POST, "/redfish/v1/Sessions");
        assert_eq!(logins.len(), 1, "{label}");
    }
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_and_one_in_use_does_not() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    bmc.logout_if_idle(Duration::from_secs(60)).await;
    assert_eq!(fake.with(|machine| machine.sessions.len()), 1);

    fake.rule(|_, request| (request.path == "/slow").then_some(Answer::Hang));
    let slow = bmc.clone();
    let slow = tokio::spawn(async move { slow.system("/slow").await });
    while fake.received(&Method::GET, "/slow").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bmc.logout_if_idle(Duration::ZERO).await;
    assert_eq!(fake.with(|machine| machine.sessions.len()), 1);
    slow.abort();
    assert!(slow.await.is_err());

    bmc.logout_if_idle(Duration::ZERO).await;
    assert!(fake.with(|machine| machine.sessions.is_empty()));
    // Whoever comes later logs in again.
    bmc.system(SYSTEM).await.unwrap();
    assert_eq!(fake.with(|machine| machine.logins), 2);
}

#[tokio::test]
async fn a_connection_that_broke_is_the_last_that_is_kept() {
    let fake = FakeBmc::start().await;
    fake.script(Method::GET, SYSTEM, vec![Answer::Break]);
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    let reads = fake.received(&Method::GET, SYSTEM);
    let kept = |index: usize| reads[index].header("connection").map(str::to_owned);
    assert_eq!((kept(0), kept(1)), (None, Some("close".to_owned())));
}

#[tokio::test]
async fn a_collection_that_is_too_much_at_once_is_an_error() {
    for (count, fits) in [(4, true), (5, false)] {
        let fake = FakeBmc::start().await;
        fake.with(|machine| {
            let place = |number: u32| format!("/redfish/v1/Systems/large{number}");
            let links = (0..count).map(|number| json!({"@odata.id": place(number)}));
            let members = json!({"Members": links.collect::<Vec<_>>()});
            let path = "/redfish/v1/Systems".to_owned();
            machine.resources.insert(path, members);
            for number in 0..count {
                let id = number.to_string();
                let large = json!({"Id": id, "Oem": "x".repeat(7 << 20)});
                machine.resources.insert(place(number), large);
            }
        });
        // So much takes its time on a busy machine.
        let config = Config {
            request_timeout: Duration::from_secs(60),
            ..Config::default()
        };
        let connection = fake.connection(BmcTls::default());
        let bmc = Bmc::with_timing(&connection, credentials(PASSWORD), &config, FAST).unwrap();
        match bmc.systems().await {
            Ok(systems) => assert!(fits && systems.len() == 4, "{}", systems.len()),
            Err(error) => {
                assert!(!fits && matches!(error, Error::Decode { .. }), "{error}");
                assert!(error.to_string().contains("33554432 bytes"), "{error}");
            }
        }
    }
}
