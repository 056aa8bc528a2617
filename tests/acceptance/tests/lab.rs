//! Machines with real firmware, each on a link of its own: QEMU (always emulated, so that it is the
//! same everywhere) runs SeaBIOS with iPXE's option ROM or EDK2, they load iPXE and a Linux kernel
//! through the agent, and the kernel's system fetches its config and reports.
//!
//! `tests/lab/install` brings what is needed.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

#[path = "lab/machine.rs"]
mod machine;
#[path = "lab/site.rs"]
mod site;

use std::sync::{Mutex, PoisonError};

use acceptance::link::in_own_namespace;
use machine::{Firmware, Machine};
use site::{Addresses, Site};

/// Two machines at a time are what two processors emulate at a bearable speed: a test has one of
/// these turns, whatever else runs beside it.
static TURNS: [Mutex<()>; 2] = [Mutex::new(()), Mutex::new(())];

fn in_turn(turn: usize, test: &str, work: impl FnOnce()) {
    // A test that failed is done too.
    let _turn = TURNS[turn].lock().unwrap_or_else(PoisonError::into_inner);
    in_own_namespace(test, work);
}

const FROM_THE_ROM: [&str; 6] = ["armed", "dhcp", "script", "kernel", "config", "booted"];
const FROM_A_LOADER: [&str; 7] = [
    "armed", "dhcp", "loader", "script", "kernel", "config", "booted",
];

/// Boots a machine from nothing to its report.
#[track_caller]
fn installs<'a>(site: &'a Site, firmware: Firmware, expected: &[&str]) -> Machine<'a> {
    let machine = Machine::new(site, firmware);
    let console = machine.run_until_it_powers_off();
    assert!(
        console.contains("lab: config hello node-1") && console.contains("lab: reported"),
        "{}",
        site.evidence(&console)
    );
    assert_eq!(site.stages(), expected, "{}", site.evidence(&console));
    machine
}

#[test]
fn bios_boots_from_the_network_once_and_then_from_its_disk() {
    in_turn(
        0,
        "bios_boots_from_the_network_once_and_then_from_its_disk",
        || {
            let site = Site::new(Addresses::Leased);
            let machine = installs(&site, Firmware::Bios, &FROM_THE_ROM);
            // The same boot order, the network first; nobody has armed it again.
            let console = machine.run_until_it_says("lab: this is the disk");
            assert!(
                !console.contains("lab: reported"),
                "{}",
                site.evidence(&console)
            );
            assert_eq!(site.stages(), FROM_THE_ROM);
        },
    );
}

#[test]
fn uefi_boots_by_pxe() {
    in_turn(1, "uefi_boots_by_pxe", || {
        let site = Site::new(Addresses::Leased);
        installs(&site, Firmware::UefiPxe, &FROM_A_LOADER);
    });
}

#[test]
fn uefi_boots_by_http() {
    in_turn(0, "uefi_boots_by_http", || {
        let site = Site::new(Addresses::Leased);
        installs(&site, Firmware::UefiHttp, &FROM_A_LOADER);
    });
}

#[test]
fn uefi_boots_behind_a_relay() {
    in_turn(1, "uefi_boots_behind_a_relay", || {
        let site = Site::new(Addresses::Relayed);
        installs(&site, Firmware::UefiPxe, &FROM_A_LOADER);
    });
}

#[test]
fn uefi_boots_beside_another_dhcp_server() {
    in_turn(0, "uefi_boots_beside_another_dhcp_server", || {
        let site = Site::new(Addresses::OfAnotherServer);
        installs(&site, Firmware::UefiPxe, &FROM_A_LOADER);
    });
}

#[test]
fn bios_boots_beside_another_dhcp_server() {
    in_turn(1, "bios_boots_beside_another_dhcp_server", || {
        let site = Site::new(Addresses::OfAnotherServer);
        installs(&site, Firmware::Bios, &FROM_THE_ROM);
    });
}
