//! Whose BMC it is: names, ids and quirks by maker and generation.
//!
//! Only this folder names makers. What it holds are documented facts, written down here in our own
//! words; no document of a real BMC was copied.

mod ami;
mod dell;
mod hpe;
mod lenovo;
mod nvidia;
mod others;
mod supermicro;

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::quirk::{Quirk, Quirks};

/// What is known of one BMC.
#[derive(Debug)]
pub(crate) struct Facts {
    /// `Vendor` of the root.
    pub(crate) vendor: Option<&'static str>,
    /// `Product` of the root.
    pub(crate) product: Option<&'static str>,
    /// The key of `Oem` in the root, and what stands under it, JSON.
    pub(crate) oem: Option<(&'static str, &'static str)>,
    /// `RedfishVersion` of the root.
    pub(crate) version: &'static str,
    /// Who made the system.
    pub(crate) manufacturer: &'static str,
    /// The model of the system.
    pub(crate) model: &'static str,
    /// The model of the manager.
    pub(crate) manager_model: &'static str,
    /// The firmware of the manager.
    pub(crate) firmware: &'static str,
    /// `ManagerType`.
    pub(crate) manager_type: &'static str,
    /// The ids of the system, its manager and its chassis, which stand in their URIs.
    pub(crate) ids: Ids,
    /// Whether links are lower case.
    pub(crate) lower_case_links: bool,
    /// How the UUID of the system comes about.
    pub(crate) uuid: UuidHabit,
    /// The letters that a serial number begins with.
    pub(crate) serial: &'static str,
    /// What the system can be reset to; all of it, where this is empty.
    pub(crate) resets: &'static [&'static str],
    /// The last part of the URI of the settings object, where there is one.
    pub(crate) settings: &'static str,
    /// The registry that its own messages are in.
    pub(crate) registry: &'static str,
    pub(crate) quirks: &'static [Quirk],
}

/// The last parts of the URIs of a system, its manager and its chassis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) system: &'static str,
    pub(crate) manager: &'static str,
    pub(crate) chassis: &'static str,
}

impl Ids {
    pub(crate) const ONE: Self = Self::all("1");

    const fn all(id: &'static str) -> Self {
        Self {
            system: id,
            manager: id,
            chassis: id,
        }
    }
}

/// How the UUID of a system comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UuidHabit {
    /// At random.
    Random,
    /// It begins with these letters, in the byte order of SMBIOS.
    BeginsWith([u8; 4]),
    /// It ends with the MAC address of the first interface.
    EndsWithMac,
}

macro_rules! profiles {
    ($($(#[$doc:meta])* $name:ident = $id:literal => $facts:path,)*) => {
        /// Whose BMC a machine has.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Profile {
            /// Nobody's: it keeps to the standard.
            #[default]
            Standard,
            $($(#[$doc])* $name,)*
        }

        impl Profile {
            /// All of them.
            pub const ALL: &'static [Self] = &[Self::Standard, $(Self::$name,)*];

            /// Its id, such as `dell-idrac9`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::Standard => "standard",
                    $(Self::$name => $id,)*
                }
            }

            pub(crate) const fn facts(self) -> &'static Facts {
                match self {
                    Self::Standard => &others::STANDARD,
                    $(Self::$name => &$facts,)*
                }
            }
        }
    };
}

profiles! {
    /// Dell iDRAC 8.
    DellIdrac8 = "dell-idrac8" => dell::IDRAC8,
    /// Dell iDRAC 9.
    DellIdrac9 = "dell-idrac9" => dell::IDRAC9,
    /// Dell iDRAC 10.
    DellIdrac10 = "dell-idrac10" => dell::IDRAC10,
    /// HPE iLO 4.
    HpeIlo4 = "hpe-ilo4" => hpe::ILO4,
    /// HPE iLO 5.
    HpeIlo5 = "hpe-ilo5" => hpe::ILO5,
    /// HPE iLO 6.
    HpeIlo6 = "hpe-ilo6" => hpe::ILO6,
    /// HPE iLO 7.
    HpeIlo7 = "hpe-ilo7" => hpe::ILO7,
    /// HPE Cray EX.
    HpeCrayEx = "hpe-cray-ex" => hpe::CRAY_EX,
    /// Lenovo XClarity Controller.
    LenovoXcc = "lenovo-xcc" => lenovo::XCC,
    /// A Lenovo server with AMI's firmware.
    LenovoAmi = "lenovo-ami" => lenovo::AMI,
    /// Supermicro X10.
    SupermicroX10 = "supermicro-x10" => supermicro::X10,
    /// Supermicro X13.
    SupermicroX13 = "supermicro-x13" => supermicro::X13,
    /// AMI MegaRAC.
    AmiMegarac = "ami-megarac" => ami::MEGARAC,
    /// NVIDIA DGX H100, whose host BMC is AMI's.
    AmiDgx = "ami-dgx" => ami::DGX,
    /// OpenBMC.
    Openbmc = "openbmc" => others::OPENBMC,
    /// NVIDIA GB200.
    NvidiaGb200 = "nvidia-gb200" => nvidia::GB200,
    /// NVIDIA BlueField.
    NvidiaBluefield = "nvidia-bluefield" => nvidia::BLUEFIELD,
    /// Fujitsu iRMC.
    FujitsuIrmc = "fujitsu-irmc" => others::IRMC,
    /// Cisco CIMC.
    CiscoCimc = "cisco-cimc" => others::CIMC,
    /// The emulator of the sushy-tools.
    SushyTools = "sushy-tools" => others::SUSHY_TOOLS,
    /// Huawei iBMC.
    Huawei = "huawei" => others::HUAWEI,
    /// IBM, on OpenBMC.
    Ibm = "ibm" => others::IBM,
    /// Nokia.
    Nokia = "nokia" => others::NOKIA,
}

impl Profile {
    /// The profile with this id, if there is one.
    pub fn from_id(id: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|profile| profile.as_str() == id)
    }

    /// The quirks that it starts with.
    pub fn quirks(self) -> Quirks {
        self.facts().quirks.iter().copied().collect()
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// There is no profile with this id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no profile")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::from_id(id).ok_or_else(|| UnknownProfile(id.to_owned()))
    }
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a profile begins with that has no habit of its own.
const PLAIN: Facts = Facts {
    vendor: None,
    product: None,
    oem: None,
    version: "1.11.0",
    manufacturer: "",
    model: "",
    manager_model: "BMC",
    firmware: "1.0.0",
    manager_type: "BMC",
    ids: Ids::ONE,
    lower_case_links: false,
    uuid: UuidHabit::Random,
    serial: "SN",
    resets: &[],
    settings: "Settings",
    registry: "Base.1.8",
    quirks: &[],
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_id_names_one_profile_and_nothing_else_does() {
        let ids: BTreeSet<&str> = Profile::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(ids.len(), Profile::ALL.len());
        for &profile in Profile::ALL {
            assert_eq!(Profile::from_id(profile.as_str()), Some(profile));
        }
        assert!("ours".parse::<Profile>().is_err());
        assert!(Profile::Standard.quirks().is_empty());
    }

    #[test]
    fn what_stands_under_oem_is_json() {
        for profile in Profile::ALL {
            if let Some((key, text)) = profile.facts().oem {
                let read: serde_json::Value = serde_json::from_str(text).unwrap();
                assert!(read.is_object() && !key.is_empty(), "{profile}");
            }
        }
    }
}
