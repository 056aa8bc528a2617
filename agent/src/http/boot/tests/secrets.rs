//! Tests of what is fetched with a token.

use std::io::{Read as _, Write as _};

use model::Stage;
use reqwest::Method;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::{STRANGER, word};
use crate::{
    fixture::server_id,
    store::Table,
    testing::{LEASED, TestAgent, client},
    tokens::{Purpose, Token},
};

const SPENT: &str = "this was fetched before, and it can be fetched once\n";
const SCRIPT: &str =
    "#!ipxe\n# i={{ ignition_url }}\n# u={{ user_data_url }}\n# r={{ report_url }}\n";

/// An agent with server 1 planned to boot a script and `more`.
async fn planned(more: Value) -> TestAgent {
    let agent = TestAgent::start().await;
    let mut spec = json!({ "ipxe_script": SCRIPT });
    spec.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    agent.plan(&spec).await;
    agent
}

fn ignition() -> Value {
    let content = "{\"ignition\":{\"version\":\"3.4.0\"},\"canary\":\"{{ hostname }}\"}";
    json!({ "ignition": { "content": content, "write_only": true }, "report_boot": false })
}

fn user_data(content: &str) -> Value {
    json!({ "user_data": { "content": content, "write_only": true } })
}

#[tokio::test]
async fn a_secret_is_fetched_once_by_the_server_it_is_for() {
    let agent = planned(ignition()).await;
    let url = word(&agent.script().await, "i=").to_owned();
    let config = "{\"ignition\":{\"version\":\"3.4.0\"},\"canary\":\"node-1\"}".to_owned();

    let elsewhere = agent.fetch_from(STRANGER, Method::GET, &url).await;
    assert_eq!(
        elsewhere,
        (403, "this is not for your address\n".to_owned())
    );
    let head = client(LEASED).head(&url).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-length"], config.len().to_string());
    assert_eq!(head.headers()["content-type"], "application/json");

    assert_eq!(agent.fetch(&url).await, (200, config));
    assert_eq!(agent.fetch(&url).await, (410, SPENT.to_owned()));
    agent.reached(Stage::Config).await;
    assert_eq!(agent.fetch(&url).await, (410, SPENT.to_owned()));
    assert_eq!(agent.fetch_from(STRANGER, Method::GET, &url).await.0, 403);
    // A secret of one kind does not open another.
    let other = url.replace("/ignition/", "/config/");
    assert_eq!(agent.fetch(&other).await.0, 404);
}

#[tokio::test]
async fn of_many_that_fetch_a_secret_at_once_one_has_all_of_it() {
    let content = "x".repeat(1 << 20);
    let agent = planned(user_data(&content)).await;
    let url = word(&agent.script().await, "u=").to_owned();
    let fetch = || async {
        let response = client(LEASED).get(&url).send().await.unwrap();
        let whole =
            response.status() == 200 && response.bytes().await.is_ok_and(|b| b.len() == 1 << 20);
        usize::from(whole)
    };
    let (a, b, c, d) = tokio::join!(fetch(), fetch(), fetch(), fetch());
    assert_eq!(a + b + c + d, 1);
}

#[tokio::test]
async fn a_download_that_broke_does_not_use_the_token_up() {
    let content = "x".repeat(4 << 20);
    let agent = planned(user_data(&content)).await;
    let url = word(&agent.script().await, "u=").to_owned();
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let address: std::net::SocketAddr = host.parse().unwrap();
    let broken = tokio::task::spawn_blocking(move || {
        // A small window keeps most of the document on the agent's side.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket
            .bind(&std::net::SocketAddr::from((LEASED, 0)).into())
            .unwrap();
        socket.connect(&address.into()).unwrap();
        let mut stream = std::net::TcpStream::from(socket);
        stream.write_all(request.as_bytes()).unwrap();
        let mut start = [0; 1000];
        stream.read_exact(&mut start).unwrap();
        String::from_utf8_lossy(&start).into_owned()
    });
    let start = broken.await.unwrap();
    assert!(start.starts_with("HTTP/1.1 200 OK\r\n"), "{start}");
    assert!(start.contains("content-length: 4194304\r\n"), "{start}");
    assert_eq!(agent.boot().reached(Stage::Config), None);
    let (status, text) = agent.fetch(&url).await;
    assert_eq!((status, text.len()), (200, 4 << 20));
    assert_eq!(agent.fetch(&url).await.0, 410);
}

#[tokio::test]
async fn an_empty_secret_is_fetched_once_too() {
    let agent = planned(user_data("{% if hostname == 'other' %}x{% endif %}")).await;
    let url = word(&agent.script().await, "u=").to_owned();
    assert_eq!(agent.fetch(&url).await, (200, String::new()));
    assert!(agent.boot().reached(Stage::Config).is_some());
    assert_eq!(agent.fetch(&url).await, (410, SPENT.to_owned()));
}

#[tokio::test]
async fn a_secret_that_is_here_is_used_up_on_disk() {
    let agent = planned(ignition()).await;
    let url = word(&agent.script().await, "i=").to_owned();
    assert_eq!(agent.fetch(&url).await.0, 200);
    // Not a moment later: the agent may be gone by then.
    let tokens = agent.store.list::<Token>(Table::Tokens).unwrap();
    let used_up = |token: &Token| token.purpose == Purpose::Ignition && token.consumed_at.is_some();
    assert!(tokens.iter().any(|(_, token)| used_up(&token.value)));
}

#[tokio::test]
async fn cloud_init_finds_its_files_where_it_looks() {
    let agent = planned(user_data("#cloud-config\nhostname: {{ hostname }}\n")).await;
    let url = word(&agent.script().await, "u=").to_owned();
    let meta_data = (
        200,
        format!(
            "{{\"instance-id\":\"{}\",\"local-hostname\":\"node-1\"}}\n",
            agent.boot().id
        ),
    );
    let nothing = (200, String::new());
    assert_eq!(agent.fetch(&format!("{url}/meta-data")).await, meta_data);
    assert_eq!(agent.fetch(&format!("{url}/vendor-data")).await, nothing);
    assert_eq!(
        agent
            .fetch_from(STRANGER, Method::GET, &format!("{url}/meta-data"))
            .await
            .0,
        403
    );
    let user_data = agent.fetch(&format!("{url}/user-data")).await;
    assert_eq!(
        user_data,
        (200, "#cloud-config\nhostname: node-1\n".to_owned())
    );
    assert_eq!(
        agent.fetch(&format!("{url}/user-data")).await,
        (410, SPENT.to_owned())
    );
    assert_eq!(agent.fetch(&url).await, (410, SPENT.to_owned()));
    assert_eq!(agent.fetch(&format!("{url}/meta-data")).await, meta_data);
    assert_eq!(agent.fetch(&format!("{url}/vendor-data")).await, nothing);
}

#[tokio::test]
async fn a_server_that_is_armed_anew_has_new_tokens_alone() {
    let agent = planned(ignition()).await;
    let before = word(&agent.script().await, "i=").to_owned();
    agent.arm(2).await;
    assert_eq!(agent.fetch(&before).await.0, 404);
    let after = word(&agent.script().await, "i=").to_owned();
    assert_eq!(agent.fetch(&after).await.0, 200);
    // What is published meanwhile is for the next boot.
    let spec = json!({ "ipxe_script": "#!ipxe\nexit\n" });
    agent
        .grant(Method::PUT, &crate::testing::boot_config(7), spec)
        .await;
    assert!(agent.script().await.contains("# i=http"));
    agent.arm(3).await;
    assert_eq!(agent.script().await, "#!ipxe\nexit\n");
}

#[tokio::test]
async fn a_token_is_used_up_for_good() {
    let agent = planned(ignition()).await;
    let url = word(&agent.script().await, "i=").to_owned();
    assert_eq!(agent.fetch(&url).await.0, 200);
    let path = url.strip_prefix(&agent.boot).unwrap().to_owned();
    let dir = agent.stop().await;
    let agent = TestAgent::start_in(dir, |_| {}).await;
    assert_eq!(agent.fetch(&path).await, (410, SPENT.to_owned()));
    assert!(agent.boot().reached(Stage::Config).is_some());
}

#[tokio::test]
async fn a_report_may_have_the_shape_of_metal_operators_registry() {
    let agent = planned(json!({})).await;
    let url = word(&agent.script().await, "r=").to_owned();
    let (base, token) = url.rsplit_once('/').unwrap();
    let report = async |address, body: Value| {
        let request = client(address).post(base).bearer_auth(token).json(&body);
        request.send().await.unwrap().status().as_u16()
    };
    let up = |uuid: model::ServerId| json!({ "systemUUID": uuid, "booted": true });
    assert_eq!(report(STRANGER, up(server_id(1))).await, 403);
    assert_eq!(report(LEASED, up(server_id(2))).await, 403);
    assert_eq!(report(LEASED, json!({ "booted": true })).await, 400);
    assert_eq!(
        report(
            LEASED,
            json!({ "systemUUID": server_id(1), "booted": false })
        )
        .await,
        200
    );
    assert_eq!(agent.boot().reached(Stage::Booted), None);
    assert_eq!(report(LEASED, up(server_id(1).swapped())).await, 200);
    assert!(agent.boot().reached(Stage::Booted).is_some());
    assert_eq!(report(LEASED, up(server_id(1))).await, 200);
}
