//! What only the BMC knows of itself.

use std::time::Duration;

use model::MacAddr;
use redfish::{Bmc, Error, Manager, System};
use tfplugin::{Diagnostic, Failed};

use super::{
    READY, identity,
    model::{BmcModel, SystemModel},
    place::{self, Place},
};
use crate::{client::Client, diagnostics};

/// Why a BMC was not seen.
#[derive(Debug)]
pub(super) struct Unseen {
    /// What the user is told.
    pub diagnostic: Diagnostic,
    /// Nothing speaks against what is known of it, or the plan may be just what corrects it.
    pub may_be_fine: bool,
}

impl Unseen {
    /// It did not answer in time.
    pub(super) fn late(operation: &str, limit: Duration) -> Self {
        diagnostics::too_late("The BMC", operation, limit).into()
    }
}

impl From<Diagnostic> for Unseen {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostic,
            may_be_fine: true,
        }
    }
}

impl From<Unseen> for Failed<BmcModel> {
    fn from(unseen: Unseen) -> Self {
        unseen.diagnostic.into()
    }
}

/// The addresses of a manager's interfaces, if they were read.
pub(super) type Macs = Option<Vec<MacAddr>>;

/// Fills in what only the BMC knows.
pub(super) async fn observe(
    client: &Client,
    model: &mut BmcModel,
    place: Place,
) -> Result<Macs, Unseen> {
    place::trust(client, model, place)?;
    let connection = model.connection();
    let bmc = client.bmcs.bmc(&connection).await?;
    let read = read(&bmc, model, place).await;
    let macs = read.map_err(|error| unseen(client, model, place, &error))?;
    place::expected(model, macs.as_deref(), place)?;
    model.id = Some(connection.endpoint.clone());
    model.connection = Some(connection.into());
    model.state = Some(READY.to_owned());
    Ok(macs)
}

async fn read(bmc: &Bmc, model: &mut BmcModel, place: Place) -> Result<Macs, Error> {
    let root = bmc.service_root().await?;
    let systems = bmc.systems().await?;
    let manager = manager(bmc, model, systems.first(), place).await?;
    model.redfish_version = root.redfish_version;
    model.manufacturer = root
        .vendor
        .or_else(|| systems.first()?.manufacturer.clone());
    let system = |system: System| SystemModel {
        uuid: system.uuid.map(|uuid| uuid.to_string()),
        uri: Some(system.uri),
        name: system.id,
    };
    model.systems = Some(systems.into_iter().map(system).collect());
    let Some(manager) = manager else {
        return Ok(None);
    };
    // They cost requests, and are those of the same manager otherwise.
    let same = model.uuid == manager.uuid && model.serial_number == manager.serial_number;
    let macs = if model.mac_address.is_none() || !same || place.expects_mac {
        Some(bmc.manager_macs(&manager).await?)
    } else {
        None
    };
    if let Some(first) = macs.iter().flatten().next()
        && !place.by_mac
        && !place.expects_mac
    {
        model.mac_address = Some(first.to_string());
    }
    let known = |now: Option<String>, before: &mut Option<String>| {
        if now.is_some() {
            *before = now;
        }
    };
    model.uuid = manager.uuid;
    model.manager_uri = Some(manager.uri);
    known(manager.model, &mut model.model);
    known(manager.serial_number, &mut model.serial_number);
    known(manager.part_number, &mut model.part_number);
    known(manager.firmware_version, &mut model.firmware_version);
    Ok(macs)
}

/// The manager that is meant, or the one that looks most like a BMC.
async fn manager(
    bmc: &Bmc,
    model: &BmcModel,
    system: Option<&System>,
    place: Place,
) -> Result<Option<Manager>, Error> {
    if let Some(uri) = &model.manager_uri {
        match bmc.manager_at(uri).await {
            Ok(manager) => return Ok(Some(manager)),
            // A firmware update may rename what was found.
            Err(Error::NotFound { .. }) if !place.own_manager => {}
            Err(error) => return Err(error),
        }
    }
    bmc.manager(system).await
}

fn unseen(client: &Client, model: &BmcModel, place: Place, error: &Error) -> Unseen {
    let rejected = matches!(
        error,
        Error::AuthRejected { .. } | Error::PasswordChangeRequired { .. }
    );
    let endpoint = model.connection().endpoint;
    let diagnostic = diagnostics::redfish(&format!("BMC {endpoint} cannot be read"), error);
    match (place::mac_of(model), &model.credentials) {
        (Some(mac), Some(credentials)) if rejected && place.default_credentials => {
            client.mac_prefixes.refuse(mac, credentials);
            let mut refused = place::refused(mac, credentials);
            refused.detail = format!("{}\n\n{}", refused.detail, diagnostic.detail);
            Unseen {
                diagnostic: refused,
                may_be_fine: false,
            }
        }
        _ => Unseen {
            diagnostic,
            may_be_fine: diagnostics::is_unseen(error),
        },
    }
}

/// Reads a BMC again, where it is now. Returns what is to be told if that is another place.
pub(super) async fn follow(
    client: &Client,
    model: &mut BmcModel,
    place: Place,
) -> Result<(Macs, Option<Diagnostic>), Unseen> {
    if model.address.is_none() {
        place::resolve(client, model, place).await?;
    }
    if let Some(address) = place::moved(client, model, place).await {
        let mut moved = model.clone();
        moved.address = Some(address);
        if let Err(warning) = place::may_follow(client, model, &moved) {
            return match observe(client, model, place).await {
                Ok(macs) => Ok((macs, Some(warning))),
                Err(mut unseen) => {
                    let told = &mut unseen.diagnostic.detail;
                    *told = format!("{told}\n\n{}", warning.detail);
                    Err(unseen)
                }
            };
        }
        match observe(client, &mut moved, place).await {
            Ok(macs) if identity::compare(model, &moved, &macs).is_ok() => {
                let told = told(model, &moved);
                *model = moved;
                return Ok((macs, Some(told)));
            }
            Ok(_) => tracing::warn!(to = ?moved.id, "another BMC answers where this one was heard"),
            Err(unseen) => {
                let cause = unseen.diagnostic.detail;
                tracing::warn!(to = ?moved.address, cause, "the BMC does not answer where it was heard");
            }
        }
    }
    let macs = observe(client, model, place).await?;
    Ok((macs, None))
}

fn told(before: &BmcModel, now: &BmcModel) -> Diagnostic {
    let place = |bmc: &BmcModel| bmc.connection().endpoint;
    Diagnostic::warning(
        "The BMC has another address",
        format!(
            "The BMC {} was at {} and is at {} now: the agent has heard it there, and it is the \
             same one. What is reached through it follows with the next apply.",
            now.mac_address.as_deref().unwrap_or_default(),
            place(before),
            place(now),
        ),
    )
}
