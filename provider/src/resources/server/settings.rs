//! What can be set on a server: asset tag, LED, boot order, power.

use std::time::Duration;

use redfish::{Ordered, Power, System};
use serde_json::json;
use tfplugin::{Context, Diagnostic, Path};
use tokio::time::Instant;

use super::{model::ServerModel, observe::failed};
use crate::{client::Client, private_state};

/// What is known of a boot order that was written.
#[derive(Debug, Default)]
pub(super) struct WrittenOrder {
    /// Whether the configuration has one.
    written: bool,
    /// What the BMC shows in its place until the next start.
    shown_instead: Option<Vec<String>>,
}

impl WrittenOrder {
    /// What was kept with the resource.
    pub(super) fn of(cx: &Context<Client>) -> Self {
        let kept = &cx.private[BOOT_ORDER];
        Self {
            written: kept.is_object(),
            shown_instead: serde_json::from_value(kept["shown_instead"].clone()).ok(),
        }
    }

    /// Keeps with the resource what became of it.
    pub(super) fn keep(&self, cx: &mut Context<Client>) {
        if self.written {
            let kept = json!({ "shown_instead": self.shown_instead });
            private_state::keep(cx, BOOT_ORDER, kept);
        }
    }
}

/// Takes over the settings that the BMC reports.
pub(super) fn adopt(state: &mut ServerModel, system: &System, order: &mut WrittenOrder) {
    state.asset_tag.clone_from(&system.asset_tag);
    // A BMC that knows only on and off shows either word for on, whichever it was given.
    let on = |word: &str| redfish::IndicatorLed::from(word).is_on();
    let seen = system.indicator_led.as_ref();
    if !(state.indicator_led.as_deref().is_some_and(on) && seen.is_some_and(|led| led.is_on())) {
        state.indicator_led = seen.map(ToString::to_string);
    }
    adopt_order(state, &system.boot.boot_order, order);
}

fn adopt_order(state: &mut ServerModel, seen: &[String], order: &mut WrittenOrder) {
    let own = state.boot_order.as_deref().filter(|_| order.written);
    let is_there = own.is_some_and(|own| seen.starts_with(own));
    let pending = own.is_some() && order.shown_instead.as_deref() == Some(seen);
    if is_there {
        // Where the old order comes back after that, somebody has changed it.
        order.shown_instead = None;
    }
    let as_written = is_there || pending;
    // Some firmware shows none while it starts.
    if !as_written && !seen.is_empty() {
        state.boot_order = Some(seen.to_vec());
    }
}

/// Brings asset tag, LED, boot order and power to what the plan says, each only if it differs. What
/// the configuration leaves open is left as it is.
pub(super) async fn apply(
    cx: &mut Context<Client>,
    plan: &mut ServerModel,
    deadline: Instant,
) -> Result<(), Diagnostic> {
    let bmc = cx.client.bmcs.bmc(&plan.bmc.to_model()).await?;
    let endpoint = plan.bmc.endpoint.clone();
    let failed = |error: redfish::Error| failed(&endpoint, &error);
    let at = |attribute: &'static str| {
        let failed = &failed;
        move |error| failed(error).at(Path::root(attribute))
    };
    let uri = plan.system_uri.clone().unwrap_or_default();
    let seen = bmc.system(&uri).await.map_err(failed)?;
    let written = |attribute: &str| !cx.config.get(attribute).is_null();
    match &plan.asset_tag {
        Some(tag) if written("asset_tag") => {
            if seen.asset_tag.as_deref().unwrap_or_default() != tag {
                let set = bmc.set_asset_tag(&uri, tag).await;
                set.map_err(at("asset_tag"))?;
            }
        }
        _ => plan.asset_tag.clone_from(&seen.asset_tag),
    }
    let led = seen.indicator_led.as_ref().map(ToString::to_string);
    match &plan.indicator_led {
        Some(wanted) if written("indicator_led") => {
            if led.as_ref() != Some(wanted) {
                let wanted = redfish::IndicatorLed::from(wanted.as_str());
                let set = bmc.set_indicator_led(&uri, wanted).await;
                set.map_err(at("indicator_led"))?;
            }
        }
        _ => plan.indicator_led = led,
    }
    match &plan.boot_order {
        Some(wanted) if written("boot_order") => {
            let set = bmc.set_boot_order(&uri, wanted).await;
            let set = set.map_err(at("boot_order"))?;
            keep_order(cx, set, &seen);
        }
        _ => {
            private_state::keep(cx, BOOT_ORDER, json!(null));
            let order = seen.boot.boot_order;
            plan.boot_order = Some(order).filter(|order| !order.is_empty());
        }
    }
    if let (Some(power), None) = (&plan.power, &plan.claim) {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let wanted = wanted_power(power, timeout);
        let reached = bmc.set_power(&uri, wanted, deadline.into_std()).await;
        plan.power_state = Some(reached.map_err(at("power"))?.to_string());
    }
    Ok(())
}

/// Keeps with the resource what a refresh has to know of a boot order that was set.
fn keep_order(cx: &mut Context<Client>, set: Ordered, seen: &System) {
    let shown_instead = match set {
        Ordered::Shown => None,
        Ordered::Pending => {
            let warning = Diagnostic::warning(
                "The boot order is taken at the next start",
                "The BMC has the new boot order and shows the old one until the server starts \
                 again.",
            );
            cx.warn(warning.at(Path::root("boot_order")));
            Some(&seen.boot.boot_order)
        }
    };
    let order = WrittenOrder {
        written: true,
        shown_instead: shown_instead.cloned(),
    };
    order.keep(cx);
}

/// How to reach the power state `On` or `Off`.
fn wanted_power(power: &str, timeout: Duration) -> Power {
    match power {
        "On" => Power::On,
        _ => Power::Graceful {
            timeout: timeout / 2,
        },
    }
}

/// Under which name it is kept with the resource.
const BOOT_ORDER: &str = "boot_order";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_order_that_is_pending_or_longer_than_written_is_no_drift() {
        let list = |entries: &[&str]| -> Vec<String> {
            entries.iter().map(|entry| (*entry).to_owned()).collect()
        };
        let old = list(&["Boot0001", "Boot0002"]);
        let own = list(&["Boot0002"]);
        let longer = list(&["Boot0002", "Boot0001"]);
        let pending = || WrittenOrder {
            written: true,
            shown_instead: Some(old.clone()),
        };
        let written = || WrittenOrder {
            written: true,
            shown_instead: None,
        };
        let cases = [
            (WrittenOrder::default(), &longer, &longer),
            (written(), &longer, &own),
            (written(), &old, &old),
            (pending(), &old, &own),
            (pending(), &Vec::new(), &own),
        ];
        for (mut order, seen, expected) in cases {
            let mut state = ServerModel {
                boot_order: Some(own.clone()),
                ..ServerModel::empty()
            };
            adopt_order(&mut state, seen, &mut order);
            assert_eq!(
                state.boot_order.as_ref(),
                Some(expected),
                "{order:?} {seen:?}"
            );
        }
    }

    #[test]
    fn a_boot_order_that_was_taken_and_falls_back_is_drift() {
        let list = |entries: [&str; 2]| entries.map(str::to_owned).to_vec();
        let (old, own) = (list(["a", "b"]), list(["b", "a"]));
        let mut order = WrittenOrder {
            written: true,
            shown_instead: Some(old.clone()),
        };
        let mut state = ServerModel {
            boot_order: Some(own.clone()),
            ..ServerModel::empty()
        };
        for (seen, expected) in [(&old, &own), (&own, &own), (&old, &old)] {
            adopt_order(&mut state, seen, &mut order);
            assert_eq!(state.boot_order.as_ref(), Some(expected), "{order:?}");
        }
    }
}
