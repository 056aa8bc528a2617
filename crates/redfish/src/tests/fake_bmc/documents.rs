//! What the BMC has at first.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{RESET, SESSIONS, SYSTEM};

/// What every BMC here has at first.
pub(super) fn resources() -> BTreeMap<String, Value> {
    let link = |path: &str| json!({"@odata.id": path});
    let mut resources = BTreeMap::new();
    let mut add = |path: &str, mut body: Value| {
        body["@odata.id"] = json!(path);
        resources.insert(path.to_owned(), body);
    };
    add(
        "/redfish/v1/",
        json!({
            "RedfishVersion": "1.15.0",
            "Vendor": "Contoso",
            "Systems": link("/redfish/v1/Systems"),
            "Managers": link("/redfish/v1/Managers"),
            "SessionService": link("/redfish/v1/SessionService"),
            "Links": {"Sessions": link(SESSIONS)},
        }),
    );
    add("/redfish/v1/Systems", json!({"Members": [link(SYSTEM)]}));
    add(SYSTEM, system());
    add(
        "/redfish/v1/Systems/1/EthernetInterfaces",
        json!({"Members": [link("/redfish/v1/Systems/1/EthernetInterfaces/NIC.1")]}),
    );
    add(
        "/redfish/v1/Systems/1/EthernetInterfaces/NIC.1",
        json!({"Id": "NIC.1", "MACAddress": "70:B5:E8:00:00:01", "SpeedMbps": 25000,
            "LinkStatus": "LinkUp"}),
    );
    add(
        "/redfish/v1/Managers",
        json!({"Members": [link("/redfish/v1/Managers/bmc")]}),
    );
    add(
        "/redfish/v1/Managers/bmc",
        json!({"Id": "bmc", "ManagerType": "BMC", "FirmwareVersion": "2.10", "Model": "CMC"}),
    );
    resources
}

/// A good system.
pub(in crate::tests) fn system() -> Value {
    json!({
        "@odata.type": "#ComputerSystem.v1_20_0.ComputerSystem",
        "Id": "1",
        "Manufacturer": "Contoso",
        "Model": "C1000",
        "SerialNumber": " SN-0001 ",
        "SKU": "To be filled by O.E.M.",
        "PartNumber": "PN-1",
        "UUID": "4C4C4544-0042-3510-8057-B7C04F4B4D32",
        "HostName": "",
        "AssetTag": "old",
        "BiosVersion": "1.2.3",
        "PowerState": "Off",
        "IndicatorLED": "Off",
        "Status": {"State": "Enabled", "Health": "OK"},
        "MemorySummary": {"TotalSystemMemoryGiB": 512.5},
        "ProcessorSummary": {"Count": 2, "CoreCount": 64, "Model": "Contoso CPU"},
        "Boot": {
            "BootSourceOverrideEnabled": "Disabled",
            "BootSourceOverrideTarget": "None",
            "BootSourceOverrideMode": "UEFI",
            "BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Pxe", "Hdd", "UefiHttp"],
            "BootOrder": ["Boot0001", "Boot0002: Ubuntu"],
        },
        "Actions": {"#ComputerSystem.Reset": {
            "target": RESET,
            "ResetType@Redfish.AllowableValues": ["On", "ForceOff", "GracefulShutdown"],
        }},
        "EthernetInterfaces": {"@odata.id": "/redfish/v1/Systems/1/EthernetInterfaces"},
        "Links": {"ManagedBy": [{"@odata.id": "/redfish/v1/Managers/bmc"}], "Chassis": []},
    })
}
