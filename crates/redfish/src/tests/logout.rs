//! Sessions end, whatever happens to the request that ends or opens them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::Method;
use model::{BmcConnection, BmcTls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::fake_bmc::{Answer, FAST, FakeBmc, PASSWORD, SESSIONS, SYSTEM, credentials};
use crate::{Authentication, Bmc, Config};

const SESSION: &str = "/redfish/v1/SessionService/Sessions/1";

#[tokio::test]
async fn a_logout_that_is_refused_or_cut_off_is_tried_once_more() {
    let refusals = [
        || Answer::status(500),
        || Answer::status(503).with("Retry-After", "1"),
        || Answer::status(429).with("Retry-After", "1"),
        || Answer::Break,
        // By a BMC that refuses good tokens now and then.
        || Answer::status(401),
    ];
    for refusal in refusals {
        let fake = FakeBmc::start().await;
        let bmc = fake.bmc();
        bmc.system(SYSTEM).await.unwrap();
        fake.script(Method::DELETE, SESSION, vec![refusal()]);
        bmc.logout().await;
        assert_eq!(fake.received(&Method::DELETE, SESSION).len(), 2);
        assert!(fake.with(|machine| machine.sessions.is_empty()));
    }
}

#[tokio::test]
async fn a_session_that_was_refused_for_nothing_does_not_stay_beside_its_successor() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    fake.script(Method::GET, SYSTEM, vec![Answer::status(401)]);
    bmc.system(SYSTEM).await.unwrap();
    assert_eq!(fake.with(|machine| machine.sessions.len()), 1);
    bmc.logout().await;
    assert!(fake.with(|machine| machine.sessions.is_empty()));
}

#[tokio::test]
async fn the_end_of_an_idle_session_comes_before_the_next_login() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    // The BMC ends it late: whoever does not wait for that has two.
    let mut first = true;
    fake.rule(move |_, request| {
        let late = std::mem::take(&mut first) && request.is(&Method::DELETE, SESSION);
        late.then(|| Answer::Late(Duration::from_millis(200)))
    });
    let ending = {
        let bmc = bmc.clone();
        tokio::spawn(async move { bmc.logout_if_idle(Duration::ZERO).await })
    };
    while fake.received(&Method::DELETE, SESSION).is_empty() {
        tokio::task::yield_now().await;
    }
    let asked = std::time::Instant::now();
    bmc.system(SYSTEM).await.unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(150), "it waits");
    ending.await.unwrap();
}

#[tokio::test]
async fn a_session_is_used_and_ended_though_the_body_of_its_login_breaks_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&lines);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let line = request.lines().next().unwrap_or_default();
            noted.lock().unwrap().push(line.to_owned());
            // Each reply says that it is longer than it is.
            let reply = "HTTP/1.1 201 Created\r\nX-Auth-Token: t\r\nLocation: /s/1\r\n\
                         Content-Length: 99\r\n\r\n{";
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    });
    let connection = BmcConnection {
        endpoint,
        credentials: String::new(),
        tls: BmcTls::default(),
    };
    let config = Config {
        authentication: Authentication::Session,
        max_retries: 0,
        ..Config::default()
    };
    let bmc = Bmc::with_timing(&connection, credentials(PASSWORD), &config, FAST).unwrap();
    bmc.system(SYSTEM).await.unwrap_err();
    bmc.logout().await;
    let seen = lines.lock().unwrap().clone();
    let expected = [
        format!("POST {SESSIONS} HTTP/1.1"),
        format!("GET {SYSTEM} HTTP/1.1"),
        "DELETE /s/1 HTTP/1.1".to_owned(),
    ];
    assert_eq!(seen[..3], expected);
}
