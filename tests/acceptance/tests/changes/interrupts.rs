//! Applies that end before they are done.

use std::{
    process::Child,
    time::{Duration, Instant},
};

use acceptance::{Outcome, Site, Workspace, configuration};
use model::PowerState;
use rack::{Faults, MachineHandle};

use super::{APPLY, again, no_dhcp, values};

/// Sends a signal to Terraform and its provider, as a terminal does.
pub(super) fn signal(child: &Child, name: &str) {
    let group = format!("-{}", child.id());
    let kill = std::process::Command::new("kill")
        .args([name, "--", &group])
        .status();
    assert!(kill.unwrap().success());
}

/// Waits for a machine to be so.
pub(super) async fn until(machine: &MachineHandle, power: PowerState) {
    let limit = Duration::from_secs(60);
    machine
        .wait_until(limit, |seen| seen.power_state == power)
        .await
        .unwrap();
}

/// Interrupts an apply; it must end within two seconds.
#[track_caller]
fn interrupt(child: Child) -> Outcome {
    signal(&child, "-INT");
    let interrupted = Instant::now();
    let outcome = Workspace::finish(child);
    let took = interrupted.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}\n{}", outcome.text);
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_an_apply_in_time_while_neither_bmc_nor_agent_answers() {
    let site = Site::start("hang", 1).await;
    let machine = site.machine(0);
    machine.set_faults(no_dhcp());
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.run(&["init", "-input=false"]).success();
    let child = workspace.start(&APPLY);
    until(machine, PowerState::On).await;
    machine.set_faults(Faults {
        slow_ms: 30_000,
        ..no_dhcp()
    });
    site.agent.pause();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let outcome = interrupt(child);
    site.agent.resume();
    machine.set_faults(Faults::default());

    let claim = values(&workspace, "baremetal_host_claim");
    assert_eq!(claim["phase"], "reserved", "{}", outcome.text);
    assert!(!workspace.state().to_string().contains("\"tainted\":true"));
    machine.force_power_off();
    again(&workspace).success();
    workspace.assert_clean();
    assert_eq!(machine.installs(), 1);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_while_a_bmc_is_asked_before_a_boot_leaves_a_claim_that_is_resumed() {
    let site = Site::start("early", 1).await;
    let machine = site.machine(0);
    let workspace = Workspace::with(&configuration::server(machine), site.environment());
    workspace.apply().success();
    workspace.write("main.tf", &configuration::host(&site, 0, ""));
    let slow = ["apply", "-auto-approve", "-input=false", "-refresh=false"];
    machine.set_faults(Faults {
        slow_ms: 30_000,
        ..Faults::default()
    });
    let child = workspace.start(&slow);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !site.agent.log().contains("server claimed") {
        assert!(Instant::now() < deadline, "{}", site.agent.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    interrupt(child);
    machine.set_faults(Faults::default());
    assert_eq!(
        values(&workspace, "baremetal_host_claim")["phase"],
        "reserved"
    );
    again(&workspace).success();
    workspace.assert_clean();
    assert_eq!(machine.installs(), 1);
    workspace.destroy();
}
