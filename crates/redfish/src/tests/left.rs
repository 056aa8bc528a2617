//! Sessions of processes that were killed.

use std::{fs, path::PathBuf};

use axum::http::Method;
use model::{BmcTls, Secret};
use serde_json::json;

use super::fake_bmc::{Answer, FakeBmc, PASSWORD, SESSIONS, SYSTEM};
use crate::{Authentication, Bmc, Config, SessionJournal};

/// A directory that ends with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("left-{name}-{}", std::process::id()));
        let _left_by_another_run = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        Self(directory)
    }

    /// As a process of its own would have it.
    fn handle(&self, fake: &FakeBmc, authentication: Authentication) -> Bmc {
        let config = Config {
            authentication,
            journal: SessionJournal::at(&self.0),
            ..Config::default()
        };
        fake.bmc_so(PASSWORD, config)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn open(fake: &FakeBmc) -> Vec<String> {
    fake.with(|machine| machine.sessions.iter().cloned().collect())
}

#[tokio::test]
async fn what_a_killed_process_left_is_ended_by_the_next_and_a_living_one_keeps_its_own() {
    let ways = [Authentication::Session, Authentication::Auto];
    for (index, way) in ways.into_iter().enumerate() {
        let scratch = Scratch::new(&format!("ended{index}"));
        let fake = FakeBmc::start().await;
        let killed = scratch.handle(&fake, way);
        killed.system(SYSTEM).await.unwrap();
        let living = scratch.handle(&fake, way);
        living.system(SYSTEM).await.unwrap();
        assert_eq!(open(&fake), ["token1", "token2"]);
        drop(killed);

        let next = scratch.handle(&fake, way);
        next.expect_basic();
        next.system(SYSTEM).await.unwrap();
        assert_eq!(open(&fake), ["token2", "token3"]);
        next.logout().await;
        living.logout().await;
        assert_eq!(open(&fake), [""; 0]);

        // There is nothing left to be found.
        let last = scratch.handle(&fake, way);
        last.system(SYSTEM).await.unwrap();
        let deleted = fake.received(&Method::DELETE, &format!("{SESSIONS}/1"));
        assert_eq!(deleted.len(), 1);
    }
}

#[tokio::test]
async fn a_session_that_is_somebody_elses_by_now_is_left_alone() {
    let others = [
        json!({"@odata.type": "#Session.v1_5_0.Session", "UserName": "another",
            "CreatedTime": "2026-01-02T03:04:01Z"}),
        json!({"@odata.type": "#Session.v1_5_0.Session", "UserName": "operator",
            "CreatedTime": "2026-01-02T05:00:00Z"}),
        json!({"@odata.type": "#ComputerSystem.v1_5_0.ComputerSystem", "UserName": "operator",
            "CreatedTime": "2026-01-02T03:04:01Z"}),
    ];
    for (index, other) in others.into_iter().enumerate() {
        let scratch = Scratch::new(&format!("other{index}"));
        let fake = FakeBmc::start().await;
        let killed = scratch.handle(&fake, Authentication::Session);
        killed.system(SYSTEM).await.unwrap();
        drop(killed);
        let place = format!("{SESSIONS}/1");
        fake.with(|machine| machine.resources.insert(place.clone(), other));
        let next = scratch.handle(&fake, Authentication::Session);
        next.system(SYSTEM).await.unwrap();
        assert_eq!(fake.received(&Method::GET, &place).len(), 1);
        assert_eq!(fake.received(&Method::DELETE, &place).len(), 0);
    }
}

#[tokio::test]
async fn a_bmc_that_counts_its_sessions_anew_does_not_lose_the_new_one() {
    let scratch = Scratch::new("anew");
    let fake = FakeBmc::start().await;
    let killed = scratch.handle(&fake, Authentication::Session);
    killed.system(SYSTEM).await.unwrap();
    drop(killed);
    fake.with(|machine| {
        machine.sessions.clear();
        machine.logins = 0;
    });
    let next = scratch.handle(&fake, Authentication::Session);
    next.system(SYSTEM).await.unwrap();
    next.system(SYSTEM).await.unwrap();
    assert_eq!(open(&fake), ["token1"]);
    assert_eq!(fake.with(|machine| machine.logins), 1);
}

#[tokio::test]
async fn a_logout_that_failed_is_made_up_for() {
    let scratch = Scratch::new("failed");
    let fake = FakeBmc::start().await;
    let place = format!("{SESSIONS}/1");
    fake.script(
        Method::DELETE,
        "/redfish/v1/SessionService/Sessions/1",
        vec![Answer::status(503), Answer::status(503)],
    );
    let first = scratch.handle(&fake, Authentication::Session);
    first.system(SYSTEM).await.unwrap();
    first.logout().await;
    drop(first);
    assert_eq!(open(&fake), ["token1"]);
    let next = scratch.handle(&fake, Authentication::Session);
    next.system(SYSTEM).await.unwrap();
    assert_eq!(fake.received(&Method::DELETE, &place).len(), 3);
    assert_eq!(open(&fake), ["token2"]);
}

#[tokio::test]
async fn what_a_bmc_refuses_to_end_is_not_taken_for_ended() {
    for status in [401, 403, 405] {
        let scratch = Scratch::new(&format!("refused{status}"));
        let fake = FakeBmc::start().await;
        let killed = scratch.handle(&fake, Authentication::Session);
        killed.system(SYSTEM).await.unwrap();
        drop(killed);
        let place = "/redfish/v1/SessionService/Sessions/1";
        fake.script(Method::DELETE, place, vec![Answer::status(status)]);
        for deleted in [1, 2, 2] {
            let next = scratch.handle(&fake, Authentication::Session);
            next.system(SYSTEM).await.unwrap();
            next.logout().await;
            let asked = fake.received(&Method::DELETE, place).len();
            assert_eq!(asked, deleted, "{status}");
        }
        assert_eq!(open(&fake), [""; 0]);
    }
}

#[tokio::test]
async fn the_session_of_another_account_is_noted_under_its_own_name() {
    let scratch = Scratch::new("another");
    let fake = FakeBmc::start().await;
    fake.rule(|machine, request| {
        if !request.is(&Method::POST, SESSIONS) {
            return None;
        }
        machine.sessions.insert("token9".to_owned());
        let body = json!({"@odata.id": format!("{SESSIONS}/9")});
        Some(Answer::json(201, &body).with("X-Auth-Token", "token9"))
    });
    fake.rule(|_, request| (request.method == Method::DELETE).then(|| Answer::status(503)));
    let bmc = scratch.handle(&fake, Authentication::Session);
    let password = Secret::new("another-password");
    assert!(bmc.admits("another", &password).await.unwrap());
    drop(bmc);
    let journal = SessionJournal::at(&scratch.0);
    let endpoint = fake.connection(BmcTls::default()).endpoint;
    assert!(journal.has_left(&endpoint, "another"));
    assert!(!journal.has_left(&endpoint, "operator"));
}

#[tokio::test]
async fn no_secret_is_noted() {
    let scratch = Scratch::new("secret");
    let fake = FakeBmc::start().await;
    let bmc = scratch.handle(&fake, Authentication::Session);
    bmc.system(SYSTEM).await.unwrap();
    let mut notes = 0;
    for owner in fs::read_dir(&scratch.0).unwrap() {
        for file in fs::read_dir(owner.unwrap().path()).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(
                !text.contains(PASSWORD) && !text.contains("token"),
                "{text}"
            );
            notes += usize::from(text.contains(SESSIONS));
        }
    }
    assert_eq!(notes, 1);
}
