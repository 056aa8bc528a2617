//! From power on to a system, or to nothing: the firmware's boot devices, one after the other.

use model::PowerState;

use super::{
    Machine, firmware, os,
    power::{Action, BootTarget},
    state::Phase,
};
use crate::BootOrder;

/// Something to boot.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Device {
    Setup,
    /// The network, by PXE.
    Pxe,
    /// The network, by HTTP; from a URL, where the BMC was given one.
    Http(Option<String>),
    Disk,
}

/// How the boot of one device ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The firmware goes on with the next device.
    Next,
    /// A system runs, or the machine waits for somebody.
    Here,
    /// The machine starts again.
    Restart,
    /// The machine powers itself off.
    PowerOff,
}

/// Boots the machine. It returns when nothing happens any more until the next reset.
pub(super) async fn run(machine: &Machine) {
    loop {
        let (target, url) = machine.start();
        machine.step().await;
        match first_that_boots(machine, target, url).await {
            Ended::Next => {
                machine.note("No bootable device -- insert boot disk and press any key");
                return machine.enter(Phase::NoBootDevice);
            }
            Ended::Here => return,
            Ended::PowerOff => {
                machine.change(|state| state.power = PowerState::PoweringOff);
                return machine.act(Action::PowerOff);
            }
            Ended::Restart => {}
        }
    }
}

async fn first_that_boots(machine: &Machine, target: BootTarget, url: Option<String>) -> Ended {
    for device in devices(machine, target, url) {
        let ended = match device {
            Device::Setup => {
                machine.note("Entering setup");
                machine.enter(Phase::Setup);
                Ended::Here
            }
            Device::Pxe => firmware::boot_pxe(machine).await,
            Device::Http(url) => firmware::boot_http(machine, url).await,
            Device::Disk => os::boot_disk(machine).await,
        };
        if ended != Ended::Next {
            return ended;
        }
        machine.enter(Phase::Firmware);
    }
    Ended::Next
}

/// What the machine tries. An override goes before its own order, and does not replace it.
fn devices(machine: &Machine, target: BootTarget, url: Option<String>) -> Vec<Device> {
    let network = if machine.config.architecture.is_http() {
        Device::Http(None)
    } else {
        Device::Pxe
    };
    let mut devices = match target {
        BootTarget::None | BootTarget::Cd => Vec::new(),
        BootTarget::Pxe => vec![Device::Pxe],
        BootTarget::UefiHttp => vec![Device::Http(url)],
        BootTarget::Hdd => vec![Device::Disk],
        BootTarget::BiosSetup => vec![Device::Setup],
    };
    let changed = machine.read(|state| state.boot_order.clone());
    let first_is_disk = changed.and_then(|order| Some(order.first()? == "Boot0001"));
    let order = match first_is_disk {
        Some(true) => BootOrder::Disk,
        Some(false) => BootOrder::NetworkThenDisk,
        None => machine.config.boot_order,
    };
    let order = match order {
        BootOrder::Disk => vec![Device::Disk],
        BootOrder::NetworkThenDisk => vec![network, Device::Disk],
    };
    for device in order {
        if !devices.contains(&device) {
            devices.push(device);
        }
    }
    devices
}
