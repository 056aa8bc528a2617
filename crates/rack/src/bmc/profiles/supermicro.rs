//! Supermicro: X10 and X13.

use super::{Facts, PLAIN, UuidHabit};
use crate::Quirk as Q;

pub(super) const X10: Facts = Facts {
    version: "1.0.1",
    manufacturer: "Supermicro",
    model: "X10DRT-P",
    manager_model: "ASPEED",
    firmware: "3.90",
    uuid: UuidHabit::EndsWithMac,
    resets: &[
        "On",
        "ForceOff",
        "GracefulShutdown",
        "GracefulRestart",
        "ForceRestart",
        "Nmi",
        "ForceOn",
    ],
    quirks: &[
        Q::ModeRejectedWhenNotReported,
        Q::NoHttpBootUri,
        Q::PlaceholderIdentity,
        Q::UuidByteOrder,
        Q::ExpandUnsupported,
        Q::IndicatorLedOnly,
        Q::NoPushButton,
        Q::ManagerResetWithoutTypes,
        Q::AssetTagReadOnly,
    ],
    ..PLAIN
};

pub(super) const X13: Facts = Facts {
    oem: Some(("Supermicro", r#"{"LicenseManagement": false}"#)),
    version: "1.11.0",
    manufacturer: "Supermicro",
    model: "SYS-121H-TNR",
    manager_model: "ASPEED",
    firmware: "01.03.13",
    uuid: UuidHabit::EndsWithMac,
    serial: "S5",
    resets: &[
        "On",
        "ForceOff",
        "GracefulShutdown",
        "GracefulRestart",
        "ForceRestart",
        "Nmi",
        "ForceOn",
        "PowerCycle",
    ],
    quirks: &[
        Q::ModeAlways,
        Q::NoHttpBootUri,
        Q::UsbCd,
        Q::ReadsAsUefiBootNext,
        Q::AcceptedWithoutTask,
        Q::BootOrderStale,
        Q::AllowablesInActionInfo,
        Q::NoPushButton,
        Q::ManagerResetGracefulOnly,
    ],
    ..PLAIN
};
