//! No secret is where it must not be: state, plan, logs, the agent's disk.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::time::Duration;

use acceptance::{PASSWORD, Site, Workspace, configuration, files_holding};

const IGNITION_CANARY: &str = "canary-ignition-secret-51c7";
const ACCOUNT_CANARY: &str = "canary-account-password-77e2";

const PROVIDER: &str = r#"
variable "ignition" {
  type      = string
  ephemeral = true
}
variable "password" {
  type      = string
  ephemeral = true
}
variable "token" {
  type      = string
  ephemeral = true
}
variable "agent" {
  type = string
}
provider "baremetal" {
  agent       = { endpoints = [var.agent], token = var.token }
  credentials = { default = { username = "provisioner", password = var.password } }
}
"#;

/// One of everything else, so that every kind of object has been through the state and the logs.
fn everything_else(site: &Site) -> String {
    let (kernel, _) = site.rack.images();
    let url = site.rack.images_url();
    format!(
        r#"
resource "baremetal_subnet" "other" {{
  subnet = "127.81.0.0/24"
  pools  = ["127.81.0.10-127.81.0.20"]
}}
resource "baremetal_reservation" "other" {{
  subnet_id   = baremetal_subnet.other.id
  mac_address = "02:00:5e:00:53:01"
  address     = "127.81.0.11"
}}
resource "baremetal_image" "kernel" {{
  url    = "{url}/kernel"
  sha256 = "{kernel}"
}}
data "baremetal_agent" "this" {{}}
data "baremetal_servers" "all" {{
  depends_on = [baremetal_server.node]
}}
data "baremetal_boot_events" "node" {{
  server_id = baremetal_host_claim.node.server_id
}}
ephemeral "baremetal_session" "node" {{
  bmc = baremetal_bmc.node.connection
}}
variable "account" {{
  type      = string
  ephemeral = true
}}
resource "baremetal_bmc_account" "other" {{
  bmc                 = baremetal_bmc.node.connection
  username            = "other"
  role                = "ReadOnly"
  password_wo         = var.account
  password_wo_version = 1
}}
"#
    )
}

/// A configuration in which every secret is ephemeral, and the environment with the secrets.
fn with_secrets(site: &Site) -> Workspace {
    let ignition = "ignition_wo         = var.ignition\n  ignition_wo_version = 1\n";
    let text = [
        PROVIDER.to_owned(),
        configuration::server(site.machine(0)),
        configuration::boot_config(&site.rack, ignition),
        configuration::claim(""),
        everything_else(site),
    ]
    .concat();
    let ignition = serde_json::json!({
        "ignition": { "version": "3.4.0" },
        "storage": { "files": [{
            "path": "/etc/secret",
            "contents": { "source": format!("data:,{IGNITION_CANARY}") },
        }]},
    });
    let environment = [
        ("TF_VAR_ignition", ignition.to_string()),
        ("TF_VAR_password", PASSWORD.to_owned()),
        ("TF_VAR_account", ACCOUNT_CANARY.to_owned()),
        ("TF_VAR_token", site.agent.token.clone()),
        ("TF_VAR_agent", site.agent.endpoint.clone()),
        ("TF_LOG", "TRACE".to_owned()),
        ("TF_LOG_PATH", "trace.log".to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    Workspace::with(&text, environment.to_vec())
}

/// Looks for every secret in every file that Terraform and the agent left.
fn assert_nowhere(site: &Site, workspace: &Workspace) {
    let log = workspace.path().join("trace.log").metadata().unwrap();
    assert!(log.len() > 10_000, "Terraform's log is there to look at");
    assert!(
        site.agent.log().len() > 1_000,
        "the agent's log is there to look at"
    );
    let mut found = Vec::new();
    for canary in [
        PASSWORD,
        ACCOUNT_CANARY,
        IGNITION_CANARY,
        site.agent.token.as_str(),
    ] {
        found.extend(files_holding(&workspace.path(), canary));
    }
    assert!(found.is_empty(), "a secret is in {found:?}");
    for canary in [PASSWORD, ACCOUNT_CANARY, IGNITION_CANARY] {
        found.extend(files_holding(site.directory(), canary));
    }
    assert!(
        found.is_empty(),
        "a secret is on the agent's side, in {found:?}"
    );
    // The token has a file of its own, and is nowhere else.
    found.extend(files_holding(site.directory(), &site.agent.token));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_state_plan_logs_or_the_agents_disk() {
    let site = Site::start("secret", 1).await;
    let workspace = with_secrets(&site);
    workspace.run(&["init", "-input=false"]).success();
    workspace
        .run(&["plan", "-out=plan.bin", "-input=false"])
        .success();
    let plan = workspace.run(&["show", "-json", "plan.bin"]).success();
    workspace.write("plan.json", &plan.text);
    workspace
        .run(&["apply", "-input=false", "plan.bin"])
        .success();
    workspace.assert_clean();
    let show = workspace.run(&["show", "-json"]).success();
    workspace.write("state.json", &show.text);
    let installed = site
        .machine(0)
        .config()
        .expect("the server's configuration");
    let installed = String::from_utf8(installed).unwrap();
    assert!(
        installed.contains(IGNITION_CANARY),
        "the server did get its secret"
    );
    assert_nowhere(&site, &workspace);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_left_by_a_crash_a_refresh_or_a_destroy() {
    let mut site = Site::start("crash", 1).await;
    let workspace = with_secrets(&site);
    workspace.run(&["init", "-input=false"]).success();
    site.machine(0).set_faults(rack::Faults {
        no_dhcp: true,
        ..rack::Faults::default()
    });
    let apply = ["apply", "-auto-approve", "-input=false", "-lock=false"];
    let child = workspace.start(&apply);
    let is_on = |machine: &rack::Snapshot| machine.power_state == model::PowerState::On;
    let machine = site.machine(0);
    machine
        .wait_until(Duration::from_secs(60), is_on)
        .await
        .unwrap();
    Workspace::signal(&child, "KILL");
    let killed = Workspace::finish(child);
    workspace.write("killed.txt", &killed.text);
    site.agent.kill();
    assert_nowhere(&site, &workspace);

    site.agent.restart();
    site.machine(0).set_faults(rack::Faults::default());
    site.machine(0).force_power_off();
    workspace.run(&apply).success();
    let refresh = workspace.run(&["apply", "-refresh-only", "-auto-approve"]);
    workspace.write("refresh.txt", &refresh.success().text);
    assert_nowhere(&site, &workspace);

    // An error tells what was wrong with a secret, and not the secret.
    site.machine(0).set_faults(rack::Faults {
        wrong_credentials: true,
        ..rack::Faults::default()
    });
    site.machine(0).drop_bmc_sessions();
    let refused = workspace.run(&["destroy", "-auto-approve"]);
    workspace.write(
        "refused.txt",
        &refused.failure(&["the password is wrong"]).text,
    );
    site.machine(0).set_faults(rack::Faults::default());
    workspace.destroy();
    assert_nowhere(&site, &workspace);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_session_on_a_bmc_is_ended() {
    let site = Site::start("session", 2).await;
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    let machine = site.machine(0);
    assert!(machine.bmc_counters().sessions_opened > 0);
    assert_eq!(
        machine.bmc_counters().sessions_most,
        1,
        "one session at a time"
    );
    assert_eq!(machine.bmc_counters().sessions_live, 0, "none is left");
    assert_eq!(machine.bmc_counters().login_failures, 0);
    workspace.destroy();
    assert_eq!(machine.bmc_counters().sessions_live, 0);
}
