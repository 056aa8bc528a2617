//! What a machine is made of, as its BMC shows it: processors, memory, storage, network adapters
//! with their ports, and the entries of the boot order.

use serde_json::{Value, json};

use super::resources::{collection, link, status};
use crate::config::{BootOrder, MachineConfig};

/// A place below the system, the chassis or the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Processors,
    Processor(usize),
    MemoryModules,
    Memory(usize),
    StorageCollection,
    Storage,
    Drive(usize),
    BootOptions,
    BootOption(usize),
    Adapters,
    Adapter,
    Functions,
    Function(usize),
    Ports,
    Port(usize),
    ManagerInterfaces,
    ManagerInterface,
}

impl Place {
    /// The place at a path below the version.
    pub(super) fn parse(parts: &[&str]) -> Option<Self> {
        let number = |id: &str, prefix: &str| id.strip_prefix(prefix)?.parse().ok();
        Some(match parts {
            ["Systems", "1", rest @ ..] => match rest {
                ["Processors"] => Self::Processors,
                ["Processors", id] => Self::Processor(number(id, "CPU.")?),
                ["Memory"] => Self::MemoryModules,
                ["Memory", id] => Self::Memory(number(id, "DIMM.")?),
                ["Storage"] => Self::StorageCollection,
                ["Storage", "1"] => Self::Storage,
                ["Storage", "1", "Drives", id] => Self::Drive(number(id, "Disk.")?),
                ["BootOptions"] => Self::BootOptions,
                ["BootOptions", id] => Self::BootOption(number(id, "Boot000")?),
                _ => return None,
            },
            ["Chassis", "1", "NetworkAdapters"] => Self::Adapters,
            ["Chassis", "1", "NetworkAdapters", "1", rest @ ..] => match rest {
                [] => Self::Adapter,
                ["NetworkDeviceFunctions"] => Self::Functions,
                ["NetworkDeviceFunctions", id] => Self::Function(number(id, "NIC.")?),
                ["Ports"] => Self::Ports,
                ["Ports", id] => Self::Port(number(id, "")?),
                _ => return None,
            },
            ["Managers", "1", "EthernetInterfaces"] => Self::ManagerInterfaces,
            ["Managers", "1", "EthernetInterfaces", "1"] => Self::ManagerInterface,
            _ => return None,
        })
    }
}

/// The document at a place, if the machine has one there.
pub(super) fn document(machine: &MachineConfig, place: Place) -> Option<Value> {
    let macs = machine.macs.len();
    let members = |uri: &str, prefix: &str, count: usize| -> Vec<String> {
        (1..=count)
            .map(|number| format!("{uri}/{prefix}{number}"))
            .collect()
    };
    let listed = |uri: &str, kind: &str, prefix: &str, count: usize| {
        let kind = format!("{kind}Collection");
        collection(uri, &kind, &kind, &members(uri, prefix, count))
    };
    let within = |number: usize, count: usize| (1..=count).contains(&number);
    Some(match place {
        Place::Processors => listed(PROCESSORS, "Processor", "CPU.", SOCKETS),
        Place::Processor(number) if within(number, SOCKETS) => processor(machine, number),
        Place::MemoryModules => listed(MEMORY, "Memory", "DIMM.", MODULES),
        Place::Memory(number) if within(number, MODULES) => memory(machine, number),
        Place::StorageCollection => listed(STORAGE, "Storage", "", 1),
        Place::Storage => storage(),
        Place::Drive(number) if within(number, DRIVES) => drive(machine, number),
        Place::BootOptions => listed(BOOT_OPTIONS, "BootOption", "Boot000", macs + 1),
        Place::BootOption(number) if within(number, macs + 1) => boot_option(machine, number),
        Place::Adapters => listed(ADAPTERS, "NetworkAdapter", "", 1),
        Place::Adapter => adapter(machine),
        Place::Functions => listed(FUNCTIONS, "NetworkDeviceFunction", "NIC.", macs),
        Place::Function(number) if within(number, macs) => function(machine, number),
        Place::Ports => listed(PORTS, "Port", "", macs),
        Place::Port(number) if within(number, macs) => port(machine, number),
        Place::ManagerInterfaces => listed(MANAGER_INTERFACES, "EthernetInterface", "", 1),
        Place::ManagerInterface => manager_interface(machine),
        _ => return None,
    })
}

/// The names of the boot order's entries, as the machine came from its maker: the disk is the first
/// entry, each interface one of the others.
pub(super) fn boot_order(machine: &MachineConfig) -> Vec<String> {
    let mut entries: Vec<String> = (1..=machine.macs.len() + 1).map(boot_name).collect();
    if machine.boot_order == BootOrder::NetworkThenDisk {
        entries.rotate_left(1);
    }
    entries
}

fn boot_name(number: usize) -> String {
    format!("Boot{number:04}")
}

/// An object with what every resource has.
fn resource(uri: &str, kind: &str, name: &str, mut body: Value) -> Value {
    let schema = kind.split('.').next().unwrap_or_default();
    body["@odata.id"] = json!(uri);
    body["@odata.type"] = json!(format!("#{kind}.{schema}"));
    body["Id"] = json!(uri.rsplit('/').next());
    body["Name"] = json!(name);
    body
}

fn processor(machine: &MachineConfig, number: usize) -> Value {
    let cores = machine.processor_cores / 2;
    let body = json!({
        "Socket": format!("CPU {number}"),
        "ProcessorType": "CPU",
        "Manufacturer": machine.manufacturer,
        "Model": "Simulated CPU",
        "TotalCores": cores,
        "TotalThreads": cores * 2,
        "Status": status(true),
    });
    let uri = format!("{PROCESSORS}/CPU.{number}");
    resource(&uri, "Processor.v1_20_0", "Processor", body)
}

fn memory(machine: &MachineConfig, number: usize) -> Value {
    let body = json!({
        "MemoryDeviceType": "DDR5",
        "CapacityMiB": machine.memory_gib * 1024 / 4,
        "DeviceLocator": format!("DIMM {number}"),
        "SerialNumber": format!("{}-M{number}", machine.serial),
        "Status": status(true),
    });
    let uri = format!("{MEMORY}/DIMM.{number}");
    resource(&uri, "Memory.v1_19_0", "Memory Module", body)
}

fn storage() -> Value {
    let drives: Vec<Value> = (1..=DRIVES)
        .map(|number| link(&format!("{STORAGE}/1/Drives/Disk.{number}")))
        .collect();
    let controller = json!({
        "@odata.id": format!("{STORAGE}/1#/StorageControllers/0"),
        "MemberId": "0",
        "Name": "Storage Controller",
        "Model": "Simulated HBA",
        "Status": status(true),
    });
    let body = json!({
        "StorageControllers": [controller],
        "Drives@odata.count": DRIVES,
        "Drives": drives,
        "Status": status(true),
    });
    resource(&format!("{STORAGE}/1"), "Storage.v1_16_0", "Storage", body)
}

fn drive(machine: &MachineConfig, number: usize) -> Value {
    let body = json!({
        "Manufacturer": machine.manufacturer,
        "Model": "Simulated NVMe",
        "SerialNumber": format!("{}-D{number}", machine.serial),
        "CapacityBytes": 960_197_124_096_u64,
        "MediaType": "SSD",
        "Protocol": "NVMe",
        "Status": status(true),
    });
    let uri = format!("{STORAGE}/1/Drives/Disk.{number}");
    resource(&uri, "Drive.v1_19_0", "Drive", body)
}

fn boot_option(machine: &MachineConfig, number: usize) -> Value {
    let name = boot_name(number);
    let nic = number.checked_sub(2).and_then(|nic| machine.macs.get(nic));
    let (title, path) = match nic {
        Some(mac) => {
            let digits = mac.to_string().replace(':', "").to_uppercase();
            let path = format!("PciRoot(0x0)/Pci(0x1,0x{:X})/MAC({digits},0x1)", number - 2);
            (format!("Network {}", number - 1), path)
        }
        None => (
            "Disk".to_owned(),
            "PciRoot(0x0)/Pci(0x2,0x0)/NVMe(0x1,00-00-00-00-00-00-00-00)".to_owned(),
        ),
    };
    let body = json!({
        "BootOptionReference": name,
        "BootOptionEnabled": true,
        "DisplayName": title,
        "UefiDevicePath": path,
    });
    let uri = format!("{BOOT_OPTIONS}/{name}");
    resource(&uri, "BootOption.v1_0_6", "Boot Option", body)
}

fn adapter(machine: &MachineConfig) -> Value {
    let body = json!({
        "Manufacturer": machine.manufacturer,
        "Model": "Simulated NIC",
        "NetworkDeviceFunctions": link(FUNCTIONS),
        "Ports": link(PORTS),
        "Status": status(true),
    });
    let uri = format!("{ADAPTERS}/1");
    resource(&uri, "NetworkAdapter.v1_11_0", "Network Adapter", body)
}

fn function(machine: &MachineConfig, number: usize) -> Value {
    let mac = mac(machine, number);
    let body = json!({
        "NetDevFuncType": "Ethernet",
        "Ethernet": {
            "MACAddress": mac,
            "PermanentMACAddress": mac,
            "EthernetInterfaces": link("/redfish/v1/Systems/1/EthernetInterfaces"),
        },
        "Status": status(true),
    });
    let uri = format!("{FUNCTIONS}/NIC.{number}");
    resource(
        &uri,
        "NetworkDeviceFunction.v1_10_0",
        "Network Function",
        body,
    )
}

/// A port, and the switch at the other end of the first one's cable.
fn port(machine: &MachineConfig, number: usize) -> Value {
    let up = number == 1;
    let mut ethernet = json!({ "AssociatedMACAddresses": [mac(machine, number)] });
    if up {
        ethernet["LLDPEnabled"] = json!(true);
        ethernet["LLDPReceive"] = json!({
            "ChassisId": "02:00:5E:00:00:01",
            "ChassisIdSubtype": "MacAddr",
            "PortId": machine.name,
            "PortIdSubtype": "IfName",
            "SystemName": "tor",
        });
    }
    let body = json!({
        "PortProtocol": "Ethernet",
        "LinkStatus": if up { "LinkUp" } else { "LinkDown" },
        "CurrentSpeedGbps": 10,
        "Ethernet": ethernet,
        "Status": status(true),
    });
    resource(&format!("{PORTS}/{number}"), "Port.v1_11_0", "Port", body)
}

fn manager_interface(machine: &MachineConfig) -> Value {
    let mac = machine.bmc_mac().to_string().to_uppercase();
    let body = json!({
        "InterfaceEnabled": true,
        "LinkStatus": "LinkUp",
        "SpeedMbps": 1000,
        "MACAddress": mac,
        "PermanentMACAddress": mac,
        "Status": status(true),
    });
    let uri = format!("{MANAGER_INTERFACES}/1");
    resource(
        &uri,
        "EthernetInterface.v1_12_0",
        "Management Interface",
        body,
    )
}

fn mac(machine: &MachineConfig, number: usize) -> String {
    let mac = number.checked_sub(1).and_then(|nic| machine.macs.get(nic));
    mac.map_or_else(String::new, |mac| mac.to_string().to_uppercase())
}

const SOCKETS: usize = 2;
const MODULES: usize = 4;
const DRIVES: usize = 2;
pub(super) const PROCESSORS: &str = "/redfish/v1/Systems/1/Processors";
pub(super) const MEMORY: &str = "/redfish/v1/Systems/1/Memory";
pub(super) const STORAGE: &str = "/redfish/v1/Systems/1/Storage";
pub(super) const BOOT_OPTIONS: &str = "/redfish/v1/Systems/1/BootOptions";
pub(super) const ADAPTERS: &str = "/redfish/v1/Chassis/1/NetworkAdapters";
const FUNCTIONS: &str = "/redfish/v1/Chassis/1/NetworkAdapters/1/NetworkDeviceFunctions";
const PORTS: &str = "/redfish/v1/Chassis/1/NetworkAdapters/1/Ports";
pub(super) const MANAGER_INTERFACES: &str = "/redfish/v1/Managers/1/EthernetInterfaces";
