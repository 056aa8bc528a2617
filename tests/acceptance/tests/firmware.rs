//! Every kind of firmware boots, and what was installed once stays installed.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{Site, Workspace, configuration};
use model::{Architecture, PowerState};
use rack::BootOrder;

/// Everything for the machine with this index, under names of its own.
fn host(site: &Site, index: usize, method: &str) -> String {
    let extra = format!("method = \"{method}\"\n  {}", configuration::IGNITION);
    let text = [
        configuration::server(site.machine(index)),
        configuration::boot_config(&site.rack, &extra),
        configuration::claim(""),
    ]
    .concat();
    let name = format!("node{index}");
    text.replace("\"node\"", &format!("\"{name}\""))
        .replace(".node.", &format!(".{name}."))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_firmware_gets_what_it_can_boot() {
    let kinds = [
        (Architecture::X86Bios, "ipxe"),
        (Architecture::X64Uefi, "ipxe"),
        (Architecture::Arm64Uefi, "ipxe"),
        (Architecture::X64UefiHttp, "uefi_http"),
    ];
    let site = Site::start_adjusted("kinds", 4, |config| {
        for (machine, (architecture, _)) in config.machines.iter_mut().zip(kinds) {
            machine.architecture = architecture;
        }
    })
    .await;
    let hosts = kinds.iter().enumerate();
    let text: String = hosts
        .map(|(index, (_, method))| host(&site, index, method))
        .collect();
    let workspace = Workspace::with(&text, site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    for machine in site.rack.machines() {
        assert_eq!(
            machine.installs(),
            1,
            "{}\n{}",
            machine.name(),
            machine.console().join("\n")
        );
    }
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_boots_from_the_network_first_is_installed_once_all_the_same() {
    let site = Site::start_adjusted("order", 2, |config| {
        for machine in &mut config.machines {
            machine.boot_order = BootOrder::NetworkThenDisk;
        }
        config.machines[1].architecture = Architecture::X86Bios;
    })
    .await;
    let text = [host(&site, 0, "ipxe"), host(&site, 1, "ipxe")].concat();
    let workspace = Workspace::with(&text, site.environment());
    workspace.apply().success();
    for round in 0..3 {
        for machine in site.rack.machines() {
            machine.force_power_off();
        }
        workspace
            .run(&["apply", "-auto-approve", "-input=false"])
            .success();
        workspace.assert_clean();
        for machine in site.rack.machines() {
            let waited = machine
                .wait_until(std::time::Duration::from_secs(60), |now| {
                    now.phase == rack::Phase::Running
                })
                .await;
            waited.unwrap();
            assert_eq!(machine.installs(), 1, "round {round} of {}", machine.name());
            assert_eq!(machine.power_state(), PowerState::On);
        }
    }
    workspace.destroy();
}
