//! One-shot resets: each happens once, whatever happens to the run.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{fs, time::Duration};

use acceptance::{Site, Workspace, configuration, root};
use rack::{Faults, MachineHandle};

const APPLY: [&str; 3] = ["apply", "-auto-approve", "-input=false"];

/// A server, and a reset of it whose trigger has this value.
fn reset(machine: &MachineHandle, action: &str, trigger: u32) -> String {
    let server = configuration::server(machine);
    format!(
        r#"{server}
resource "baremetal_power_action" "once" {{
  server_id = baremetal_server.node.id
  action    = "{action}"
  triggers  = {{ number = "{trigger}" }}
}}
"#
    )
}

#[track_caller]
fn assert_resets(machine: &MachineHandle, expected: &[(&str, u64)]) {
    let expected = expected
        .iter()
        .map(|&(kind, count)| (kind.to_owned(), count));
    assert_eq!(machine.bmc_counters().resets, expected.collect());
}

/// Waits until the BMC was asked for so many resets.
async fn until_reset(machine: &MachineHandle, kind: &str, count: u64) {
    while machine.bmc_counters().resets.get(kind) < Some(&count) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_happens_once_for_each_trigger_though_its_reply_is_lost() {
    let site = Site::start("once", 1).await;
    let machine = site.machine(0);
    let workspace = Workspace::with(&reset(machine, "On", 1), site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    workspace.run(&APPLY).success();
    assert_resets(machine, &[("On", 1)]);

    workspace.write("main.tf", &reset(machine, "ForceRestart", 1));
    machine.set_faults(Faults {
        lose_responses: 1,
        ..Faults::default()
    });
    let plan = workspace.run(&["plan", "-input=false"]).success();
    assert!(plan.text.contains("will be reset"), "{}", plan.text);
    workspace.run(&APPLY).success();
    workspace.assert_clean();
    assert_resets(machine, &[("ForceRestart", 1), ("On", 1)]);

    workspace.write("main.tf", &reset(machine, "ForceRestart", 2));
    workspace.run(&APPLY).success();
    workspace.assert_clean();
    assert_resets(machine, &[("ForceRestart", 2), ("On", 1)]);
    workspace.destroy();
    // One that is created anew is another one.
    workspace.run(&APPLY).success();
    assert_resets(machine, &[("ForceRestart", 3), ("On", 1)]);

    // An import counts it as done.
    let address = "baremetal_power_action.once";
    let id = format!("{}/ForceRestart?number=2", machine.uuid());
    workspace.run(&["state", "rm", address]).success();
    workspace
        .run(&["import", "-input=false", address, &id])
        .success();
    workspace.assert_clean();
    workspace.destroy();
    assert_resets(machine, &[("ForceRestart", 3), ("On", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_of_a_killed_run_is_found_done_and_not_sent_again() {
    let site = Site::start("killed", 1).await;
    let machine = site.machine(0);
    let workspace = Workspace::with(&reset(machine, "On", 1), site.environment());
    workspace.apply().success();
    workspace.write("main.tf", &reset(machine, "ForceRestart", 1));
    let child = workspace.start(&[
        "apply",
        "-auto-approve",
        "-input=false",
        "-refresh=false",
        "-lock=false",
    ]);
    until_reset(machine, "ForceRestart", 1).await;
    Workspace::signal(&child, "KILL");
    Workspace::finish(child);
    workspace
        .run(&["apply", "-auto-approve", "-input=false", "-lock=false"])
        .success();
    workspace
        .run(&["plan", "-detailed-exitcode", "-input=false", "-lock=false"])
        .success();
    assert_resets(machine, &[("ForceRestart", 1), ("On", 1)]);
    let notes = fs::read_dir(workspace.path().join(".terraform/baremetal-actions")).unwrap();
    assert_eq!(notes.count(), 0, "what Terraform has stored needs no note");
    workspace
        .run(&["destroy", "-auto-approve", "-lock=false"])
        .success();
}

/// Brings a working directory to where a run leaves it that was killed while it waited for the
/// reply: the state as it was before, and a note of what was begun.
fn kill_in_hindsight(workspace: &Workspace, state: &[u8]) {
    fs::write(workspace.path().join("terraform.tfstate"), state).unwrap();
    let mut begun = 0;
    for note in fs::read_dir(workspace.path().join(".terraform/baremetal-actions")).unwrap() {
        let note = note.unwrap().path();
        let text = fs::read_to_string(&note).unwrap();
        if text.contains("\"done\":true") {
            fs::write(&note, text.replace("\"done\":true", "\"done\":false")).unwrap();
            begun += 1;
        }
    }
    assert_eq!(begun, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_began_is_judged_by_its_traces_and_without_one_is_an_error() {
    let site = Site::start("trace", 1).await;
    let machine = site.machine(0);
    let workspace = Workspace::with(&configuration::server(machine), site.environment());
    workspace.apply().success();
    workspace.write("main.tf", &reset(machine, "On", 1));
    workspace.run(&APPLY).success();
    workspace.assert_clean();
    let state = fs::read(workspace.path().join("terraform.tfstate")).unwrap();

    workspace.write("main.tf", &reset(machine, "ForceRestart", 1));
    workspace.run(&APPLY).success();
    kill_in_hindsight(&workspace, &state);
    let again = workspace.run(&APPLY).success();
    assert!(
        again.text.contains("done by an earlier run"),
        "{}",
        again.text
    );
    workspace.assert_clean();
    assert_resets(machine, &[("ForceRestart", 1), ("On", 1)]);

    let state = fs::read(workspace.path().join("terraform.tfstate")).unwrap();
    workspace.write("main.tf", &reset(machine, "Nmi", 1));
    workspace.run(&APPLY).success();
    kill_in_hindsight(&workspace, &state);
    for _ in 0..2 {
        workspace.run(&APPLY).failure(&[
            "It is not known whether the server was reset",
            "To send it again, delete",
        ]);
    }
    let sent = [("ForceRestart", 1), ("Nmi", 1), ("On", 1)];
    assert_resets(machine, &sent);
    workspace.destroy();
    assert_resets(machine, &sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_somebody_else_holds_is_reset_only_when_told_to() {
    let site = Site::start("held", 1).await;
    let machine = site.machine(0);
    let mut owner = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    owner.set("BAREMETAL_HOLDER", "the-owner");
    owner.apply().success();
    let text = format!(
        "resource \"baremetal_power_action\" \"once\" {{\n  server_id = \"{}\"\n  \
         action = \"ForceRestart\"\n}}\n",
        machine.uuid()
    );
    let mut other = Workspace::with(&text, site.environment());
    other.set("BAREMETAL_HOLDER", "somebody-else");
    other.apply().failure(&[
        "Somebody else holds the server",
        "the-owner",
        "while_claimed",
    ]);
    assert!(!machine.bmc_counters().resets.contains_key("ForceRestart"));
    other.write(
        "main.tf",
        &text.replace(
            "\"ForceRestart\"",
            "\"ForceRestart\"\n  while_claimed = true",
        ),
    );
    other.run(&APPLY).success();
    assert_eq!(machine.bmc_counters().resets["ForceRestart"], 1);
    owner.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_is_restarted_once_and_the_run_goes_on_when_it_is_back() {
    let site = Site::start_adjusted("bmcreset", 1, |config| {
        config.bmc_restart = Duration::from_secs(1);
    })
    .await;
    let machine = site.machine(0);
    let text = format!(
        "{}\nresource \"baremetal_power_action\" \"bmc\" {{\n  bmc = \
         baremetal_bmc.node.connection\n  action = \"BmcForceRestart\"\n}}\n",
        configuration::server(machine)
    );
    let workspace = Workspace::with(&text, site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    let counters = machine.bmc_counters();
    assert_eq!(
        counters.manager_resets,
        [("ForceRestart".to_owned(), 1)].into()
    );
    assert_eq!((counters.login_failures, counters.sessions_live), (0, 0));
    workspace.destroy();
}

const ACTIONS: &str = r#"
action "baremetal_server_power" "on" {
  config {
    server_id = baremetal_server.node.id
    action    = "On"
  }
}
action "baremetal_server_power" "restart" {
  config {
    bmc    = baremetal_bmc.node.connection
    action = "ForceRestart"
  }
}
action "baremetal_bmc_reset" "bmc" {
  config {
    bmc = baremetal_bmc.node.connection
  }
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn actions_reset_a_server_and_its_bmc_once_for_each_invocation() {
    let site = Site::start("actions", 1).await;
    let machine = site.machine(0);
    let server = configuration::server(machine);
    let workspace = Workspace::with(&server, site.environment());
    workspace.apply().success();
    workspace.write("main.tf", &format!("{server}{ACTIONS}"));
    if !workspace.host().has_actions() {
        workspace
            .run(&["validate"])
            .failure(&["Unsupported block type"]);
        return;
    }
    let invoke = |action: &str| {
        let invoke = format!("-invoke=action.baremetal_{action}");
        workspace.run(&["apply", "-auto-approve", "-input=false", &invoke])
    };
    invoke("server_power.on").success();
    invoke("server_power.on").success();
    assert_resets(machine, &[("On", 1)]);
    machine.set_faults(Faults {
        lose_responses: 1,
        ..Faults::default()
    });
    let told = invoke("server_power.restart").success();
    assert!(told.text.contains("the BMC has taken it"), "{}", told.text);
    assert_resets(machine, &[("ForceRestart", 1), ("On", 1)]);
    let told = invoke("bmc_reset.bmc").success();
    assert!(told.text.contains("it is back"), "{}", told.text);
    let resets = machine.bmc_counters().manager_resets;
    assert_eq!(resets, [("GracefulRestart".to_owned(), 1)].into());
    workspace.write("main.tf", &server);
    workspace.destroy();

    // The pages' examples are what this Terraform takes.
    for action in ["baremetal_server_power", "baremetal_bmc_reset"] {
        let example = root()
            .join("examples/actions")
            .join(action)
            .join("action.tf");
        let example = fs::read_to_string(example)
            .unwrap()
            .replace("node1", "node");
        let example = example.replace("action.baremetal_bmc_reset.node", "example");
        workspace.write("main.tf", &format!("{server}{example}"));
        workspace.run(&["validate"]).success();
    }
}
