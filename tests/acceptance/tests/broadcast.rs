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
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use acceptance::{
    link::{Namespace, Running, in_own_namespace, run},
    planned::Planned,
    program,
};
use serde_json::json;

const MAC: &str = "52:54:00:00:00:01";

#[test]
fn a_server_without_a_relay_is_answered_by_broadcast_or_at_its_hardware_address() {
    let test = "a_server_without_a_relay_is_answered_by_broadcast_or_at_its_hardware_address";
    in_own_namespace(test, || {
        run("ip link add agent0 type veth peer name server0");
        run("ip address add 10.99.0.1/24 dev agent0");
        run("ip link set agent0 up");
        let server = Namespace::new();
        server.take("server0");
        // Where the system has a reverse path filter, it drops what comes to an interface that has
        // no address yet. Firmware has none.
        let unfiltered = "for i in all default server0; do \
             echo 0 2>&- >/proc/sys/net/ipv4/conf/$i/rp_filter; done; ip link set server0 up";
        assert!(
            server
                .command("sh")
                .args(["-c", unfiltered])
                .status()
                .unwrap()
                .success()
        );

        let directory = tempfile::tempdir().unwrap();
        let _agent = start(directory.path());
        let token = fs::read_to_string(directory.path().join("state/token")).unwrap();
        let boot_config = json!({ "ipxe_script": "#!ipxe\nexit\n" });
        let planned = Planned::at("http://127.0.0.1:7470", &token);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(planned.arm(MAC, boot_config));

        // As a client that hears broadcasts, then as one that hears frames to it alone.
        for how in [None, Some("frames")] {
            let mut client = server.command(program("broadcast-client"));
            client.args(["server0", MAC]).args(how);
            let output = client.output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "the server: {error}");
            let leased = String::from_utf8_lossy(&output.stdout);
            assert_eq!(leased, "10.99.0.10 snponly.efi\n");
        }
    });
}

/// An agent as on a real provisioning network: the usual ports, every address, one interface.
fn start(directory: &Path) -> Running {
    let config = directory.join("agent.toml");
    let text = format!(
        "state_dir = {:?}\nboot.listen = \"10.99.0.1:8080\"\ndhcp.interface = \"agent0\"\n\
         tftp.loader_dir = {:?}\n[[subnets]]\nsubnet = \"10.99.0.0/24\"\n\
         pools = [\"10.99.0.10-10.99.0.20\"]\n",
        directory.join("state"),
        directory
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new(program("baremetal-agent"));
    command.args(["run", "--config"]).arg(&config);
    let agent = Running(command.spawn().unwrap());
    let deadline = Instant::now() + Duration::from_secs(5);
    while std::net::TcpStream::connect("127.0.0.1:7470").is_err() {
        assert!(Instant::now() < deadline, "the agent does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    agent
}
