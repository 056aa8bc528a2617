//! What a BMC that is broken, or not one, can send: each ends soon, in little memory, and in an error
//! that names the BMC and says what was wrong.

use std::time::{Duration, Instant};

use axum::http::Method;
use model::{BmcConnection, BmcTls};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::fake_bmc::{Answer, FAST, FakeBmc, PASSWORD, SESSIONS, SYSTEM, credentials};
use crate::{Authentication, Bmc, Config, Error};

const NICS: &str = "/redfish/v1/Systems/1/EthernetInterfaces";
const SYSTEMS: &str = "/redfish/v1/Systems";

/// A BMC that answers every connection with these bytes, a piece at a time.
async fn raw(bytes: Vec<u8>, piece: usize, pause: Duration) -> Bmc {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(drip(stream, bytes.clone(), piece, pause));
        }
    });
    let connection = BmcConnection {
        endpoint,
        credentials: String::new(),
        tls: BmcTls::default(),
    };
    let config = Config {
        authentication: Authentication::Basic,
        request_timeout: Duration::from_millis(400),
        ..Config::default()
    };
    Bmc::with_timing(&connection, credentials(PASSWORD), &config, FAST).unwrap()
}

async fn drip(mut stream: TcpStream, bytes: Vec<u8>, piece: usize, pause: Duration) {
    let mut request = [0; 4096];
    if stream.read(&mut request).await.is_err() {
        return;
    }
    for piece in bytes.chunks(piece) {
        if stream.write_all(piece).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

#[track_caller]
fn check(bmc: &Bmc, error: &Error, class: &str, what: &str) {
    let text = error.to_string();
    assert!(text.contains(bmc.endpoint()), "{text}");
    assert!(text.contains(what), "expected {what:?} in {text}");
    assert!(format!("{error:?}").starts_with(class), "{error:?}");
    assert!(
        text.len() < 4096 && !text.contains(char::is_control),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_no_http_or_has_no_end_is_told_and_does_not_last() {
    let header = |text: &str| format!("HTTP/1.1 200 OK\r\n{text}\r\n").into_bytes();
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X: {}\r\n", "y".repeat(1 << 20));
    let gzip = [
        &header("Content-Encoding: gzip\r\nContent-Length: 4\r\n")[..],
        &[0x1f, 0x8b, 8, 0],
    ]
    .concat();
    let cases: [(Vec<u8>, &str, &str); 8] = [
        (
            b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(),
            "Unreachable",
            "is not HTTP",
        ),
        (header(&many), "Decode", "its header is too long"),
        (header(&long), "Decode", "its header is too long"),
        (
            header("Content-Length: 99\r\n"),
            "Unreachable",
            "cannot be reached",
        ),
        (
            header("Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "Unreachable",
            "cannot be reached",
        ),
        (
            b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            "Decode",
            "it is empty, with status 204",
        ),
        (gzip, "Decode", "compressed (gzip), though nobody asked"),
        (Vec::new(), "Unreachable", "cannot be reached"),
    ];
    for (bytes, class, what) in cases {
        let began = Instant::now();
        let bmc = raw(bytes, usize::MAX, Duration::ZERO).await;
        let error = bmc.system(SYSTEM).await.unwrap_err();
        check(&bmc, &error, class, what);
        assert!(began.elapsed() < Duration::from_secs(5), "{what}");
    }
}

#[tokio::test]
async fn a_reply_that_comes_byte_by_byte_is_cut_off() {
    let header = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec();
    let slow_body = [&header[..], &[b' '; 1000]].concat();
    for bytes in [slow_body, header] {
        let began = Instant::now();
        let bmc = raw(bytes, 1, Duration::from_millis(20)).await;
        let error = bmc.system(SYSTEM).await.unwrap_err();
        check(&bmc, &error, "Timeout", "did not answer GET");
        assert!(
            began.elapsed() < Duration::from_secs(4),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn a_body_without_end_is_read_no_further_than_the_longest() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let chunk = [&b"10000\r\n"[..], &[b'['; 0x1_0000], b"\r\n"].concat();
        while stream.write_all(&chunk).await.is_ok() {}
    });
    let connection = BmcConnection {
        endpoint,
        credentials: String::new(),
        tls: BmcTls::default(),
    };
    let config = Config {
        authentication: Authentication::Basic,
        ..Config::default()
    };
    let bmc = Bmc::with_timing(&connection, credentials(PASSWORD), &config, FAST).unwrap();
    let error = bmc.system(SYSTEM).await.unwrap_err();
    check(&bmc, &error, "Decode", "longer than 8388608 bytes");
}

#[tokio::test]
async fn an_error_in_the_place_of_a_resource_is_an_error_whatever_its_status_and_type() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let error = json!({"error": {"code": "Acme.1.0.Odd", "message": "Not now."}});
    let answers = vec![Answer::json(200, &error).with("Content-Type", "text/html")];
    fake.script(Method::GET, SYSTEM, answers);
    let error = bmc.system(SYSTEM).await.unwrap_err();
    check(
        &bmc,
        &error,
        "Rejected",
        "answered 200 to GET /redfish/v1/Systems/1: Not now",
    );

    // A resource counts, whatever type it is said to have.
    let document = fake.with(|machine| machine.system().clone());
    let answer = Answer::json(200, &document).with("Content-Type", "application/pdf");
    fake.script(Method::GET, SYSTEM, vec![answer]);
    assert!(bmc.system(SYSTEM).await.unwrap().uuid.is_some());
}

#[tokio::test]
async fn pages_in_a_circle_are_read_once() {
    let fake = FakeBmc::start().await;
    let page =
        |next: &str| json!({"Members": [{"@odata.id": SYSTEM}], "Members@odata.nextLink": next});
    fake.with(|machine| {
        machine.resources.insert(SYSTEMS.to_owned(), page("/p2"));
        machine
            .resources
            .insert("/p2".to_owned(), page("/redfish/v1/systems/"));
    });
    assert_eq!(fake.bmc().systems().await.unwrap().len(), 1);
    assert_eq!(fake.received(&Method::GET, SYSTEM).len(), 1);
    assert_eq!(fake.received(&Method::GET, SYSTEMS).len(), 1);
}

#[tokio::test]
async fn pages_and_members_without_end_are_an_error() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        let number = request.path.strip_prefix(SYSTEMS)?;
        let number: u32 = match number.strip_prefix("?page=") {
            Some(number) => number.parse().ok()?,
            None if number.is_empty() => 0,
            None => return None,
        };
        let next = format!("{SYSTEMS}?page={}", number + 1);
        Some(Answer::json(
            200,
            &json!({"Members": [], "Members@odata.nextLink": next}),
        ))
    });
    let bmc = fake.bmc();
    let error = bmc.systems().await.unwrap_err();
    check(&bmc, &error, "Decode", "it has more than 64 pages");

    let fake = FakeBmc::start().await;
    let links: Vec<Value> = (0..100_000)
        .map(|n| json!({"@odata.id": format!("/s/{n}")}))
        .collect();
    fake.with(|machine| {
        let all = json!({"Members": links});
        machine.resources.insert(SYSTEMS.to_owned(), all);
    });
    let bmc = fake.bmc();
    let error = bmc.systems().await.unwrap_err();
    check(&bmc, &error, "Decode", "it has more than 512 members");
    assert!(fake.with(|machine| machine.received.len()) < 10);
}

#[tokio::test]
async fn a_collection_whose_members_all_drip_has_an_end() {
    let fake = FakeBmc::start().await;
    let links: Vec<Value> = (0..60)
        .map(|n| json!({"@odata.id": format!("/slow/{n}")}))
        .collect();
    fake.with(|machine| {
        machine
            .resources
            .insert(SYSTEMS.to_owned(), json!({"Members": links}))
    });
    fake.rule(|_, request| {
        // Each stays below the limit of one request.
        request
            .path
            .starts_with("/slow/")
            .then_some(Answer::Late(Duration::from_millis(150)))
    });
    let config = Config {
        request_timeout: Duration::from_millis(300),
        ..Config::default()
    };
    let connection = fake.connection(BmcTls::default());
    let bmc = Bmc::with_timing(&connection, credentials(PASSWORD), &config, FAST).unwrap();
    let began = Instant::now();
    let error = bmc.systems().await.unwrap_err();
    check(
        &bmc,
        &error,
        "Timeout",
        "did not give all members of /redfish/v1/Systems",
    );
    assert!(error.is_unreachable());
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_reference_to_everything_is_followed_only_so_far() {
    let fake = FakeBmc::start().await;
    let many = |place: &str| -> Vec<Value> {
        (0..50_000)
            .map(|n| json!({"@odata.id": format!("/{place}/{n}")}))
            .collect()
    };
    fake.with(|machine| {
        let system = machine.system();
        system["Links"] = json!({"ManagedBy": many("m"), "Chassis": many("c")});
        system["EthernetInterfaces"] = Value::Null;
    });
    let bmc = fake.bmc();
    let systems = bmc.systems().await.unwrap();
    assert!(bmc.manager(systems.first()).await.unwrap().is_some());
    assert!(bmc.mac_addresses(&systems[0]).await.unwrap().is_empty());
    assert!(fake.with(|machine| machine.received.len()) < 200);
}

#[tokio::test]
async fn a_member_that_names_another_host_is_asked_for_here() {
    let (fake, elsewhere) = (FakeBmc::start().await, FakeBmc::start().await);
    let there = elsewhere.connection(BmcTls::default()).endpoint;
    let link = |path: &str| json!({"@odata.id": format!("{there}{path}")});
    fake.with(|machine| {
        let members = json!({"Members": [link(SYSTEM)]});
        machine.resources.insert(SYSTEMS.to_owned(), members);
        machine.system()["EthernetInterfaces"] = link(NICS);
    });
    let bmc = fake.bmc();
    let systems = bmc.systems().await.unwrap();
    assert_eq!(bmc.mac_addresses(&systems[0]).await.unwrap().len(), 1);
    bmc.logout().await;
    assert!(elsewhere.with(|machine| machine.received.is_empty()));
    assert!(
        fake.with(|machine| machine.sessions.is_empty()),
        "the logout stays here too"
    );
}

#[tokio::test]
async fn a_session_that_names_itself_nowhere_is_used_and_left_to_expire() {
    let fake = FakeBmc::start().await;
    fake.rule(|machine, request| {
        request.is(&Method::POST, SESSIONS).then(|| {
            machine.sessions.insert("t".to_owned());
            Answer::status(201).with("X-Auth-Token", "t")
        })
    });
    let bmc = fake.bmc();
    bmc.system(SYSTEM).await.unwrap();
    bmc.logout().await;
    let all = fake.with(|machine| machine.received.clone());
    assert!(all.iter().all(|request| request.method != Method::DELETE));

    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        request
            .is(&Method::POST, SESSIONS)
            .then(|| Answer::status(201))
    });
    let bmc = fake.bmc();
    let error = bmc.system(SYSTEM).await.unwrap_err();
    check(&bmc, &error, "Decode", "it has no X-Auth-Token");
}

#[tokio::test]
async fn a_token_or_a_password_that_is_echoed_anywhere_is_hidden() {
    let fake = FakeBmc::start().await;
    let secret = "token1";
    let text = format!("\u{1b}[31mtoken {secret} password {PASSWORD}");
    let info = json!({"MessageId": "Base.1.0.X", "Message": text, "MessageArgs": [text],
        "RelatedProperties": [text], "Resolution": text, "Severity": text});
    let plain = Answer::Reply {
        status: 400,
        headers: vec![],
        body: format!("{}{PASSWORD}{}", " ".repeat(495), "x".repeat(9000)).into_bytes(),
    };
    let answers = vec![
        Answer::json(400, &json!({"error": {"@Message.ExtendedInfo": [info]}})),
        Answer::json(400, &json!({"error": {"code": text, "message": text}})),
        Answer::status(308).with(
            "Location",
            format!("http://evil.example/{secret}?{PASSWORD}"),
        ),
        plain,
    ];
    let count = answers.len();
    fake.script(Method::GET, SYSTEM, answers);
    let bmc = fake.bmc();
    for _ in 0..count {
        let error = bmc.system(SYSTEM).await.unwrap_err();
        let all = format!("{error} {error:?} {}", error.advice());
        assert!(!all.contains(secret) && !all.contains(PASSWORD), "{all}");
        assert!(!all.contains('\u{1b}') && !all.contains("correct"), "{all}");
        assert!(all.len() < 20_000, "{}", all.len());
    }
}

#[tokio::test]
async fn a_path_that_a_bmc_made_up_is_shown_short_and_tame() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let path = format!("/redfish/v1/\u{1b}]0;{}", "x".repeat(100_000));
    let error = bmc.system(&path).await.unwrap_err();
    let text = error.to_string();
    assert!(text.len() < 1000 && !text.contains('\u{1b}'), "{text}");
}
