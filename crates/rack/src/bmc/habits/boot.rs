//! Habits with the boot override: where it is written, and what it may be.

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::bmc::exchange::Exchange;
use crate::{
    Quirk,
    bmc::{
        Bmc,
        messages::{Message, error},
        resources::Resource,
        system::SYSTEM,
    },
    http::Reply,
};

impl Bmc {
    /// Refuses a change of the boot override, or makes of it what the standard code understands.
    pub(super) fn check_boot(&self, exchange: &mut Exchange) -> Option<Reply> {
        let settings = exchange.resource == Some(Resource::Settings);
        let of_system = settings || exchange.resource == Some(Resource::System);
        if !exchange.is(&Method::PATCH) || !of_system {
            return None;
        }
        let mut body = exchange.body();
        if let Some(boot) = body.get_mut("Boot").and_then(Value::as_object_mut) {
            let refused = wrong_place(exchange, settings, boot)
                .or_else(|| wrong_mode(exchange, boot))
                .or_else(|| wrong_value(exchange, boot));
            if let Some(message) = refused {
                return Some(error(StatusCode::BAD_REQUEST, &[message]));
            }
            if exchange.has(Quirk::ModeRewriteQueuesAJob) && boot.contains_key(MODE) {
                self.memory().jobs += 1;
                self.machine.change(|state| state.jobs += 1);
            }
            translate(exchange, boot);
        }
        if exchange.has(Quirk::OverrideAcceptedButIgnored)
            && let Some(object) = body.as_object_mut()
            && object.remove("Boot").is_some()
            && object.is_empty()
        {
            return Some(Reply::empty(StatusCode::NO_CONTENT));
        }
        if settings {
            SYSTEM.clone_into(&mut exchange.request.path);
            exchange.resource = Some(Resource::System);
        }
        // A body that is no JSON is for the standard code to refuse.
        if !body.is_null() {
            exchange.request.body = body.to_string().into();
        }
        None
    }
}

fn wrong_place(exchange: &Exchange, settings: bool, boot: &Map<String, Value>) -> Option<Message> {
    let name = boot.keys().find(|name| is_override(name))?;
    let pointer = format!("/Boot/{name}");
    if settings && exchange.has(Quirk::SettingsWithoutBoot) {
        return Some(Message::property_unknown("Boot").about("/Boot"));
    }
    if settings && exchange.has(Quirk::OverrideOnlyOnSystem) {
        return Some(Message::property_read_only(name).about(&pointer));
    }
    if settings || !exchange.has(Quirk::OverrideOnlyInSettings) {
        return None;
    }
    if exchange.facts.registry.starts_with("Ami.") {
        let text = "The operation is supported at the URI of the future state.";
        let message = Message::of_maker("Ami.1.0", "OperationSupportedInFutureStateURI", text);
        return Some(message.about(&pointer));
    }
    Some(Message::property_read_only(name).about(&pointer))
}

fn wrong_mode(exchange: &Exchange, boot: &Map<String, Value>) -> Option<Message> {
    let unknown = [Quirk::NoModeProperty, Quirk::ModeRejectedWhenNotReported];
    if boot.contains_key(MODE) {
        let refused = exchange.quirks.has_any(&unknown);
        return refused
            .then(|| Message::property_unknown(MODE).about("/Boot/BootSourceOverrideMode"));
    }
    let needed = exchange.has(Quirk::ModeAlways) && boot.contains_key(TARGET);
    needed.then(|| Message::property_missing(MODE).about("/Boot/BootSourceOverrideMode"))
}

fn wrong_value(exchange: &Exchange, boot: &Map<String, Value>) -> Option<Message> {
    let not_in_list = |name: &str, value: &Value| {
        Some(Message::property_not_in_list(name, value).about(&format!("/Boot/{name}")))
    };
    if exchange.has(Quirk::NoHttpBootUri) && boot.contains_key(URI) {
        return Some(Message::property_unknown(URI).about("/Boot/HttpBootUri"));
    }
    let enabled = boot.get(ENABLED).unwrap_or(&Value::Null);
    if exchange.has(Quirk::NoContinuous) && enabled == "Continuous" {
        return not_in_list(ENABLED, enabled);
    }
    let target = boot.get(TARGET)?;
    if exchange.has(Quirk::DisableWithoutTarget) && enabled == "Disabled" {
        return not_in_list(TARGET, target);
    }
    if exchange.has(Quirk::UsbCd) && target == "Cd" {
        return not_in_list(TARGET, target);
    }
    None
}

fn translate(exchange: &Exchange, boot: &mut Map<String, Value>) {
    let replace = |boot: &mut Map<String, Value>, name: &str, from: &str, to: &str| {
        if let Some(value) = boot.get_mut(name).filter(|value| *value == from) {
            *value = json!(to);
        }
    };
    if exchange.has(Quirk::AlwaysContinuous) {
        replace(boot, ENABLED, "Once", "Continuous");
    }
    if exchange.has(Quirk::UsbCd) {
        replace(boot, TARGET, "UsbCd", "Cd");
    }
    if exchange.has(Quirk::ReadsAsUefiBootNext) {
        replace(boot, TARGET, "UefiBootNext", "Pxe");
    }
}

impl Bmc {
    /// Shows the boot of a system, or of its settings object, as this BMC does.
    pub(super) fn show_boot(&self, exchange: &Exchange, settings: bool, document: &mut Value) {
        let has = |quirk| exchange.has(quirk);
        if has(Quirk::BootOrderStale) && !document["Boot"]["BootOrder"].is_null() {
            let mut memory = self.memory();
            let first = &mut memory.boot_order;
            let order = first.get_or_insert_with(|| document["Boot"]["BootOrder"].clone());
            document["Boot"]["BootOrder"] = order.clone();
        }
        let Some(boot) = document.get_mut("Boot").and_then(Value::as_object_mut) else {
            return;
        };
        if exchange
            .quirks
            .has_any(&[Quirk::NoModeProperty, Quirk::ModeRejectedWhenNotReported])
        {
            boot.retain(|name, _| !name.starts_with(MODE));
        }
        if has(Quirk::NoHttpBootUri) {
            boot.remove(URI);
        }
        if has(Quirk::NoneAsText) && boot.get(URI) == Some(&Value::Null) {
            boot.insert(URI.to_owned(), json!("None"));
        }
        if has(Quirk::NoContinuous) {
            let name = format!("{ENABLED}@Redfish.AllowableValues");
            boot.insert(name, json!(["Once", "Disabled"]));
        }
        if has(Quirk::UsbCd) {
            boot.values_mut()
                .for_each(|value| rename(value, "Cd", "UsbCd"));
        }
        if has(Quirk::ReadsAsUefiBootNext)
            && let Some(target) = boot.get_mut(TARGET)
        {
            rename(target, "Pxe", "UefiBootNext");
        }
        if settings && has(Quirk::OverrideOnlyOnSystem) {
            boot.retain(|name, _| !is_override(name));
        }
        if !settings && has(Quirk::AllowablesInSettings) {
            boot.retain(|name, _| !name.ends_with("@Redfish.AllowableValues"));
        }
    }
}

/// Replaces a text, or the texts of a list.
fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(list) => list.iter_mut().for_each(|value| rename(value, from, to)),
        _ => {}
    }
}

fn is_override(name: &str) -> bool {
    name.starts_with("BootSourceOverride") || name == URI
}

const ENABLED: &str = "BootSourceOverrideEnabled";
const TARGET: &str = "BootSourceOverrideTarget";
const MODE: &str = "BootSourceOverrideMode";
const URI: &str = "HttpBootUri";
