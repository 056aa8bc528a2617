//! BMC credentials from a program: used, asked for once, and nowhere to be found afterwards.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use acceptance::{PASSWORD, Site, USERNAME, Workspace, configuration, files_holding};

const CHATTER: &str = "canary-chatter-77c1";

/// The site's environment without BMC credentials, with Terraform's log at its loudest.
fn environment(site: &Site) -> Vec<(String, String)> {
    let mut environment = site.environment();
    environment.retain(|(name, _)| !name.starts_with("BAREMETAL_CREDENTIALS_"));
    for (name, value) in [("TF_LOG", "TRACE"), ("TF_LOG_PATH", "trace.log")] {
        environment.push((name.to_owned(), value.to_owned()));
    }
    environment
}

/// A program with this shell script, and the provider block that names it.
fn with_program(directory: &Path, script: &str) -> String {
    let program = directory.join("bmc-credentials");
    let script = format!("#!/bin/sh\necho '{CHATTER}' >&2\n{script}\n");
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    format!(
        r#"
provider "baremetal" {{
  credentials_exec = {{
    command = [{program:?}, "--store", "racks"]
    timeout = "20s"
  }}
}}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gives_credentials_that_end_up_nowhere() {
    let site = Site::start("exec", 1).await;
    let directory = tempfile::tempdir().unwrap();
    let asked = directory.path().join("asked");
    let script = format!(
        "echo \"$@\" >> {asked:?}\n\
         echo '{{\"username\": \"{USERNAME}\", \"password\": \"{PASSWORD}\"}}'"
    );
    let provider = with_program(directory.path(), &script);
    let configuration = [provider, configuration::host(&site, 0, "")].concat();
    let workspace = Workspace::with(&configuration, environment(&site));
    workspace.run(&["init", "-input=false"]).success();
    workspace.run(&["plan", "-out=plan.bin"]).success();
    let _earlier = fs::remove_file(&asked);
    workspace.run(&["apply", "plan.bin"]).success();
    let asked = fs::read_to_string(&asked).unwrap();
    assert_eq!(asked, "--store racks default\n", "once for the whole run");
    workspace.assert_clean();
    let show = workspace.run(&["show", "-json"]).success();
    workspace.write("state.json", &show.text);

    let log = workspace.path().join("trace.log").metadata().unwrap();
    assert!(log.len() > 10_000, "Terraform's log is there to look at");
    for canary in [PASSWORD, CHATTER] {
        let found = files_holding(&workspace.path(), canary);
        assert!(found.is_empty(), "{canary} is in {found:?}");
    }
    let found = files_holding(site.directory(), PASSWORD);
    assert!(
        found.is_empty(),
        "a secret is on the agent's side, in {found:?}"
    );
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_fails_is_an_error_without_a_word_of_what_it_said() {
    let site = Site::start("execbad", 1).await;
    let directory = tempfile::tempdir().unwrap();
    let script = format!("echo 'the password is {CHATTER}'; exit 4");
    let provider = with_program(directory.path(), &script);
    let configuration = [provider, configuration::server(site.machine(0))].concat();
    let workspace = Workspace::with(&configuration, environment(&site));
    let failed = workspace.apply().failure(&[
        "No credentials from credentials_exec",
        "was asked for \"default\", and it ended with exit status: 4",
        "run it by hand",
    ]);
    assert!(!failed.text.contains(CHATTER), "{}", failed.text);
    let found = files_holding(&workspace.path(), CHATTER);
    assert!(found.is_empty(), "{CHATTER} is in {found:?}");
    assert_eq!(site.machine(0).bmc_counters().login_failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_knows_nothing_leaves_the_environment_to_be_looked_at() {
    let site = Site::start("execnull", 1).await;
    let directory = tempfile::tempdir().unwrap();
    let provider = with_program(directory.path(), "echo null");
    let configuration = [provider, configuration::server(site.machine(0))].concat();
    let mut workspace = Workspace::with(&configuration, environment(&site));
    workspace.apply().failure(&[
        "Unknown BMC credentials",
        "credentials in the provider block, which has none; credentials_exec, where",
        "BAREMETAL_CREDENTIALS_DEFAULT_USERNAME and BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD are not",
    ]);
    workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_USERNAME", USERNAME);
    workspace.set("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", PASSWORD);
    workspace.run(&["apply", "-auto-approve"]).success();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_travels_readable_is_a_warning_at_plan() {
    let provider = r#"
provider "baremetal" {
  agent   = { endpoints = ["http://10.9.9.9:7470"], token = "t" }
  redfish = { insecure = true }
}
data "baremetal_servers" "all" {
  state = "available"
}
"#;
    let workspace = Workspace::with(provider, Vec::new());
    workspace.run(&["init", "-input=false"]).success();
    let validated = workspace.run(&["validate"]).success();
    for warning in [
        "The agent's token travels readable",
        "The certificates of BMCs are not verified",
    ] {
        assert!(validated.text.contains(warning), "{}", validated.text);
    }
}
