//! One exchange of a journey goes wrong: the next apply brings it about, and nothing happens twice.
//!
//! The provider's own tests try every request with every fault; these are some of them with the real
//! Terraform, which plans and applies with a provider process each.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{sync::Arc, time::Duration};

use acceptance::{Site, Workspace, configuration};
use model::PowerState;
use rack::{BmcCounters, Exchange, Fault, FaultProxy, Faults, MachineHandle};

const APPLY: [&str; 3] = ["apply", "-auto-approve", "-input=false"];
const DESTROY: [&str; 3] = ["destroy", "-auto-approve", "-input=false"];

/// A part of a journey: one run of Terraform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Create,
    Update,
    Destroy,
}

/// The last request of a part that begins so, and what goes wrong with it.
type Case = (Part, &'static str, Fault);

const SYSTEM: &str = "GET /redfish/v1/Systems/1";
const CHANGE: &str = "PATCH";
const RESET: &str = "POST /redfish/v1/Systems/1/Actions";
const LOGIN: &str = "POST /redfish/v1/SessionService";
const LOGOUT: &str = "DELETE";

const CASES: [Case; 8] = [
    (Part::Create, RESET, Fault::LoseResponse),
    (
        Part::Create,
        CHANGE,
        Fault::StallReply(Duration::from_secs(10)),
    ),
    (Part::Create, SYSTEM, Fault::Html),
    (
        Part::Update,
        RESET,
        Fault::StallRequest(Duration::from_secs(10)),
    ),
    (Part::Update, CHANGE, Fault::Reset),
    (Part::Update, LOGOUT, refused(503)),
    (Part::Destroy, RESET, Fault::Truncate),
    (Part::Destroy, LOGIN, refused(429)),
];

const fn refused(status: u16) -> Fault {
    Fault::Refuse {
        status,
        retry_after: Some(1),
    }
}

/// A machine behind a proxy, and the workspace that manages it.
struct Journey {
    workspace: Workspace,
    machine: MachineHandle,
    proxy: FaultProxy,
    base: String,
}

impl Journey {
    async fn start(site: &Site, index: usize) -> Self {
        let machine = site.machine(index).clone();
        let proxy = FaultProxy::start(&site.rack, &machine).await.unwrap();
        let provider = "provider \"baremetal\" {\n  redfish = { request_timeout = \"8s\" }\n}\n";
        let base = configuration::host(site, index, "reprovision = { trigger = \"TRIGGER\" }")
            .replace(
                &format!("port        = {}", machine.bmc_port()),
                &format!("port        = {}", proxy.port()),
            )
            .replace(machine.fingerprint_sha256(), proxy.fingerprint_sha256());
        let base = format!("{provider}{base}");
        let workspace = Workspace::with(&base, site.environment());
        workspace.run(&["init", "-input=false"]).success();
        Self {
            workspace,
            machine,
            proxy,
            base,
        }
    }

    /// Runs one part, and once more if that fails.
    #[track_caller]
    fn run(&self, part: Part) {
        let trigger = format!("{part:?}");
        let main = self.base.replace("TRIGGER", &trigger);
        let arguments = match part {
            Part::Create | Part::Update => {
                self.workspace.write("main.tf", &main);
                APPLY
            }
            Part::Destroy => DESTROY,
        };
        let first = self.workspace.run(&arguments);
        if first.code != 0 {
            self.workspace.run(&arguments).success();
        }
    }

    /// Lives it all. The number of the request that is to go wrong is of one part.
    #[track_caller]
    fn live(&self, spoiled: Option<(Part, u64, Fault)>) -> Vec<(Part, Vec<Exchange>)> {
        let mut journals = Vec::new();
        for part in [Part::Create, Part::Update, Part::Destroy] {
            match spoiled {
                Some((of, number, fault)) if of == part => self.proxy.spoil(number, fault),
                _ => self.proxy.mend(),
            }
            self.run(part);
            journals.push((part, self.proxy.journal()));
            self.proxy.mend();
            if part != Part::Destroy {
                self.workspace.assert_clean();
            }
        }
        journals
    }

    #[track_caller]
    fn assert_sound(&self, journals: &[(Part, Vec<Exchange>)]) {
        let counters = self.machine.bmc_counters();
        let count = |kind: &str| counters.resets.get(kind).copied().unwrap_or_default();
        let off = count("GracefulShutdown") + count("ForceOff");
        assert_eq!((count("On"), off), (2, 2), "{counters:?}\n{journals:?}");
        assert_sessions(&counters);
        assert_eq!(self.machine.installs(), 2);
        assert_eq!(self.machine.power_state(), PowerState::Off);
    }
}

#[track_caller]
fn assert_sessions(counters: &BmcCounters) {
    let sessions = (counters.sessions_live, counters.sessions_most);
    assert!(sessions.0 == 0 && sessions.1 <= 1, "{counters:?}");
    let failures = (counters.login_failures, counters.lockouts);
    assert_eq!(failures, (0, 0), "{counters:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_once_is_brought_about_by_the_next_apply_and_happens_once() {
    let machines = u16::try_from(CASES.len() + 1).unwrap();
    let site = Arc::new(Site::start("faults", machines).await);
    let well = Journey::start(&site, 0).await;
    let (well, journals) = tokio::task::spawn_blocking(move || {
        let journals = well.live(None);
        (well, journals)
    })
    .await
    .unwrap();
    well.assert_sound(&journals);
    let mut running = tokio::task::JoinSet::new();
    for (index, (part, request, fault)) in CASES.into_iter().enumerate() {
        let of = journals.iter().find(|(of, _)| *of == part);
        let number = of.and_then(|(_, journal)| {
            let is = |exchange: &Exchange| exchange.request.starts_with(request);
            journal.iter().rposition(is)
        });
        let number = number.unwrap_or_else(|| panic!("{part:?} has no {request}"));
        let number = u64::try_from(number).unwrap() + 1;
        let journey = Journey::start(&site, index + 1).await;
        running.spawn_blocking(move || {
            let journals = journey.live(Some((part, number, fault)));
            let spoiled = journals.iter().flat_map(|(_, journal)| journal);
            let spoiled = spoiled.filter(|exchange| exchange.fault == Some(fault));
            assert_eq!(spoiled.count(), 1, "{part:?} {request} {fault:?}");
            journey.assert_sound(&journals);
        });
    }
    while let Some(journey) = running.join_next().await {
        journey.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_and_one_that_is_interrupted_leave_no_session() {
    let site = Site::start("leave", 1).await;
    let machine = site.machine(0);
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.run(&["init", "-input=false"]).success();
    machine.set_faults(Faults {
        ignore_reset: true,
        ..Faults::default()
    });
    let text = configuration::host(&site, 0, "timeouts = { create = \"4s\" }");
    workspace.write("main.tf", &text);
    let failed = workspace.run(&APPLY);
    assert_ne!(failed.code, 0, "{}", failed.text);
    let counters = machine.bmc_counters();
    assert!(counters.sessions_opened > 0);
    assert_sessions(&counters);

    machine.set_faults(Faults {
        no_dhcp: true,
        ..Faults::default()
    });
    workspace.write("main.tf", &configuration::host(&site, 0, ""));
    let child = workspace.start(&APPLY);
    let on = |seen: &rack::Snapshot| seen.power_state == PowerState::On;
    machine
        .wait_until(Duration::from_secs(60), on)
        .await
        .unwrap();
    Workspace::signal(&child, "INT");
    Workspace::finish(child);
    assert_sessions(&machine.bmc_counters());

    machine.set_faults(Faults::default());
    machine.force_power_off();
    workspace.run(&APPLY).success();
    workspace.destroy();
    assert_sessions(&machine.bmc_counters());
}
