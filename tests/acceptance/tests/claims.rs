//! Claims are exclusive across Terraform states, and taken again by whoever was interrupted.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::time::{Duration, Instant};

use acceptance::{Site, Workspace, configuration};
use model::PowerState;

#[tokio::test(flavor = "multi_thread")]
async fn two_states_claim_one_server_and_exactly_one_wins() {
    let site = Site::start("race", 1).await;
    let machine = site.machine(0);
    let owner = Workspace::with(&configuration::server(machine), site.environment());
    owner.apply().success();

    let tenant = |name: &str| {
        let claim = format!(
            "resource \"baremetal_host_claim\" \"node\" {{\n  server_id = \"{}\"\n  \
             boot_config_id = baremetal_boot_config.node.id\n}}\n",
            machine.uuid()
        );
        let text = [
            configuration::boot_config(&site.rack, configuration::IGNITION),
            claim,
        ]
        .concat();
        let mut workspace = Workspace::with(&text, site.environment());
        workspace.set("BAREMETAL_HOLDER", name);
        workspace.run(&["init", "-input=false"]).success();
        workspace
    };
    let (red, blue) = (tenant("team-red/prod"), tenant("team-blue/prod"));
    let arguments = ["apply", "-auto-approve", "-input=false"];
    let (a, b) = (red.start(&arguments), blue.start(&arguments));
    let (a, b) = (Workspace::finish(a), Workspace::finish(b));
    let (winner, loser, lost, name) = match (a.code, b.code) {
        (0, _) => (&red, &blue, b, "team-red/prod"),
        (_, 0) => (&blue, &red, a, "team-blue/prod"),
        _ => panic!("nobody won\n{}\n{}", a.text, b.text),
    };
    lost.failure(&[
        "Server is already claimed",
        name,
        &machine.uuid().to_string(),
    ]);
    assert_eq!(machine.installs(), 1);
    winner.assert_clean();

    // The loser holds nothing, and gets the server once the winner has let it go.
    winner.destroy();
    loser.run(&arguments).success();
    assert_eq!(machine.installs(), 2);
    loser.destroy();
    owner.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_claimed_cannot_be_removed() {
    let site = Site::start("held", 1).await;
    let owner = Workspace::with(&configuration::server(site.machine(0)), site.environment());
    owner.apply().success();
    let claim = format!(
        "resource \"baremetal_host_claim\" \"node\" {{\n  selector = {{ manufacturer = \
         \"{}\" }}\n  wait_for = \"reserved\"\n  power = \"Off\"\n}}\n",
        "Contoso"
    );
    let mut tenant = Workspace::with(&claim, site.environment());
    tenant.set("BAREMETAL_HOLDER", "tenant");
    tenant.apply().success();
    tenant.assert_clean();
    owner
        .run(&["destroy", "-auto-approve"])
        .failure(&["claimed", "tenant"]);
    tenant.destroy();
    owner.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_an_apply_at_once_and_the_next_one_finishes_the_job() {
    let site = Site::start("stop", 1).await;
    let machine = site.machine(0);
    // Nothing answers its DHCP for as long as it may take to interrupt the apply.
    machine.set_faults(rack::Faults {
        no_dhcp: true,
        ..rack::Faults::default()
    });
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.run(&["init", "-input=false"]).success();
    let child = workspace.start(&["apply", "-auto-approve", "-input=false"]);
    let is_on = |machine: &rack::Snapshot| machine.power_state == PowerState::On;
    machine
        .wait_until(Duration::from_secs(60), is_on)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let interrupted = Instant::now();
    // The provider gets it too.
    Workspace::signal(&child, "INT");
    let outcome = Workspace::finish(child);
    let took = interrupted.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}\n{}", outcome.text);
    let state = workspace.state();
    let text = state.to_string();
    assert!(
        text.contains("baremetal_host_claim"),
        "the claim is not lost: {text}"
    );
    assert!(
        !text.contains("\"tainted\":true"),
        "it is resumed, not replaced: {text}"
    );
    assert_eq!(
        machine.bmc_counters().sessions_live,
        0,
        "no session is left on the BMC"
    );

    machine.set_faults(rack::Faults::default());
    machine.force_power_off();
    workspace
        .run(&["apply", "-auto-approve", "-input=false"])
        .success();
    workspace.assert_clean();
    assert_eq!(machine.installs(), 1);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_was_killed_leaves_a_claim_that_the_next_apply_resumes() {
    let site = Site::start("kill", 1).await;
    let machine = site.machine(0);
    machine.set_faults(rack::Faults {
        no_dhcp: true,
        ..rack::Faults::default()
    });
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.run(&["init", "-input=false"]).success();
    let child = workspace.start(&["apply", "-auto-approve", "-input=false"]);
    let is_on = |machine: &rack::Snapshot| machine.power_state == PowerState::On;
    machine
        .wait_until(Duration::from_secs(60), is_on)
        .await
        .unwrap();
    Workspace::signal(&child, "KILL");
    Workspace::finish(child);

    machine.set_faults(rack::Faults::default());
    machine.force_power_off();
    // Terraform never saved the claim, and a lock is left behind on some file systems.
    workspace
        .run(&["apply", "-auto-approve", "-input=false", "-lock=false"])
        .success();
    workspace.assert_clean();
    assert_eq!(machine.installs(), 1);
    workspace.destroy();
}
