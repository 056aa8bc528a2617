//! A refresh sees what it can, in bounded time, and what it cannot see it keeps.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::time::{Duration, Instant};

use acceptance::{Site, Workspace, configuration};
use rack::Faults;

/// Two hosts, `a` and `b`, that share nothing.
fn two_hosts(site: &Site) -> String {
    let host = |index: usize, name: &str| {
        let text = configuration::host(site, index, "");
        text.replace("\"node\"", &format!("\"{name}\""))
            .replace(".node.", &format!(".{name}."))
    };
    [host(0, "a"), host(1, "b")].concat()
}

/// The addresses of what a state holds.
fn addresses(workspace: &Workspace) -> Vec<String> {
    let state = workspace.state();
    let resources = state["values"]["root_module"]["resources"].as_array();
    let resources = resources.into_iter().flatten();
    resources
        .map(|resource| resource["address"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_fails_costs_no_other_host_its_state() {
    let site = Site::start("partial", 2).await;
    let workspace = Workspace::with(&two_hosts(&site), site.environment());
    let lost = site.machine(1);
    lost.set_faults(Faults {
        bmc_down: true,
        ..Faults::default()
    });
    workspace.apply().failure(&[&lost.bmc_endpoint()]);
    let held = addresses(&workspace);
    assert!(
        held.contains(&"baremetal_host_claim.a".to_owned()),
        "{held:?}"
    );
    assert_eq!(site.machine(0).installs(), 1);

    lost.set_faults(Faults::default());
    workspace.apply().success();
    workspace.assert_clean();

    // The same at a refresh and a change: what cannot be reached keeps what it was.
    lost.set_faults(Faults {
        bmc_down: true,
        ..Faults::default()
    });
    site.machine(0).force_power_off();
    workspace.run(&["apply", "-auto-approve"]).success();
    assert_eq!(site.machine(0).power_state(), model::PowerState::On);
    lost.set_faults(Faults::default());
    workspace.assert_clean();
    for machine in site.rack.machines() {
        assert_eq!(machine.installs(), 1, "{}", machine.name());
    }
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_a_refresh_needs_nobody() {
    let mut site = Site::start("alone", 1).await;
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.apply().success();

    site.agent.kill();
    site.machine(0).set_faults(Faults {
        bmc_down: true,
        ..Faults::default()
    });
    let plan = workspace.run(&["plan", "-refresh=false", "-detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.text);
    assert!(!plan.text.contains("Warning"), "{}", plan.text);

    site.agent.restart();
    site.machine(0).set_faults(Faults::default());
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_that_never_answers_holds_a_refresh_up_for_a_bounded_time() {
    let site = Site::start("silent", 2).await;
    let text = [
        "provider \"baremetal\" {\n  redfish = { request_timeout = \"2s\", max_retries = 1 }\n}\n",
        &configuration::host(&site, 0, ""),
    ]
    .concat();
    let workspace = Workspace::with(&text, site.environment());
    workspace.apply().success();

    site.machine(0).set_faults(Faults {
        slow_ms: 600_000,
        ..Faults::default()
    });
    let started = Instant::now();
    let plan = workspace.run(&["plan", "-detailed-exitcode"]);
    let took = started.elapsed();
    assert_eq!(plan.code, 0, "{}", plan.text);
    assert!(plan.text.contains("Warning"), "{}", plan.text);
    // Three resources ask this one BMC, each twice at most, and two at a time; the rest is for a
    // machine under load.
    assert!(took < Duration::from_secs(30), "{took:?}\n{}", plan.text);

    site.machine(0).set_faults(Faults::default());
    workspace.assert_clean();
    workspace.destroy();
}
