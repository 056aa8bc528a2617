//! Dell: iDRAC 8, 9 and 10.

use super::{Facts, Ids, PLAIN, UuidHabit};
use crate::Quirk as Q;

const DELL: Facts = Facts {
    vendor: Some("Dell"),
    product: Some("Integrated Dell Remote Access Controller"),
    oem: Some((
        "Dell",
        r##"{"@odata.type": "#DellServiceRoot.v1_0_0.DellServiceRoot"}"##,
    )),
    manufacturer: "Dell Inc.",
    ids: Ids {
        system: "System.Embedded.1",
        manager: "iDRAC.Embedded.1",
        chassis: "System.Embedded.1",
    },
    // "DELL" in the order of SMBIOS, which comes before the service tag.
    uuid: UuidHabit::BeginsWith(*b"DELL"),
    serial: "",
    resets: &[
        "On",
        "ForceOff",
        "ForceRestart",
        "GracefulRestart",
        "GracefulShutdown",
        "PushPowerButton",
        "Nmi",
        "PowerCycle",
    ],
    registry: "IDRAC.2.8",
    ..PLAIN
};

pub(super) const IDRAC8: Facts = Facts {
    version: "1.4.0",
    model: "PowerEdge R730",
    manager_model: "13G Monolithic",
    firmware: "2.83.83.83",
    resets: &[
        "On",
        "ForceOff",
        "GracefulRestart",
        "GracefulShutdown",
        "PushPowerButton",
        "Nmi",
    ],
    quirks: &[
        Q::SessionLimitAs503,
        Q::NoHttpBootUri,
        Q::ConflictWhenAlreadyThere,
        Q::SkuIsServiceTag,
        Q::OddScalars,
        Q::AddressBlockAfterFailures,
        Q::ExpandUnsupported,
        Q::IndicatorLedOnly,
        Q::JobNotFoundAtFirst,
        Q::ManagerResetGracefulOnly,
        Q::FixedAccountSlots,
    ],
    ..DELL
};

pub(super) const IDRAC9: Facts = Facts {
    version: "1.17.0",
    model: "PowerEdge R750",
    manager_model: "15G Monolithic",
    firmware: "7.10.30.00",
    quirks: &[
        Q::SessionLimitAs503,
        Q::NoIfMatchOnActions,
        Q::ModeRewriteQueuesAJob,
        Q::OverrideOnlyOnSystem,
        Q::NoHttpBootUri,
        Q::ConflictWhenAlreadyThere,
        Q::JobNotFoundAtFirst,
        Q::SkuIsServiceTag,
        Q::OddScalars,
        Q::AddressBlockAfterFailures,
        Q::LitIsNotIdentify,
        Q::ManagerResetGracefulOnly,
        Q::FixedAccountSlots,
    ],
    ..DELL
};

pub(super) const IDRAC10: Facts = Facts {
    version: "1.20.1",
    model: "PowerEdge R770",
    manager_model: "17G Monolithic",
    firmware: "1.20.25.00",
    quirks: &[
        Q::SessionLimitAs503,
        Q::NoIfMatchOnActions,
        Q::OverrideOnlyInSettings,
        Q::AllowablesInSettings,
        Q::NoModeProperty,
        Q::NoHttpBootUri,
        Q::ConflictWhenAlreadyThere,
        Q::JobNotFoundAtFirst,
        Q::SkuIsServiceTag,
        Q::OddScalars,
        Q::AddressBlockAfterFailures,
        Q::EmptyMacs,
        Q::LitIsNotIdentify,
        Q::ManagerResetGracefulOnly,
    ],
    ..DELL
};
