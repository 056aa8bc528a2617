//! The `ComputerSystem` of a BMC: its document, its changes, its reset.

use model::{Architecture, PowerState};
use ring::digest;
use serde_json::{Map, Value, json};

use super::{
    inventory,
    messages::Message,
    resources::{link, status},
};
use crate::{
    config::MachineConfig,
    hex,
    machine::{
        power::{BootEnabled, BootTarget, ResetType},
        state::{Led, State},
    },
};

/// The document of the system, with its ETag in it.
pub(super) fn document(machine: &MachineConfig, state: &State) -> Value {
    let mut document = body(machine, state);
    let tag = etag(&document);
    document["@odata.etag"] = json!(tag);
    document
}

/// The tag of a document: it changes if and only if the document does.
pub(super) fn etag(document: &Value) -> String {
    let digest = digest::digest(&digest::SHA256, document.to_string().as_bytes());
    format!("\"{}\"", hex(&digest.as_ref()[..8]))
}

fn body(machine: &MachineConfig, state: &State) -> Value {
    let on = state.power != PowerState::Off;
    let mut document = json!({
        "@odata.id": SYSTEM,
        "@odata.type": "#ComputerSystem.v1_22_0.ComputerSystem",
        "Id": "1",
        "Name": "System",
        "SystemType": "Physical",
        "UUID": machine.uuid,
        "Manufacturer": machine.manufacturer,
        "Model": machine.model,
        "SerialNumber": state.serial.as_ref().unwrap_or(&machine.serial),
        "SKU": format!("{}-SKU", machine.model.replace(' ', "-")),
        "AssetTag": state.asset_tag,
        "BiosVersion": "2.4.1",
        "PowerState": state.power.as_str(),
        "Status": status(on),
        "IndicatorLED": state.led.as_str(),
        "LocationIndicatorActive": state.led != Led::Off,
        "ProcessorSummary": {
            "Count": 2,
            "CoreCount": machine.processor_cores,
            "LogicalProcessorCount": machine.processor_cores * 2,
            "Model": "Simulated CPU",
            "Status": status(on),
        },
        "MemorySummary": {
            "TotalSystemMemoryGiB": machine.memory_gib,
            "Status": status(on),
        },
        "Boot": boot(machine, state),
        "BootProgress": { "LastState": state.boot_progress() },
        "EthernetInterfaces": link("/redfish/v1/Systems/1/EthernetInterfaces"),
        "Processors": link(inventory::PROCESSORS),
        "Memory": link(inventory::MEMORY),
        "Storage": link(inventory::STORAGE),
        "Links": {
            "Chassis": [link("/redfish/v1/Chassis/1")],
            "ManagedBy": [link("/redfish/v1/Managers/1")],
        },
        "Actions": { "#ComputerSystem.Reset": {
            "target": "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset",
            "ResetType@Redfish.AllowableValues": ResetType::ALL.map(ResetType::as_str),
        }},
    });
    if let Some(at) = state.last_reset {
        document["LastResetTime"] = json!(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
    document
}

fn boot(machine: &MachineConfig, state: &State) -> Value {
    let boot = &state.boot;
    let uefi = is_uefi(machine);
    let targets: Vec<&str> = BootTarget::allowed(uefi).map(BootTarget::as_str).collect();
    let mut document = json!({
        "BootSourceOverrideEnabled": boot.enabled.as_str(),
        "BootSourceOverrideEnabled@Redfish.AllowableValues":
            BootEnabled::ALL.map(BootEnabled::as_str),
        "BootSourceOverrideTarget": boot.target.as_str(),
        "BootSourceOverrideTarget@Redfish.AllowableValues": targets,
        "BootSourceOverrideMode": mode(machine),
        "BootSourceOverrideMode@Redfish.AllowableValues": [mode(machine)],
        "BootOptions": link(inventory::BOOT_OPTIONS),
        "BootOrder": boot_order(machine, state),
    });
    if uefi {
        document["HttpBootUri"] = json!(boot.http_boot_uri);
    }
    document
}

fn boot_order(machine: &MachineConfig, state: &State) -> Vec<String> {
    let own = state.boot_order.clone();
    own.unwrap_or_else(|| inventory::boot_order(machine))
}

fn is_uefi(machine: &MachineConfig) -> bool {
    !matches!(
        machine.architecture,
        Architecture::X86Bios | Architecture::X86BiosHttp
    )
}

fn mode(machine: &MachineConfig) -> &'static str {
    if is_uefi(machine) { "UEFI" } else { "Legacy" }
}

/// What a PATCH changes, once all of it is known to be right.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    asset_tag: Option<String>,
    led: Option<Led>,
    enabled: Option<BootEnabled>,
    target: Option<BootTarget>,
    http_boot_uri: Option<Option<String>>,
    boot_order: Option<Vec<String>>,
}

impl Change {
    /// Reads the body of a PATCH. Everything that is wrong with it is reported, and one wrong
    /// property is enough to change nothing.
    pub(super) fn parse(
        machine: &MachineConfig,
        state: &State,
        body: &Map<String, Value>,
    ) -> Result<Self, Vec<Message>> {
        let (mut change, mut wrong) = (Self::default(), Vec::new());
        for (name, value) in body {
            let result = match name.as_str() {
                "AssetTag" => text(name, value).map(|tag| change.asset_tag = Some(tag)),
                "IndicatorLED" => {
                    one_of(name, value, Led::ALL, Led::as_str).map(|led| change.led = Some(led))
                }
                "LocationIndicatorActive" => value
                    .as_bool()
                    .map(|on| change.led = Some(if on { Led::Blinking } else { Led::Off }))
                    .ok_or_else(|| Message::property_type(name, value)),
                "Boot" => match value {
                    Value::Object(boot) => {
                        change.read_boot(machine, state, boot, &mut wrong);
                        Ok(())
                    }
                    _ => Err(Message::property_type(name, value)),
                },
                name if name.starts_with("@odata.") => Ok(()),
                name if READ_ONLY.contains(&name) => Err(Message::property_read_only(name)),
                name => Err(Message::property_unknown(name)),
            };
            if let Err(message) = result {
                wrong.push(message.about(&format!("/{name}")));
            }
        }
        if body.is_empty() {
            wrong.push(Message::malformed_json());
        }
        if wrong.is_empty() {
            Ok(change)
        } else {
            Err(wrong)
        }
    }

    fn read_boot(
        &mut self,
        machine: &MachineConfig,
        state: &State,
        boot: &Map<String, Value>,
        wrong: &mut Vec<Message>,
    ) {
        let uefi = is_uefi(machine);
        for (name, value) in boot {
            let result = match name.as_str() {
                "BootSourceOverrideEnabled" => {
                    one_of(name, value, BootEnabled::ALL, BootEnabled::as_str)
                        .map(|enabled| self.enabled = Some(enabled))
                }
                "BootSourceOverrideTarget" => {
                    one_of(name, value, BootTarget::allowed(uefi), BootTarget::as_str)
                        .map(|target| self.target = Some(target))
                }
                "BootSourceOverrideMode" => {
                    one_of(name, value, [mode(machine)], |mode| mode).map(|_same| ())
                }
                "HttpBootUri" if uefi => match value {
                    Value::Null => {
                        self.http_boot_uri = Some(None);
                        Ok(())
                    }
                    _ => text(name, value).map(|uri| self.http_boot_uri = Some(Some(uri))),
                },
                "BootOrder" if state.faults.boot_order_read_only => {
                    Err(Message::property_read_only(name))
                }
                "BootOrder" => {
                    entries(machine, name, value).map(|order| self.boot_order = Some(order))
                }
                name => Err(Message::property_unknown(name)),
            };
            if let Err(message) = result {
                wrong.push(message.about(&format!("/Boot/{name}")));
            }
        }
    }

    pub(super) fn apply(self, state: &mut State) {
        if let Some(tag) = self.asset_tag {
            state.asset_tag = tag;
        }
        if let Some(led) = self.led {
            state.led = led;
        }
        if self.boot_order.is_some() {
            state.boot_order = self.boot_order;
        }
        if let Some(uri) = self.http_boot_uri {
            state.boot.http_boot_uri = uri;
        }
        if let Some(target) = self.target {
            state.boot.target = target;
        }
        if let Some(enabled) = self.enabled {
            state.boot.enabled = enabled;
        }
        if state.boot.enabled == BootEnabled::Disabled {
            state.boot.target = BootTarget::None;
        }
    }
}

/// A boot order: every entry of the machine, each once.
fn entries(machine: &MachineConfig, name: &str, value: &Value) -> Result<Vec<String>, Message> {
    let order: Vec<String> = serde_json::from_value(value.clone())
        .map_err(|_not_texts| Message::property_type(name, value))?;
    let sorted = |mut order: Vec<String>| {
        order.sort();
        order
    };
    if sorted(order.clone()) != sorted(inventory::boot_order(machine)) {
        return Err(Message::property_not_in_list(name, value));
    }
    Ok(order)
}

fn text(name: &str, value: &Value) -> Result<String, Message> {
    let text = value
        .as_str()
        .ok_or_else(|| Message::property_type(name, value))?;
    // What SMBIOS and the BMCs' own stores have room for is about this much.
    if text.len() > 255 {
        return Err(Message::property_not_in_list(name, value));
    }
    Ok(text.to_owned())
}

fn one_of<T: Copy>(
    name: &str,
    value: &Value,
    all: impl IntoIterator<Item = T>,
    as_str: impl Fn(T) -> &'static str,
) -> Result<T, Message> {
    let text = value
        .as_str()
        .ok_or_else(|| Message::property_type(name, value))?;
    all.into_iter()
        .find(|&known| as_str(known) == text)
        .ok_or_else(|| Message::property_not_in_list(name, value))
}

pub(super) const SYSTEM: &str = "/redfish/v1/Systems/1";
const READ_ONLY: [&str; 21] = [
    "Id",
    "Name",
    "SystemType",
    "UUID",
    "Manufacturer",
    "Model",
    "SerialNumber",
    "SKU",
    "BiosVersion",
    "PowerState",
    "Status",
    "ProcessorSummary",
    "MemorySummary",
    "BootProgress",
    "LastResetTime",
    "EthernetInterfaces",
    "Processors",
    "Memory",
    "Storage",
    "Links",
    "Actions",
];
