//! BMCs and agents that do not answer.

use std::time::{Duration, Instant};

use acceptance::{Site, Workspace, configuration};
use model::PowerState;
use rack::Faults;

use super::{again, no_dhcp};

fn bmc_down() -> Faults {
    Faults {
        bmc_down: true,
        ..Faults::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_bmc_is_down_is_kept_until_it_can_be_powered_off() {
    let site = Site::start("down", 1).await;
    let machine = site.machine(0);
    let workspace = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    workspace.apply().success();
    machine.set_faults(bmc_down());
    workspace
        .run(&["destroy", "-auto-approve", "-input=false"])
        .failure(&["cannot be reached", "stays claimed", "power_off = \"none\""]);
    machine.set_faults(Faults::default());
    workspace.assert_clean();
    assert_eq!(machine.power_state(), PowerState::On);
    workspace.destroy();
    assert_eq!(machine.power_state(), PowerState::Off);

    // A machine that is never coming back is let go of without it.
    again(&workspace).success();
    machine.set_faults(bmc_down());
    let none = configuration::host(&site, 0, "on_destroy = { power_off = \"none\" }");
    workspace.write("main.tf", &none);
    again(&workspace).success();
    workspace.destroy();
    assert_eq!(machine.power_state(), PowerState::On);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_answer_is_waited_for_as_long_as_timeouts_say() {
    let site = Site::start("patience", 1).await;
    let machine = site.machine(0);
    let timeouts = "timeouts = { create = \"8s\", read = \"2s\", delete = \"12s\" }";
    let force = format!("{timeouts}\n  on_destroy = {{ power_off = \"force\" }}");
    let text = configuration::host(&site, 0, &force)
        .replace(
            "  credentials = ",
            &format!("  {timeouts}\n  credentials = "),
        )
        .replace("bmc = baremetal", &format!("{timeouts}\n  bmc = baremetal"))
        .replace("ignition_wo  ", &format!("{timeouts}\n  ignition_wo  "));
    machine.set_faults(no_dhcp());
    let workspace = Workspace::with(&text, site.environment());
    let began = Instant::now();
    workspace
        .apply()
        .failure(&["The server did not get past stage armed"]);
    assert!(began.elapsed() < Duration::from_secs(60));
    machine.set_faults(Faults::default());
    again(&workspace).success();

    let slow = Faults {
        slow_ms: 90_000,
        ..Faults::default()
    };
    machine.set_faults(slow);
    let began = Instant::now();
    let plan = workspace.run(&["plan", "-detailed-exitcode", "-input=false"]);
    assert_eq!(plan.code, 0, "{}", plan.text);
    assert!(
        plan.text.contains("is kept as it was last seen"),
        "{}",
        plan.text
    );
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
    let began = Instant::now();
    let destroy = ["destroy", "-auto-approve", "-input=false"];
    workspace
        .run(&destroy)
        .failure(&["within 12 s", "stays claimed"]);
    assert!(
        began.elapsed() < Duration::from_secs(45),
        "{:?}",
        began.elapsed()
    );
    machine.set_faults(Faults::default());

    site.agent.pause();
    let plan = workspace.run(&["plan", "-detailed-exitcode", "-input=false"]);
    site.agent.resume();
    assert_eq!(plan.code, 0, "{}", plan.text);
    assert!(
        plan.text.contains("is kept as it was last seen"),
        "{}",
        plan.text
    );
    workspace.assert_clean();
    workspace.destroy();
}
