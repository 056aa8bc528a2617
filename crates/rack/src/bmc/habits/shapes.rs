//! Habits with the shape of documents: missing properties, and values of another type.

use serde_json::{Value, json};

use super::documents::remove;
use crate::Quirk;
use crate::bmc::exchange::Exchange;

/// Changes the shape of a system.
pub(super) fn system(exchange: &Exchange, document: &mut Value) {
    let has = |quirk| exchange.has(quirk);
    if has(Quirk::OddScalars) {
        document["LastResetTime"] = json!("0000-00-00T00:00:00+00:00");
        document["ProcessorSummary"]["Status"] = json!([]);
        let memory = &mut document["MemorySummary"]["TotalSystemMemoryGiB"];
        *memory = json!(memory.as_f64());
        let count = &mut document["ProcessorSummary"]["LogicalProcessorCount"];
        *count = json!(count.to_string());
        document["HostingRoles"] = json!({});
        document["BootProgress"]["LastStateTime"] = json!("");
    }
    if has(Quirk::SparseDocuments) {
        let names = [
            "UUID",
            "SKU",
            "Boot",
            "BootProgress",
            "AssetTag",
            "LastResetTime",
        ];
        remove(document, &names);
        remove(document, &["IndicatorLED", "LocationIndicatorActive"]);
    }
    if has(Quirk::LinksManagers) {
        let managers = document["Links"]["ManagedBy"].clone();
        document["Links"]["Managers"] = managers;
        remove(&mut document["Links"], &["ManagedBy"]);
    }
    if has(Quirk::ManagedByMissing) {
        remove(&mut document["Links"], &["ManagedBy"]);
    }
    if has(Quirk::NoneAsText) && document["AssetTag"] == "" {
        document["AssetTag"] = json!("None");
    }
}

/// Changes the shape of any document.
pub(super) fn any(exchange: &Exchange, document: &mut Value) {
    let has = |quirk| exchange.has(quirk);
    if has(Quirk::SparseDocuments) {
        let uri = document["@odata.id"].as_str().unwrap_or_default();
        let root = uri == "/redfish/v1/";
        let interface = document["MACAddress"].is_string();
        if root {
            remove(document, &["UUID", "Vendor", "Product"]);
        }
        if interface {
            remove(document, &["Name", "PermanentMACAddress", "Status"]);
        }
    }
    if has(Quirk::NullMembers)
        && let Some(members) = document["Members"].as_array()
    {
        let kind = document["@odata.type"].as_str().unwrap_or_default();
        if members.is_empty() || kind.starts_with("#EthernetInterfaceCollection") {
            empty(document);
            document["Members"] = Value::Null;
        }
    }
    if has(Quirk::ScalarForArray)
        && let Some(links) = document["Links"].as_object_mut()
    {
        for value in links.values_mut() {
            if value.as_array().is_some_and(|list| list.len() == 1) {
                *value = value[0].take();
            }
        }
    }
}

/// Takes the members of a collection away.
pub(super) fn empty(document: &mut Value) {
    document["Members"] = json!([]);
    document["Members@odata.count"] = json!(0);
}
