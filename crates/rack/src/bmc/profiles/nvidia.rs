//! NVIDIA: GB200 and BlueField, both with OpenBMC inside.

use super::{Facts, Ids, PLAIN};
use crate::Quirk as Q;

const OPENBMC_RESETS: &[&str] = &[
    "ForceOff",
    "PowerCycle",
    "Nmi",
    "GracefulShutdown",
    "On",
    "ForceOn",
    "GracefulRestart",
    "ForceRestart",
];

pub(super) const GB200: Facts = Facts {
    vendor: Some("NVIDIA"),
    product: Some("GB BMC"),
    version: "1.17.0",
    manufacturer: "NVIDIA",
    model: "GB200 NVL",
    manager_model: "OpenBmc",
    firmware: "GB200Nvl-24.09",
    ids: Ids {
        system: "System_0",
        manager: "BMC_0",
        chassis: "Chassis_0",
    },
    serial: "13",
    resets: OPENBMC_RESETS,
    registry: "OpenBMC.0.4",
    quirks: &[
        Q::NoSystemNics,
        Q::SerialOnChassis,
        Q::NoModeProperty,
        Q::NoHttpBootUri,
        Q::AllowablesInActionInfo,
        Q::ExtraSystems,
        Q::TransitionalPowerStates,
        Q::SessionsLostOnReset,
        Q::ExpandDropsProperties,
        Q::Intermittent401,
    ],
    ..PLAIN
};

pub(super) const BLUEFIELD: Facts = Facts {
    vendor: Some("Nvidia"),
    product: Some("BlueField-3 DPU"),
    version: "1.17.0",
    manufacturer: "https://www.mellanox.com",
    model: "BlueField-3 DPU",
    manager_model: "OpenBmc",
    firmware: "BF-24.04-5",
    ids: Ids {
        system: "Bluefield",
        manager: "Bluefield_BMC",
        chassis: "Card1",
    },
    serial: "MT",
    resets: OPENBMC_RESETS,
    registry: "OpenBMC.0.4",
    quirks: &[
        Q::NullMembers,
        Q::PlaceholderIdentity,
        Q::AllowablesInActionInfo,
        Q::TransitionalPowerStates,
    ],
    ..PLAIN
};
