//! A system's network interfaces and their addresses.
//!
//! Makers put the addresses in different places, and some fill each of them in part. So all are
//! read, in a fixed order, and what is known of one address from several of them is put together.

use model::MacAddr;

use crate::{
    bmc::Bmc,
    collection::{self, Expand, Member},
    error::Error,
    lane::Lane,
    lenient::{Doc, whole},
    quirks::Hints,
    system::System,
};

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Its id on this BMC.
    pub id: String,
    /// Its permanent address, as far as the BMC knows it.
    pub mac: MacAddr,
    /// The speed of its link.
    pub speed_mbps: Option<u64>,
    /// `LinkUp`, `LinkDown` or `NoLink`.
    pub link: Option<String>,
    /// What is at the other end of its cable.
    pub neighbour: Option<Neighbour>,
}

/// The port of a switch, as it announces itself by LLDP (IEEE 802.1AB).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The switch: its MAC address, as a rule.
    pub chassis_id: Option<String>,
    /// The switch's port.
    pub port_id: Option<String>,
    /// The switch's name.
    pub system_name: Option<String>,
}

impl Bmc {
    /// Reads the network interfaces of a system. There may be none: many BMCs learn of them only
    /// when the system was on once.
    pub async fn mac_addresses(&self, system: &System) -> Result<Vec<Nic>, Error> {
        let lane = self.inner.shared();
        let expand = expand(&lane, system).await?;
        let mut nics = Vec::new();
        if let Some(uri) = system.doc().link("EthernetInterfaces") {
            for Member { uri, document } in optional(&lane, &uri, expand).await? {
                add(&mut nics, interface(&uri, document.doc()));
            }
        }
        from_adapters(&lane, system, expand, &mut nics).await?;
        if nics.is_empty()
            && let Some(uri) = system.doc().get("Boot").link("BootOptions")
        {
            for Member { uri, document } in optional(&lane, &uri, expand).await? {
                add(&mut nics, boot_option(&uri, document.doc()));
            }
        }
        Ok(nics)
    }
}

/// Whether this BMC's collections may be read together with their members.
pub(crate) async fn expand(lane: &Lane<'_>, system: &System) -> Result<Expand, Error> {
    let root = lane.root().await?;
    let can = root.can_expand && !Hints::of(&root, Some(system)).no_expand;
    Ok(if can { Expand::Try } else { Expand::Never })
}

/// What some firmware describes only below the chassis: an adapter has functions, which are what
/// boots, and ports, which may carry the only address there is and know the neighbour.
async fn from_adapters(
    lane: &Lane<'_>,
    system: &System,
    expand: Expand,
    nics: &mut Vec<Nic>,
) -> Result<(), Error> {
    for chassis in system.doc().get("Links").links("Chassis") {
        let adapters = match lane.get(&chassis).await {
            Ok(chassis) => chassis.doc().link("NetworkAdapters"),
            Err(Error::NotFound { .. } | Error::Decode { .. }) => None,
            Err(error) => return Err(error),
        };
        let Some(adapters) = adapters else {
            continue;
        };
        for adapter in optional(lane, &adapters, expand).await? {
            let doc = adapter.document.doc();
            // The last is the name of ports before the schema had another.
            let ports = doc.link("Ports").or_else(|| doc.link("NetworkPorts"));
            let places = [doc.link("NetworkDeviceFunctions"), ports];
            for place in places.into_iter().flatten() {
                for Member { uri, document } in optional(lane, &place, expand).await? {
                    for nic in of_adapter(&uri, document.doc()) {
                        add(nics, Some(nic));
                    }
                }
            }
        }
    }
    Ok(())
}

/// A collection that firmware may list and not have.
pub(crate) async fn optional(
    lane: &Lane<'_>,
    uri: &str,
    expand: Expand,
) -> Result<Vec<Member>, Error> {
    match collection::members(lane, uri, expand).await {
        Err(
            error @ (Error::NotFound { .. }
            | Error::NotSupported { .. }
            | Error::Decode { .. }
            | Error::Rejected { .. }),
        ) => {
            tracing::warn!(bmc = lane.inner.wire.origin.as_str(), uri, %error, "left out");
            Ok(Vec::new())
        }
        result => result,
    }
}

/// Adds an interface, or what is not known yet of one that is there.
fn add(nics: &mut Vec<Nic>, nic: Option<Nic>) {
    let Some(nic) = nic else {
        return;
    };
    match nics.iter_mut().find(|known| known.mac == nic.mac) {
        Some(known) => {
            known.speed_mbps = known.speed_mbps.or(nic.speed_mbps);
            known.link = known.link.take().or(nic.link);
            known.neighbour = known.neighbour.take().or(nic.neighbour);
        }
        None => nics.push(nic),
    }
}

pub(crate) fn interface(uri: &str, doc: Doc<'_>) -> Option<Nic> {
    let id = id(uri, doc);
    let words = [
        Some(id.as_str()),
        doc.word("Name"),
        doc.word("EthernetInterfaceType"),
    ];
    if words.into_iter().flatten().any(is_internal) {
        return None;
    }
    let mac = mac(doc, "PermanentMACAddress")
        .or_else(|| mac(doc, "MACAddress"))
        .or_else(|| in_device_path(doc))?;
    Some(Nic {
        mac,
        id,
        speed_mbps: doc.count("SpeedMbps").filter(|&speed| speed > 0),
        link: doc.text("LinkStatus"),
        neighbour: None,
    })
}

/// The interfaces of a device function or a port.
fn of_adapter(uri: &str, doc: Doc<'_>) -> Vec<Nic> {
    let ethernet = doc.get("Ethernet");
    let permanent = mac(ethernet, "PermanentMACAddress").or_else(|| mac(ethernet, "MACAddress"));
    let associated = ethernet.words("AssociatedMACAddresses").into_iter();
    let addresses = associated.chain(doc.words("AssociatedNetworkAddresses"));
    let listed = addresses.filter_map(|address| address.parse().ok());
    let link = doc.text("LinkStatus");
    let gbps = doc.number("CurrentSpeedGbps");
    let speed_mbps = doc
        .count("CurrentLinkSpeedMbps")
        .or_else(|| whole(gbps? * 1000.0))
        .filter(|&speed| speed > 0);
    let neighbour = neighbour(ethernet.get("LLDPReceive"));
    let nic = |mac| Nic {
        id: id(uri, doc),
        mac,
        speed_mbps,
        link: link.clone(),
        neighbour: neighbour.clone(),
    };
    let macs: Vec<_> = match permanent {
        Some(mac) => vec![mac],
        None => listed.filter(|mac: &MacAddr| mac.is_unicast()).collect(),
    };
    macs.into_iter().map(nic).collect()
}

fn neighbour(lldp: Doc<'_>) -> Option<Neighbour> {
    let found = Neighbour {
        chassis_id: lldp.text("ChassisId"),
        port_id: lldp.text("PortId"),
        system_name: lldp.text("SystemName"),
    };
    let known = [&found.chassis_id, &found.port_id, &found.system_name];
    known.iter().any(|part| part.is_some()).then_some(found)
}

/// The interface that an entry of the boot order boots from. A device on USB is the BMC's own.
fn boot_option(uri: &str, doc: Doc<'_>) -> Option<Nic> {
    let path = doc.word("UefiDevicePath")?;
    if path.contains("USB(") || doc.word("DisplayName").is_some_and(is_internal) {
        return None;
    }
    Some(Nic {
        mac: in_device_path(doc)?,
        id: id(uri, doc),
        speed_mbps: None,
        link: None,
        neighbour: None,
    })
}

/// The address in a UEFI device path: `MAC(70B5E8000001,0x1)` (UEFI 2.10, section 10.3.5.11).
fn in_device_path(doc: Doc<'_>) -> Option<MacAddr> {
    let (_, rest) = doc.word("UefiDevicePath")?.split_once("MAC(")?;
    let mac: MacAddr = rest.get(..12)?.parse().ok()?;
    mac.is_unicast().then_some(mac)
}

fn mac(doc: Doc<'_>, name: &str) -> Option<MacAddr> {
    let mac: MacAddr = doc.word(name)?.parse().ok()?;
    mac.is_unicast().then_some(mac)
}

fn id(uri: &str, doc: Doc<'_>) -> String {
    let last = uri
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    doc.word("Id").unwrap_or(last).to_owned()
}

/// Whether this is the wire between the system and its own BMC, which nothing boots from.
fn is_internal(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.starts_with("usb")
        || ["tomanager", "tohost", "hostinterface"]
            .iter()
            .any(|w| word.contains(w))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(value: Value, expected: Option<&str>) {
        let found = interface("/x/1", Doc::new(&value)).map(|nic| nic.mac.to_string());
        assert_eq!(found.as_deref(), expected, "{value}");
    }

    #[test]
    fn the_permanent_address_counts_and_odd_ones_do_not() {
        let mac = Some("70:b5:e8:00:00:01");
        check(json!({"MACAddress": "70:B5:E8:00:00:01"}), mac);
        check(
            json!({"PermanentMACAddress": "70b5e8000001", "MACAddress": "x"}),
            mac,
        );
        check(
            json!({"PermanentMACAddress": "", "MACAddress": "70:b5:e8:00:00:01"}),
            mac,
        );
        check(json!({"MACAddress": ""}), None);
        check(json!({"MACAddress": "00:00:00:00:00:00"}), None);
        check(json!({"MACAddress": "88e9:a4ff:ff87:42c8"}), None);
        check(json!({"MACAddress": 7}), None);
    }

    #[test]
    fn the_wire_to_the_bmc_is_left_out() {
        for id in ["ToManager", "usb0", "HostInterface-1"] {
            check(json!({"Id": id, "MACAddress": "70:b5:e8:00:00:01"}), None);
        }
    }

    #[test]
    fn a_port_may_carry_the_only_address() {
        let macs = |value: Value| {
            let nics = of_adapter("/x/1", Doc::new(&value));
            nics.iter()
                .map(|nic| nic.mac.to_string())
                .collect::<Vec<_>>()
        };
        let expected = ["00:62:0b:4c:28:4e"];
        assert_eq!(
            macs(json!({"AssociatedNetworkAddresses": ["00620B4C284E"]})),
            expected
        );
        let ethernet = json!({"AssociatedMACAddresses": ["00:62:0b:4c:28:4e", "x"]});
        assert_eq!(macs(json!({"Ethernet": ethernet})), expected);
        let ethernet = json!({"PermanentMACAddress": "00:62:0B:4C:28:4E", "MACAddress": null});
        assert_eq!(macs(json!({"Ethernet": ethernet})), expected);
        assert!(macs(json!({"Ethernet": null})).is_empty());
    }

    #[test]
    fn a_device_path_may_hold_the_only_address() {
        let mac = Some("70:b5:e8:00:00:01");
        let path = "PciRoot(0x0)/Pci(0x1,0x0)/MAC(70B5E8000001,0x1)/IPv4(0.0.0.0)";
        check(json!({"MACAddress": "", "UefiDevicePath": path}), mac);
        check(json!({"UefiDevicePath": "PciRoot(0x0)/MAC(70B5"}), None);
        let option = |path: &str, title: &str| {
            let value = json!({"Id": "Boot0003", "DisplayName": title, "UefiDevicePath": path});
            boot_option("/x/1", Doc::new(&value)).map(|nic| nic.mac.to_string())
        };
        assert_eq!(option(path, "PXE").as_deref(), mac);
        let usb = "PciRoot(0x0)/USB(0x1,0x0)/MAC(70B5E8000001,0x1)";
        assert_eq!(option(usb, "PXE"), None);
        assert_eq!(option(path, "usb0 of the BMC"), None);
        assert_eq!(option("HD(1,GPT)", "Disk"), None);
    }

    #[test]
    fn what_several_places_tell_of_one_address_is_put_together() {
        let mut nics = Vec::new();
        let value = json!({"Id": "NIC.1", "MACAddress": "70:B5:E8:00:00:01"});
        add(&mut nics, interface("/x/1", Doc::new(&value)));
        let lldp = json!({"ChassisId": "AA:BB", "PortId": "Ethernet1/7", "SystemName": ""});
        let port = json!({
            "Id": "P1",
            "CurrentSpeedGbps": 25,
            "LinkStatus": "LinkUp",
            "Ethernet": {"AssociatedMACAddresses": ["70B5E8000001"], "LLDPReceive": lldp},
        });
        for nic in of_adapter("/x/p", Doc::new(&port)) {
            add(&mut nics, Some(nic));
        }
        let neighbour = Neighbour {
            chassis_id: Some("AA:BB".to_owned()),
            port_id: Some("Ethernet1/7".to_owned()),
            system_name: None,
        };
        let expected = Nic {
            id: "NIC.1".to_owned(),
            mac: "70:b5:e8:00:00:01".parse().unwrap(),
            speed_mbps: Some(25_000),
            link: Some("LinkUp".to_owned()),
            neighbour: Some(neighbour),
        };
        assert_eq!(nics, [expected]);
        assert_eq!(neighbour_of(json!({})), None);
    }

    fn neighbour_of(value: Value) -> Option<Neighbour> {
        neighbour(Doc::new(&value))
    }
}
