//! The standard itself, and makers with one profile each.

use super::{Facts, Ids, PLAIN};
use crate::Quirk as Q;

/// Its names are those of the rack.
pub(super) const STANDARD: Facts = Facts {
    vendor: Some("Contoso"),
    product: Some("Baremetal Rack BMC"),
    version: "1.18.0",
    manufacturer: "Contoso",
    model: "Simulated 1U",
    manager_model: "Baremetal Rack BMC",
    firmware: env!("CARGO_PKG_VERSION"),
    serial: "RK",
    registry: "BaremetalRack.1.0",
    ..PLAIN
};

pub(super) const OPENBMC: Facts = Facts {
    version: "1.17.0",
    manufacturer: "OpenBMC Project",
    model: "Romulus",
    manager_model: "OpenBmc",
    firmware: "2.16.0",
    ids: Ids {
        system: "system",
        manager: "bmc",
        chassis: "chassis",
    },
    resets: &[
        "ForceOff",
        "PowerCycle",
        "Nmi",
        "GracefulShutdown",
        "On",
        "ForceOn",
        "GracefulRestart",
        "ForceRestart",
    ],
    registry: "OpenBMC.0.4",
    quirks: &[
        Q::AllowablesInActionInfo,
        Q::NoHttpBootUri,
        Q::TransitionalPowerStates,
        Q::SessionsLostOnReset,
        Q::BasicDisabled,
    ],
    ..PLAIN
};

pub(super) const IBM: Facts = Facts {
    manufacturer: "IBM",
    model: "9105-42A",
    firmware: "fw1060.10",
    serial: "78",
    quirks: &[
        Q::NoForceRestart,
        Q::AllowablesInActionInfo,
        Q::NoHttpBootUri,
        Q::TransitionalPowerStates,
        Q::SessionsLostOnReset,
    ],
    ..OPENBMC
};

pub(super) const IRMC: Facts = Facts {
    oem: Some(("ts_fujitsu", r#"{"ProductName": "iRMC S6"}"#)),
    version: "1.13.0",
    manufacturer: "FUJITSU",
    model: "PRIMERGY RX2540 M7",
    manager_model: "iRMC S6",
    firmware: "2.52S",
    ids: Ids::all("0"),
    serial: "MA",
    registry: "iRMC.1.0",
    quirks: &[Q::NeedsIfMatch, Q::RefusesStar, Q::NoHttpBootUri],
    ..PLAIN
};

pub(super) const CIMC: Facts = Facts {
    vendor: Some("Cisco Systems Inc."),
    product: Some("UCSC-C220-M6S"),
    version: "1.4.0",
    manufacturer: "Cisco Systems Inc",
    model: "UCSC-C220-M6S",
    manager_model: "CIMC",
    firmware: "4.3(2.240009)",
    ids: Ids {
        system: "WZP2619070K",
        manager: "CIMC",
        chassis: "1",
    },
    serial: "WZP",
    registry: "CIMC.1.0",
    quirks: &[
        Q::ScalarForArray,
        Q::RootMissingWhenExpired,
        Q::NoHttpBootUri,
        Q::ExpandUnsupported,
        Q::IndicatorLedOnly,
    ],
    ..PLAIN
};

pub(super) const SUSHY_TOOLS: Facts = Facts {
    version: "1.0.2",
    manufacturer: "Sushy Emulator",
    model: "",
    manager_model: "Sushy Emulator Virtual BMC",
    firmware: "1.0",
    ids: Ids {
        system: "0f8b1a52-6d3e-4c77-9a41-5be20c93d7f6",
        manager: "0f8b1a52-6d3e-4c77-9a41-5be20c93d7f6",
        chassis: "4a1d90c2-73be-4f08-8e65-c1f2a7b6d350",
    },
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
        Q::NoSessions,
        Q::AlwaysContinuous,
        Q::NoneAsText,
        Q::BrokenSubresources,
        Q::SlowPower,
        Q::ExpandUnsupported,
        Q::NoPushButton,
    ],
    ..PLAIN
};

pub(super) const HUAWEI: Facts = Facts {
    vendor: Some("Huawei"),
    oem: Some(("Huawei", r#"{"ProductName": "2288H V5"}"#)),
    version: "1.0.2",
    manufacturer: "Huawei",
    model: "2288H V5",
    manager_model: "iBMC",
    firmware: "6.71",
    serial: "21",
    registry: "iBMC.1.0",
    quirks: &[
        Q::ManagedByMissing,
        Q::LinksManagers,
        Q::NeedsIfMatch,
        Q::NoHttpBootUri,
        Q::ExpandUnsupported,
        Q::IndicatorLedOnly,
    ],
    ..PLAIN
};

pub(super) const NOKIA: Facts = Facts {
    vendor: Some("Nokia"),
    version: "1.11.0",
    manufacturer: "Nokia Solutions and Networks",
    model: "AE-SER-NN1",
    manager_model: "Nokia BMC",
    firmware: "3.1.0",
    ids: Ids::all("Self"),
    settings: "SD",
    registry: "Ami.1.0",
    quirks: &[
        Q::OverrideOnlyInSettings,
        Q::NeedsIfMatch,
        Q::NoHttpBootUri,
        Q::ManagerResetForceOnly,
    ],
    ..PLAIN
};
