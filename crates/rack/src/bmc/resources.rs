//! The resources of a BMC that say who it is and what hangs together; the system itself is in
//! `system.rs`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    access::{Access, SESSION_TIMEOUT, Session},
    accounts::LOCKOUT_THRESHOLD,
    expand::MAX_LEVELS,
    inventory::{self, Place},
};
use crate::config::{MachineConfig, derived_uuid};

/// A place in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Versions,
    Root,
    ServiceDocument,
    Metadata,
    SessionService,
    Sessions,
    Session(String),
    AccountService,
    Accounts,
    Account(String),
    Roles,
    Role(String),
    Systems,
    System,
    Reset,
    Interfaces,
    Interface(usize),
    Managers,
    Manager,
    ManagerReset,
    ChassisCollection,
    Chassis,
    /// What the system shall be after its next start; some BMCs have it.
    Settings,
    ResetActionInfo,
    TaskService,
    Tasks,
    Task(usize),
    TaskMonitor(usize),
    Inventory(Place),
}

impl Resource {
    /// The resource at a path. One slash at its end makes no difference.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let parts: Vec<&str> = path.strip_prefix("/redfish")?.split('/').skip(1).collect();
        Some(match parts.as_slice() {
            [] => Self::Versions,
            ["v1"] => Self::Root,
            ["v1", "odata"] => Self::ServiceDocument,
            ["v1", "$metadata"] => Self::Metadata,
            ["v1", "SessionService"] => Self::SessionService,
            // Both may be posted to (DSP0266 section 13.3.4.2).
            ["v1", "SessionService", "Sessions"]
            | ["v1", "SessionService", "Sessions", "Members"] => Self::Sessions,
            ["v1", "SessionService", "Sessions", id] => Self::Session((*id).to_owned()),
            ["v1", "AccountService"] => Self::AccountService,
            ["v1", "AccountService", "Accounts"] => Self::Accounts,
            ["v1", "AccountService", "Accounts", id] => Self::Account((*id).to_owned()),
            ["v1", "AccountService", "Roles"] => Self::Roles,
            ["v1", "AccountService", "Roles", id] => Self::Role((*id).to_owned()),
            ["v1", "Systems"] => Self::Systems,
            ["v1", "Systems", "1"] => Self::System,
            ["v1", "Systems", "1", "Actions", "ComputerSystem.Reset"] => Self::Reset,
            ["v1", "Systems", "1", "EthernetInterfaces"] => Self::Interfaces,
            ["v1", "Systems", "1", "EthernetInterfaces", id] => {
                Self::Interface(id.strip_prefix("NIC.")?.parse().ok()?)
            }
            ["v1", "Systems", "1", "Settings"] => Self::Settings,
            ["v1", "Systems", "1", "ResetActionInfo"] => Self::ResetActionInfo,
            ["v1", "TaskService"] => Self::TaskService,
            ["v1", "TaskService", "Tasks"] => Self::Tasks,
            ["v1", "TaskService", "Tasks", id] => Self::Task(id.parse().ok()?),
            ["v1", "TaskService", "TaskMonitors", id] => Self::TaskMonitor(id.parse().ok()?),
            ["v1", "Managers"] => Self::Managers,
            ["v1", "Managers", "1"] => Self::Manager,
            ["v1", "Managers", "1", "Actions", "Manager.Reset"] => Self::ManagerReset,
            ["v1", "Chassis"] => Self::ChassisCollection,
            ["v1", "Chassis", "1"] => Self::Chassis,
            ["v1", rest @ ..] => Self::Inventory(Place::parse(rest)?),
            _ => return None,
        })
    }

    /// Whether it is shown to anyone (DSP0266 section 13.3.1).
    pub(super) const fn is_public(&self) -> bool {
        matches!(
            self,
            Self::Versions | Self::Root | Self::ServiceDocument | Self::Metadata
        )
    }

    /// The methods it takes.
    pub(super) const fn allow(&self) -> &'static str {
        match self {
            Self::Sessions => "GET, HEAD, POST",
            Self::Session(_) => "GET, HEAD, DELETE",
            Self::Accounts => "GET, HEAD, POST",
            Self::Account(_) => "GET, HEAD, PATCH, DELETE",
            Self::System | Self::Settings => "GET, HEAD, PATCH",
            Self::Reset | Self::ManagerReset => "POST",
            Self::Versions
            | Self::Root
            | Self::ServiceDocument
            | Self::Metadata
            | Self::SessionService
            | Self::AccountService
            | Self::Roles
            | Self::Role(_)
            | Self::Systems
            | Self::Interfaces
            | Self::Interface(_)
            | Self::Managers
            | Self::Manager
            | Self::ResetActionInfo
            | Self::TaskService
            | Self::Tasks
            | Self::Task(_)
            | Self::TaskMonitor(_)
            | Self::ChassisCollection
            | Self::Chassis
            | Self::Inventory(_) => "GET, HEAD",
        }
    }
}

pub(super) fn versions() -> Value {
    json!({ "v1": "/redfish/v1/" })
}

pub(super) fn root(machine: &MachineConfig) -> Value {
    json!({
        "@odata.id": "/redfish/v1/",
        "@odata.type": "#ServiceRoot.v1_16_0.ServiceRoot",
        "Id": "RootService",
        "Name": "Root Service",
        "RedfishVersion": "1.18.0",
        "UUID": derived_uuid(machine.uuid, "bmc"),
        "Vendor": machine.manufacturer,
        "Product": "Baremetal Rack BMC",
        "Systems": link("/redfish/v1/Systems"),
        "Managers": link("/redfish/v1/Managers"),
        "Chassis": link("/redfish/v1/Chassis"),
        "SessionService": link("/redfish/v1/SessionService"),
        "AccountService": link("/redfish/v1/AccountService"),
        "Tasks": link("/redfish/v1/TaskService"),
        "ProtocolFeaturesSupported": {
            "ExpandQuery": {
                "ExpandAll": true,
                "Levels": true,
                "Links": true,
                "MaxLevels": MAX_LEVELS,
                "NoLinks": true,
            },
            "ExcerptQuery": false,
            "FilterQuery": false,
            "OnlyMemberQuery": false,
            "SelectQuery": false,
        },
        "Links": { "Sessions": link("/redfish/v1/SessionService/Sessions") },
    })
}

pub(super) fn service_document() -> Value {
    let entry = |name: &str, url: &str| json!({ "name": name, "kind": "Singleton", "url": url });
    json!({
        "@odata.context": "/redfish/v1/$metadata",
        "value": [
            entry("Service", "/redfish/v1/"),
            entry("Systems", "/redfish/v1/Systems"),
            entry("Managers", "/redfish/v1/Managers"),
            entry("Chassis", "/redfish/v1/Chassis"),
            entry("SessionService", "/redfish/v1/SessionService"),
            entry("AccountService", "/redfish/v1/AccountService"),
            entry("Sessions", "/redfish/v1/SessionService/Sessions"),
        ],
    })
}

/// The metadata document: the schemas in use, by reference.
pub(super) fn metadata() -> String {
    let schemas = [
        ("ServiceRoot", "v1_16_0"),
        ("SessionService", "v1_1_9"),
        ("Session", "v1_7_0"),
        ("AccountService", "v1_15_0"),
        ("ManagerAccount", "v1_12_0"),
        ("Role", "v1_3_1"),
        ("ComputerSystem", "v1_22_0"),
        ("EthernetInterface", "v1_12_0"),
        ("Processor", "v1_20_0"),
        ("Memory", "v1_19_0"),
        ("Storage", "v1_16_0"),
        ("Drive", "v1_19_0"),
        ("BootOption", "v1_0_6"),
        ("NetworkAdapter", "v1_11_0"),
        ("NetworkDeviceFunction", "v1_10_0"),
        ("Port", "v1_11_0"),
        ("Manager", "v1_19_0"),
        ("Chassis", "v1_25_0"),
        ("TaskService", "v1_2_1"),
        ("Task", "v1_7_4"),
        ("ActionInfo", "v1_4_2"),
    ];
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <edmx:Edmx xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\" Version=\"4.0\">\n",
    );
    for (name, version) in schemas {
        text += &format!(
            "  <edmx:Reference Uri=\"http://redfish.dmtf.org/schemas/v1/{name}_v1.xml\">\n    \
             <edmx:Include Namespace=\"{name}\"/>\n    \
             <edmx:Include Namespace=\"{name}.{version}\"/>\n  </edmx:Reference>\n"
        );
    }
    text += "  <edmx:DataServices>\n    \
             <Schema xmlns=\"http://docs.oasis-open.org/odata/ns/edm\" Namespace=\"Service\">\n      \
             <EntityContainer Name=\"Service\" \
             Extends=\"ServiceRoot.v1_16_0.ServiceContainer\"/>\n    \
             </Schema>\n  </edmx:DataServices>\n</edmx:Edmx>\n";
    text
}

pub(super) fn session_service() -> Value {
    json!({
        "@odata.id": "/redfish/v1/SessionService",
        "@odata.type": "#SessionService.v1_1_9.SessionService",
        "Id": "SessionService",
        "Name": "Session Service",
        "ServiceEnabled": true,
        "SessionTimeout": SESSION_TIMEOUT.as_secs(),
        "Status": status(true),
        "Sessions": link("/redfish/v1/SessionService/Sessions"),
    })
}

pub(super) fn session(session: &Session) -> Value {
    session_document(&session.id, &session.username)
}

pub(super) fn session_document(id: &str, username: &str) -> Value {
    json!({
        "@odata.id": session_uri(id),
        "@odata.type": "#Session.v1_7_0.Session",
        "Id": id,
        "Name": "User Session",
        "UserName": username,
    })
}

pub(super) fn session_uri(id: &str) -> String {
    format!("/redfish/v1/SessionService/Sessions/{id}")
}

pub(super) fn account_service(access: &Access) -> Value {
    json!({
        "@odata.id": "/redfish/v1/AccountService",
        "@odata.type": "#AccountService.v1_15_0.AccountService",
        "Id": "AccountService",
        "Name": "Account Service",
        "ServiceEnabled": true,
        "AccountLockoutThreshold": LOCKOUT_THRESHOLD,
        "AccountLockoutDuration": whole_seconds(access.accounts.lockout),
        "AccountLockoutCounterResetEnabled": true,
        "MinPasswordLength": access.accounts.rules.password_length.start(),
        "MaxPasswordLength": access.accounts.rules.password_length.end(),
        "Accounts": link("/redfish/v1/AccountService/Accounts"),
        "Roles": link("/redfish/v1/AccountService/Roles"),
        "HTTPBasicAuth": "Enabled",
        "Status": status(true),
    })
}

/// A collection with these members.
pub(super) fn collection(uri: &str, kind: &str, name: &str, members: &[String]) -> Value {
    json!({
        "@odata.id": uri,
        "@odata.type": format!("#{kind}.{kind}"),
        "Name": name,
        "Members@odata.count": members.len(),
        "Members": members.iter().map(|member| link(member)).collect::<Vec<_>>(),
    })
}

pub(super) fn interfaces(machine: &MachineConfig) -> Value {
    let members: Vec<String> = (1..=machine.macs.len()).map(interface_uri).collect();
    collection(
        "/redfish/v1/Systems/1/EthernetInterfaces",
        "EthernetInterfaceCollection",
        "Ethernet Interface Collection",
        &members,
    )
}

pub(super) fn interface_uri(index: usize) -> String {
    format!("/redfish/v1/Systems/1/EthernetInterfaces/NIC.{index}")
}

pub(super) fn interface(machine: &MachineConfig, number: usize) -> Option<Value> {
    let mac = machine.macs.get(number.checked_sub(1)?)?;
    // Upper case, because Dell's and Lenovo's are: whoever compares texts shall notice.
    let mac = mac.to_string().to_uppercase();
    Some(json!({
        "@odata.id": interface_uri(number),
        "@odata.type": "#EthernetInterface.v1_12_0.EthernetInterface",
        "Id": format!("NIC.{number}"),
        "Name": format!("Ethernet Interface {number}"),
        "EthernetInterfaceType": "Physical",
        "InterfaceEnabled": true,
        "LinkStatus": if number == 1 { "LinkUp" } else { "LinkDown" },
        "SpeedMbps": 10_000,
        "MACAddress": mac,
        "PermanentMACAddress": mac,
        "Status": status(true),
    }))
}

pub(super) fn manager(machine: &MachineConfig, resets: &[String]) -> Value {
    let mut document = json!({
        "@odata.id": "/redfish/v1/Managers/1",
        "@odata.type": "#Manager.v1_19_0.Manager",
        "Id": "1",
        "Name": "Manager",
        "ManagerType": "BMC",
        "Manufacturer": machine.manufacturer,
        "Model": "Baremetal Rack BMC",
        "FirmwareVersion": env!("CARGO_PKG_VERSION"),
        "SerialNumber": format!("{}-BMC", machine.serial),
        "PartNumber": "BR-1",
        "UUID": derived_uuid(machine.uuid, "bmc"),
        "EthernetInterfaces": link(inventory::MANAGER_INTERFACES),
        "PowerState": "On",
        "Status": status(true),
        "Links": {
            "ManagerForServers": [link("/redfish/v1/Systems/1")],
            "ManagerForChassis": [link("/redfish/v1/Chassis/1")],
        },
        "Actions": { "#Manager.Reset": {
            "target": "/redfish/v1/Managers/1/Actions/Manager.Reset",
        }},
    });
    if !resets.is_empty() {
        document["Actions"]["#Manager.Reset"]["ResetType@Redfish.AllowableValues"] = json!(resets);
    }
    document
}

pub(super) fn chassis(machine: &MachineConfig, power_state: &str) -> Value {
    json!({
        "@odata.id": "/redfish/v1/Chassis/1",
        "@odata.type": "#Chassis.v1_25_0.Chassis",
        "Id": "1",
        "Name": "Chassis",
        "ChassisType": "RackMount",
        "Manufacturer": machine.manufacturer,
        "Model": machine.model,
        "SerialNumber": machine.serial,
        "NetworkAdapters": link(inventory::ADAPTERS),
        "PowerState": power_state,
        "Status": status(true),
        "Links": {
            "ComputerSystems": [link("/redfish/v1/Systems/1")],
            "ManagedBy": [link("/redfish/v1/Managers/1")],
        },
    })
}

pub(super) fn link(uri: &str) -> Value {
    json!({ "@odata.id": uri })
}

/// The health of something that is in use or not.
pub(super) fn status(enabled: bool) -> Value {
    json!({ "State": if enabled { "Enabled" } else { "StandbyOffline" }, "Health": "OK" })
}

/// A lockout below a second is shown as one: zero would mean "until somebody unlocks it".
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().max(1)
}
