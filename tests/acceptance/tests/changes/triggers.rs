//! `reprovision.trigger`: as often as it changes, whatever happens meanwhile.

use acceptance::{Site, Workspace, configuration};
use model::PowerState;

use super::{APPLY, again, interrupts, no_dhcp};

fn triggered(site: &Site, trigger: &str) -> String {
    let extra = format!("reprovision = {{ trigger = \"{trigger}\" }}");
    configuration::host(site, 0, &extra)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_is_known_to_a_state_that_imports_the_claim() {
    let site = Site::start("import", 1).await;
    let text = triggered(&site, "a");
    let workspace = Workspace::with(&text, site.environment());
    workspace.apply().success();
    let id = site.machine(0).uuid().to_string();
    let claim = "baremetal_host_claim.node";
    workspace.run(&["state", "rm", claim]).success();
    workspace
        .run(&["import", "-input=false", claim, &id])
        .success();
    workspace.assert_clean();
    assert_eq!(site.machine(0).installs(), 1);

    workspace.write("main.tf", &triggered(&site, "b"));
    again(&workspace).success();
    assert_eq!(site.machine(0).installs(), 2);
    // Without a trigger there is none to come back, and nothing to boot for.
    workspace.write("main.tf", &configuration::host(&site, 0, ""));
    again(&workspace).success();
    workspace.assert_clean();
    assert_eq!(site.machine(0).installs(), 2);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_outlives_the_store_of_the_agent() {
    let mut site = Site::start("wiped", 1).await;
    let workspace = Workspace::with(&triggered(&site, "a"), site.environment());
    workspace.apply().success();
    site.agent.kill();
    std::fs::remove_file(site.agent.state_dir.join("store.redb")).unwrap();
    site.agent.restart();
    again(&workspace).success();
    workspace.assert_clean();
    assert_eq!(site.machine(0).installs(), 1);
    // What was taken again as it is stays as it is, until it is told to change.
    workspace.write("main.tf", &triggered(&site, "b"));
    again(&workspace).success();
    workspace.assert_clean();
    assert_eq!(site.machine(0).installs(), 2);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_reprovisioning_is_finished_and_not_repeated() {
    for signal in ["-KILL", "-INT"] {
        let site = Site::start("reprovision", 1).await;
        let machine = site.machine(0);
        let workspace = Workspace::with(&triggered(&site, "a"), site.environment());
        workspace.apply().success();
        let boots = machine.boots();
        machine.set_faults(no_dhcp());
        workspace.write("main.tf", &triggered(&site, "b"));
        let child = workspace.start(&APPLY);
        let limit = std::time::Duration::from_secs(60);
        let booted = machine.wait_until(limit, |seen| seen.boots > boots).await;
        booted.unwrap();
        interrupts::signal(&child, signal);
        Workspace::finish(child);

        // It runs what it ran before, or nothing: either way this boot is still to come.
        machine.set_faults(rack::Faults::default());
        if signal == "-KILL" {
            machine.force_power_off();
        }
        workspace
            .run(&[&APPLY[..], &["-lock=false"]].concat())
            .success();
        workspace.assert_clean();
        assert_eq!(machine.installs(), 2, "{signal}");
        assert_eq!(machine.power_state(), PowerState::On);
        workspace.destroy();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_changes_while_the_server_is_off_boots_it_when_it_is_switched_on() {
    let site = Site::start("later", 1).await;
    let machine = site.machine(0);
    let with = |power: &str, trigger: &str| {
        let extra = format!("power = \"{power}\"\n  reprovision = {{ trigger = \"{trigger}\" }}");
        configuration::host(&site, 0, &extra)
    };
    let workspace = Workspace::with(&with("On", "a"), site.environment());
    workspace.apply().success();
    for (power, trigger, installs) in [
        ("Off", "a", 1),
        ("Off", "b", 1),
        ("On", "b", 2),
        ("Off", "c", 2),
        ("On", "c", 3),
    ] {
        workspace.write("main.tf", &with(power, trigger));
        again(&workspace).success();
        workspace.assert_clean();
        assert_eq!(machine.power_state().to_string(), power);
        assert_eq!(machine.installs(), installs, "{power} {trigger}");
    }
    workspace.destroy();
}
