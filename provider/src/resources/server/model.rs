//! What a server's attributes are.

use std::collections::BTreeMap;

use tfplugin::{Model, Timeouts};

use crate::{
    checks,
    resources::{ConnectionInput, not_readable},
};

/// A physical server behind a BMC. It is registered in the site's agent, so that any Terraform
/// state can claim it; a second resource that registers it is refused. Destroying it removes the
/// registration, which is refused while it is claimed, and never powers it off.
///
/// For the same reason `create_before_destroy` does not work here, nor for what claims a server:
/// the new resource would register, or claim, what the old one still has.
///
/// A refresh costs the BMC one request. What that shows is refreshed: power, health, versions, asset
/// tag, LED, boot order, and the sums of processors and memory. What costs more requests,
/// `network_interfaces` and `storage`, is read when the server is created or imported, and again
/// when `inspection.trigger` changes; a refresh that sees other hardware warns.
///
/// Another machine behind the BMC is never taken for this server: its state becomes `mismatched`,
/// and every change is refused. A machine with this UUID and another serial number is this server
/// with a new board, and a warning.
#[derive(Clone, Debug, Model)]
pub(crate) struct ServerModel {
    /// The server's system UUID, lower case.
    #[tf(computed, keep, identity)]
    pub id: Option<String>,
    /// How its BMC is reached: `baremetal_bmc.NAME.connection`.
    #[tf(check = not_readable)]
    pub bmc: ConnectionInput,
    /// Its system UUID. Needed, unless `system_uri` is there, when the BMC has several systems.
    #[tf(optional, computed, keep, replace, check = checks::uuid, same = checks::same_uuid)]
    pub system_uuid: Option<String>,
    /// Its resource on the BMC, such as `/redfish/v1/Systems/1`.
    #[tf(optional, computed, keep, same = checks::same_uri)]
    pub system_uri: Option<String>,
    /// The interfaces it may boot from. Defaults to all of `network_interfaces`, and goes back to them
    /// when it is removed. A server whose BMC knows of none needs it to boot from the network.
    #[tf(optional, computed, keep, check = checks::macs, same = checks::same_macs)]
    pub boot_mac_addresses: Option<Vec<String>>,
    /// Labels that the selector of a `baremetal_host_claim` matches.
    pub labels: Option<BTreeMap<String, String>>,
    /// Cordon it: nobody can claim it. A claim it already has is kept.
    #[tf(default = false)]
    pub unclaimable: bool,
    /// The power state to hold while nobody claims it: `On` or `Off`. Without one its power is not
    /// managed.
    #[tf(check = checks::power)]
    pub power: Option<String>,
    /// Its asset tag.
    #[tf(optional, computed, keep, same = checks::same_trimmed)]
    pub asset_tag: Option<String>,
    /// Its indicator LED: `Lit`, `Blinking` or `Off`. Many BMCs know only on and off, so a change
    /// between the first two is no drift.
    #[tf(optional, computed, keep, check = checks::indicator_led)]
    pub indicator_led: Option<String>,
    /// The order of its boot options, by their references, such as `Boot0003`; the BMC's `BootOptions`
    /// say what they are. Those that are not named come after. It is read back: a BMC that cannot
    /// change it, or does not, is an error. Many installers change it too, which is drift then.
    #[tf(optional, computed, keep, check = checks::boot_order)]
    pub boot_order: Option<Vec<String>>,
    /// How its inventory is read.
    pub inspection: Option<Inspection>,
    /// Who made it.
    #[tf(computed, keep)]
    pub manufacturer: Option<String>,
    /// Its model.
    #[tf(computed, keep)]
    pub model: Option<String>,
    /// Its serial number; its chassis's if it has none of its own.
    #[tf(computed, keep)]
    pub serial_number: Option<String>,
    /// Its stock-keeping unit; Dell's service tag.
    #[tf(computed, keep)]
    pub sku: Option<String>,
    /// Its part number.
    #[tf(computed, keep)]
    pub part_number: Option<String>,
    /// Its BIOS's version.
    #[tf(computed, keep)]
    pub bios_version: Option<String>,
    /// Its processors, all of them together.
    #[tf(computed, keep)]
    pub processors: Option<Processors>,
    /// Its main memory in MiB.
    #[tf(computed, keep)]
    pub memory_mib: Option<i64>,
    /// Its network interfaces, as far as the BMC knows them.
    #[tf(computed, keep)]
    pub network_interfaces: Option<Vec<NetworkInterface>>,
    /// Its storage, by controller.
    #[tf(computed, keep)]
    pub storage: Option<Vec<Storage>>,
    /// Its health, in Redfish's words: `OK`, `Warning` or `Critical`.
    #[tf(computed, keep)]
    pub health: Option<String>,
    /// Whether it was powered when it was last seen.
    #[tf(computed, keep)]
    pub power_state: Option<String>,
    /// `available`, `reserved`, `unregistered` if the agent has lost it, which the next apply mends,
    /// or `mismatched` if another machine answers at its BMC, which only replacing this resource or
    /// correcting the BMC's address mends. Null without an agent.
    #[tf(computed, keep)]
    pub state: Option<String>,
    /// Who holds it.
    #[tf(computed, keep)]
    pub claim: Option<String>,
    /// How long its operations may take.
    pub timeouts: Option<Timeouts>,
}

/// How a server's inventory is read.
#[derive(Clone, Debug, Model)]
pub(crate) struct Inspection {
    /// Who is asked: `redfish`, the BMC.
    #[tf(check = checks::inspection, default = "redfish")]
    pub method: String,
    /// Any text, such as a date. When it changes, the inventory is read again.
    pub trigger: Option<String>,
}

/// A server's processors.
#[derive(Clone, Debug, Model)]
pub(crate) struct Processors {
    /// How many there are.
    #[tf(computed)]
    pub count: Option<i64>,
    /// How many cores they have together.
    #[tf(computed)]
    pub cores: Option<i64>,
    /// Their model.
    #[tf(computed)]
    pub model: Option<String>,
}

/// A network interface.
#[derive(Clone, Debug, Model)]
pub(crate) struct NetworkInterface {
    /// Its id on the BMC.
    #[tf(computed)]
    pub id: Option<String>,
    /// Its MAC address.
    #[tf(computed)]
    pub mac_address: Option<String>,
    /// Its speed in Mbit/s.
    #[tf(computed)]
    pub speed_mbps: Option<i64>,
    /// Its link, in Redfish's words.
    #[tf(computed)]
    pub link_status: Option<String>,
    /// The switch at the other end of its cable, where the BMC hears its LLDP.
    #[tf(computed)]
    pub neighbour: Option<Neighbour>,
}

/// The port of a switch, as it announces itself by LLDP. Nothing proves it.
#[derive(Clone, Debug, Model)]
pub(crate) struct Neighbour {
    /// The switch: its MAC address, as a rule.
    #[tf(computed)]
    pub chassis_id: Option<String>,
    /// Its port.
    #[tf(computed)]
    pub port_id: Option<String>,
    /// Its name.
    #[tf(computed)]
    pub system_name: Option<String>,
}

/// A storage controller and its drives.
#[derive(Clone, Debug, Model)]
pub(crate) struct Storage {
    /// Its id on the BMC.
    #[tf(computed)]
    pub id: Option<String>,
    /// Its model.
    #[tf(computed)]
    pub model: Option<String>,
    /// Its drives.
    #[tf(computed)]
    pub drives: Option<Vec<Drive>>,
}

/// A drive.
#[derive(Clone, Debug, Model)]
pub(crate) struct Drive {
    /// Its id on the BMC.
    #[tf(computed)]
    pub id: Option<String>,
    /// Its model.
    #[tf(computed)]
    pub model: Option<String>,
    /// Its serial number.
    #[tf(computed)]
    pub serial_number: Option<String>,
    /// Its capacity in bytes.
    #[tf(computed)]
    pub capacity_bytes: Option<i64>,
    /// `HDD`, `SSD` or `SMR`.
    #[tf(computed)]
    pub media_type: Option<String>,
    /// How it is attached, such as `NVMe`, `SATA` or `SAS`.
    #[tf(computed)]
    pub protocol: Option<String>,
}

impl ServerModel {
    /// What the agent knows of a server: what was said when it was registered.
    pub(crate) fn registered(server: ::model::Server) -> Self {
        let spec = server.spec;
        let macs = spec.boot_mac_addresses.iter().map(ToString::to_string);
        Self {
            id: Some(server.id.to_string()),
            bmc: ConnectionInput::from_model(&spec.bmc),
            system_uuid: Some(server.id.to_string()),
            boot_mac_addresses: Some(macs.collect()),
            system_uri: Some(spec.system_uri),
            labels: Some(spec.labels).filter(|labels| !labels.is_empty()),
            unclaimable: spec.unclaimable,
            ..Self::empty()
        }
    }

    pub(super) fn empty() -> Self {
        Self {
            id: None,
            bmc: ConnectionInput {
                endpoint: String::new(),
                credentials: String::new(),
                ca_pem: None,
                fingerprint_sha256: None,
                insecure: None,
            },
            system_uuid: None,
            system_uri: None,
            boot_mac_addresses: None,
            labels: None,
            unclaimable: false,
            power: None,
            asset_tag: None,
            indicator_led: None,
            boot_order: None,
            inspection: None,
            manufacturer: None,
            model: None,
            serial_number: None,
            sku: None,
            part_number: None,
            bios_version: None,
            processors: None,
            memory_mib: None,
            network_interfaces: None,
            storage: None,
            health: None,
            power_state: None,
            state: None,
            claim: None,
            timeouts: None,
        }
    }

    /// What an apply returns: what was planned, and what was not known then. What has changed since
    /// is the next refresh's to report.
    pub(super) fn returned(self, planned: Self) -> Self {
        Self {
            id: planned.id.or(self.id),
            bmc: planned.bmc,
            system_uuid: planned.system_uuid.or(self.system_uuid),
            system_uri: planned.system_uri.or(self.system_uri),
            boot_mac_addresses: planned.boot_mac_addresses.or(self.boot_mac_addresses),
            labels: planned.labels,
            unclaimable: planned.unclaimable,
            power: planned.power,
            asset_tag: planned.asset_tag.or(self.asset_tag),
            indicator_led: planned.indicator_led.or(self.indicator_led),
            boot_order: planned.boot_order.or(self.boot_order),
            inspection: planned.inspection,
            manufacturer: planned.manufacturer.or(self.manufacturer),
            model: planned.model.or(self.model),
            serial_number: planned.serial_number.or(self.serial_number),
            sku: planned.sku.or(self.sku),
            part_number: planned.part_number.or(self.part_number),
            bios_version: planned.bios_version.or(self.bios_version),
            processors: planned.processors.or(self.processors),
            memory_mib: planned.memory_mib.or(self.memory_mib),
            network_interfaces: planned.network_interfaces.or(self.network_interfaces),
            storage: planned.storage.or(self.storage),
            health: planned.health.or(self.health),
            power_state: planned.power_state.or(self.power_state),
            state: planned.state.or(self.state),
            claim: planned.claim.or(self.claim),
            timeouts: planned.timeouts,
        }
    }
}
