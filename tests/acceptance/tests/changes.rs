//! Every change of a thing in use: what is claimed, booted or addressed is changed under way, and
//! Terraform, the agent and the server agree afterwards.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

#[path = "changes/interrupts.rs"]
mod interrupts;
#[path = "changes/moves.rs"]
mod moves;
#[path = "changes/siblings.rs"]
mod siblings;
#[path = "changes/triggers.rs"]
mod triggers;
#[path = "changes/unreachable.rs"]
mod unreachable;

use acceptance::{Outcome, Site, Workspace, configuration};
use model::PowerState;
use rack::Faults;

const APPLY: [&str; 3] = ["apply", "-auto-approve", "-input=false"];

/// An apply without `init`, which was done before.
fn again(workspace: &Workspace) -> Outcome {
    workspace.run(&APPLY)
}

/// Nothing answers the DHCP of a machine with this.
fn no_dhcp() -> Faults {
    Faults {
        no_dhcp: true,
        ..Faults::default()
    }
}

/// The values of the only resource of this type in the state.
#[track_caller]
fn values(workspace: &Workspace, kind: &str) -> serde_json::Value {
    let state = workspace.state();
    let resources = state["values"]["root_module"]["resources"].as_array();
    let mut resources = resources.unwrap().iter();
    let found = resources.find(|resource| resource["type"] == kind);
    found.unwrap()["values"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_switched_on_boots_its_server_once_and_waits_for_it() {
    let site = Site::start("switch", 1).await;
    let machine = site.machine(0);
    let with = |power: &str| configuration::host(&site, 0, &format!("power = \"{power}\""));
    let workspace = Workspace::with(&with("Off"), site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    assert_eq!(
        (machine.power_state(), machine.boots()),
        (PowerState::Off, 0)
    );

    workspace.write("main.tf", &with("On"));
    again(&workspace).success();
    assert_eq!(
        (machine.power_state(), machine.installs()),
        (PowerState::On, 1)
    );
    let claim = values(&workspace, "baremetal_host_claim");
    assert_eq!(claim["phase"], "settled");
    assert_eq!(
        claim["boot"].as_array().unwrap().last().unwrap()["stage"],
        "booted"
    );
    workspace.assert_clean();

    // What is installed is switched off and on without another installation.
    for power in ["Off", "On"] {
        workspace.write("main.tf", &with(power));
        again(&workspace).success();
        workspace.assert_clean();
        assert_eq!(machine.power_state().to_string(), power);
    }
    assert_eq!(machine.installs(), 1);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_config_is_replaced_while_a_claim_boots_it() {
    for lifecycle in ["", "lifecycle { create_before_destroy = true }"] {
        let site = Site::start("replace", 1).await;
        let text = [
            configuration::server(site.machine(0)),
            configuration::boot_config(&site.rack, &[configuration::IGNITION, lifecycle].concat()),
            configuration::claim(""),
        ];
        let workspace = Workspace::with(&text.concat(), site.environment());
        workspace.apply().success();
        let before = values(&workspace, "baremetal_boot_config")["id"].clone();
        let replace = "-replace=baremetal_boot_config.node";
        workspace
            .run(&["apply", "-auto-approve", "-input=false", replace])
            .success();
        workspace.assert_clean();
        let after = values(&workspace, "baremetal_boot_config")["id"].clone();
        assert_ne!(before, after);
        assert_eq!(
            values(&workspace, "baremetal_host_claim")["boot_config_id"],
            after
        );
        assert_eq!(site.machine(0).installs(), 1);
        workspace.destroy();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_changed_by_the_apply_that_destroys_its_claim() {
    let site = Site::start("both", 1).await;
    let machine = site.machine(0);
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.apply().success();
    let server = configuration::server(machine)
        .replace("\"127.0.0.1\"", "\"localhost\"")
        .replace(
            "bmc = ",
            "labels = { rack = \"r2\" }\n  unclaimable = true\n  bmc = ",
        );
    workspace.write("main.tf", &server);
    again(&workspace).success();
    workspace.assert_clean();
    let server = values(&workspace, "baremetal_server");
    assert_eq!(server["labels"]["rack"], "r2");
    assert_eq!(machine.power_state(), PowerState::Off);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_between_plan_and_apply_is_for_the_next_refresh_to_report() {
    let site = Site::start("between", 1).await;
    let machine = site.machine(0);
    machine.set_faults(no_dhcp());
    let claim = |extra: &str| {
        let wait = format!("wait_for = \"reserved\"\n{extra}");
        configuration::host(&site, 0, &wait)
    };
    let workspace = Workspace::with(&claim(""), site.environment());
    workspace.apply().success();
    let relabelled = claim("on_destroy = { power_off = \"force\" }")
        .replace("bmc = ", "labels = { a = \"b\" }\n  bmc = ");
    workspace.write("main.tf", &relabelled);
    workspace
        .run(&["plan", "-out=planned", "-input=false"])
        .success();

    // Another test may have chosen it already.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    // Somebody disarms the server by hand, and it loses the one stage it had.
    let uid = values(&workspace, "baremetal_host_claim")["id"].clone();
    let url = format!(
        "{}/v1/claims/{}/disarm",
        site.agent.endpoint,
        machine.uuid()
    );
    let disarm = reqwest::Client::new().post(url);
    let disarm = disarm
        .bearer_auth(&site.agent.token)
        .header("content-type", "application/json")
        .body(serde_json::json!({ "uid": uid }).to_string());
    assert!(disarm.send().await.unwrap().status().is_success());
    workspace
        .run(&["apply", "-input=false", "planned"])
        .success();
    workspace.assert_clean();
    let refresh = ["apply", "-refresh-only", "-auto-approve", "-input=false"];
    workspace.run(&refresh).success();
    let stages = values(&workspace, "baremetal_host_claim")["boot"].clone();
    assert_eq!(stages, serde_json::json!([]));
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_resources_for_one_server_are_one_too_many() {
    let site = Site::start("twice", 1).await;
    let machine = site.machine(0);
    let one = configuration::server(machine);
    let two = [
        &one,
        "resource \"baremetal_server\" \"twin\" {\n  bmc = baremetal_bmc.node.connection\n}\n",
    ]
    .concat();
    let workspace = Workspace::with(&one, site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    workspace.write("main.tf", &two);
    again(&workspace).failure(&[
        "The server is registered already",
        &machine.uuid().to_string(),
    ]);
    workspace.write("main.tf", &one);
    again(&workspace).success();
    workspace.assert_clean();
    workspace.destroy();

    // In one apply as well: it is told from a registration whose state was lost.
    workspace.write("main.tf", &two);
    again(&workspace).failure(&["The server is registered already"]);
    workspace.write(
        "main.tf",
        &two.replace("\"node\" {\n  bmc", "\"twin2\" {\n  bmc"),
    );
    workspace.destroy();
}
