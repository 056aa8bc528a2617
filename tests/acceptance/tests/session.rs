//! A Redfish session that Terraform lends to others.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{fs, path::Path, time::Duration};

use acceptance::{Site, Workspace, configuration, files_holding};

/// A server's BMC, and somebody who takes a session's token away: a script that notes it in
/// `directory` and waits until it is told to go on. `last` is its last line.
fn borrower(site: &Site, directory: &Path, last: &str) -> String {
    let note = directory.join("note");
    let go = directory.join("go");
    format!(
        r#"
{}
ephemeral "baremetal_session" "node" {{
  bmc = baremetal_bmc.node.connection
}}
resource "terraform_data" "borrower" {{
  provisioner "local-exec" {{
    command = <<-EOT
      printf '%s %s%s' "$TOKEN" "$ENDPOINT" "$SESSION" > {note:?}.new && mv {note:?}.new {note:?}
      while ! test -e {go:?}; do sleep 0.1; done
      {last}
    EOT
    environment = {{
      TOKEN    = ephemeral.baremetal_session.node.token
      ENDPOINT = ephemeral.baremetal_session.node.endpoint
      SESSION  = ephemeral.baremetal_session.node.session_uri
    }}
  }}
}}
"#,
        configuration::server(site.machine(0))
    )
}

/// The token and the session's URL, once they are noted.
async fn noted(directory: &Path) -> (String, String) {
    loop {
        if let Ok(text) = fs::read_to_string(directory.join("note")) {
            let (token, url) = text.split_once(' ').unwrap();
            return (token.to_owned(), url.to_owned());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The status of a request that has nothing but the token.
async fn ask(token: &str, url: &str) -> u16 {
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .build()
        .unwrap();
    let request = client.get(url).header("X-Auth-Token", token);
    request.send().await.unwrap().status().as_u16()
}

#[track_caller]
fn assert_nowhere(workspace: &Workspace, token: &str) {
    let found = files_holding(&workspace.path(), token);
    assert!(found.is_empty(), "the token is in {found:?}");
}

fn environment(site: &Site) -> Vec<(String, String)> {
    let mut environment = site.environment();
    for (name, value) in [("TF_LOG_PROVIDER", "TRACE"), ("TF_LOG_PATH", "trace.log")] {
        environment.push((name.to_owned(), value.to_owned()));
    }
    environment
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_open_while_it_is_used_and_gone_afterwards() {
    // The harness's own client needs a TLS implementation too.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let site = Site::start("lend", 1).await;
    let directory = tempfile::tempdir().unwrap();
    let configuration = borrower(&site, directory.path(), "");
    let workspace = Workspace::with(&configuration, environment(&site));
    workspace.run(&["init", "-input=false"]).success();
    let apply = workspace.start(&["apply", "-auto-approve", "-input=false"]);
    let (token, url) = noted(directory.path()).await;
    assert_eq!(ask(&token, &url).await, 200, "{url}");
    let counters = site.machine(0).bmc_counters();
    assert!(counters.sessions_live >= 1, "{counters:?}");
    assert!(counters.sessions_most <= 2, "{counters:?}");
    fs::write(directory.path().join("go"), "").unwrap();
    Workspace::finish(apply).success();
    assert_eq!(site.machine(0).bmc_counters().sessions_live, 0);
    assert_eq!(ask(&token, &url).await, 401);
    workspace.assert_clean();
    assert_eq!(site.machine(0).bmc_counters().sessions_live, 0);
    assert_nowhere(&workspace, &token);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_ends_its_session_too() {
    let site = Site::start("lendbad", 1).await;
    let directory = tempfile::tempdir().unwrap();
    let configuration = borrower(&site, directory.path(), "exit 1");
    let workspace = Workspace::with(&configuration, environment(&site));
    workspace.run(&["init", "-input=false"]).success();
    fs::write(directory.path().join("go"), "").unwrap();
    workspace
        .run(&["apply", "-auto-approve", "-input=false"])
        .failure(&["local-exec provisioner error"]);
    let (token, _) = noted(directory.path()).await;
    assert_eq!(site.machine(0).bmc_counters().sessions_live, 0);
    assert_nowhere(&workspace, &token);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_a_provider_that_was_killed_is_ended_by_the_next_run() {
    for (name, next) in [("killplan", "plan"), ("killapply", "apply")] {
        let site = Site::start(name, 1).await;
        let machine = site.machine(0);
        let mut workspace = Workspace::with(&configuration::server(machine), site.environment());
        // One that no other test of this user looks into.
        let runtime = tempfile::tempdir().unwrap();
        workspace.set("XDG_RUNTIME_DIR", runtime.path().to_str().unwrap());
        workspace.apply().success();
        assert_eq!(machine.bmc_counters().sessions_live, 0);

        // It waits for a power state that the BMC does not reach.
        machine.set_faults(rack::Faults {
            ignore_reset: true,
            ..rack::Faults::default()
        });
        let on = configuration::server(machine).replace(
            "resource \"baremetal_server\" \"node\" {",
            "resource \"baremetal_server\" \"node\" {\n  power = \"On\"",
        );
        workspace.write("main.tf", &on);
        let child = workspace.start(&["apply", "-auto-approve", "-input=false"]);
        while machine.bmc_counters().resets.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Workspace::signal(&child, "KILL");
        Workspace::finish(child);
        let left = machine.bmc_counters();
        assert_eq!(left.sessions_live, 1, "{left:?}");

        machine.set_faults(rack::Faults::default());
        let arguments: &[&str] = match next {
            "apply" => &["apply", "-auto-approve", "-input=false", "-lock=false"],
            _ => &["plan", "-input=false", "-lock=false"],
        };
        workspace.run(arguments).success();
        let after = machine.bmc_counters();
        assert_eq!(after.sessions_live, 0, "{after:?}");
        assert!(after.sessions_most <= 2, "{after:?}");
        assert_eq!(after.login_failures, 0, "{after:?}");
        let entries = fs::read_dir(runtime.path().join("terraform-provider-baremetal"));
        let kept: Vec<_> = entries.unwrap().flatten().collect();
        assert!(kept.is_empty(), "{kept:?}");
        let destroyed = ["destroy", "-auto-approve", "-input=false", "-lock=false"];
        workspace.run(&destroyed).success();
        assert_eq!(machine.bmc_counters().sessions_live, 0);
    }
}
