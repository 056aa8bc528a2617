//! What goes wrong on the way, and how it is told.

use std::time::{Duration, Instant};

use axum::http::Method;
use model::{BmcConnection, BmcTls};
use serde_json::json;
use tokio::net::TcpListener;

use super::fake_bmc::{Answer, FAST, FakeBmc, PASSWORD, SYSTEM, credentials};
use crate::{Bmc, Config, Error, IndicatorLed};

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let connection = BmcConnection {
        endpoint: endpoint.clone(),
        credentials: String::new(),
        tls: BmcTls::default(),
    };
    let config = Config::default();
    let bmc = Bmc::with_timing(&connection, credentials(PASSWORD), &config, FAST).unwrap();
    let error = bmc.system(SYSTEM).await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { sent: false, .. }),
        "{error:?}"
    );
    assert!(error.is_unreachable());
    let text = error.to_string();
    let expected = format!("{endpoint} cannot be reached: Connection refused (os error 111)");
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_bmc_that_says_nothing_is_asked_twice_and_is_a_timeout() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.systems().await.unwrap();
    let before = fake.received(&Method::GET, SYSTEM).len();
    fake.rule(|_, request| request.is(&Method::GET, SYSTEM).then_some(Answer::Hang));
    let error = bmc.system(SYSTEM).await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout { .. }) && error.is_unreachable(),
        "{error:?}"
    );
    assert_eq!(fake.received(&Method::GET, SYSTEM).len() - before, 2);
}

#[tokio::test]
async fn a_stop_ends_a_request_a_login_and_a_wait_for_a_turn_within_a_second() {
    for hanging in [SYSTEM, super::fake_bmc::SESSIONS, "/redfish/v1/"] {
        let fake = FakeBmc::start().await;
        fake.rule(move |_, request| (request.path == hanging).then_some(Answer::Hang));
        let bmc = fake.bmc();
        let waiting: Vec<_> = (0..4)
            .map(|_| {
                let bmc = bmc.clone();
                tokio::spawn(async move { bmc.systems().await })
            })
            .collect();
        while !fake.with(|machine| machine.received.iter().any(|r| r.path == hanging)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let began = Instant::now();
        fake.stop.cancel();
        for one in waiting {
            assert!(
                matches!(one.await.unwrap(), Err(Error::Stopped)),
                "{hanging}"
            );
        }
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "{hanging}: {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn a_busy_bmc_is_asked_again_and_a_broken_connection_too() {
    let fake = FakeBmc::start().await;
    let answers = vec![
        Answer::status(503).with("Retry-After", "0"),
        Answer::status(500),
        Answer::Break,
    ];
    fake.script(Method::GET, SYSTEM, answers);
    fake.bmc().system(SYSTEM).await.unwrap();
    assert_eq!(fake.received(&Method::GET, SYSTEM).len(), 4);
}

#[tokio::test]
async fn a_bmc_that_stays_broken_is_an_error_of_the_bmc() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        request
            .is(&Method::GET, SYSTEM)
            .then(|| Answer::status(500))
    });
    let error = fake.bmc().system(SYSTEM).await.unwrap_err();
    assert!(
        matches!(error, Error::Rejected { status: 500, .. }),
        "{error:?}"
    );
    assert!(error.is_unreachable());
    assert_eq!(fake.received(&Method::GET, SYSTEM).len(), 3);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let fake = FakeBmc::start().await;
    let error = fake
        .bmc()
        .system("/redfish/v1/Systems/9")
        .await
        .unwrap_err();
    assert!(matches!(&error, Error::NotFound { path, .. } if path == "/redfish/v1/Systems/9"));
}

#[tokio::test]
async fn a_redirect_is_followed_here_and_not_elsewhere() {
    let fake = FakeBmc::start().await;
    let moved = |to: &str| Answer::status(308).with("Location", to);
    fake.script(
        Method::GET,
        "/old",
        vec![moved(SYSTEM), moved("http://evil.example/x")],
    );
    let bmc = fake.bmc();
    assert!(bmc.system("/old").await.unwrap().uuid.is_some());
    let error = bmc.system("/old").await.unwrap_err();
    assert!(matches!(error, Error::Redirected { .. }), "{error:?}");

    let elsewhere = FakeBmc::start().await;
    let to = format!(
        "{}{SYSTEM}",
        elsewhere.connection(BmcTls::default()).endpoint
    );
    fake.script(
        Method::GET,
        "/other",
        vec![Answer::status(307).with("Location", to)],
    );
    assert!(matches!(
        bmc.system("/other").await,
        Err(Error::Redirected { .. })
    ));
    assert!(elsewhere.with(|machine| machine.received.is_empty()));
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        (request.path == "/a").then(|| Answer::status(302).with("Location", "/a"))
    });
    let error = fake.bmc().system("/a").await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert_eq!(fake.received(&Method::GET, "/a").len(), 4);
}

#[tokio::test]
async fn a_change_is_never_redirected() {
    let fake = FakeBmc::start().await;
    let moved = Answer::status(307).with("Location", SYSTEM);
    fake.script(Method::PATCH, SYSTEM, vec![moved]);
    let error = fake.bmc().set_asset_tag(SYSTEM, "new").await.unwrap_err();
    assert!(matches!(error, Error::Redirected { .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_that_is_too_long_or_no_json_cannot_be_read() {
    let fake = FakeBmc::start().await;
    let long = Answer::json(200, &json!({"x": "y".repeat(9 << 20)}));
    let html = Answer::Reply {
        status: 200,
        headers: vec![],
        body: b"<html>".to_vec(),
    };
    let array = Answer::json(200, &json!([]));
    fake.script(Method::GET, SYSTEM, vec![long, html, array]);
    let bmc = fake.bmc();
    for cause in ["longer than 8388608 bytes", "not JSON", "no object"] {
        let error = bmc.system(SYSTEM).await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{error:?}");
        assert!(error.to_string().contains(cause), "{error}");
    }
}

#[tokio::test]
async fn a_bmc_that_refuses_identity_encoding_is_asked_without() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        let identity = request.header("accept-encoding") == Some("identity");
        (request.is(&Method::GET, SYSTEM) && identity).then(|| Answer::status(406))
    });
    fake.bmc().system(SYSTEM).await.unwrap();
}

#[tokio::test]
async fn an_asset_tag_is_written_once_and_a_refusal_says_what_the_bmc_said() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.set_asset_tag(SYSTEM, " new ").await.unwrap();
    bmc.set_asset_tag(SYSTEM, "new").await.unwrap();
    assert_eq!(fake.patches(SYSTEM), [json!({"AssetTag": "new"})]);
    let refused = Answer::message(400, "Base.1.8.PropertyNotWritable");
    fake.script(Method::PATCH, SYSTEM, vec![Answer::Break, refused]);
    bmc.set_asset_tag(SYSTEM, "lost").await.unwrap_err();
    fake.script(Method::PATCH, SYSTEM, vec![Answer::Break]);
    bmc.set_asset_tag(SYSTEM, "again").await.unwrap();
    let refused = Answer::message(400, "Base.1.8.PropertyNotWritable");
    fake.script(Method::PATCH, SYSTEM, vec![refused]);
    let error = bmc.set_asset_tag(SYSTEM, "other").await.unwrap_err();
    assert!(error.to_string().contains("PropertyNotWritable"), "{error}");
}

#[tokio::test]
async fn the_light_is_switched_by_the_property_that_there_is() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let refused = Answer::message(400, "Base.1.8.PropertyValueNotInList");
    fake.script(Method::PATCH, SYSTEM, vec![refused]);
    bmc.set_indicator_led(SYSTEM, IndicatorLed::Blinking)
        .await
        .unwrap();
    assert_eq!(
        fake.with(|machine| machine.system()["IndicatorLED"].clone()),
        "Lit"
    );

    fake.with(|machine| machine.system()["LocationIndicatorActive"] = json!(false));
    assert_eq!(
        bmc.system(SYSTEM).await.unwrap().indicator_led,
        Some(IndicatorLed::Off)
    );
    bmc.set_indicator_led(SYSTEM, IndicatorLed::Lit)
        .await
        .unwrap();
    assert!(
        bmc.system(SYSTEM)
            .await
            .unwrap()
            .indicator_led
            .is_some_and(|led| led.is_on())
    );

    fake.with(|machine| {
        let system = machine.system().as_object_mut().unwrap();
        system.remove("LocationIndicatorActive");
        system.remove("IndicatorLED");
    });
    let error = bmc
        .set_indicator_led(SYSTEM, IndicatorLed::Lit)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotSupported { .. }), "{error:?}");
}

#[test]
fn nonsense_is_refused_before_anything_is_sent() {
    let check = |endpoint: &str, tls: BmcTls, timeout: u64| {
        let connection = BmcConnection {
            endpoint: endpoint.to_owned(),
            credentials: String::new(),
            tls,
        };
        let config = Config {
            request_timeout: Duration::from_secs(timeout),
            ..Config::default()
        };
        let error = Bmc::new(&connection, credentials(PASSWORD), &config).unwrap_err();
        assert!(matches!(error, Error::InvalidConfig { .. }), "{error:?}");
    };
    check("10.0.0.5", BmcTls::default(), 60);
    check("https://10.0.0.5/redfish/v1", BmcTls::default(), 60);
    check(
        "https://10.0.0.5",
        BmcTls {
            ca_pem: Some("x".to_owned()),
            ..BmcTls::default()
        },
        60,
    );
    let pin = BmcTls {
        fingerprint_sha256: Some("x".to_owned()),
        ..BmcTls::default()
    };
    check("https://10.0.0.5", pin, 60);
    check("https://10.0.0.5", BmcTls::default(), 0);
}
