//! A server on the agent's own link, without a relay: DHCP by broadcast and by hardware address.
//!
//! The test makes the link itself: it runs itself again in a network namespace of its own, where
//! it may have port 67 whoever it is, and puts the server into another one at the other end of a
//! cable. Nothing of it touches the machine's own interfaces.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use acceptance::program;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const TEST: &str = "a_server_without_a_relay_is_answered_by_broadcast_or_at_its_hardware_address";
const INSIDE: &str = "BAREMETAL_BROADCAST_TEST";
const MAC: &str = "52:54:00:00:00:01";
const SERVER: &str = "4c4c4544-0042-3510-8057-b7c04f4b4d01";
const ID: &str = "00000000-0000-0000-0000-000000000007";

#[test]
fn a_server_without_a_relay_is_answered_by_broadcast_or_at_its_hardware_address() {
    if std::env::var_os(INSIDE).is_some() {
        return on_the_link();
    }
    let again = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare: install util-linux");
    assert!(
        again.status.success(),
        "the test failed in its network namespace. If unshare was not permitted, allow user \
         namespaces (sysctl kernel.unprivileged_userns_clone=1, or \
         kernel.apparmor_restrict_unprivileged_userns=0), or run the tests as root.\n{}{}",
        String::from_utf8_lossy(&again.stdout),
        String::from_utf8_lossy(&again.stderr)
    );
}

fn on_the_link() {
    run("ip link set lo up");
    run("ip link add agent0 type veth peer name server0");
    run("ip address add 10.99.0.1/24 dev agent0");
    run("ip link set agent0 up");
    let server = Server::new();
    run(&format!("ip link set server0 netns {}", server.0.id()));

    let directory = tempfile::tempdir().unwrap();
    let _agent = Agent(start(directory.path()));
    let token = fs::read_to_string(directory.path().join("state/token")).unwrap();
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(plan(token.trim()));

    // First as a client that hears broadcasts, then as one that hears frames to it alone.
    let leased = "10.99.0.10 snponly.efi\n";
    assert_eq!(server.boot(), leased.repeat(2));
}

#[track_caller]
fn run(command: &str) {
    let words: Vec<_> = command.split(' ').collect();
    let done = Command::new(words[0])
        .args(&words[1..])
        .output()
        .unwrap_or_else(|error| panic!("{command}: {error}; install iproute2"));
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command}: {error}");
}

/// The server's end: a process in a network namespace of its own, that waits for its cable.
struct Server(Child);

impl Server {
    fn new() -> Self {
        // Where the system has a reverse path filter, it drops what comes to an interface that has
        // no address yet. Firmware has none.
        let script = format!(
            "read go; for i in all default server0; do \
             echo 0 2>&- >/proc/sys/net/ipv4/conf/$i/rp_filter; done; \
             ip link set server0 up && {client:?} server0 {MAC} && exec {client:?} server0 {MAC} frames",
            client = program("broadcast-client").display().to_string()
        );
        let child = Command::new("unshare")
            .args(["--net", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let server = Self(child);
        let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/net"));
        let deadline = Instant::now() + Duration::from_secs(5);
        let own = namespace("self").unwrap();
        while namespace(&server.0.id().to_string()).is_ok_and(|its| its == own) {
            assert!(Instant::now() < deadline, "the server has no namespace");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// What it says when it has booted.
    fn boot(mut self) -> String {
        self.0.stdin.take().unwrap().write_all(b"go\n").unwrap();
        let output = self.0.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the server: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        // Gone already is what was wanted.
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// An agent as on a real provisioning network: the usual ports, every address, one interface.
fn start(directory: &Path) -> Child {
    let config = directory.join("agent.toml");
    let text = format!(
        "state_dir = {:?}\nboot.listen = \"10.99.0.1:8080\"\ndhcp.interface = \"agent0\"\n\
         tftp.loader_dir = {:?}\n[[subnets]]\nsubnet = \"10.99.0.0/24\"\n\
         pools = [\"10.99.0.10-10.99.0.20\"]\n",
        directory.join("state"),
        directory
    );
    fs::write(&config, text).unwrap();
    let child = Command::new(program("baremetal-agent"))
        .args(["run", "--config"])
        .arg(&config)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while std::net::TcpStream::connect("127.0.0.1:7470").is_err() {
        assert!(Instant::now() < deadline, "the agent does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

/// Plans the server: what a claim does, without its BMC.
async fn plan(token: &str) {
    // One that is there already does as well.
    let _there = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |method: Method, path: &str, body: Value| {
        let url = format!("http://127.0.0.1:7470/v1/{path}");
        let request = client.request(method, url).bearer_auth(token).json(&body);
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
    };
    let spec = json!({
        "bmc": { "endpoint": "https://192.0.2.5", "credentials": "none" },
        "system_uri": "/redfish/v1/Systems/1",
        "boot_mac_addresses": [MAC],
    });
    ask(Method::PUT, &format!("servers/{SERVER}"), spec).await;
    let boot_config = json!({ "ipxe_script": "#!ipxe\nexit\n" });
    ask(Method::PUT, &format!("boot-configs/{ID}"), boot_config).await;
    let claim = json!({
        "uid": ID, "server_id": SERVER, "run": ID, "boot_config_id": ID,
        "holder": { "name": "test", "workspace": "default" },
    });
    ask(Method::POST, "claims", claim).await;
    let arm = json!({ "uid": ID, "generation": 1 });
    ask(Method::POST, &format!("claims/{SERVER}/arm"), arm).await;
}
