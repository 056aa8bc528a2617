//! A system's network interfaces and their addresses.

use model::MacAddr;

use crate::{
    bmc::Bmc,
    collection::{self, Expand, Member},
    error::Error,
    lane::Lane,
    lenient::Doc,
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
}

impl Bmc {
    /// Reads the network interfaces of a system. There may be none: many BMCs learn of them only
    /// when the system was on once.
    pub async fn mac_addresses(&self, system: &System) -> Result<Vec<Nic>, Error> {
        let lane = self.inner.shared();
        let root = lane.root().await?;
        let expand = if root.can_expand && !Hints::of(&root, Some(system)).no_expand {
            Expand::Try
        } else {
            Expand::Never
        };
        let mut nics = Vec::new();
        if let Some(uri) = system.doc().link("EthernetInterfaces") {
            for Member { uri, document } in optional(&lane, &uri, expand).await? {
                add(&mut nics, interface(&uri, document.doc()));
            }
        }
        if nics.is_empty() {
            from_adapters(&lane, system, expand, &mut nics).await?;
        }
        Ok(nics)
    }
}

/// Some firmware describes its interfaces only below the chassis: an adapter has functions, which
/// are what boots, and ports, which may carry the only address there is.
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
            let before = nics.len();
            for place in ["NetworkDeviceFunctions", "Ports", "NetworkPorts"] {
                let Some(uri) = doc.link(place).filter(|_| nics.len() == before) else {
                    continue;
                };
                for Member { uri, document } in optional(lane, &uri, expand).await? {
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
async fn optional(lane: &Lane<'_>, uri: &str, expand: Expand) -> Result<Vec<Member>, Error> {
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

fn add(nics: &mut Vec<Nic>, nic: Option<Nic>) {
    if let Some(nic) = nic.filter(|nic| nics.iter().all(|known| known.mac != nic.mac)) {
        nics.push(nic);
    }
}

fn interface(uri: &str, doc: Doc<'_>) -> Option<Nic> {
    let id = id(uri, doc);
    let words = [
        Some(id.as_str()),
        doc.word("Name"),
        doc.word("EthernetInterfaceType"),
    ];
    if words.into_iter().flatten().any(is_internal) {
        return None;
    }
    Some(Nic {
        mac: mac(doc, "PermanentMACAddress").or_else(|| mac(doc, "MACAddress"))?,
        id,
        speed_mbps: doc.count("SpeedMbps").filter(|&speed| speed > 0),
        link: doc.text("LinkStatus"),
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
    let speed_mbps = doc.count("CurrentLinkSpeedMbps").filter(|&speed| speed > 0);
    let nic = |mac| Nic {
        id: id(uri, doc),
        mac,
        speed_mbps,
        link: link.clone(),
    };
    let macs: Vec<_> = match permanent {
        Some(mac) => vec![mac],
        None => listed.filter(|mac: &MacAddr| mac.is_unicast()).collect(),
    };
    macs.into_iter().map(nic).collect()
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
}
