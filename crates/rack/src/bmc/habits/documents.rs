//! Habits with documents: what is in them beside, and in place of, what the standard asks for.

use serde_json::{Value, json};

use super::{SETTINGS, power, replies, shapes, tags};
use crate::bmc::exchange::Exchange;
use crate::{
    Profile, Quirk,
    bmc::{
        Bmc,
        expand::Expand,
        resources::{link, status},
        system::SYSTEM,
    },
    http::Reply,
};

impl Bmc {
    /// Shows what a reply holds as this BMC does.
    pub(super) fn shown(&self, exchange: &Exchange, mut reply: Reply) -> Reply {
        if let Ok(mut document) = serde_json::from_slice::<Value>(&reply.body) {
            if document["error"].is_object() {
                replies::messages(exchange, &mut document);
            } else {
                self.alter(exchange, &mut document);
                tags::shown(exchange, &mut reply.headers, &mut document);
            }
            reply.body = document.to_string().into();
        }
        replies::headers(exchange, &mut reply);
        reply
    }

    fn alter(&self, exchange: &Exchange, document: &mut Value) {
        let uri = document["@odata.id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let kind = document["@odata.type"].as_str().unwrap_or_default();
        let kind = kind.trim_start_matches('#').split('.').next();
        match kind.unwrap_or_default().to_owned().as_str() {
            "ServiceRoot" => root(exchange, document),
            "ComputerSystem" if uri == SYSTEM => {
                self.show_boot(exchange, false, document);
                system(exchange, document);
                shapes::system(exchange, document);
            }
            "ComputerSystem" if uri == SETTINGS_URI => self.show_boot(exchange, true, document),
            "Manager" if uri == "/redfish/v1/Managers/1" => manager(exchange, document),
            "AccountService" if exchange.has(Quirk::BasicDisabled) => {
                document["HTTPBasicAuth"] = json!("Disabled");
            }
            "AccountService" if exchange.has(Quirk::UnadvertisedBasic) => {
                document["HTTPBasicAuth"] = json!("Unadvertised");
            }
            "EthernetInterface" if exchange.has(Quirk::EmptyMacs) => {
                document["MACAddress"] = json!("");
                document["PermanentMACAddress"] = json!("");
            }
            "EthernetInterfaceCollection"
                if exchange.has(Quirk::MacsOnPortsOnly) && uri.starts_with(SYSTEM) =>
            {
                shapes::empty(document);
            }
            "NetworkDeviceFunction" if exchange.has(Quirk::MacsOnPortsOnly) => {
                remove(document, &["Ethernet"]);
            }
            "ComputerSystemCollection" if exchange.has(Quirk::ExtraSystems) => {
                insert_first(document, EXTRA_SYSTEM);
            }
            "ManagerCollection" if exchange.has(Quirk::ExtraSystems) => {
                insert_first(document, EXTRA_MANAGER);
            }
            _ => {}
        }
        shapes::any(exchange, document);
    }

    /// Puts linked documents into a document, as this BMC does.
    pub(in crate::bmc) fn expanded(
        &self,
        exchange: &Exchange,
        expand: Expand,
        reply: Reply,
    ) -> Reply {
        let Ok(mut document) = serde_json::from_slice::<Value>(&reply.body) else {
            return reply;
        };
        let look = |uri: &str| {
            let reply = self.look(exchange, uri);
            let mut found: Value = serde_json::from_slice(&reply.body).ok()?;
            if !reply.status.is_success() {
                return None;
            }
            if exchange.has(Quirk::MembersWithoutEtag) {
                remove(&mut found, &["@odata.etag"]);
            }
            if exchange.has(Quirk::ExpandDropsProperties)
                && let Some(object) = found.as_object_mut()
            {
                object.retain(|name, _| KEPT.contains(&name.as_str()));
            }
            Some(found)
        };
        expand.apply(&mut document, &look);
        Reply {
            body: document.to_string().into(),
            ..reply
        }
    }
}

fn root(exchange: &Exchange, document: &mut Value) {
    let facts = exchange.facts;
    let own = exchange.profile != Profile::Standard;
    for (name, value) in [("Vendor", facts.vendor), ("Product", facts.product)] {
        match value {
            _ if !own => {}
            Some(value) => document[name] = json!(value),
            None => remove(document, &[name]),
        }
    }
    if own {
        document["RedfishVersion"] = json!(facts.version);
    }
    if let Some((key, text)) = facts.oem {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        document["Oem"] = json!({ key: value });
    }
    if exchange.has(Quirk::BadgeOfAnotherMaker) {
        document["Oem"] = json!({ "Ami": { "RtpVersion": "13.04" } });
    }
    if exchange.has(Quirk::ExpandUnsupported) {
        remove(document, &["ProtocolFeaturesSupported"]);
    }
    if exchange.has(Quirk::NoSessions) {
        remove(document, &["SessionService", "Links"]);
    }
    if exchange.has(Quirk::RootLinksMissing) {
        remove(document, &["Systems", "Managers", "Chassis"]);
    }
}

fn manager(exchange: &Exchange, document: &mut Value) {
    let facts = exchange.facts;
    if exchange.profile != Profile::Standard {
        document["Manufacturer"] = json!(facts.vendor.unwrap_or(facts.manufacturer));
        document["Model"] = json!(facts.manager_model);
        document["FirmwareVersion"] = json!(facts.firmware);
        document["ManagerType"] = json!(facts.manager_type);
    }
    if exchange.has(Quirk::ManagerWithoutPowerState) {
        remove(document, &["PowerState"]);
    }
}

fn system(exchange: &Exchange, document: &mut Value) {
    let has = |quirk| exchange.has(quirk);
    power::show(exchange, document);
    power::show_resets(exchange, document);
    if exchange.quirks.has_any(SETTINGS) {
        document["@Redfish.Settings"] = json!({
            "@odata.type": "#Settings.v1_4_0.Settings",
            "SettingsObject": link(SETTINGS_URI),
        });
    }
    if has(Quirk::SkuIsServiceTag) {
        let tag = document["SerialNumber"].take();
        document["SerialNumber"] = json!(format!("CN{}", tag.as_str().unwrap_or_default()));
        document["SKU"] = tag;
    }
    if has(Quirk::PlaceholderIdentity) {
        document["SerialNumber"] = json!("          ");
        document["SKU"] = json!("To be filled by O.E.M.");
    }
    if has(Quirk::SerialOnChassis) {
        remove(document, &["SerialNumber"]);
    }
    if has(Quirk::UuidByteOrder)
        && let Some(id) = document["UUID"].as_str().and_then(|text| text.parse().ok())
    {
        let id: model::ServerId = id;
        document["UUID"] = json!(id.swapped());
    }
    if has(Quirk::IndicatorLedOnly) {
        remove(document, &["LocationIndicatorActive"]);
    }
    if has(Quirk::LocationIndicatorOnly) {
        remove(document, &["IndicatorLED"]);
    }
    if has(Quirk::LitIsNotIdentify) && document["IndicatorLED"] == "Off" {
        document["IndicatorLED"] = json!("Lit");
    }
    if has(Quirk::NoSystemNics) {
        remove(document, &["EthernetInterfaces", "NetworkInterfaces"]);
    }
    if has(Quirk::BrokenSubresources) {
        document["Memory"] = link("/redfish/v1/Systems/1/Memory");
        document["Storage"] = link("/redfish/v1/Systems/1/Storage");
    }
}

/// The settings object of a system.
pub(super) fn settings(system: &Value) -> Value {
    let mut document = json!({
        "@odata.id": SETTINGS_URI,
        "@odata.type": system["@odata.type"],
        "Id": "Settings",
        "Name": "Settings of the System",
        "Boot": system["Boot"],
    });
    if let Some(tag) = system["@odata.etag"].as_str() {
        document["@odata.etag"] = json!(tags::of_settings(tag));
    }
    document
}

/// A system that is a board of accelerators: nothing can be booted or reset there.
pub(super) fn extra_system() -> Value {
    json!({
        "@odata.id": EXTRA_SYSTEM,
        "@odata.type": "#ComputerSystem.v1_22_0.ComputerSystem",
        "Id": "HGX_Baseboard_0",
        "Name": "Baseboard",
        "SystemType": "Physical",
        "PowerState": "On",
        "Status": status(true),
        "Links": { "ManagedBy": [link(EXTRA_MANAGER)] },
    })
}

/// A manager that manages no server.
pub(super) fn extra_manager() -> Value {
    json!({
        "@odata.id": EXTRA_MANAGER,
        "@odata.type": "#Manager.v1_19_0.Manager",
        "Id": "HGX_FabricManager_0",
        "Name": "Fabric Manager",
        "ManagerType": "Service",
        "Status": status(true),
    })
}

fn insert_first(document: &mut Value, uri: &str) {
    if let Some(members) = document["Members"].as_array_mut() {
        members.insert(0, link(uri));
        document["Members@odata.count"] = json!(document["Members"].as_array().map(Vec::len));
    }
}

pub(super) fn remove(document: &mut Value, names: &[&str]) {
    if let Some(object) = document.as_object_mut() {
        object.retain(|name, _| !names.contains(&name.as_str()));
    }
}

pub(super) const EXTRA_SYSTEM: &str = "/redfish/v1/Systems/HGX_Baseboard_0";
pub(super) const EXTRA_MANAGER: &str = "/redfish/v1/Managers/HGX_FabricManager_0";
const SETTINGS_URI: &str = "/redfish/v1/Systems/1/Settings";
/// What is left of a member that was expanded badly.
const KEPT: [&str; 5] = ["@odata.id", "@odata.etag", "@odata.type", "Id", "Status"];
