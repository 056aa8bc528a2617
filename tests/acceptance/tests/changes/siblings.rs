//! Claims of one holder beside each other.

use acceptance::{Site, Workspace, configuration};
use model::PowerState;

use super::{APPLY, again, interrupts, no_dhcp};

const SELECTED: &str = r#"
resource "baremetal_host_claim" "node" {
  count          = 2
  selector       = { manufacturer = "Contoso" }
  boot_config_id = baremetal_boot_config.node.id
  timeouts       = { create = "20s" }
  on_destroy     = { power_off = "force" }
  lifecycle { create_before_destroy = true }
}
"#;

/// Three servers and a boot config.
fn pool(site: &Site) -> String {
    let mut text = configuration::boot_config(&site.rack, configuration::IGNITION);
    for index in 0..3 {
        let name = format!("\"n{index}\"");
        let server = configuration::server(site.machine(index))
            .replace("\"node\"", &name)
            .replace("baremetal_bmc.node", &format!("baremetal_bmc.n{index}"));
        text.push_str(&server);
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_failed_is_not_taken_over_by_its_sibling() {
    let site = Site::start("sibling", 3).await;
    let mut machines: Vec<_> = (0..3).map(|index| site.machine(index)).collect();
    machines.sort_by_key(|machine| machine.uuid());
    machines[0].set_faults(no_dhcp());
    let workspace = Workspace::with(&pool(&site), site.environment());
    workspace.apply().success();
    workspace.write("claims.tf", SELECTED);
    again(&workspace).failure(&["The server did not get past stage armed"]);

    // The failed one is replaced before it is destroyed; its own server is not its successor's.
    machines[0].set_faults(rack::Faults::default());
    again(&workspace).success();
    workspace.assert_clean();
    let installs: Vec<_> = machines.iter().map(|machine| machine.installs()).collect();
    assert_eq!(installs, [0, 1, 1]);
    assert_eq!(machines[0].power_state(), PowerState::Off);

    // A second resource for one server is refused, even after the first one failed.
    workspace.write("claims.tf", "");
    again(&workspace).success();
    machines[0].set_faults(no_dhcp());
    let named = |name: &str| {
        format!(
            "resource \"baremetal_host_claim\" \"{name}\" {{\n  server_id = \"{}\"\n  \
             boot_config_id = baremetal_boot_config.node.id\n  timeouts = {{ create = \"6s\", update = \"6s\" }}\n  \
             on_destroy = {{ power_off = \"force\" }}\n}}\n",
            machines[0].uuid()
        )
    };
    workspace.write("claims.tf", &named("first"));
    again(&workspace).failure(&["The server did not get past stage armed"]);
    workspace
        .run(&["untaint", "baremetal_host_claim.first"])
        .success();
    workspace.write("claims.tf", &[named("first"), named("second")].concat());
    let outcome = workspace.run(&[&APPLY[..], &["-refresh=false"]].concat());
    outcome.failure(&["Server is already claimed", "That is you"]);
    workspace.write("claims.tf", "");
    again(&workspace).success();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_of_a_killed_apply_are_resumed_each_by_its_own_resource() {
    let site = Site::start("orphans", 2).await;
    for index in 0..2 {
        site.machine(index).set_faults(no_dhcp());
    }
    let claims = r#"
resource "baremetal_host_claim" "node" {
  for_each       = toset(["alpha", "beta"])
  selector       = { manufacturer = "Contoso" }
  boot_config_id = baremetal_boot_config.node.id
  hostname       = each.key
}
"#;
    let mut text = configuration::boot_config(&site.rack, configuration::IGNITION);
    for index in 0..2 {
        let server = configuration::server(site.machine(index));
        let server = server
            .replace("\"node\"", &format!("\"n{index}\""))
            .replace("baremetal_bmc.node", &format!("baremetal_bmc.n{index}"));
        text.push_str(&server);
    }
    let workspace = Workspace::with(&text, site.environment());
    workspace.apply().success();
    workspace.write("claims.tf", claims);
    let child = workspace.start(&APPLY);
    for index in 0..2 {
        interrupts::until(site.machine(index), PowerState::On).await;
    }
    interrupts::signal(&child, "-KILL");
    Workspace::finish(child);
    for index in 0..2 {
        site.machine(index).set_faults(rack::Faults::default());
        site.machine(index).force_power_off();
    }
    workspace
        .run(&[&APPLY[..], &["-lock=false"]].concat())
        .success();
    workspace.assert_clean();
    for index in 0..2 {
        assert_eq!(site.machine(index).installs(), 1);
    }
    // Nothing in the configuration says that these claims need these servers.
    workspace.write("claims.tf", "");
    again(&workspace).success();
    workspace.destroy();
}
