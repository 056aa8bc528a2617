//! AMI: MegaRAC, and the DGX H100 with it.

use super::{Facts, Ids, PLAIN};
use crate::Quirk as Q;

pub(super) const MEGARAC: Facts = Facts {
    vendor: Some("AMI"),
    product: Some("AMI Redfish Server"),
    oem: Some(("Ami", r#"{"RtpVersion": "13.09.1"}"#)),
    version: "1.15.1",
    manufacturer: "GIGABYTE",
    model: "R283-Z90",
    manager_model: "MegaRAC SP-X",
    firmware: "13.06.14",
    ids: Ids::all("Self"),
    serial: "G3",
    settings: "SD",
    registry: "Ami.1.0",
    quirks: &[
        Q::NeedsIfMatch,
        Q::RefusesOwnTag,
        Q::OverrideOnlyInSettings,
        Q::NoHttpBootUri,
        Q::ExpandDropsProperties,
        Q::ManagerResetForceOnly,
    ],
    ..PLAIN
};

pub(super) const DGX: Facts = Facts {
    product: Some("AMI Redfish Server"),
    manufacturer: "NVIDIA",
    model: "DGXH100",
    ids: Ids {
        system: "DGX",
        manager: "BMC",
        chassis: "DGX",
    },
    serial: "16",
    resets: &["ForceOff", "ForceRestart", "GracefulShutdown", "On"],
    quirks: &[
        Q::NeedsIfMatch,
        Q::RefusesOwnTag,
        Q::OverrideOnlyInSettings,
        Q::AllowablesInActionInfo,
        Q::ExpandDropsProperties,
        Q::ExtraSystems,
        Q::RootLinksMissing,
        Q::ManagerResetForceOnly,
    ],
    ..MEGARAC
};
