//! What the BMC and the agent say of a server, and how it is brought to what the plan says.

use std::time::{Duration, Instant};

use model::{Hardware, MacAddr, ServerId, ServerSpec};
use redfish::{Bmc, Power, System};
use tfplugin::{Context, Diagnostic, Path};

use super::{NetworkInterface, Processors, ServerModel, UNREGISTERED, id_of};
use crate::{client::Client, diagnostics};

/// The system that the configuration means. It is never guessed.
pub(super) async fn find(client: &Client, wanted: &ServerModel) -> Result<System, Diagnostic> {
    let bmc = client.bmcs.bmc(&wanted.bmc.to_model()).await?;
    let failed = |error: redfish::Error| failed(&wanted.bmc.endpoint, &error);
    if let (Some(uri), None) = (&wanted.system_uri, &wanted.system_uuid) {
        return bmc.system(uri).await.map_err(failed);
    }
    let mut systems = bmc.systems().await.map_err(failed)?;
    let listed = systems.iter().map(describe).collect::<Vec<_>>().join("; ");
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
            Some(system) => Ok(system),
            None => wrong(
                "system_uuid",
                "Unknown system",
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

/// The system of the state, read again. The flag says whether the BMC merely did not answer.
pub(super) async fn system(
    client: &Client,
    state: &mut ServerModel,
) -> Result<System, (Diagnostic, bool)> {
    let bmc = client
        .bmcs
        .bmc(&state.bmc.to_model())
        .await
        .map_err(|diagnostic| (diagnostic, false))?;
    let uri = state.system_uri.clone().unwrap_or_default();
    let found = bmc.system(&uri).await;
    let system = match found {
        Ok(system) => system,
        // Firmware updates rename resources; the UUID stays.
        Err(redfish::Error::NotFound { .. }) => {
            let by_uuid = ServerModel {
                system_uri: None,
                ..state.clone()
            };
            find(client, &by_uuid)
                .await
                .map_err(|diagnostic| (diagnostic, false))?
        }
        Err(error) => {
            let unreachable = error.is_unreachable();
            return Err((failed(&state.bmc.endpoint, &error), unreachable));
        }
    };
    super::same_server(state, &system).map_err(|diagnostic| (diagnostic, false))?;
    Ok(system)
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

/// Registers the server in the agent, or updates its registration.
pub(super) async fn register(
    cx: &mut Context<Client>,
    plan: &mut ServerModel,
) -> Result<(), Diagnostic> {
    if !cx.client.agent.is_configured() {
        return Ok(());
    }
    let api = cx.client.agent.api().await?;
    let macs = plan
        .boot_mac_addresses
        .iter()
        .flatten()
        .map(|mac| mac.parse::<MacAddr>());
    let boot_mac_addresses = macs.collect::<Result<Vec<_>, _>>().map_err(|error| {
        diagnostics::at(
            "boot_mac_addresses",
            "Invalid MAC address",
            format!("{error}."),
        )
    })?;
    if boot_mac_addresses.is_empty() {
        cx.warn(
            Diagnostic::warning(
                "No interface to boot from is known",
                "The BMC reports no network interface, which is common before a first power-on. \
                 Set boot_mac_addresses, or the agent cannot tell this server from others.",
            )
            .at(Path::root("boot_mac_addresses")),
        );
    }
    let cores = plan
        .processors
        .as_ref()
        .and_then(|processors| processors.cores);
    let spec = ServerSpec {
        bmc: plan.bmc.to_model(),
        system_uri: plan.system_uri.clone().unwrap_or_default(),
        boot_mac_addresses,
        labels: plan.labels.clone().unwrap_or_default(),
        hardware: Hardware {
            manufacturer: plan.manufacturer.clone(),
            model: plan.model.clone(),
            serial_number: plan.serial_number.clone(),
            memory_mib: plan.memory_mib.and_then(|mib| u64::try_from(mib).ok()),
            processor_cores: cores.and_then(|cores| u64::try_from(cores).ok()),
        },
        unclaimable: plan.unclaimable,
    };
    let server = api.put_server(id_of(plan)?, &spec).await?;
    plan.state = Some(server.state.to_string());
    plan.claim = server.holder.map(|holder| holder.to_string());
    Ok(())
}

/// Reads what the agent has of the server.
pub(super) async fn registration(
    cx: &mut Context<Client>,
    state: &mut ServerModel,
) -> Result<(), Diagnostic> {
    if !cx.client.agent.is_configured() {
        return Ok(());
    }
    let found = match cx.client.agent.api().await {
        Ok(api) => api.server(id_of(state)?).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(server) => {
            state.state = Some(server.state.to_string());
            state.claim = server.holder.map(|holder| holder.to_string());
            state.unclaimable = server.spec.unclaimable;
            let labels = Some(server.spec.labels).filter(|labels| !labels.is_empty());
            // An empty map in the configuration is not the absence of one.
            if labels.is_some() || state.labels.as_ref().is_some_and(|own| !own.is_empty()) {
                state.labels = labels;
            }
            let macs = server.spec.boot_mac_addresses;
            state.boot_mac_addresses = Some(macs.iter().map(ToString::to_string).collect());
        }
        Err(error) if error.is_not_found() => {
            state.state = Some(UNREGISTERED.to_owned());
            state.claim = None;
        }
        Err(error) if error.is_unreachable() => {
            cx.warn(diagnostics::kept(error.into(), "this server"));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Brings asset tag, LED and power to what the plan says, each only if it differs.
pub(super) async fn apply_settings(
    cx: &mut Context<Client>,
    plan: &mut ServerModel,
    timeout: Duration,
) -> Result<(), Diagnostic> {
    let bmc = cx.client.bmcs.bmc(&plan.bmc.to_model()).await?;
    let endpoint = plan.bmc.endpoint.clone();
    let failed = |error: redfish::Error| failed(&endpoint, &error);
    let uri = plan.system_uri.clone().unwrap_or_default();
    let seen = bmc.system(&uri).await.map_err(failed)?;
    match &plan.asset_tag {
        Some(tag) if seen.asset_tag.as_deref().unwrap_or_default() != tag => {
            bmc.set_asset_tag(&uri, tag).await.map_err(failed)?;
        }
        Some(_) => {}
        None => plan.asset_tag.clone_from(&seen.asset_tag),
    }
    let led = seen.indicator_led.as_ref().map(ToString::to_string);
    match &plan.indicator_led {
        Some(wanted) if led.as_ref() != Some(wanted) => {
            let wanted = redfish::IndicatorLed::from(wanted.as_str());
            bmc.set_indicator_led(&uri, wanted).await.map_err(failed)?;
        }
        Some(_) => {}
        None => plan.indicator_led = led,
    }
    if let (Some(power), None) = (&plan.power, &plan.claim) {
        let wanted = wanted_power(power, timeout);
        plan.power_state = Some(
            set_power(&bmc, &uri, wanted, timeout)
                .await
                .map_err(failed)?,
        );
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

async fn set_power(
    bmc: &Bmc,
    uri: &str,
    wanted: Power,
    timeout: Duration,
) -> Result<String, redfish::Error> {
    let deadline = Instant::now() + timeout;
    bmc.set_power(uri, wanted, deadline)
        .await
        .map(|state| state.to_string())
}

fn failed(endpoint: &str, error: &redfish::Error) -> Diagnostic {
    diagnostics::redfish(
        &format!("the server behind {endpoint} cannot be managed"),
        error,
    )
}

fn describe(system: &System) -> String {
    let uuid = system
        .uuid
        .map_or_else(|| "no UUID".to_owned(), |uuid| uuid.to_string());
    format!("{} ({uuid})", system.uri)
}
