//! A site of one machine: its link, the agent, and whoever else is on the network.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use acceptance::{
    link::{Namespace, Running, run},
    planned::Planned,
    program, root,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::machine::MAC;

/// How the machine comes by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// The agent leases it, on the machine's own link.
    Leased,
    /// The agent leases it, through ISC's relay.
    Relayed,
    /// dnsmasq leases it, and the agent adds what to boot.
    OfAnotherServer,
}

/// A site with a machine that is claimed and armed.
#[derive(Debug)]
pub(crate) struct Site {
    addresses: Addresses,
    directory: TempDir,
    /// Where the machine's cable ends, if that is not where the agent is.
    beyond: Option<Namespace>,
    planned: Planned,
    runtime: tokio::runtime::Runtime,
    _running: Vec<Running>,
}

/// The agent's address: the relay's link in between, or the machine's own.
const AGENT: &str = "10.99.0.1";
const INTERFACE: &str = "machine0";

impl Site {
    /// Builds it and arms the machine.
    pub(crate) fn new(addresses: Addresses) -> Self {
        let directory = tempfile::tempdir().unwrap();
        run("ip link add link0 type bridge forward_delay 0 stp_state 0");
        run(&format!("ip address add {AGENT}/24 dev link0"));
        run("ip link set link0 up");
        let beyond = (addresses != Addresses::Leased).then(Namespace::new);
        let mut running = Vec::new();
        if let Some(beyond) = &beyond {
            run("ip link add cable0 type veth peer name far0");
            run("ip link set cable0 master link0 up");
            beyond.take("far0");
            running.push(match addresses {
                Addresses::OfAnotherServer => dnsmasq(beyond, directory.path()),
                Addresses::Relayed | Addresses::Leased => relay(beyond, directory.path()),
            });
        }
        let tap = format!("ip tuntap add {INTERFACE} mode tap");
        let up = format!("ip link set {INTERFACE} master link0 up");
        match (&beyond, addresses) {
            (Some(beyond), Addresses::Relayed) => {
                beyond.run(&tap);
                beyond.run(&up);
            }
            _ => {
                run(&tap);
                run(&up);
            }
        }
        running.push(images());
        running.push(agent(addresses, directory.path()));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let token = fs::read_to_string(directory.path().join("state/token")).unwrap();
        let planned = Planned::at("http://127.0.0.1:7470", &token);
        runtime.block_on(planned.arm(MAC, boot_config()));
        Self {
            addresses,
            directory,
            beyond,
            planned,
            runtime,
            _running: running,
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The machine's end of its cable.
    pub(crate) const fn interface(&self) -> &'static str {
        INTERFACE
    }

    /// A command that runs where the machine's cable ends.
    pub(crate) fn command(&self, program: &str) -> Command {
        match (&self.beyond, self.addresses) {
            (Some(beyond), Addresses::Relayed) => beyond.command(program),
            _ => Command::new(program),
        }
    }

    /// The stages that the machine's boot has reached.
    pub(crate) fn stages(&self) -> Vec<String> {
        self.runtime.block_on(self.planned.stages())
    }

    /// What there is to know about a boot that went wrong.
    pub(crate) fn evidence(&self, console: &str) -> String {
        let log = |name| fs::read_to_string(self.directory().join(name)).unwrap_or_default();
        format!(
            "the console:\n{}\nthe agent:\n{}\nthe others:\n{}",
            last(console),
            last(&log("agent.log")),
            last(&log("other.log"))
        )
    }
}

fn last(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

fn logged(command: &mut Command, log: &Path) -> Running {
    let log = File::create(log).unwrap();
    command.stdin(Stdio::null());
    command.stdout(log.try_clone().unwrap()).stderr(log);
    let child = command.spawn();
    Running(child.unwrap_or_else(|error| panic!("{command:?}: {error}; run tests/lab/install")))
}

/// The DHCP server that the site had before.
fn dnsmasq(beyond: &Namespace, directory: &Path) -> Running {
    beyond.run("ip address add 10.99.0.2/24 dev far0");
    beyond.run("ip link set far0 up");
    let mut command = beyond.command("dnsmasq");
    // It cannot become another user: there is no other one in the namespace.
    command.args(["--no-daemon", "--user=root", "--group=root"]);
    command.args(["--conf-file=/dev/null", "--port=0"]);
    command.args(["--interface=far0", "--bind-interfaces"]);
    command.args(["--dhcp-range=10.99.0.50,10.99.0.60,1h", "--no-ping"]);
    command.arg("--log-dhcp");
    let leases = directory.join("dnsmasq.leases");
    command.arg(format!("--dhcp-leasefile={}", leases.display()));
    logged(&mut command, &directory.join("other.log"))
}

/// ISC's relay, and the router between the machine's link and the agent's.
fn relay(beyond: &Namespace, directory: &Path) -> Running {
    beyond.run("ip address add 10.99.0.2/24 dev far0");
    beyond.run("ip link set far0 up");
    beyond.run("ip link add link0 type bridge forward_delay 0 stp_state 0");
    beyond.run("ip address add 10.98.0.1/24 dev link0");
    beyond.run("ip link set link0 up");
    let forward = "echo 1 >/proc/sys/net/ipv4/ip_forward";
    assert!(
        beyond
            .command("sh")
            .args(["-c", forward])
            .status()
            .unwrap()
            .success()
    );
    run("ip route add 10.98.0.0/24 via 10.99.0.2");
    let mut command = beyond.command("dhcrelay");
    command.args(["-4", "-d", "-a", "-iu", "far0", "-id", "link0", AGENT]);
    logged(&mut command, &directory.join("other.log"))
}

/// Where the agent fetches the images.
fn images() -> Running {
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "http.server",
        "--bind",
        "127.0.0.1",
        "8081",
        "--directory",
    ]);
    command.arg(lab());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let server = Running(command.spawn().expect("python3: run tests/prerequisites"));
    await_port(8081);
    server
}

fn agent(addresses: Addresses, directory: &Path) -> Running {
    let subnets = match addresses {
        Addresses::Leased => {
            "[[subnets]]\nsubnet = \"10.99.0.0/24\"\npools = [\"10.99.0.10-10.99.0.20\"]\n"
        }
        Addresses::Relayed => {
            "[[subnets]]\nsubnet = \"10.98.0.0/24\"\nrouter = \"10.98.0.1\"\npools = [\"10.98.0.10-10.98.0.20\"]\n"
        }
        Addresses::OfAnotherServer => "",
    };
    let mode = match addresses {
        Addresses::Leased | Addresses::Relayed => "server",
        Addresses::OfAnotherServer => "proxy",
    };
    let config = directory.join("agent.toml");
    let text = format!(
        "state_dir = {:?}\nboot.listen = \"{AGENT}:8080\"\ndhcp.interface = \"link0\"\n\
         dhcp.mode = {mode:?}\n{subnets}",
        directory.join("state"),
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new(program("baremetal-agent"));
    command.args(["run", "--config"]).arg(&config);
    let agent = logged(&mut command, &directory.join("agent.log"));
    await_port(7470);
    agent
}

fn await_port(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on port {port}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn lab() -> std::path::PathBuf {
    let lab = root().join("target/lab");
    assert!(lab.join("initrd").exists(), "run tests/lab/install");
    lab
}

/// A Linux that fetches its config, reports, and powers off.
fn boot_config() -> Value {
    let asset = |name: &str| {
        let bytes = fs::read(lab().join(name)).unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
        let hex: String = digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        json!({ "url": format!("http://127.0.0.1:8081/{name}"), "sha256": hex })
    };
    json!({
        "kernel": asset("vmlinuz"),
        "initrds": [asset("initrd")],
        "kernel_args": [
            "console=ttyS0",
            "lab.config={{ user_data_url }}",
            "lab.report={{ report_url }}",
        ],
        "user_data": { "content": "hello {{ hostname }}\n" },
        "user_data_format": "raw",
    })
}
