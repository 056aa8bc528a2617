//! HPE: iLO 4 to 7, and the blades of a Cray EX.

use super::{Facts, Ids, PLAIN, UuidHabit};
use crate::Quirk as Q;

const ILO: Facts = Facts {
    vendor: Some("HPE"),
    manufacturer: "HPE",
    lower_case_links: true,
    // The UUID is the product number and the serial number, as text.
    uuid: UuidHabit::BeginsWith(*b"P383"),
    serial: "MXQ",
    resets: &[
        "On",
        "ForceOff",
        "GracefulShutdown",
        "ForceRestart",
        "Nmi",
        "PushPowerButton",
        "GracefulRestart",
    ],
    settings: "settings",
    registry: "iLO.2.14",
    quirks: &[
        Q::NoHttpBootUri,
        Q::RefusesStar,
        Q::MembersWithoutEtag,
        Q::SuccessAsErrorBody,
        Q::BusyDuringPost,
        Q::InvalidForStateAfterPower,
        Q::DisableWithoutTarget,
        Q::DropsUsedConnections,
        Q::Intermittent401,
        Q::MessagesWithoutText,
        Q::ManagerWithoutPowerState,
        Q::UnadvertisedBasic,
    ],
    ..PLAIN
};

pub(super) const ILO4: Facts = Facts {
    vendor: None,
    oem: Some(("Hp", r#"{"Manager": [{"ManagerType": "iLO 4"}]}"#)),
    version: "1.0.0",
    manufacturer: "HP",
    model: "ProLiant DL360 Gen9",
    manager_model: "iLO 4",
    firmware: "iLO 4 v2.82",
    resets: &["On", "ForceOff", "ForceRestart", "Nmi", "PushPowerButton"],
    registry: "iLO.0.10",
    quirks: &[
        Q::NoHttpBootUri,
        Q::RefusesStar,
        Q::SuccessAsErrorBody,
        Q::BusyDuringPost,
        Q::InvalidForStateAfterPower,
        Q::DisableWithoutTarget,
        Q::DropsUsedConnections,
        Q::MessagesWithoutText,
        Q::ManagerWithoutPowerState,
        Q::NoGraceful,
        Q::IndicatorLedOnly,
        Q::ExpandUnsupported,
        Q::UnadvertisedBasic,
    ],
    ..ILO
};

pub(super) const ILO5: Facts = Facts {
    product: Some("ProLiant DL380 Gen10"),
    oem: Some(("Hpe", r#"{"Manager": [{"ManagerType": "iLO 5"}]}"#)),
    version: "1.6.0",
    model: "ProLiant DL380 Gen10",
    manager_model: "iLO 5",
    firmware: "iLO 5 v3.09",
    ..ILO
};

pub(super) const ILO6: Facts = Facts {
    product: Some("ProLiant DL380 Gen11"),
    oem: Some(("Hpe", r#"{"Manager": [{"ManagerType": "iLO 6"}]}"#)),
    version: "1.20.0",
    model: "ProLiant DL380 Gen11",
    manager_model: "iLO 6",
    firmware: "iLO 6 v1.64",
    ..ILO
};

pub(super) const ILO7: Facts = Facts {
    product: Some("ProLiant DL380a Gen12"),
    oem: Some(("Hpe", r#"{"Manager": [{"ManagerType": "iLO 7"}]}"#)),
    version: "1.20.0",
    model: "ProLiant DL380a Gen12",
    manager_model: "iLO 7",
    firmware: "iLO 7 v1.12",
    quirks: &[
        Q::NoHttpBootUri,
        Q::RefusesStar,
        Q::MembersWithoutEtag,
        Q::SuccessAsErrorBody,
        Q::BusyDuringPost,
        Q::InvalidForStateAfterPower,
        Q::DisableWithoutTarget,
        Q::MessagesWithoutText,
        Q::ManagerWithoutPowerState,
        Q::UnadvertisedBasic,
    ],
    ..ILO
};

pub(super) const CRAY_EX: Facts = Facts {
    version: "1.2.0",
    manufacturer: "HPE",
    model: "HPE Cray EX235a",
    manager_model: "nodeCard",
    firmware: "nc.1.9.11",
    manager_type: "EnclosureManager",
    ids: Ids {
        system: "Node0",
        manager: "BMC",
        chassis: "Enclosure",
    },
    serial: "HA",
    quirks: &[
        Q::SparseDocuments,
        Q::ResetTypeOff,
        Q::ExpandUnsupported,
        Q::NoHttpBootUri,
        Q::ManagerResetForceOnly,
    ],
    ..PLAIN
};
