//! A server's inventory, which costs many requests: read when there is none, and when the user asks.

use redfish::System;
use tfplugin::Diagnostic;

use super::{
    model::{Drive, Neighbour, NetworkInterface, Processors, ServerModel, Storage},
    observe::{failed, number},
};
use crate::client::Client;

/// Whether there is an inventory to be read.
pub(super) const fn is_wanted(server: &ServerModel) -> bool {
    server.network_interfaces.is_none() || server.storage.is_none()
}

/// Reads the inventory, and from it what the system's own resource has left open.
pub(super) async fn inspect(
    client: &Client,
    server: &mut ServerModel,
    system: &System,
) -> Result<(), Diagnostic> {
    let bmc = client.bmcs.bmc(&server.bmc.to_model()).await?;
    let failed = |error: redfish::Error| failed(&server.bmc.endpoint, &error);
    let (nics, found) = tokio::join!(bmc.mac_addresses(system), bmc.inventory(system));
    let (nics, found) = (nics.map_err(failed)?, found.map_err(failed)?);
    if server.boot_mac_addresses.is_none() {
        server.boot_mac_addresses = Some(nics.iter().map(|nic| nic.mac.to_string()).collect());
    }
    server.network_interfaces = Some(nics.into_iter().map(interface).collect());
    server.storage = Some(found.storage.into_iter().map(storage).collect());
    server.serial_number = found.serial_number.or_else(|| server.serial_number.take());
    server.part_number = found.part_number.or_else(|| server.part_number.take());
    server.sku = found.sku.or_else(|| server.sku.take());
    server.memory_mib = found.memory_mib.map(number);
    server.processors = Some(Processors {
        count: found.processor_count.map(number),
        cores: found.processor_cores.map(number),
        model: found.processor_model,
    });
    Ok(())
}

/// The warning that the inventory of an imported server could not be read in time.
pub(super) fn unfinished(server: &ServerModel) -> Diagnostic {
    Diagnostic::warning(
        "The server's inventory is not complete",
        format!(
            "The BMC at {} takes long to tell what the server is made of. network_interfaces and \
             storage are read at the next refresh; raise timeouts.read if that is too late as well.",
            server.bmc.endpoint
        ),
    )
}

fn interface(nic: redfish::Nic) -> NetworkInterface {
    let neighbour = nic.neighbour.map(|neighbour| Neighbour {
        chassis_id: neighbour.chassis_id,
        port_id: neighbour.port_id,
        system_name: neighbour.system_name,
    });
    NetworkInterface {
        id: Some(nic.id),
        mac_address: Some(nic.mac.to_string()),
        speed_mbps: nic.speed_mbps.map(number),
        link_status: nic.link,
        neighbour,
    }
}

fn storage(controller: redfish::StorageController) -> Storage {
    let drive = |drive: redfish::Drive| Drive {
        id: drive.id,
        model: drive.model,
        serial_number: drive.serial_number,
        capacity_bytes: drive.capacity_bytes.map(number),
        media_type: drive.media_type,
        protocol: drive.protocol,
    };
    Storage {
        id: controller.id,
        model: controller.model,
        drives: Some(controller.drives.into_iter().map(drive).collect()),
    }
}
