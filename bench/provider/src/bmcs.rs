//! The simulated BMCs, in a process of their own: they take as much of the machine as the provider
//! does, and what they take is told apart.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use model::Secret;
use rack::{Faults, Network, Rack, RackConfig};
use serde_json::{Value, json};

use crate::{PASSWORD, Result, USERNAME, watch, work};

/// The argument that asks for this role.
pub(crate) const ROLE: &str = "bmcs";
/// Where every BMC listens, at an address of its own.
pub(crate) const PORT: u16 = 8443;
/// BMCs in one /24 of the loopback network, which is 127.77.0.0/16.
pub(crate) const PER_SUBNET: u16 = 250;

/// Runs the BMCs until standard input ends. Each line that comes is answered with the counters; one
/// that holds a number says how many microseconds of work a datagram is.
pub(crate) fn serve() -> Result<()> {
    let mut arguments = std::env::args().skip(2);
    let mut number = || arguments.next().unwrap_or_default().parse::<u64>();
    let (servers, latency_ms) = (u16::try_from(number()?)?, number()?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let rack = runtime.block_on(Rack::start(config(servers)))?;
    for machine in rack.machines() {
        machine.set_faults(Faults {
            slow_ms: latency_ms,
            ..Faults::default()
        });
    }
    let pins: Vec<&str> = rack
        .machines()
        .iter()
        .map(rack::MachineHandle::fingerprint_sha256)
        .collect();
    say(&json!({ "ca_pem": rack.ca_pem(), "pins": pins }))?;
    let work = runtime.block_on(work::Work::bind())?;
    let (port, task) = (work.port()?, work.clone());
    runtime.spawn(async move { task.run().await });
    for line in std::io::stdin().lines() {
        if let Ok(micros) = line?.parse() {
            work.take(Duration::from_micros(micros));
        }
        let mut counters = counters(&rack);
        counters["work_port"] = port.into();
        say(&counters)?;
    }
    Ok(())
}

fn config(servers: u16) -> RackConfig {
    let network = Network {
        dhcp_server: SocketAddr::from((Ipv4Addr::LOCALHOST, 9)),
        relay: Ipv4Addr::new(127, 77, 255, 1),
        tftp_port: 9,
    };
    let mut config = RackConfig {
        username: USERNAME.to_owned(),
        password: Secret::new(PASSWORD),
        ..RackConfig::new("bench", servers, network)
    };
    for (index, machine) in (0..).zip(&mut config.machines) {
        let [_, subnet] = u16::to_be_bytes(index / PER_SUBNET);
        let [_, host] = u16::to_be_bytes(index % PER_SUBNET + 1);
        machine.bmc_listen = SocketAddr::from(([127, 77, subnet, host], PORT));
    }
    config
}

/// The sum over all BMCs, and the servers that were read not once since the last time.
fn counters(rack: &Rack) -> Value {
    let all = rack
        .machines()
        .iter()
        .map(rack::MachineHandle::bmc_counters);
    let mut total = [0_u64; 4];
    let mut reads = Vec::new();
    for counters in all {
        let gets: u64 = counters.gets.values().sum();
        total[0] += counters.requests;
        total[1] += gets;
        total[2] += counters.sessions_opened;
        total[3] += u64::try_from(counters.sessions_live).unwrap_or(u64::MAX);
        reads.push(gets);
    }
    let [requests, gets, opened, live] = total;
    json!({ "requests": requests, "gets": gets, "sessions_opened": opened, "sessions_live": live,
        "gets_of_each": reads })
}

fn say(value: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    Ok(out.flush()?)
}

/// The process, from outside. It ends with the value.
pub(crate) struct Bmcs {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) ca_pem: String,
    pub(crate) pins: Vec<Value>,
}

/// What all BMCs together have counted, and used of the processors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) requests: u64,
    pub(crate) sessions_opened: u64,
    pub(crate) sessions_live: u64,
    pub(crate) gets_of_each: Vec<u64>,
    pub(crate) cpu_seconds: f64,
    pub(crate) work_port: u64,
}

impl Bmcs {
    pub(crate) fn start(servers: u16, latency_ms: u64) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ROLE, &servers.to_string(), &latency_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = child.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut bmcs = Self {
            child,
            ask,
            answers,
            ca_pem: String::new(),
            pins: Vec::new(),
        };
        let hello = bmcs.hear()?;
        hello["ca_pem"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut bmcs.ca_pem);
        bmcs.pins = hello["pins"].as_array().cloned().unwrap_or_default();
        Ok(bmcs)
    }

    /// The counters, from the start.
    pub(crate) fn counted(&mut self) -> Result<Counted> {
        self.ask("")
    }

    /// Has each datagram at the work port take so much of a processor from now on.
    pub(crate) fn work(&mut self, each: Duration) -> Result<Counted> {
        self.ask(&each.as_micros().to_string())
    }

    fn ask(&mut self, line: &str) -> Result<Counted> {
        writeln!(self.ask, "{line}")?;
        self.ask.flush()?;
        let said = self.hear()?;
        let number = |name: &str| said[name].as_u64().unwrap_or_default();
        let each = said["gets_of_each"].as_array();
        let process = watch::look(self.child.id());
        Ok(Counted {
            requests: number("requests"),
            sessions_opened: number("sessions_opened"),
            sessions_live: number("sessions_live"),
            work_port: number("work_port"),
            gets_of_each: each
                .into_iter()
                .flatten()
                .filter_map(Value::as_u64)
                .collect(),
            cpu_seconds: process.map_or(0.0, |process| process.cpu_seconds),
        })
    }

    fn hear(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the simulated BMCs ended; their error is above".into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Bmcs {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
