//! The agent as a process: its commands, its exit status, its end.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where, in its helpers too"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

fn agent(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baremetal-agent"));
    command.args(args).env_remove("RUST_LOG");
    command
}

fn run(args: &[&str]) -> Output {
    agent(args).output().unwrap()
}

fn config(dir: &Path, more: &str) -> String {
    let path = dir.join("agent.toml");
    let text = format!(
        "state_dir = {:?}\ncontrol.listen = \"127.0.0.1:0\"\nboot.listen = \"127.0.0.1:0\"\n\
         dhcp.enabled = false\ntftp.listen = \"127.0.0.1:0\"\n{more}",
        dir.join("state"),
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[track_caller]
fn check(output: &Output, status: i32, stderr: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert_eq!(text, stderr);
}

#[test]
fn a_configuration_that_cannot_work_ends_with_64_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let bad = config(dir.path(), "control.tls_cert = \"/a\"\n");
    let why = "error: control.tls_cert = \"/a\": a certificate needs its private key; set \
               control.tls_key too\n";
    check(&run(&["run", "--config", &bad]), 64, why);
    check(&run(&["check", "--config", &bad]), 64, why);
    check(
        &run(&["run", "--config", "/nowhere"]),
        64,
        "error: failed to read the configuration /nowhere: No such file or directory (os error \
         2)\n",
    );
    let good = run(&["check", "--config", &config(dir.path(), "")]);
    check(&good, 0, "");
    assert_eq!(good.stdout, b"the configuration is valid\n");
    assert!(!dir.path().join("state").exists(), "checking makes nothing");
}

#[test]
fn what_the_machine_does_not_allow_ends_with_1() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("state"), "a file").unwrap();
    let path = config(dir.path(), "");
    let state = dir.path().join("state");
    let expected = format!(
        "error: failed to prepare the state directory {}: File exists (os error 17)\n",
        state.display()
    );
    check(&run(&["run", "--config", &path]), 1, &expected);
}

#[test]
fn the_descriptions_are_printed() {
    let schema = run(&["config-schema"]);
    assert_eq!(schema.stdout, fs::read("config.schema.json").unwrap());
    let schema = run(&["api-schema"]);
    assert_eq!(schema.stdout, fs::read("openapi.json").unwrap());
}

/// Starts an agent that logs JSON and returns it with its first log line, which says where it
/// listens.
fn start(path: &str) -> (Child, BufReader<std::process::ChildStderr>, String) {
    let mut child = agent(&["run", "--config", path, "--log-format", "json"])
        .env("RUST_LOG", "trace")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    while !seen.contains("\"listening\"") {
        assert_ne!(log.read_line(&mut seen).unwrap(), 0, "{seen}");
    }
    (child, log, seen)
}

fn put(address: &str, path: &str, token: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "PUT {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn sigterm_ends_it_with_0_and_no_secret_is_in_its_log_or_store() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, mut log, mut seen) = start(&config(dir.path(), ""));
    let token = fs::read_to_string(dir.path().join("state/token")).unwrap();
    let token = token.trim();
    let control = seen.split("\"control\":\"").nth(1).unwrap();
    let control = control.split('"').next().unwrap().to_owned();
    let id = "00000000-0000-4000-8000-000000000001";
    let body = r##"{"ipxe_script": "#!ipxe\n",
        "user_data": {"content": "the-canary", "write_only": true}}"##;
    let path = format!("/v1/boot-configs/{id}");
    let answer = put(&control, &path, token, body);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(!answer.contains("the-canary"), "{answer}");
    let answer = put(&control, &path, token, r#"{"user_data": "the-canary"}"#);
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    assert!(!answer.contains("the-canary"), "{answer}");

    let killed = Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(killed.success());
    log.read_to_string(&mut seen).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{seen}");
    assert!(seen.contains("\"stopped\""), "{seen}");
    for secret in ["the-canary", token] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
        let store = fs::read(dir.path().join("state/store.redb")).unwrap();
        assert!(
            !store
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        );
    }
}
