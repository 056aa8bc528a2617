//! Whether the BMC that answers is the one that was there.
//!
//! A BMC has a UUID, a serial number and MAC addresses of its own, and the systems behind it. A board
//! that is replaced keeps its systems, and a server that is replaced keeps its BMC, in a chassis. So
//! a BMC is the same as long as one of these is; what is not is told.

use model::ServerId;
use tfplugin::Diagnostic;

use super::{model::BmcModel, observe::Macs, place::mac_of};
use crate::diagnostics;

/// What has changed about a BMC that is the same one.
///
/// # Errors
///
/// If it is another one: what hangs on the one that was there would silently be another machine's.
pub(super) fn compare(
    prior: &BmcModel,
    seen: &BmcModel,
    macs: &Macs,
) -> Result<Vec<Diagnostic>, Diagnostic> {
    let facts = [
        ("UUID", uuid(prior, seen)),
        ("serial number", serial(prior, seen)),
        ("MAC address", mac(prior, macs)),
        ("system", systems(prior, seen)),
    ];
    let with = |same: bool| facts.iter().filter(move |(_, fact)| *fact == Some(same));
    if with(true).next().is_none() && with(false).next().is_some() {
        return Err(another(prior, seen));
    }
    let changed: Vec<&str> = with(false).map(|(name, _)| *name).collect();
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Diagnostic::warning(
        "Part of the BMC's identity has changed",
        format!(
            "At {} was {}, and now is {}: another {}, and the rest is the same. Its board or its \
             server was replaced, or its identity rewritten.",
            prior.id.as_deref().unwrap_or("its address"),
            describe(prior),
            describe(seen),
            changed.join(", another "),
        ),
    )])
}

fn uuid(prior: &BmcModel, seen: &BmcModel) -> Option<bool> {
    let (had, has) = (prior.uuid.as_ref()?, seen.uuid.as_ref()?);
    match (had.parse::<ServerId>(), has.parse::<ServerId>()) {
        (Ok(had), Ok(has)) => Some(had.matches(has)),
        _ => Some(had.eq_ignore_ascii_case(has)),
    }
}

fn serial(prior: &BmcModel, seen: &BmcModel) -> Option<bool> {
    Some(prior.serial_number.as_ref()? == seen.serial_number.as_ref()?)
}

fn mac(prior: &BmcModel, macs: &Macs) -> Option<bool> {
    let macs = macs.as_ref().filter(|macs| !macs.is_empty())?;
    Some(macs.contains(&mac_of(prior)?))
}

fn systems(prior: &BmcModel, seen: &BmcModel) -> Option<bool> {
    let (had, has) = (uuids(prior), uuids(seen));
    if had.is_empty() || has.is_empty() {
        return None;
    }
    Some(
        had.iter()
            .all(|had| has.iter().any(|has| has.matches(*had))),
    )
}

fn uuids(bmc: &BmcModel) -> Vec<ServerId> {
    let systems = bmc.systems.iter().flatten();
    systems
        .filter_map(|system| system.uuid.as_deref()?.parse().ok())
        .collect()
}

fn describe(bmc: &BmcModel) -> String {
    let systems: Vec<_> = uuids(bmc).iter().map(ToString::to_string).collect();
    let systems = if systems.is_empty() {
        "none with a UUID".to_owned()
    } else {
        systems.join(", ")
    };
    format!(
        "BMC {} (serial number {}) with system {systems}",
        bmc.uuid.as_deref().unwrap_or("unknown"),
        bmc.serial_number.as_deref().unwrap_or("unknown"),
    )
}

fn another(prior: &BmcModel, seen: &BmcModel) -> Diagnostic {
    let summary = if prior.id == seen.id {
        "Another BMC answers here"
    } else {
        "Another BMC answers at the new address"
    };
    diagnostics::at(
        "address",
        summary,
        format!(
            "At {} was {}, and at {} is {}. Correct the address. If another BMC is meant, replace \
             this resource: terraform apply -replace=ADDRESS.",
            prior.id.as_deref().unwrap_or("its old address"),
            describe(prior),
            seen.id.as_deref().unwrap_or("its new one"),
            describe(seen),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::{super::model::SystemModel, *};

    fn bmc(uuid: Option<&str>, systems: &[&str]) -> BmcModel {
        let system = |uuid: &&str| SystemModel {
            uuid: Some((*uuid).to_owned()),
            uri: None,
            name: None,
        };
        BmcModel {
            uuid: uuid.map(str::to_owned),
            systems: Some(systems.iter().map(system).collect()),
            ..BmcModel::empty()
        }
    }

    const OLD: &str = "4c4c4544-0042-3510-8057-b7c04f4b4d32";
    /// The same board in the other SMBIOS byte order.
    const SWAPPED: &str = "44454c4c-4200-1035-8057-b7c04f4b4d32";
    const NEW: &str = "11111111-2222-3333-4444-555555555555";

    #[test]
    fn a_bmc_is_the_same_as_long_as_one_thing_about_it_is() {
        // How many warnings, if it is the same.
        let cases = [
            (bmc(Some("A"), &[OLD]), bmc(Some("a"), &[OLD]), Some(0)),
            (bmc(Some("A"), &[OLD]), bmc(Some("a"), &[NEW]), Some(1)),
            (bmc(Some("A"), &[OLD]), bmc(Some("B"), &[SWAPPED]), Some(1)),
            (bmc(Some(OLD), &[]), bmc(Some(SWAPPED), &[]), Some(0)),
            (bmc(Some("A"), &[OLD]), bmc(Some("B"), &[NEW]), None),
            (bmc(Some("A"), &[]), bmc(Some("B"), &[]), None),
            (bmc(None, &[OLD]), bmc(None, &[NEW, OLD]), Some(0)),
            (bmc(None, &[OLD]), bmc(None, &[NEW]), None),
            (bmc(None, &[]), bmc(Some("B"), &[NEW]), Some(0)),
        ];
        for (prior, seen, expected) in cases {
            let found = compare(&prior, &seen, &None);
            let found = found.ok().map(|warnings| warnings.len());
            assert_eq!(found, expected, "{prior:?} {seen:?}");
        }
        let error = compare(&bmc(Some("A"), &[OLD]), &bmc(None, &[NEW]), &None).unwrap_err();
        assert!(error.detail.contains(OLD) && error.detail.contains(NEW));
    }

    #[test]
    fn a_serial_number_and_a_mac_address_count_too() {
        let with = |serial: &str| BmcModel {
            serial_number: Some(serial.to_owned()),
            mac_address: Some("52:54:00:00:00:01".to_owned()),
            ..bmc(Some("A"), &[OLD])
        };
        let swapped = |serial: &str| BmcModel {
            serial_number: Some(serial.to_owned()),
            ..bmc(Some("B"), &[NEW])
        };
        let macs = |mac: &str| Some(vec![mac.parse().unwrap()]);
        assert!(compare(&with("S1"), &swapped("S1"), &None).is_ok());
        assert!(compare(&with("S1"), &swapped("S2"), &None).is_err());
        let own = macs("52:54:00:00:00:01");
        assert!(compare(&with("S1"), &swapped("S2"), &own).is_ok());
        let other = macs("52:54:00:00:00:02");
        assert!(compare(&with("S1"), &swapped("S2"), &other).is_err());
    }
}
