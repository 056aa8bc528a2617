//! What the plan of a server has beyond what its schema says.

use tfplugin::{Diagnostic, Path, Plan, Value};

use super::{MISMATCHED, UNREGISTERED};
use crate::checks;

/// Adjusts the plan of an update.
pub(super) fn adjust(plan: &mut Plan<'_>) {
    if plan.is_create() {
        return;
    }
    plan.diagnostics.extend(held(plan));
    // Nothing in the configuration may differ, and still there is something to mend.
    if let Some(UNREGISTERED | MISMATCHED) = plan.prior.get("state").as_str() {
        plan.unknown("state");
    }
    if plan.changed("power") && !plan.planned.get("power").is_null() {
        plan.unknown("power_state");
    }
    // Another BMC may be the same server's after a move, or another server's: the update compares
    // identities before it changes anything.
    if plan.changed("bmc") {
        for seen in ["power_state", "health", "bios_version"] {
            plan.unknown(seen);
        }
    }
    let again = plan.changed("inspection") && !plan.planned.get("inspection").is_null();
    if again {
        INVENTORY.into_iter().for_each(|read| plan.unknown(read));
    }
    if plan.config.get("boot_mac_addresses").is_null() {
        boot_from_all(plan, again);
    }
}

/// Without a choice of its own, a server boots from whatever the BMC knows of.
fn boot_from_all(plan: &mut Plan<'_>, again: bool) {
    if again {
        return plan.unknown("boot_mac_addresses");
    }
    let interfaces = plan.prior.get("network_interfaces").elements();
    let macs = interfaces.iter().map(|nic| nic.get("mac_address").clone());
    let all = Value::List(macs.collect());
    let chosen = plan.prior.get("boot_mac_addresses");
    if !all.elements().is_empty() && !checks::same_macs(chosen, &all) {
        plan.set("boot_mac_addresses", all);
    }
}

/// Refuses to make a held server another one: its claim would be released, the server would be
/// removed, and only then would it show whether there is such another one.
fn held(plan: &Plan<'_>) -> Option<Diagnostic> {
    let (wanted, had) = (
        plan.planned.get("system_uuid"),
        plan.prior.get("system_uuid"),
    );
    let holder = plan.prior.get("claim").as_str()?;
    let another = wanted.as_str().is_some() && !checks::same_uuid(wanted, had);
    another.then(|| {
        Diagnostic::error(
            "The server is held",
            format!(
                "system_uuid changes from {} to {}, which needs another server, and this one is \
                 held by {holder}. If the new UUID is a mistake, correct it. If not, release the \
                 server first: destroy its claim, then change system_uuid.",
                had.as_str().unwrap_or("unknown"),
                wanted.as_str().unwrap_or("unknown"),
            ),
        )
        .at(Path::root("system_uuid"))
    })
}

/// What an inspection reads.
const INVENTORY: [&str; 7] = [
    "network_interfaces",
    "storage",
    "processors",
    "memory_mib",
    "serial_number",
    "part_number",
    "sku",
];
