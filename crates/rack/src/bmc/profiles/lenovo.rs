//! Lenovo: XClarity Controllers, and servers with AMI's firmware under Lenovo's name.

use super::{Facts, Ids, PLAIN};
use crate::Quirk as Q;

pub(super) const XCC: Facts = Facts {
    vendor: Some("Lenovo"),
    oem: Some((
        "Lenovo",
        r##"{"@odata.type": "#LenovoServiceRoot.v1_0_0.LenovoServiceRootProperties"}"##,
    )),
    version: "1.15.0",
    manufacturer: "Lenovo",
    model: "ThinkSystem SR650 V2",
    manager_model: "Lenovo XClarity Controller",
    firmware: "AFBT58B 5.70",
    serial: "J3",
    resets: &[
        "On",
        "Nmi",
        "GracefulShutdown",
        "GracefulRestart",
        "ForceOn",
        "ForceOff",
        "ForceRestart",
    ],
    settings: "Pending",
    registry: "ExtendedError.1.2",
    quirks: &[
        Q::NoContinuous,
        Q::NoHttpBootUri,
        Q::OverrideOnlyOnSystem,
        Q::NeedsIfMatch,
        Q::AllowablesInActionInfo,
        Q::MacsOnPortsOnly,
        Q::ForceRestartHangs,
        Q::NoPushButton,
    ],
    ..PLAIN
};

pub(super) const AMI: Facts = Facts {
    vendor: Some("Lenovo"),
    oem: Some(("Ami", r#"{"RtpVersion": "13.04"}"#)),
    version: "1.11.0",
    manufacturer: "Lenovo",
    model: "ThinkSystem SR655",
    manager_model: "TSMA",
    firmware: "12.10.0",
    ids: Ids::all("Self"),
    serial: "J1",
    settings: "SD",
    registry: "Ami.1.0",
    quirks: &[
        Q::BadgeOfAnotherMaker,
        Q::NeedsIfMatch,
        Q::RefusesOwnTag,
        Q::NoHttpBootUri,
        Q::ManagerResetForceOnly,
    ],
    ..PLAIN
};
