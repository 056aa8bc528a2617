//! Which system of a BMC is the server, and what the BMC says of it.

use std::time::Duration;

use model::ServerId;
use redfish::System;
use tfplugin::Diagnostic;

use super::{
    id_of, identity, inspect,
    model::{Processors, ServerModel},
    settings::{self, WrittenOrder},
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
    // A board of accelerators that is listed beside the host is no server.
    if systems.iter().any(System::is_host) {
        systems.retain(System::is_host);
    }
    let candidates = self::listed(&systems);
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
                 system_uri to one of: {candidates}.",
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
    /// The server, as it is now, and what is strange about it.
    Server(Box<ServerModel>, Vec<Diagnostic>),
    /// Another machine.
    Other(Diagnostic),
    /// Nobody, or nobody to be trusted.
    Nothing(Diagnostic),
}

/// Reads the server of a state again. Its inventory is read only if none is known, as after an
/// import, and for as long as `patience`.
pub(super) async fn look(
    client: &Client,
    state: &ServerModel,
    order: &mut WrittenOrder,
    patience: Duration,
) -> Result<Seen, Diagnostic> {
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
                    None => return Ok(Seen::Other(identity::another(state, &listed))),
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
    if let Err(other) = identity::same_server(state, &system) {
        return Ok(Seen::Other(other));
    }
    let mut seen = state.clone();
    adopt(&mut seen, &system)?;
    settings::adopt(&mut seen, &system, order);
    let mut notices = identity::notices(state, &seen);
    if inspect::is_wanted(&seen) {
        let inspected = inspect::inspect(client, &mut seen, &system);
        match tokio::time::timeout(patience, inspected).await {
            Ok(inspected) => inspected?,
            Err(_elapsed) => notices.push(inspect::unfinished(state)),
        }
    }
    Ok(Seen::Server(Box::new(seen), notices))
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
    // What a BMC leaves out, because the server is off or the chassis has it, is as it was.
    let known = |now: &Option<String>, before: &mut Option<String>| {
        if now.is_some() {
            before.clone_from(now);
        }
    };
    known(&system.manufacturer, &mut state.manufacturer);
    known(&system.model, &mut state.model);
    known(&system.serial_number, &mut state.serial_number);
    known(&system.sku, &mut state.sku);
    known(&system.part_number, &mut state.part_number);
    known(&system.bios_version, &mut state.bios_version);
    state.memory_mib = system.memory_mib.map(number).or(state.memory_mib);
    let before = state.processors.take();
    let before = before.as_ref();
    state.processors = Some(Processors {
        count: system.processor_count.map(number).or_else(|| before?.count),
        cores: system.processor_cores.map(number).or_else(|| before?.cores),
        model: system
            .processor_model
            .clone()
            .or_else(|| before?.model.clone()),
    });
    state.health.clone_from(&system.health);
    state.power_state = system.power_state.as_ref().map(ToString::to_string);
    Ok(())
}

/// A number as Terraform has it.
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The diagnostic of what a BMC did not do.
pub(super) fn failed(endpoint: &str, error: &redfish::Error) -> Diagnostic {
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

/// The summary of the error that a system is not there.
pub(super) const UNKNOWN_SYSTEM: &str = "Unknown system";
