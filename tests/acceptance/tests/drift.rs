//! What changes behind Terraform's back is seen, and mended without installing anything.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{Site, Workspace, configuration};
use model::PowerState;

#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_plug_is_a_diff_and_the_next_apply_powers_on_without_installing() {
    let site = Site::start("plug", 1).await;
    let machine = site.machine(0);
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.apply().success();
    workspace.assert_clean();

    machine.force_power_off();
    let plan = workspace.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.text);
    assert!(
        plan.text
            .contains("baremetal_host_claim.node will be updated"),
        "{}",
        plan.text
    );
    assert_eq!(
        machine.power_state(),
        PowerState::Off,
        "a plan powers nothing"
    );

    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.assert_clean();
    assert_eq!(machine.power_state(), PowerState::On);
    assert_eq!(machine.installs(), 1);
    workspace.destroy();
    assert_eq!(machine.power_state(), PowerState::Off);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_lost_its_store_is_drift_and_no_reason_to_reinstall() {
    let mut site = Site::start("lost", 1).await;
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.apply().success();

    site.agent.kill();
    // All but the token and the key: what a restored machine without its store has.
    for entry in std::fs::read_dir(&site.agent.state_dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_file() && !matches!(name.as_str(), "token" | "seal.key") {
            std::fs::remove_file(path).unwrap();
        }
    }
    site.agent.restart();

    let plan = workspace.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.text);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.assert_clean();
    assert_eq!(site.machine(0).installs(), 1);
    assert_eq!(site.machine(0).power_state(), PowerState::On);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answering_is_a_warning_and_nothing_is_forgotten() {
    let mut site = Site::start("dead", 1).await;
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.apply().success();

    site.agent.kill();
    let plan = workspace.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.text);
    assert!(
        plan.text.contains("The agent does not answer"),
        "{}",
        plan.text
    );
    site.agent.restart();

    site.machine(0).set_faults(rack::Faults {
        bmc_down: true,
        ..rack::Faults::default()
    });
    let plan = workspace.run(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.text);
    assert!(
        plan.text.contains("is kept as it was last seen"),
        "{}",
        plan.text
    );
    site.machine(0).set_faults(rack::Faults::default());
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_trigger_boots_the_server_again_while_it_is_held() {
    let site = Site::start("again", 1).await;
    let machine = site.machine(0);
    let with = |trigger: &str| {
        let extra = format!("reprovision = {{ trigger = \"{trigger}\" }}");
        configuration::host(&site, 0, &extra)
    };
    let workspace = Workspace::with(&with("a"), site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    assert_eq!(machine.installs(), 1);
    workspace.write("main.tf", &with("b"));
    let plan = workspace.run(&["plan"]).success();
    assert!(
        plan.text.contains("The server will be reprovisioned"),
        "{}",
        plan.text
    );
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.assert_clean();
    assert_eq!(machine.installs(), 2);
    workspace.destroy();
}
