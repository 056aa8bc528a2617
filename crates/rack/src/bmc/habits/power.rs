//! Habits with power: which resets there are, and when one is refused.

use hyper::StatusCode;
use model::PowerState;
use serde_json::{Value, json};

use super::take_one;
use crate::bmc::exchange::Exchange;
use crate::{
    Quirk,
    bmc::{
        Bmc,
        messages::{Message, error},
        resources::{Resource, link},
    },
    http::Reply,
    machine::power::ResetType,
};

/// What the system can be reset to.
pub(super) fn resets(exchange: &Exchange) -> Vec<&'static str> {
    if exchange.has(Quirk::ResetTypeOff) {
        return vec!["On", "ForceOff", "Off"];
    }
    let mut resets: Vec<&str> = if exchange.facts.resets.is_empty() {
        ResetType::ALL.map(ResetType::as_str).to_vec()
    } else {
        exchange.facts.resets.to_vec()
    };
    let mut without = |quirk, names: &[&str]| {
        if exchange.has(quirk) {
            resets.retain(|reset| !names.contains(reset));
        }
    };
    without(Quirk::NoForceRestart, &["ForceRestart"]);
    without(Quirk::NoGraceful, &["GracefulShutdown", "GracefulRestart"]);
    without(Quirk::NoPushButton, &["PushPowerButton"]);
    resets
}

impl Bmc {
    /// Refuses a reset, or makes of it what the standard code understands.
    pub(super) fn check_reset(&self, exchange: &mut Exchange) -> Option<Reply> {
        if exchange.resource != Some(Resource::Reset) {
            return None;
        }
        let body = exchange.body();
        // A reset without a type is for the standard code to refuse.
        let wanted = body.get("ResetType")?;
        let known = wanted
            .as_str()
            .is_some_and(|text| resets(exchange).contains(&text));
        if !known {
            let action = "ComputerSystem.Reset";
            let message = Message::parameter_not_in_list(action, "ResetType", wanted);
            return Some(error(StatusCode::BAD_REQUEST, &[message]));
        }
        if exchange.has(Quirk::InvalidForStateAfterPower) && take_one(&mut self.memory().unsettled)
        {
            let text = "The operation is not possible in the current power state.";
            let message = Message::of_maker("iLO.2.14", "InvalidOperationForSystemState", text);
            return Some(error(StatusCode::BAD_REQUEST, &[message]));
        }
        if wanted == "Off" {
            exchange.request.body = json!({ "ResetType": "ForceOff" }).to_string().into();
        }
        if exchange.has(Quirk::ConflictWhenAlreadyThere) {
            let power = self.machine.read(|state| state.power);
            let there = match wanted.as_str() {
                Some("On" | "ForceOn") => power == PowerState::On,
                Some("ForceOff" | "GracefulShutdown") => power == PowerState::Off,
                _ => false,
            };
            if there {
                let text = "The system is in the requested power state already.";
                let message = Message::of_maker("IDRAC.2.8", "PSU501", text);
                return Some(error(StatusCode::CONFLICT, &[message]));
            }
        }
        None
    }
}

/// Shows the power of a system as this BMC does.
pub(super) fn show(exchange: &Exchange, document: &mut Value) {
    if exchange.has(Quirk::SlowPower) {
        let before = match document["PowerState"].as_str() {
            Some("PoweringOn") => "Off",
            Some("PoweringOff") => "On",
            _ => return,
        };
        document["PowerState"] = json!(before);
    }
}

/// Shows the resets of a system as this BMC does.
pub(super) fn show_resets(exchange: &Exchange, document: &mut Value) {
    let action = &mut document["Actions"]["#ComputerSystem.Reset"];
    let Some(action) = action.as_object_mut() else {
        return;
    };
    action.remove("@Redfish.ActionInfo");
    action.remove(ALLOWABLE);
    if exchange.has(Quirk::AllowablesInActionInfo) {
        let uri = "/redfish/v1/Systems/1/ResetActionInfo";
        action.insert("@Redfish.ActionInfo".to_owned(), json!(uri));
    } else {
        action.insert(ALLOWABLE.to_owned(), json!(resets(exchange)));
    }
}

/// The `ActionInfo` of the reset of a system.
pub(super) fn action_info(exchange: &Exchange) -> Value {
    let mut document = link("/redfish/v1/Systems/1/ResetActionInfo");
    document["@odata.type"] = json!("#ActionInfo.v1_4_2.ActionInfo");
    document["Id"] = json!("ResetActionInfo");
    document["Name"] = json!("Reset Action Info");
    document["Parameters"] = json!([{
        "Name": "ResetType",
        "Required": true,
        "DataType": "String",
        "AllowableValues": resets(exchange),
    }]);
    document
}

const ALLOWABLE: &str = "ResetType@Redfish.AllowableValues";
