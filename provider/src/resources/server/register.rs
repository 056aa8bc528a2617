//! The registration of a server in the agent: what others claim it by.

use model::{Hardware, MacAddr, Registrar, Server, ServerSpec};
use serde_json::json;
use tfplugin::{Context, Diagnostic, Path};
use uuid::Uuid;

use super::{UNREGISTERED, id_of, model::ServerModel};
use crate::{client::Client, diagnostics, private_state};

/// Registers the server in the agent. Which registration this is, Terraform keeps with it.
pub(super) async fn create(
    cx: &mut Context<Client>,
    plan: &mut ServerModel,
) -> Result<(), Diagnostic> {
    put(cx, plan, Uuid::new_v4(), false).await
}

/// Updates the registration.
pub(super) async fn update(
    cx: &mut Context<Client>,
    plan: &mut ServerModel,
) -> Result<(), Diagnostic> {
    let uid = registration(cx).unwrap_or_else(Uuid::new_v4);
    put(cx, plan, uid, true).await
}

/// Keeps which registration is this resource's.
pub(super) fn remember(cx: &mut Context<Client>, server: &Server) {
    if let Some(registrar) = &server.spec.registrar {
        keep(cx, registrar.uid);
    }
}

fn keep(cx: &mut Context<Client>, uid: Uuid) {
    private_state::keep(cx, REGISTRATION, json!(uid));
}

fn registration(cx: &Context<Client>) -> Option<Uuid> {
    Uuid::try_parse(cx.private.get(REGISTRATION)?.as_str()?).ok()
}

async fn put(
    cx: &mut Context<Client>,
    plan: &mut ServerModel,
    uid: Uuid,
    recorded: bool,
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
        let chosen = !cx.config.get("boot_mac_addresses").is_null();
        cx.warn(nothing_to_boot_from(chosen));
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
        registrar: Some(Registrar {
            uid,
            holder: cx.client.holder.clone(),
            run: cx.client.run,
            recorded,
        }),
    };
    let server = api.put_server(id_of(plan)?, &spec).await;
    let server = server.map_err(|error| Diagnostic::from(error).at(Path::root("bmc")))?;
    keep(cx, uid);
    plan.state = Some(server.state.to_string());
    plan.claim = server.holder.map(|holder| holder.to_string());
    Ok(())
}

fn nothing_to_boot_from(chosen: bool) -> Diagnostic {
    let (summary, detail) = if chosen {
        (
            "The server may boot from no interface",
            "boot_mac_addresses is empty, so the agent answers none of this server's interfaces, \
             and a claim of it cannot boot. Remove it to take all that the BMC knows of.",
        )
    } else {
        (
            "No interface to boot from is known",
            "The BMC reports no network interface, which is common before a first power-on. Set \
             boot_mac_addresses, or the agent cannot tell this server from others.",
        )
    };
    Diagnostic::warning(summary, detail).at(Path::root("boot_mac_addresses"))
}

/// Reads what the agent has of the server.
pub(super) async fn read(
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
            if registration(cx).is_none() {
                remember(cx, &server);
            }
            record(cx, &server).await;
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

/// Notes that the registration is in a state, so that no other resource takes it for one that was
/// cut short. If that fails, the next refresh does it.
async fn record(cx: &Context<Client>, server: &Server) {
    let own = registration(cx);
    let mut spec = server.spec.clone();
    match &mut spec.registrar {
        Some(registrar) if Some(registrar.uid) == own && !registrar.recorded => {
            registrar.recorded = true;
        }
        _ => return,
    }
    let put = match cx.client.agent.api().await {
        Ok(api) => api.put_server(server.id, &spec).await,
        Err(error) => Err(error),
    };
    if let Err(error) = put {
        tracing::warn!(server = %server.id, ?error, "the registration was not recorded");
    }
}

const REGISTRATION: &str = "registration";
