//! An agent and a rack in this process, and one server's life through a proxy.

use std::{net::Ipv4Addr, time::Duration};

use agent::{Agent, Config};
use rack::{BmcCounters, Fault, FaultProxy, MachineHandle, Network, Rack, RackConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Case, Part, STALL};
use crate::host::{
    Host,
    workspace::{Configuration, State, Told},
};

const BMC: &str = "baremetal_bmc";
const SERVER: &str = "baremetal_server";
const CLAIM: &str = "baremetal_host_claim";
const BOOT_CONFIG: &str = "baremetal_boot_config";

/// An agent and a rack that netboots from it. Both end with the value.
pub(crate) struct Site {
    rack: Rack,
    boot_config_id: Value,
    provider: Value,
    _agent: DropGuard,
    _directory: TempDir,
}

impl Site {
    pub(crate) async fn start(name: &str, machines: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let loaders = directory.path().join("loaders");
        std::fs::create_dir_all(&loaders).unwrap();
        Rack::write_loaders(&loaders).unwrap();
        let state = directory.path().join("agent");
        let config = format!(
            "state_dir = {state:?}\n[control]\nlisten = \"127.0.0.1:0\"\n\
             [boot]\nlisten = \"127.0.0.1:0\"\n[dhcp]\nlisten = \"127.0.0.1:0\"\n\
             [tftp]\nlisten = \"127.0.0.1:0\"\nloader_dir = {loaders:?}\n\
             [[subnets]]\nsubnet = \"127.80.0.0/16\"\nrouter = \"127.80.0.1\"\n\
             pools = [\"127.80.1.0-127.80.3.250\"]\n"
        );
        let agent = Agent::bind(Config::parse(&config).unwrap()).await.unwrap();
        let network = Network {
            dhcp_server: agent.dhcp_addr().unwrap(),
            relay: Ipv4Addr::new(127, 80, 0, 1),
            tftp_port: agent.tftp_addr().unwrap().port(),
        };
        let token = std::fs::read_to_string(state.join("token")).unwrap();
        let endpoint = format!("http://{}", agent.control_addr());
        let shutdown = CancellationToken::new();
        let guard = shutdown.clone().drop_guard();
        tokio::spawn(async move { agent.run(shutdown).await.unwrap() });
        let rack = Rack::start(RackConfig::new(name, machines, network));
        let mut site = Self {
            rack: rack.await.unwrap(),
            boot_config_id: Value::Null,
            provider: json!({
                "agent": {"endpoints": [endpoint], "token": token.trim()},
                "credentials": {"default": {"username": "admin", "password": "rack-password"}},
                // Shorter than a stall.
                "redfish": {"request_timeout": "8s"},
                "holder": name,
            }),
            _agent: guard,
            _directory: directory,
        };
        site.publish().await;
        site
    }

    /// What every server boots.
    async fn publish(&mut self) {
        let (url, (kernel, initrd)) = (self.rack.images_url(), self.rack.images());
        let config = json!({
            "kernel": {"url": format!("{url}/kernel"), "sha256": kernel},
            "initrds": [{"url": format!("{url}/initrd"), "sha256": initrd}],
            "ignition_wo": json!({"ignition": {"version": "3.4.0"}}).to_string(),
            "ignition_wo_version": 1,
        });
        let told: Told = Box::new(move |_| config.clone());
        let mut state = State::default();
        let mut host = Host::start(&self.provider).await;
        state
            .apply(&mut host, &[(BOOT_CONFIG, told)])
            .await
            .unwrap();
        self.boot_config_id = state.attribute(BOOT_CONFIG, "id");
        host.end().await;
    }
}

/// One server's life.
pub(crate) struct Lane {
    machine: MachineHandle,
    proxy: FaultProxy,
    provider: Value,
    boot_config_id: Value,
    state: State,
    /// How often it was changed.
    changes: u32,
    failed: Vec<String>,
    /// The most sessions that were to be expected at once so far.
    most: usize,
}

impl Lane {
    pub(crate) async fn start(site: &Site, index: usize) -> Self {
        let machine = site.rack.machines()[index].clone();
        Self {
            proxy: FaultProxy::start(&site.rack, &machine).await.unwrap(),
            machine,
            provider: site.provider.clone(),
            boot_config_id: site.boot_config_id.clone(),
            state: State::default(),
            changes: 0,
            failed: Vec::new(),
            most: 1,
        }
    }

    /// Lives without a fault, and says how many requests each part makes.
    pub(crate) async fn undisturbed(&mut self) -> [u64; 3] {
        let mut requests = [0; 3];
        for (index, part) in [Part::Create, Part::Update, Part::Destroy]
            .into_iter()
            .enumerate()
        {
            let before = self.machine.bmc_counters();
            self.proxy.mend();
            self.changes += u32::from(part == Part::Update);
            let outcome = self.once(part).await;
            assert_eq!(outcome, Ok(()), "{part:?}");
            requests[index] = self.proxy.requests();
            println!("{part:?}:\n{}", self.journal());
            self.settled(part, &before).await;
        }
        assert_eq!(self.failed, Vec::<String>::new());
        requests
    }

    /// Lives with these faults, and says what came of them that should not. What no fault is in is
    /// lived too, so that each follows what it needs.
    pub(crate) async fn live(&mut self, cases: Vec<Case>) -> Vec<String> {
        if cases.first().is_none_or(|case| case.part != Part::Create) {
            self.proxy.mend();
            let made = self.once(Part::Create).await;
            self.failed.extend(made.err());
        }
        for case in cases {
            if !self.failed.is_empty() {
                // What follows would start from what should not be.
                break;
            }
            self.check(case).await;
        }
        std::mem::take(&mut self.failed)
    }

    async fn check(&mut self, case: Case) {
        let before = self.machine.bmc_counters();
        self.proxy.spoil(case.number, case.fault);
        self.changes += u32::from(case.part == Part::Update);
        let first = self.once(case.part).await;
        let again = match &first {
            Ok(()) => Ok(()),
            Err(_) => self.once(case.part).await,
        };
        if let Err(error) = again {
            self.failed.push(format!("the next run fails too: {error}"));
        }
        self.settled(case.part, &before).await;
        if !self.failed.is_empty() {
            let outcome = first.err().unwrap_or_else(|| "went well".to_owned());
            let text = format!(
                "{case}: {}\nthe first run: {outcome}\n{}",
                self.failed.join("\n"),
                self.journal()
            );
            self.failed = vec![text];
        }
    }

    /// One run of Terraform, with a provider of its own.
    async fn once(&mut self, part: Part) -> Result<(), String> {
        let configuration = self.configuration();
        let mut host = Host::start(&self.provider).await;
        let outcome = match part {
            Part::Create | Part::Update => self.state.apply(&mut host, &configuration).await,
            Part::Destroy => self.state.destroy(&mut host, &configuration).await,
        };
        host.end().await;
        outcome
    }

    /// Sees that nothing is left to do, and that nothing happened that should not.
    async fn settled(&mut self, part: Part, before: &BmcCounters) {
        if part == Part::Destroy {
            let left = self.state.names();
            if !left.is_empty() {
                self.failed.push(format!("{left:?} are left"));
            }
        } else {
            let mut host = Host::start(&self.provider).await;
            let configuration = self.configuration();
            let changes = self.state.changes(&mut host, &configuration).await;
            if changes != Ok(Vec::new()) {
                self.failed
                    .push(format!("the plan is not empty: {changes:?}"));
            }
            host.end().await;
        }
        let [left, most] = self.unheard();
        let closed = closed(&self.machine, left, STALL + Duration::from_secs(5)).await;
        let after = self.machine.bmc_counters();
        if !closed {
            self.failed
                .push(format!("{} sessions are left", after.sessions_live));
        }
        if (after.login_failures, after.lockouts) != (0, 0) {
            self.failed.push(format!("the account suffered: {after:?}"));
        }
        self.most = self.most.max(most);
        if after.sessions_most > self.most {
            self.failed
                .push(format!("{} sessions at once", after.sessions_most));
        }
        // What nobody heard of expires.
        self.machine.drop_bmc_sessions();
        let since = |kinds: &[&str]| -> u64 {
            let of = |counters: &BmcCounters| -> u64 {
                let counts = kinds.iter().filter_map(|kind| counters.resets.get(*kind));
                counts.sum()
            };
            of(&after) - of(before)
        };
        // Who is refused a shutdown takes the power away.
        let resets = [since(&["On"]), since(&["GracefulShutdown", "ForceOff"])];
        let expected = match part {
            Part::Create => [1, 0],
            Part::Update => [1, 1],
            Part::Destroy => [0, 1],
        };
        if resets != expected {
            self.failed.push(format!(
                "switched on and off {resets:?} times, expected {expected:?}: {:?}",
                after.resets
            ));
        }
    }

    /// The most sessions that may be left, and be open at once. A session whose login was answered by
    /// nothing that came has a name that nobody knows. One whose end goes wrong may outlive its run;
    /// the next one ends it.
    fn unheard(&self) -> [usize; 2] {
        let Some(spoiled) = self.proxy.spoiled() else {
            return [0, 1];
        };
        let is_unheard = matches!(
            spoiled.fault,
            Some(Fault::LoseResponse | Fault::StallRequest(_) | Fault::StallReply(_))
        );
        match spoiled.request.split(' ').next() {
            Some("POST") if is_unheard && spoiled.request.ends_with("/Sessions") => [1, 2],
            Some("DELETE") => [0, 2],
            _ => [0, 1],
        }
    }

    fn configuration(&self) -> Box<Configuration> {
        let bmc = json!({
            "address": "127.0.0.1", "port": self.proxy.port(), "credentials": "default",
            "tls": {"fingerprint_sha256": self.proxy.fingerprint_sha256()},
        });
        let change = self.changes.to_string();
        let tag = change.clone();
        let boot_config = self.boot_config_id.clone();
        let server = move |state: &State| json!({"bmc": state.attribute(BMC, "connection"), "asset_tag": tag});
        let claim = move |state: &State| {
            // A shutdown that never came to the BMC looks like one that takes its time: the power is
            // taken away after a part of the timeout.
            json!({"server_id": state.attribute(SERVER, "id"), "boot_config_id": boot_config,
                "reprovision": {"trigger": change}, "timeouts": {"update": "60s", "delete": "30s"}})
        };
        Box::new([
            (BMC, Box::new(move |_: &State| bmc.clone()) as Told),
            (SERVER, Box::new(server)),
            (CLAIM, Box::new(claim)),
        ])
    }

    fn journal(&self) -> String {
        let journal = self.proxy.journal();
        let lines = journal.iter().enumerate();
        let line = |(index, exchange)| format!("  {:>2} {exchange}", index + 1);
        lines.map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Whether no more sessions than that are open within `limit`: what stalled on its way comes late.
async fn closed(machine: &MachineHandle, left: usize, limit: Duration) -> bool {
    let all = async {
        while machine.bmc_counters().sessions_live > left {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(limit, all).await.is_ok()
}
