//! Whether what answers is the server that is meant, and what happened if it is not.
//!
//! A server is its system UUID. A board that is replaced has another one, unless a technician wrote
//! the old one into it; then its serial number may be another one. The first is never adopted, for
//! others know the server by its UUID; the second is told.

use redfish::System;
use tfplugin::{Diagnostic, Path};

use super::{id_of, model::ServerModel, observe};

/// Refuses a BMC behind which another machine answers now: what would be changed is not what was
/// planned.
pub(super) fn same_server(prior: &ServerModel, system: &System) -> Result<(), Diagnostic> {
    let before = id_of(prior)?;
    if system.uuid.is_some_and(|now| before.matches(now)) {
        return Ok(());
    }
    let uuid = system
        .uuid
        .map_or_else(|| "one without a UUID".to_owned(), |now| now.to_string());
    match (&prior.serial_number, &system.serial_number) {
        (Some(had), Some(has)) if had == has => Err(reboarded(prior, &uuid, has)),
        (_, has) => {
            let serial = has.as_deref().unwrap_or("unknown");
            Err(another(prior, &format!("{uuid} (serial number {serial})")))
        }
    }
}

/// Another machine answers where the server was.
pub(super) fn another(prior: &ServerModel, now: &str) -> Diagnostic {
    Diagnostic::error(
        "Another server answers here",
        format!(
            "The BMC at {} had server {} (serial number {}) and now has {now}. If the machine or \
             its board was replaced on purpose, replace this resource: terraform apply \
             -replace=ADDRESS. If the BMC's address now belongs to another machine, correct the \
             address.",
            prior.bmc.endpoint,
            prior.id.as_deref().unwrap_or("unknown"),
            prior.serial_number.as_deref().unwrap_or("unknown"),
        ),
    )
    .at(Path::root("bmc"))
}

/// The machine has its serial number still, and another UUID.
fn reboarded(prior: &ServerModel, now: &str, serial: &str) -> Diagnostic {
    Diagnostic::error(
        "The server has another UUID",
        format!(
            "The BMC at {} had server {} and now has {now}, with the same serial number {serial}: \
             its board was replaced, or its UUID rewritten. Everybody else knows the server by the \
             old UUID, so it is not changed silently. Release it if it is claimed, then replace \
             this resource: terraform apply -replace=ADDRESS.",
            prior.bmc.endpoint,
            prior.id.as_deref().unwrap_or("unknown"),
        ),
    )
    .at(Path::root("bmc"))
}

/// The error of an update that does not find its server: another one that is found in its place
/// says more.
pub(super) fn unlike(prior: &ServerModel, error: Diagnostic) -> Diagnostic {
    if error.summary == observe::UNKNOWN_SYSTEM {
        another(prior, &error.detail)
    } else {
        error
    }
}

/// What is worth to be told about a server that was seen again: part of its identity is another one,
/// or its hardware is.
pub(super) fn notices(before: &ServerModel, now: &ServerModel) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let identity = [
        ("serial number", &before.serial_number, &now.serial_number),
        ("SKU", &before.sku, &now.sku),
    ];
    for (name, had, has) in identity {
        if let (Some(had), Some(has)) = (had, has)
            && had != has
        {
            found.push(Diagnostic::warning(
                "Part of the server's identity has changed",
                format!(
                    "The server {} at {} had the {name} {had} and now has {has}; its UUID is the \
                     same. Its board was replaced, or its identity rewritten. If it is another \
                     machine, correct the BMC's address.",
                    now.id.as_deref().unwrap_or("unknown"),
                    now.bmc.endpoint,
                ),
            ));
        }
    }
    let count = |server: &ServerModel| server.processors.as_ref().and_then(|all| all.count);
    let numbers = [
        ("MiB of memory", before.memory_mib, now.memory_mib),
        ("processors", count(before), count(now)),
    ];
    for (name, had, has) in numbers {
        if let (Some(had), Some(has)) = (had, has)
            && had != has
        {
            found.push(Diagnostic::warning(
                "The server's hardware has changed",
                format!(
                    "The server {} at {} had {had} {name} and now has {has}. Its network \
                     interfaces and its storage are as they were read last; change \
                     inspection.trigger to read them again.",
                    now.id.as_deref().unwrap_or("unknown"),
                    now.bmc.endpoint,
                ),
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(serial: &str) -> ServerModel {
        ServerModel {
            id: Some("4c4c4544-0042-3510-8057-b7c04f4b4d32".to_owned()),
            serial_number: Some(serial.to_owned()),
            memory_mib: Some(1024),
            ..ServerModel::empty()
        }
    }

    fn system(uuid: &str, serial: &str) -> System {
        System {
            uuid: uuid.parse().ok(),
            serial_number: Some(serial.to_owned()),
            ..System::default()
        }
    }

    #[test]
    fn a_machine_that_was_swapped_is_an_error_that_says_what_happened() {
        let prior = server("SN1");
        let own = "4c4c4544-0042-3510-8057-b7c04f4b4d32";
        assert!(same_server(&prior, &system(own, "SN2")).is_ok());
        // The same board in the other SMBIOS byte order.
        let swapped = "44454c4c-4200-1035-8057-b7c04f4b4d32";
        assert!(same_server(&prior, &system(swapped, "SN2")).is_ok());
        let other = "11111111-2222-3333-4444-555555555555";
        let error = same_server(&prior, &system(other, "SN2")).unwrap_err();
        assert_eq!(error.summary, "Another server answers here");
        for part in ["serial number SN1", "serial number SN2", other] {
            assert!(error.detail.contains(part), "{}", error.detail);
        }
        let error = same_server(&prior, &system(other, "SN1")).unwrap_err();
        assert_eq!(error.summary, "The server has another UUID");
        for part in ["serial number SN1", own, other] {
            assert!(error.detail.contains(part), "{}", error.detail);
        }
    }

    #[test]
    fn a_part_of_the_identity_or_the_hardware_that_changed_is_told() {
        let before = server("SN1");
        assert_eq!(notices(&before, &before), []);
        let now = ServerModel {
            memory_mib: Some(2048),
            ..server("SN2")
        };
        let found = notices(&before, &now);
        let summaries: Vec<_> = found.iter().map(|found| &*found.summary).collect();
        assert_eq!(
            summaries,
            [
                "Part of the server's identity has changed",
                "The server's hardware has changed"
            ]
        );
        assert!(found[0].detail.contains("SN1 and now has SN2"));
        assert!(found[1].detail.contains("inspection.trigger"));
        let unknown = ServerModel {
            serial_number: None,
            memory_mib: None,
            ..before.clone()
        };
        assert_eq!(notices(&before, &unknown), []);
    }
}
