//! What a server is made of and how it is set up: read once, kept, read again when asked for.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{Outcome, Site, Workspace, configuration};
use rack::{Faults, MachineHandle};
use serde_json::{Value, json};

fn again(workspace: &Workspace) -> Outcome {
    workspace.run(&["apply", "-auto-approve", "-input=false"])
}

/// The BMC and the server of a machine, with more attributes of the server.
fn with(machine: &MachineHandle, extra: &str) -> String {
    let plain = "bmc = baremetal_bmc.node.connection";
    configuration::server(machine).replace(plain, &format!("{plain}\n{extra}"))
}

/// The values of the server in the state.
fn server(workspace: &Workspace) -> Value {
    let state = workspace.state();
    let resources = state["values"]["root_module"]["resources"].as_array();
    let mut resources = resources.unwrap().iter();
    let found = resources.find(|resource| resource["type"] == "baremetal_server");
    found.unwrap()["values"].clone()
}

/// How often the BMC was asked for its drives.
fn drives_read(machine: &MachineHandle) -> u64 {
    let gets = machine.bmc_counters().gets;
    let drives = gets.iter().filter(|(path, _)| path.contains("/Drives/"));
    drives.map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_is_read_once_and_again_when_its_trigger_changes() {
    let site = Site::start("inventory", 1).await;
    let machine = site.machine(0);
    let workspace = Workspace::with(&with(machine, ""), site.environment());
    workspace.apply().success();
    let found = server(&workspace);
    let (nics, storage) = (&found["network_interfaces"], &found["storage"]);
    assert_eq!(nics.as_array().unwrap().len(), 2, "{nics}");
    assert_eq!(nics[0]["mac_address"], machine.mac().to_string());
    assert_eq!(nics[0]["speed_mbps"], 10_000);
    assert_eq!(nics[0]["neighbour"]["system_name"], "tor");
    assert_eq!(nics[1]["neighbour"], Value::Null);
    assert_eq!(storage[0]["model"], "Simulated HBA");
    assert_eq!(
        storage[0]["drives"][1]["serial_number"],
        format!("{}-D2", machine.serial())
    );
    assert_eq!(
        storage[0]["drives"][0]["capacity_bytes"],
        960_197_124_096_u64
    );
    assert_eq!(storage[0]["drives"][0]["media_type"], "SSD");
    assert_eq!(found["memory_mib"], 65_536);
    assert_eq!(found["processors"]["cores"], 32);
    assert_eq!(found["health"], "OK");

    workspace.assert_clean();
    workspace.write("main.tf", &with(machine, "labels = { a = \"b\" }"));
    again(&workspace).success();
    assert_eq!(
        drives_read(machine),
        2,
        "neither refresh nor update reads it"
    );
    let trigger = with(machine, "inspection = { trigger = \"2\" }");
    workspace.write("main.tf", &trigger);
    again(&workspace).success();
    assert_eq!(drives_read(machine), 4);
    assert_eq!(server(&workspace)["storage"], *storage);
    workspace.assert_clean();

    // An import knows none of it, so its first refresh reads it.
    let id = machine.uuid().to_string();
    workspace.write("main.tf", &with(machine, ""));
    workspace
        .run(&["state", "rm", "baremetal_server.node"])
        .success();
    workspace
        .run(&["import", "-input=false", "baremetal_server.node", &id])
        .success();
    assert_eq!(server(&workspace)["storage"], *storage);
    workspace.assert_clean();
    workspace.write(
        "main.tf",
        &with(machine, "inspection = { method = \"guess\" }"),
    );
    workspace.run(&["plan"]).failure(&["guess", "redfish"]);
    workspace.write("main.tf", &with(machine, ""));
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_order_is_set_read_back_and_never_fought_over_unasked() {
    let site = Site::start("order", 1).await;
    let machine = site.machine(0);
    let factory = json!(["Boot0001", "Boot0002", "Boot0003"]);
    let workspace = Workspace::with(&with(machine, ""), site.environment());
    workspace.apply().success();
    assert_eq!(server(&workspace)["boot_order"], factory);
    assert_eq!(machine.boot_order(), None, "what nobody asked for is left");

    workspace.write("main.tf", &with(machine, "boot_order = [\"Boot0003\"]"));
    again(&workspace).success();
    let expected = ["Boot0003", "Boot0001", "Boot0002"];
    assert_eq!(machine.boot_order().unwrap(), expected);
    assert_eq!(server(&workspace)["boot_order"], json!(["Boot0003"]));
    workspace.assert_clean();

    machine.set_faults(Faults {
        boot_order_read_only: true,
        ..Faults::default()
    });
    workspace.write("main.tf", &with(machine, "boot_order = [\"Boot0002\"]"));
    again(&workspace).failure(&["boot_order", "BootOrder"]);
    workspace.write("main.tf", &with(machine, "boot_order = [\"Boot0009\"]"));
    again(&workspace).failure(&["Boot0009", "Boot0003, Boot0001, Boot0002"]);
    workspace.write("main.tf", &with(machine, "boot_order = []"));
    workspace.run(&["plan"]).failure(&["It is empty"]);
    workspace.write("main.tf", &with(machine, ""));
    again(&workspace).success();
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interfaces_to_boot_from_go_back_to_all_and_none_is_told_as_it_is() {
    let site = Site::start("boot-macs", 1).await;
    let machine = site.machine(0);
    let one = format!("boot_mac_addresses = [\"{}\"]", machine.mac());
    let workspace = Workspace::with(&with(machine, &one), site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    let macs = || {
        let found = server(&workspace)["boot_mac_addresses"].clone();
        found.as_array().unwrap().len()
    };
    assert_eq!(macs(), 1);

    workspace.write("main.tf", &with(machine, "boot_mac_addresses = []"));
    let outcome = again(&workspace).success();
    assert!(
        outcome.text.contains("boot_mac_addresses is empty"),
        "{}",
        outcome.text
    );
    assert!(
        !outcome.text.contains("reports no network interface"),
        "{}",
        outcome.text
    );
    workspace.assert_clean();

    workspace.write("main.tf", &with(machine, ""));
    again(&workspace).success();
    assert_eq!(macs(), 2);
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_serial_number_is_told_and_another_uuid_of_a_held_server_is_refused_at_plan() {
    let site = Site::start("serial", 1).await;
    let machine = site.machine(0);
    let claimed = |extra: &str| {
        [
            with(machine, extra),
            configuration::boot_config(&site.rack, configuration::IGNITION),
            configuration::claim("wait_for = \"reserved\"\npower = \"Off\""),
        ]
        .concat()
    };
    let workspace = Workspace::with(&claimed(""), site.environment());
    workspace.apply().success();
    workspace.assert_clean();

    machine.rewrite_serial("SWAPPED-7");
    let refresh = ["apply", "-refresh-only", "-auto-approve", "-input=false"];
    let outcome = workspace.run(&refresh).success();
    for part in [machine.serial(), "SWAPPED-7", "identity has changed"] {
        assert!(outcome.text.contains(part), "{part}\n{}", outcome.text);
    }
    assert_eq!(server(&workspace)["serial_number"], "SWAPPED-7");
    workspace.assert_clean();

    let other = "system_uuid = \"11111111-2222-4333-8444-555555555555\"";
    workspace.write("main.tf", &claimed(other));
    workspace.run(&["plan", "-input=false"]).failure(&[
        "The server is held",
        &machine.uuid().to_string(),
        "11111111-2222-4333-8444-555555555555",
    ]);
    workspace.write("main.tf", &claimed(""));
    workspace.assert_clean();
    workspace.destroy();
}
