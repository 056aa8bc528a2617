//! The data sources, one file each.

mod agent;
mod boot_events;
mod endpoints;
mod leases;
mod server;
mod servers;

pub(crate) use agent::Agent;
pub(crate) use boot_events::BootEvents;
pub(crate) use endpoints::Endpoints;
pub(crate) use leases::Leases;
pub(crate) use server::Server;
pub(crate) use servers::Servers;

use tfplugin::Diagnostic;
use uuid::Uuid;

/// An optional id that was validated.
fn id(attribute: &str, text: Option<&str>) -> Result<Option<Uuid>, Diagnostic> {
    text.map(|text| {
        Uuid::try_parse(text).map_err(|error| {
            let summary = format!("{attribute} cannot be read");
            crate::diagnostics::at(attribute, &summary, format!("{text:?}: {error}."))
        })
    })
    .transpose()
}
