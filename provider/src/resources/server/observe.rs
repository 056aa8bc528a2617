//! What the BMC says of a server, and how it is brought to what the plan says.

use std::time::Duration;

use model::ServerId;
use redfish::{Power, System};
use tfplugin::{Context, Diagnostic};
use tokio::time::Instant;

use super::{
    id_of,
    model::{NetworkInterface, Processors, ServerModel},
};
use crate::{client::Client, diagnostics};

/// The system that the configuration means. It is never guessed.
pub(super) async fn find(client: &Client, wanted: &ServerModel) -> Result<System, Diagnostic> {
    let bmc = client.bmcs.bmc(&wanted.bmc.to_model()).await?;
    let failed = |error: redfish::Error| failed(&wanted.bmc.endpoint, &error);
    if let (Some(uri), None) = (&wanted.system_uri, &wanted.system_uuid) {
        return bmc.system(uri).await.map_err(failed);
    }
    let mut systems = bmc.systems().await.map_err(failed)?;
    let listed = listed(&systems);
    let wrong = |attribute: &str, summary: &str, detail: String| {
        Err(diagnostics::at(attribute, summary, detail))
    };
    if let Some(uuid) = &wanted.system_uuid {
        let uuid: ServerId = uuid.parse().map_err(|error| {
            diagnostics::at("system_uuid", "Invalid system UUID", format!("{error}."))
        })?;
        return match systems
            .into_iter()
            .find(|system| system.uuid.is_some_and(|u| u.matches(uuid)))
        {
            Some(system) => at_its_place(system, wanted),
            None => wrong(
                "system_uuid",
                UNKNOWN_SYSTEM,
                format!(
                    "The BMC at {} has no system with UUID {uuid}. It has: {listed}.",
                    wanted.bmc.endpoint
                ),
            ),
        };
    }
    match systems.len() {
        1 => Ok(systems.remove(0)),
        0 => wrong(
            "bmc",
            "The BMC has no system",
            format!(
                "The BMC at {} lists no computer system. Is it the manager of a chassis or of a \
                 power supply?",
                wanted.bmc.endpoint
            ),
        ),
        _ => wrong(
            "system_uuid",
            "Several systems to choose from",
            format!(
                "The BMC at {} has several systems, and none is named. Set system_uuid or \
                 system_uri to one of: {listed}.",
                wanted.bmc.endpoint
            ),
        ),
    }
}

/// The system, unless `system_uri` names another.
fn at_its_place(system: System, wanted: &ServerModel) -> Result<System, Diagnostic> {
    match &wanted.system_uri {
        Some(uri) if redfish::resource_key(uri) != redfish::resource_key(&system.uri) => {
            Err(diagnostics::at(
                "system_uri",
                "The system is at another place",
                format!(
                    "On the BMC at {}, the system {} is {}, and system_uri is {uri}. Correct one, \
                     or remove system_uri: the UUID is enough.",
                    wanted.bmc.endpoint,
                    wanted.system_uuid.as_deref().unwrap_or_default(),
                    system.uri,
                ),
            ))
        }
        _ => Ok(system),
    }
}

/// What answers where a server was.
pub(super) enum Seen {
    /// The server, as it is now.
    Server(Box<ServerModel>),
    /// Another machine.
    Other(Diagnostic),
    /// Nobody, or nobody to be trusted.
    Nothing(Diagnostic),
}

/// Reads the server of a state again.
pub(super) async fn look(client: &Client, state: &ServerModel) -> Result<Seen, Diagnostic> {
    let bmc = match client.bmcs.bmc(&state.bmc.to_model()).await {
        Ok(bmc) => bmc,
        // The plan may be just what corrects it.
        Err(diagnostic) => return Ok(Seen::Nothing(diagnostic)),
    };
    let mut found = bmc
        .system(state.system_uri.as_deref().unwrap_or_default())
        .await;
    // Firmware updates rename resources; the UUID stays.
    if let Err(redfish::Error::NotFound { .. }) = found {
        let id = id_of(state)?;
        match bmc.systems().await {
            Ok(systems) => {
                let listed = listed(&systems);
                let own = systems
                    .into_iter()
                    .find(|system| system.uuid.is_some_and(|uuid| uuid.matches(id)));
                match own {
                    Some(system) => found = Ok(system),
                    None => return Ok(Seen::Other(super::another(state, &listed))),
                }
            }
            Err(error) => found = Err(error),
        }
    }
    let system = match found {
        Ok(system) => system,
        Err(error) => {
            let diagnostic = failed(&state.bmc.endpoint, &error);
            return if diagnostics::is_unseen(&error) {
                Ok(Seen::Nothing(diagnostic))
            } else {
                Err(diagnostic)
            };
        }
    };
    if let Err(other) = super::same_server(state, &system) {
        return Ok(Seen::Other(other));
    }
    let mut seen = state.clone();
    adopt(&mut seen, &system)?;
    adopt_settings(&mut seen, &system);
    if seen.network_interfaces.is_none() {
        network(client, &mut seen, &system).await?;
    }
    Ok(Seen::Server(Box::new(seen)))
}

/// The error of an update that does not find its server: another one that is found in its place
/// says more.
pub(super) fn unlike(prior: &ServerModel, error: Diagnostic) -> Diagnostic {
    if error.summary == UNKNOWN_SYSTEM {
        super::another(prior, &error.detail)
    } else {
        error
    }
}

/// Takes over what the BMC says.
pub(super) fn adopt(state: &mut ServerModel, system: &System) -> Result<(), Diagnostic> {
    let Some(uuid) = system.uuid else {
        return Err(diagnostics::at(
            "bmc",
            "The server has no UUID",
            format!(
                "{} at {} reports no system UUID, so it cannot be told from others. Its firmware \
                 may need one to be set, or the machine powered on once.",
                system.uri, state.bmc.endpoint
            ),
        ));
    };
    // A known id keeps its byte order, whichever the firmware reports today.
    let known = state
        .id
        .as_deref()
        .and_then(|id| id.parse::<ServerId>().ok());
    let id = known.filter(|known| known.matches(uuid)).unwrap_or(uuid);
    state.id = Some(id.to_string());
    if state.system_uuid.is_none() {
        state.system_uuid = Some(id.to_string());
    }
    state.system_uri = Some(system.uri.clone());
    state.manufacturer.clone_from(&system.manufacturer);
    state.model.clone_from(&system.model);
    state.serial_number.clone_from(&system.serial_number);
    state.sku.clone_from(&system.sku);
    state.bios_version.clone_from(&system.bios_version);
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    state.memory_mib = system.memory_mib.map(number);
    state.processors = Some(Processors {
        count: system.processor_count.map(number),
        cores: system.processor_cores.map(number),
        model: system.processor_model.clone(),
    });
    state.health.clone_from(&system.health);
    state.power_state = system.power_state.as_ref().map(ToString::to_string);
    Ok(())
}

/// Takes over the settings that the BMC reports.
pub(super) fn adopt_settings(state: &mut ServerModel, system: &System) {
    state.asset_tag.clone_from(&system.asset_tag);
    // A BMC that knows only on and off shows either word for on, whichever it was given.
    let on = |word: &str| redfish::IndicatorLed::from(word).is_on();
    let seen = system.indicator_led.as_ref();
    if !(state.indicator_led.as_deref().is_some_and(on) && seen.is_some_and(|led| led.is_on())) {
        state.indicator_led = seen.map(ToString::to_string);
    }
}

/// Reads the network interfaces, which cost a request each, and what can boot from them.
pub(super) async fn network(
    client: &Client,
    state: &mut ServerModel,
    system: &System,
) -> Result<(), Diagnostic> {
    let bmc = client.bmcs.bmc(&state.bmc.to_model()).await?;
    let nics = bmc.mac_addresses(system).await;
    let nics = nics.map_err(|error| failed(&state.bmc.endpoint, &error))?;
    if state.boot_mac_addresses.is_none() {
        state.boot_mac_addresses = Some(nics.iter().map(|nic| nic.mac.to_string()).collect());
    }
    let interface = |nic: redfish::Nic| NetworkInterface {
        id: Some(nic.id),
        mac_address: Some(nic.mac.to_string()),
        speed_mbps: nic.speed_mbps.and_then(|speed| i64::try_from(speed).ok()),
        link_status: nic.link,
    };
    state.network_interfaces = Some(nics.into_iter().map(interface).collect());
    Ok(())
}

/// Brings asset tag, LED and power to what the plan says, each only if it differs. What the
/// configuration leaves open is left as it is.
pub(super) async fn apply_settings(
    cx: &mut Context<Client>,
    plan: &mut ServerModel,
    deadline: Instant,
) -> Result<(), Diagnostic> {
    let bmc = cx.client.bmcs.bmc(&plan.bmc.to_model()).await?;
    let endpoint = plan.bmc.endpoint.clone();
    let failed = |error: redfish::Error| failed(&endpoint, &error);
    let uri = plan.system_uri.clone().unwrap_or_default();
    let seen = bmc.system(&uri).await.map_err(failed)?;
    let written = |attribute: &str| !cx.config.get(attribute).is_null();
    match &plan.asset_tag {
        Some(tag) if written("asset_tag") => {
            if seen.asset_tag.as_deref().unwrap_or_default() != tag {
                bmc.set_asset_tag(&uri, tag).await.map_err(failed)?;
            }
        }
        _ => plan.asset_tag.clone_from(&seen.asset_tag),
    }
    let led = seen.indicator_led.as_ref().map(ToString::to_string);
    match &plan.indicator_led {
        Some(wanted) if written("indicator_led") => {
            if led.as_ref() != Some(wanted) {
                let wanted = redfish::IndicatorLed::from(wanted.as_str());
                bmc.set_indicator_led(&uri, wanted).await.map_err(failed)?;
            }
        }
        _ => plan.indicator_led = led,
    }
    if let (Some(power), None) = (&plan.power, &plan.claim) {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let wanted = wanted_power(power, timeout);
        let reached = bmc.set_power(&uri, wanted, deadline.into_std()).await;
        plan.power_state = Some(reached.map_err(failed)?.to_string());
    }
    Ok(())
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

fn failed(endpoint: &str, error: &redfish::Error) -> Diagnostic {
    diagnostics::redfish(
        &format!("the server behind {endpoint} cannot be managed"),
        error,
    )
}

fn listed(systems: &[System]) -> String {
    systems.iter().map(describe).collect::<Vec<_>>().join("; ")
}

fn describe(system: &System) -> String {
    let uuid = system
        .uuid
        .map_or_else(|| "no UUID".to_owned(), |uuid| uuid.to_string());
    format!("{} ({uuid})", system.uri)
}

const UNKNOWN_SYSTEM: &str = "Unknown system";
