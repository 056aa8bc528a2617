//! What is wrong is said: the fact, the value, the way out. Nothing is left half done.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{Site, Workspace, configuration};
use rack::MachineHandle;

fn bmc(machine: &MachineHandle, tls: &str) -> String {
    format!(
        "resource \"baremetal_bmc\" \"node\" {{\n  address = \"127.0.0.1\"\n  port = {}\n  \
         credentials = \"default\"\n  {tls}\n}}\n",
        machine.bmc_port()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_tried_once_and_named() {
    let site = Site::start("auth", 1).await;
    let mut workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.set(
        "BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD",
        "wrong-canary-2b1f",
    );
    let failed = workspace.apply().failure(&["credentials"]);
    assert!(
        !failed.text.contains("wrong-canary-2b1f"),
        "{}",
        failed.text
    );
    assert_eq!(
        site.machine(0).bmc_counters().login_failures,
        1,
        "accounts lock: one attempt a run"
    );
    for (name, value) in site.environment() {
        workspace.set(&name, &value);
    }
    workspace.apply().success();
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_verified_prints_the_pin_that_would() {
    let site = Site::start("tls", 1).await;
    let machine = site.machine(0);
    let fingerprint = machine.fingerprint_sha256().to_owned();
    let workspace = Workspace::with(&bmc(machine, ""), site.environment());
    workspace
        .apply()
        .failure(&["certificate", &fingerprint, "fingerprint_sha256"]);
    let wrong = "ab".repeat(32);
    workspace.write(
        "main.tf",
        &bmc(
            machine,
            &format!("tls = {{ fingerprint_sha256 = \"{wrong}\" }}"),
        ),
    );
    workspace.apply().failure(&[&fingerprint, &wrong]);
    let right = format!("tls = {{ fingerprint_sha256 = \"{fingerprint}\" }}");
    workspace.write("main.tf", &bmc(machine, &right));
    workspace.apply().success();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_or_an_agent_that_is_not_there_is_named() {
    let site = Site::start("gone", 1).await;
    let unreachable = bmc(site.machine(0), "tls = { insecure = true }")
        .replace(&site.machine(0).bmc_port().to_string(), "1");
    let workspace = Workspace::with(&unreachable, site.environment());
    workspace.apply().failure(&["https://127.0.0.1:1"]);

    let mut workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.set("BAREMETAL_AGENT_ENDPOINTS", "http://127.0.0.1:1");
    workspace
        .apply()
        .failure(&["The agent does not answer", "http://127.0.0.1:1"]);
    workspace.set("BAREMETAL_AGENT_ENDPOINTS", &site.agent.endpoint);
    workspace.set("BAREMETAL_AGENT_TOKEN", "not-the-token");
    workspace.apply().failure(&["token"]);
    workspace.set("BAREMETAL_AGENT_TOKEN", &site.agent.token);
    workspace.apply().success();
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_that_is_named_by_too_little_or_by_what_it_is_not_is_refused() {
    let site = Site::start("named", 1).await;
    let server = configuration::server(site.machine(0));
    let cases = [
        (
            server.replace("address     = \"127.0.0.1\"", ""),
            ["At least one of `address`, `mac_address`", ""],
        ),
        (
            server.replace("credentials = \"default\"", ""),
            ["No credentials for this BMC", ""],
        ),
        (
            server.replace(
                "address     =",
                "mac_address = \"52:54:00:00:00:01\"\n  address     =",
            ),
            ["Another BMC answers at this address", "52:54:00:00:00:01"],
        ),
    ];
    for (text, parts) in cases {
        let workspace = Workspace::with(&text, site.environment());
        workspace.run(&["init", "-input=false"]).success();
        workspace
            .run(&["apply", "-auto-approve", "-input=false"])
            .failure(&parts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_seen_at_plan_is_refused_at_plan() {
    let site = Site::start("plan", 1).await;
    let machine = site.machine(0);
    let server = configuration::server(machine);
    let with_server = |extra: &str| {
        server.replace(
            "bmc = baremetal_bmc.node.connection",
            &format!("bmc = baremetal_bmc.node.connection\n  {extra}"),
        )
    };
    let ignition = |text: &str| {
        let extra = format!("ignition_wo = {text:?}\n  ignition_wo_version = 1");
        configuration::boot_config(&site.rack, &extra)
    };
    let cases = [
        (
            with_server("boot_mac_addresses = [\"52:54:00:zz\"]"),
            vec!["52:54:00:zz", "MAC"],
        ),
        (
            with_server("system_uuid = \"server-1\""),
            vec!["server-1", "UUID"],
        ),
        (
            server.replace("127.0.0.1", "https://127.0.0.1"),
            vec!["https://127.0.0.1", "address"],
        ),
        (
            bmc(machine, "scheme = \"http\""),
            vec!["Plain http would show the password"],
        ),
        (
            server.replace(
                "baremetal_bmc.node.connection",
                "{ endpoint = \"http://127.0.0.1:9\", credentials = \"default\" }",
            ),
            vec!["plain http", "insecure = true"],
        ),
        (
            bmc(machine, "").replace("\"default\"", "\"nobody\""),
            vec!["nobody", "BAREMETAL_CREDENTIALS_NOBODY_PASSWORD"],
        ),
        (ignition("{"), vec!["Invalid Ignition config", "line 1"]),
        (
            ignition(r#"{"ignition":{"version":"2.3.0"}}"#),
            vec!["2.3.0", "ignition-converter"],
        ),
        (
            configuration::boot_config(&site.rack, "").replace("http://", "gopher://"),
            vec!["gopher://", "http or https"],
        ),
        (
            "resource \"baremetal_host_claim\" \"x\" {}\n".to_owned(),
            vec!["No server is asked for"],
        ),
    ];
    for (text, parts) in cases {
        refused(&site, &text, &parts);
    }
}

/// Sees that a configuration is refused at plan, or at apply if only then a BMC is spoken to.
#[track_caller]
fn refused(site: &Site, text: &str, parts: &[&str]) {
    let workspace = Workspace::with(text, site.environment());
    workspace.run(&["init", "-input=false"]).success();
    let planned = workspace.run(&["plan", "-input=false"]);
    let outcome = if planned.code == 0 {
        workspace.run(&["apply", "-auto-approve", "-input=false"])
    } else {
        planned
    };
    outcome.failure(parts);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_system_lists_those_that_there_are() {
    let site = Site::start("system", 1).await;
    let machine = site.machine(0);
    let extra = "system_uuid = \"11111111-2222-3333-4444-555555555555\"";
    let text = configuration::server(machine).replace(
        "bmc = baremetal_bmc.node.connection",
        &format!("bmc = baremetal_bmc.node.connection\n  {extra}"),
    );
    let workspace = Workspace::with(&text, site.environment());
    workspace
        .apply()
        .failure(&["Unknown system", &machine.uuid().to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_what_its_digest_says_is_found_by_the_agent() {
    let site = Site::start("digest", 1).await;
    let wrong = "cd".repeat(32);
    let (kernel, _) = site.rack.images();
    let text = configuration::boot_config(&site.rack, configuration::IGNITION);
    let workspace = Workspace::with(&text.replace(kernel, &wrong), site.environment());
    workspace
        .apply()
        .failure(&["An image cannot be served", "/kernel", kernel]);
    workspace.write("main.tf", &text);
    workspace.apply().success();
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_that_stops_names_the_last_stage_and_the_usual_cause() {
    let site = Site::start("stage", 1).await;
    let machine = site.machine(0);
    machine.set_faults(rack::Faults {
        no_report: true,
        ..rack::Faults::default()
    });
    let text = configuration::host(&site, 0, "timeouts = { create = \"6s\" }");
    let workspace = Workspace::with(&text, site.environment());
    workspace
        .apply()
        .failure(&["did not get past stage config", "report_boot"]);
    machine.set_faults(rack::Faults {
        ignore_override: true,
        ..rack::Faults::default()
    });
    workspace
        .apply()
        .failure(&["did not get past stage armed", "boot override was ignored"]);
    machine.set_faults(rack::Faults::default());
    workspace.apply().success();
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_came_to_a_kernel_is_not_asked_to_shut_down() {
    let site = Site::start("early", 1).await;
    let machine = site.machine(0);
    machine.set_faults(rack::Faults {
        no_dhcp: true,
        ignore_shutdown: true,
        ..rack::Faults::default()
    });
    let text = configuration::host(&site, 0, "timeouts = { create = \"5s\" }");
    let workspace = Workspace::with(&text, site.environment());
    workspace
        .apply()
        .failure(&["did not get past stage armed", "raise timeouts"]);
    let asked = std::time::Instant::now();
    workspace.destroy();
    let took = asked.elapsed();
    assert!(took < std::time::Duration::from_secs(60), "{took:?}");
    assert_eq!(machine.power_state(), model::PowerState::Off);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_only_payload_that_is_not_given_again_is_not_published_away() {
    let site = Site::start("payload", 1).await;
    let with = |argument: &str, payload: &str| {
        let extra = format!(
            "kernel_args = [\"{argument}\"]\n  ignition_wo = {payload}\n  \
             ignition_wo_version = 1"
        );
        configuration::boot_config(&site.rack, &extra)
    };
    let payload = "jsonencode({ ignition = { version = \"3.4.0\" } })";
    let workspace = Workspace::with(&with("a", payload), site.environment());
    workspace.apply().success();
    workspace.write("main.tf", &with("b", "null"));
    workspace
        .run(&["plan", "-input=false"])
        .failure(&["ignition_wo is missing", "ignition_wo_version"]);
    // What changes nothing publishes nothing.
    workspace.write("main.tf", &with("a", "null"));
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_nobody_can_make_is_not_waited_for() {
    let site = Site::start("mute", 1).await;
    let host = |wait_for: &str| {
        [
            configuration::server(site.machine(0)),
            configuration::boot_config(&site.rack, ""),
            configuration::claim(wait_for),
        ]
        .concat()
    };
    let workspace = Workspace::with(&host(""), site.environment());
    workspace
        .apply()
        .failure(&["What is waited for cannot happen", "{{ report_url }}"]);
    assert_eq!(site.machine(0).boots(), 0);
    workspace.write("main.tf", &host("wait_for = \"script_served\""));
    workspace.apply().success();
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_runs_unclaimed_is_not_taken() {
    let site = Site::start("runs", 1).await;
    let machine = site.machine(0);
    let with_power = |power: &str| {
        configuration::server(machine).replace(
            "node.connection",
            &format!("node.connection\n  power = \"{power}\"\n  timeouts = {{ update = \"8s\" }}"),
        )
    };
    let boot = [
        configuration::boot_config(&site.rack, configuration::IGNITION),
        configuration::claim(""),
    ]
    .concat();
    let workspace = Workspace::with(&with_power("On"), site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    workspace.write("main.tf", &[with_power("On"), boot.clone()].concat());
    workspace
        .apply()
        .failure(&["The server is powered on", &machine.uuid().to_string()]);
    assert_eq!(machine.installs(), 0);
    // Off first, then claimed: and while it is claimed, its power is the claim's.
    workspace.write("main.tf", &[with_power("Off"), boot].concat());
    workspace.apply().success();
    workspace.assert_clean();
    assert_eq!(machine.installs(), 1);
    workspace.destroy();
}
