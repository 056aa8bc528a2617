//! Accounts on BMCs, from their creation to their end.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{PASSWORD, Site, USERNAME, Workspace, configuration, files_holding};
use rack::{AccountRules, Faults, MachineHandle, PasswordChange};
use serde_json::Value;

const APPLY: [&str; 3] = ["apply", "-auto-approve", "-input=false"];
const FIRST: &str = "canary-account-first-1c";
const SECOND: &str = "canary-account-second-2d";

/// A BMC and an account called `own` on it, with the write-only password of the environment.
fn account(machine: &MachineHandle, username: &str, role: &str, version: i64) -> String {
    let bmc = configuration::server(machine);
    let bmc = bmc.split("resource \"baremetal_server\"").next().unwrap();
    format!(
        r#"{bmc}
variable "password" {{
  type      = string
  ephemeral = true
}}
resource "baremetal_bmc_account" "own" {{
  bmc                 = baremetal_bmc.node.connection
  username            = "{username}"
  role                = "{role}"
  password_wo         = var.password
  password_wo_version = {version}
}}
"#
    )
}

/// The same without a `baremetal_bmc`, which could not be read before the password is changed.
fn alone(machine: &MachineHandle, version: i64) -> String {
    format!(
        r#"
variable "password" {{
  type      = string
  ephemeral = true
}}
resource "baremetal_bmc_account" "own" {{
  bmc = {{
    endpoint           = "{}"
    credentials        = "default"
    fingerprint_sha256 = "{}"
  }}
  username            = "{USERNAME}"
  role                = "Administrator"
  password_wo         = var.password
  password_wo_version = {version}
}}
"#,
        machine.bmc_endpoint(),
        machine.fingerprint_sha256()
    )
}

async fn site(name: &str, rules: AccountRules) -> Site {
    Site::start_adjusted(name, 1, |config| config.accounts = rules).await
}

fn workspace(site: &Site, text: &str, password: &str) -> Workspace {
    let mut workspace = Workspace::with(text, site.environment());
    workspace.set("TF_VAR_password", password);
    workspace.set("TF_LOG_PROVIDER", "TRACE");
    workspace.set("TF_LOG_PATH", "trace.log");
    workspace.run(&["init", "-input=false"]).success();
    workspace
}

fn values(workspace: &Workspace) -> Value {
    let state = workspace.state();
    let resources = state["values"]["root_module"]["resources"].as_array();
    let own = |resource: &&Value| resource["type"] == "baremetal_bmc_account";
    resources.unwrap().iter().find(own).unwrap()["values"].clone()
}

fn lose_one(machine: &MachineHandle) {
    machine.set_faults(Faults {
        lose_responses: 1,
        ..Faults::default()
    });
}

#[track_caller]
fn assert_unharmed(machine: &MachineHandle, failures: u64) {
    let counters = machine.bmc_counters();
    let seen = (
        counters.login_failures,
        counters.lockouts,
        counters.sessions_live,
    );
    assert_eq!(seen, (failures, 0, 0));
}

#[track_caller]
fn assert_nowhere(workspace: &Workspace) {
    for secret in [FIRST, SECOND, PASSWORD] {
        let found = files_holding(&workspace.path(), secret);
        assert!(found.is_empty(), "a password is in {found:?}");
    }
}

/// Creates, plans, rotates, imports and destroys.
async fn journey(name: &str, rules: AccountRules) {
    let site = site(name, rules).await;
    let machine = site.machine(0);
    let mut workspace = workspace(&site, &account(machine, "terraform", "Operator", 1), FIRST);
    lose_one(machine);
    workspace.run(&APPLY).success();
    workspace.assert_clean();
    let created = values(&workspace);
    assert_eq!(created["password_wo"], Value::Null);
    assert_eq!(created["locked"], false);

    // Another version is a new password, in place; another password alone is none.
    workspace.set("TF_VAR_password", SECOND);
    workspace.assert_clean();
    let changes = machine.bmc_counters().account_changes;
    workspace.write(
        "main.tf",
        &account(machine, "terraform", "Administrator", 2),
    );
    lose_one(machine);
    let rotated = workspace.run(&APPLY).success();
    assert!(
        rotated.text.contains("0 added, 1 changed, 0 destroyed"),
        "{}",
        rotated.text
    );
    assert!(machine.bmc_counters().account_changes > changes);
    workspace.assert_clean();
    assert_eq!(values(&workspace)["uri"], created["uri"]);

    // The new password is the one that logs in.
    workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_USERNAME", "terraform");
    workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", SECOND);
    workspace.assert_clean();
    let refused = workspace.run(&[
        "destroy",
        "-auto-approve",
        "-target=baremetal_bmc_account.own",
    ]);
    refused.failure(&["the one that the provider logs in with", "removed block"]);
    workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_USERNAME", USERNAME);
    workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", PASSWORD);

    // An import knows everything but the version.
    let id = created["id"].as_str().unwrap().to_owned();
    let address = "baremetal_bmc_account.own";
    workspace.run(&["state", "rm", address]).success();
    workspace
        .run(&["import", "-input=false", address, &id])
        .success();
    let text = account(machine, "terraform", "Administrator", 2);
    workspace.write("main.tf", &text.replace("password_wo_version = 2", ""));
    workspace.assert_clean();
    assert_nowhere(&workspace);
    lose_one(machine);
    workspace.destroy();
    assert_unharmed(machine, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_created_rotated_imported_and_removed_though_every_reply_is_lost() {
    journey("accounts", AccountRules::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_with_fixed_slots_has_one_filled_in_and_cleared() {
    let rules = AccountRules {
        fixed_slots: Some(16),
        ..AccountRules::default()
    };
    journey("slots", rules).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_own_password_is_rotated_and_an_apply_that_was_cut_short_is_finished() {
    let rules = AccountRules {
        password_ends_sessions: true,
        ..AccountRules::default()
    };
    let site = site("rotate", rules).await;
    let machine = site.machine(0);
    let text = account(machine, USERNAME, "Administrator", 1);
    let mut workspace = workspace(&site, &text, FIRST);
    let applied = workspace.run(&APPLY).success();
    assert!(
        applied.text.contains("own password was changed"),
        "{}",
        applied.text
    );
    assert_unharmed(machine, 0);

    // Whoever forgets to say so is told, after one login.
    let told = workspace.run(&["plan", "-input=false"]);
    told.failure(&["put the new one under its name"]);
    workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", FIRST);
    workspace.assert_clean();
    let failures = machine.bmc_counters().login_failures;
    assert_eq!(failures, 1);

    // An apply whose state was never stored: the BMC and the credentials have the new password.
    let state = std::fs::read(workspace.path().join("terraform.tfstate")).unwrap();
    workspace.write("main.tf", &account(machine, USERNAME, "Administrator", 2));
    workspace.set("TF_VAR_password", SECOND);
    lose_one(machine);
    workspace.run(&APPLY).success();
    std::fs::write(workspace.path().join("terraform.tfstate"), state).unwrap();
    workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", SECOND);
    let changes = machine.bmc_counters().account_changes;
    workspace.run(&APPLY).success();
    assert_eq!(machine.bmc_counters().account_changes, changes);
    workspace.assert_clean();
    assert_nowhere(&workspace);
    assert_unharmed(machine, failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_factory_password_is_changed_where_the_bmc_demands_it_in_either_way() {
    for (name, said) in [
        ("forced1", PasswordChange::InSession),
        ("forced2", PasswordChange::Forbidden),
    ] {
        let rules = AccountRules {
            password_change: Some(said),
            password_length: 12..=40,
            ..AccountRules::default()
        };
        let site = site(name, rules).await;
        let machine = site.machine(0);
        let mut workspace = workspace(&site, &alone(machine, 1), "too-short");
        let refused = workspace.run(&APPLY);
        refused.failure(&["cannot be managed"]);
        workspace.set("TF_VAR_password", FIRST);
        workspace.run(&APPLY).success();
        workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", FIRST);
        workspace.assert_clean();
        assert_nowhere(&workspace);
        assert_unharmed(machine, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_bmc_keeps_the_account_and_somebody_elses_account_is_not_taken_over() {
    let site = site("kept", AccountRules::default()).await;
    let machine = site.machine(0);
    let text = account(machine, "terraform", "Operator", 1);
    let owner = workspace(&site, &text, FIRST);
    owner.run(&APPLY).success();
    machine.set_faults(Faults {
        bmc_down: true,
        ..Faults::default()
    });
    let plan = owner.run(&["plan", "-detailed-exitcode", "-input=false"]);
    assert_eq!(plan.code, 0, "{}", plan.text);
    assert!(
        plan.text.contains("is kept as it was last seen"),
        "{}",
        plan.text
    );
    machine.set_faults(Faults::default());

    let mut other = workspace(&site, &text, SECOND);
    other
        .run(&APPLY)
        .failure(&["The account exists already", "Import it"]);
    // One who knows its password has made it, in a run whose state was lost.
    other.set("TF_VAR_password", FIRST);
    other.run(&APPLY).success();
    other.assert_clean();
    owner.destroy();
    other.run(&["plan", "-detailed-exitcode", "-input=false"]);
    let plan = other.run(&["plan", "-detailed-exitcode", "-input=false"]);
    assert_eq!(plan.code, 2, "it is to be created again\n{}", plan.text);
    assert_nowhere(&other);
    assert_unharmed(machine, 1);
}
