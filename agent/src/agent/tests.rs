//! Tests of the agent as a whole.

use std::{net::Ipv4Addr, os::unix::fs::PermissionsExt as _};

use reqwest::Method;
use serde_json::{Value, json};

use super::*;
use crate::{
    fixture::{mac, server_id, uuid},
    testing::{self, TestAgent, client_with},
};

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let agent = TestAgent::start().await;
    agent
        .plan(&json!({ "ipxe_script": "#!ipxe\necho {{ hostname }}\n" }))
        .await;
    let path = format!("/v1/claims/{}", server_id(1));
    let claim = agent.grant(Method::GET, &path, Value::Null).await;
    let config = agent.ready(7).await;
    assert_eq!(agent.script().await, "#!ipxe\necho node-1\n");
    let dir = agent.stop().await;

    let agent = TestAgent::start_in(dir, |_| {}).await;
    let again = agent.grant(Method::GET, &path, Value::Null).await;
    assert_eq!(again["uid"], claim["uid"]);
    assert_eq!(again["boot"]["id"], claim["boot"]["id"]);
    assert_eq!(agent.ready(7).await, config);
    assert_eq!(agent.script().await, "#!ipxe\necho node-1\n");
    let planned = crate::boot::planned(&agent.store, mac(1)).unwrap().unwrap();
    assert_eq!(
        (planned.server_id, planned.boot.boot_config_id),
        (server_id(1), uuid(7))
    );
}

#[tokio::test]
async fn images_that_were_not_here_yet_are_fetched_after_a_restart() {
    let agent = TestAgent::start().await;
    let asked = Arc::new(tokio::sync::Semaphore::new(0));
    let noted = Arc::clone(&asked);
    let slow = axum::routing::get(move || {
        noted.add_permits(1);
        std::future::pending::<()>()
    });
    let url = testing::upstream(axum::Router::new().route("/kernel", slow)).await;
    let sha256 = crate::digest::sha256(b"kernel");
    let spec = json!({ "kernel": { "url": format!("{url}/kernel"), "sha256": sha256 } });
    let put = agent
        .grant(Method::PUT, &testing::boot_config(7), spec)
        .await;
    assert_eq!(put["state"], "pending");
    asked.acquire().await.unwrap().forget();
    let dir = agent.stop().await;
    let agent = TestAgent::start_in(dir, |_| {}).await;
    let found = agent
        .grant(Method::GET, &testing::boot_config(7), Value::Null)
        .await;
    assert_eq!(found["state"], "pending");
    assert_eq!(found["images"][0]["sha256"], json!(sha256));
    asked.acquire().await.unwrap().forget();
}

#[tokio::test]
async fn the_control_api_speaks_tls_when_it_is_told_to() {
    let key = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (pem, private) = (key.cert.pem(), key.signing_key.serialize_pem());
    let dir = tempfile::tempdir().unwrap();
    let (cert_file, key_file) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    fs::write(&cert_file, &pem).unwrap();
    fs::write(&key_file, private).unwrap();
    let agent = TestAgent::start_in(dir, |config| {
        config.control.listen = (Ipv4Addr::UNSPECIFIED, 0).into();
        config.control.tls_cert = Some(cert_file);
        config.control.tls_key = Some(key_file);
    })
    .await;
    let port = agent.control.rsplit(':').next().unwrap();
    let url = format!("https://127.0.0.1:{port}/v1/agent");
    let trusting = client_with(Ipv4Addr::LOCALHOST, Some(&pem));
    assert_eq!(trusting.get(&url).send().await.unwrap().status(), 401);
    let stranger = testing::client(Ipv4Addr::LOCALHOST);
    assert!(stranger.get(&url).send().await.is_err());
}

/// Why an agent with this configuration does not start.
async fn refusal(change: impl FnOnce(&mut Config)) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let mut config = testing::config(dir.path());
    change(&mut config);
    let error = Agent::bind(config).await.unwrap_err();
    (dir, crate::error_chain(&error))
}

#[tokio::test]
async fn what_keeps_an_agent_from_starting_is_named() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let taken = taken.local_addr().map(|address| (taken, address)).unwrap();
    let (_dir, error) = refusal(|config| config.boot.listen = taken.1).await;
    assert_eq!(
        error,
        format!(
            "failed to bind the boot socket on {} (stop what has it, which `ss -lntup` shows, or \
             change boot.listen): Address already in use (os error 98)",
            taken.1
        )
    );
    let (_dir, error) = refusal(|config| config.state_dir = "/dev/null/state".into()).await;
    assert_eq!(
        error,
        "failed to prepare the state directory /dev/null/state: Not a directory (os error 20)"
    );
    let (_dir, error) = refusal(|config| {
        config.dhcp.enabled = true;
        config.dhcp.interface = Some("a/b".to_owned());
    })
    .await;
    assert!(error.starts_with("dhcp.interface = \"a/b\""), "{error}");
    let (dir, error) = refusal(|config| {
        fs::create_dir_all(&config.state_dir).unwrap();
        let key = config.seal_key_file();
        fs::write(&key, "0".repeat(64)).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    })
    .await;
    assert_eq!(
        error,
        format!(
            "failed to prepare the seal: the key that payloads are sealed with cannot be used: \
             {} has mode 0644, so others than its owner can use it; run chmod 0600 on it, and \
             replace its content if they may have read it",
            dir.path().join("state/seal.key").display()
        )
    );
}
