//! Tests of the process's parts; the whole process is tested in `tests/process.rs`.

mod hclog;
mod tls;

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use tokio::net::UnixStream;
use tokio_stream::StreamExt;

use super::{
    Handshake,
    handshake::Refusal,
    listener::{Connections, Endpoint},
    services::{End, Ending},
};

const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

fn read(environment: &[(&str, &str)]) -> Result<Handshake, Refusal> {
    Handshake::read(|name| {
        let found = environment.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn a_process_that_no_host_started_refuses_to_serve() {
    assert_eq!(read(&[]), Err(Refusal::ByHand));
    assert_eq!(read(&[(COOKIE.0, "wrong")]), Err(Refusal::ByHand));
    let text = Refusal::ByHand.to_string();
    assert!(text.contains("Terraform or OpenTofu starts it"), "{text}");
}

#[test]
fn a_host_without_protocol_6_is_refused() {
    let offer = |versions| read(&[COOKIE, ("PLUGIN_PROTOCOL_VERSIONS", versions)]);
    assert!(offer("5,6").is_ok());
    assert_eq!(offer("4,5"), Err(Refusal::Protocol("4,5".to_owned())));
    assert!(read(&[COOKIE]).is_ok());
}

#[test]
fn the_handshake_line_has_the_form_that_go_plugin_reads() {
    let directory = ("PLUGIN_UNIX_SOCKET_DIR", "/run/x");
    let handshake = read(&[COOKIE, directory, ("PLUGIN_CLIENT_CERT", "")]).unwrap();
    assert_eq!(handshake.client_certificate, None);
    assert_eq!(handshake.socket_directory, Path::new("/run/x"));
    let line = |certificate| handshake.line("a/b/c", Path::new("/run/x/s"), certificate);
    // Base64 without padding.
    assert_eq!(line(Some(b"abcd")), "1|6|unix|/run/x/s|grpc|YWJjZA");
    assert_eq!(line(None), "1|6|unix|/run/x/s|grpc|");
}

#[test]
fn in_debug_mode_the_line_is_what_the_user_exports() {
    let handshake = Handshake::reattach(|_| None);
    let line = handshake.line("a/b/c", Path::new("/run/x/s"), None);
    let json = line
        .strip_prefix("TF_REATTACH_PROVIDERS='")
        .unwrap()
        .strip_suffix('\'')
        .unwrap();
    let found: serde_json::Value = serde_json::from_str(json).unwrap();
    let expected = serde_json::json!({ "a/b/c": {
        "Protocol": "grpc", "ProtocolVersion": 6, "Pid": std::process::id(), "Test": true,
        "Addr": { "Network": "unix", "String": "/run/x/s" },
    }});
    assert_eq!(found, expected);
}

#[tokio::test]
async fn nobody_else_may_enter_the_directory_of_the_socket_and_it_is_removed() {
    let base = tempfile::tempdir().unwrap();
    let (endpoint, _listener) = Endpoint::bind(base.path()).unwrap();
    let directory = endpoint.path().parent().unwrap().to_owned();
    let mode = directory.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    drop(endpoint);
    assert!(!directory.exists());
}

#[tokio::test]
async fn the_host_is_gone_when_its_last_connection_is() {
    let base = tempfile::tempdir().unwrap();
    let (endpoint, listener) = Endpoint::bind(base.path()).unwrap();
    let (connections, mut incoming) = Connections::accept(listener, None);
    let abandoned = tokio::spawn(connections.abandoned(Duration::ZERO));
    let client = UnixStream::connect(endpoint.path()).await.unwrap();
    let connection = incoming.next().await.unwrap().unwrap();
    assert!(!abandoned.is_finished());
    drop((client, connection));
    abandoned.await.unwrap();
}

#[tokio::test]
async fn the_first_reason_to_end_counts() {
    let ending = Ending::default();
    ending.end(End::Signal);
    ending.end(End::Host);
    assert_eq!(ending.ended().await, End::Signal);
}
