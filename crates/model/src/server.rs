//! Servers: physical machines behind a BMC.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::{Holder, MacAddr};

/// The identity of a server: its system UUID (SMBIOS type 1, Redfish `ComputerSystem.UUID`). Its
/// text form is lower case with dashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(Uuid);

/// Why a text is not a system UUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseServerIdError {
    /// It is no UUID at all.
    #[error("{0:?} is not a UUID, expected a form such as 4c4c4544-0042-3510-8057-b7c04f4b4d32")]
    NotAUuid(String),
    /// All bits are the same: the placeholder of firmware that was never given a UUID.
    #[error("{0} is a firmware placeholder, not the UUID of one server")]
    Placeholder(String),
}

impl ServerId {
    /// The UUID as Redfish has it.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The same UUID with its first three fields byte-swapped: what software sees that reads SMBIOS
    /// in the other byte order (SMBIOS 2.6 section 7.2.1 changed it).
    #[must_use]
    pub fn swapped(self) -> Self {
        Self(Uuid::from_bytes_le(*self.0.as_bytes()))
    }

    /// Whether both name the same server, in either SMBIOS byte order.
    pub fn matches(self, other: Self) -> bool {
        self == other || self.swapped() == other
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ServerId {
    type Err = ParseServerIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(text.trim())
            .map_err(|_says_less| ParseServerIdError::NotAUuid(text.chars().take(64).collect()))?;
        if uuid.is_nil() || uuid.is_max() {
            return Err(ParseServerIdError::Placeholder(uuid.to_string()));
        }
        Ok(Self(uuid))
    }
}

impl Serialize for ServerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ServerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ServerId {
    fn schema_name() -> Cow<'static, str> {
        "ServerId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "uuid",
            "description": "A server's system UUID, lower case.",
        })
    }
}

/// Whether a server is powered, in Redfish's words (DSP0268, `Resource.PowerState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PowerState {
    /// Powered on.
    On,
    /// Powered off.
    Off,
    /// On its way from off to on.
    PoweringOn,
    /// On its way from on to off.
    PoweringOff,
    /// Powered on, but its processors are held.
    Paused,
}

impl PowerState {
    /// Redfish's literal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "On",
            Self::Off => "Off",
            Self::PoweringOn => "PoweringOn",
            Self::PoweringOff => "PoweringOff",
            Self::Paused => "Paused",
        }
    }

    /// Whether software may be running, or is about to.
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On | Self::PoweringOn | Self::Paused)
    }
}

impl fmt::Display for PowerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// Registered and free to claim.
    Available,
    /// Held by a claim.
    Reserved,
}

impl fmt::Display for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Available => "available",
            Self::Reserved => "reserved",
        })
    }
}

/// How to reach a server's BMC. It carries the *name* of the credentials, never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BmcConnection {
    /// The BMC's origin, `https://10.0.0.5:443`.
    pub endpoint: String,
    /// The name of its credentials in the provider's `credentials` map.
    pub credentials: String,
    /// How to verify its certificate.
    #[serde(default)]
    pub tls: BmcTls,
}

/// How to verify a BMC's certificate. With nothing set, the system's roots do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BmcTls {
    /// Certificates to trust, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// SHA-256 of the one certificate to accept, 64 hexadecimal digits, lower case, no colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint_sha256: Option<String>,
    /// Accept any certificate.
    #[serde(default)]
    pub insecure: bool,
}

/// What a server is made of, as far as a selector asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hardware {
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its serial number.
    pub serial_number: Option<String>,
    /// Main memory in MiB.
    pub memory_mib: Option<u64>,
    /// Processor cores, all sockets together.
    pub processor_cores: Option<u64>,
}

/// What is registered of a server: the body of `PUT /v1/servers/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// How to reach its BMC.
    pub bmc: BmcConnection,
    /// Its resource on that BMC, `/redfish/v1/Systems/1`.
    pub system_uri: String,
    /// The interfaces it may boot from. The agent answers no other of its addresses.
    pub boot_mac_addresses: Vec<MacAddr>,
    /// Labels that a selector matches.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What it is made of.
    #[serde(default)]
    pub hardware: Hardware,
    /// Whether it is cordoned: nobody can claim it. A claim it already has is kept.
    #[serde(default)]
    pub unclaimable: bool,
    /// Who registers it. Without one, whoever comes later may register it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrar: Option<Registrar>,
}

/// Who has registered a server, so that it is registered once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registrar {
    /// This registration, and none that others make of the same server.
    pub uid: Uuid,
    /// Who makes it.
    pub holder: Holder,
    /// The provider process that made it.
    pub run: Uuid,
    /// Whether its holder surely remembers it. One that is not recorded belongs to a run that was
    /// cut short, and a later one of the same holder may replace it.
    #[serde(default)]
    pub recorded: bool,
}

/// A registered server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// Its identity.
    pub id: ServerId,
    /// What was registered.
    pub spec: ServerSpec,
    /// Where it is in its life.
    pub state: ServerState,
    /// Who holds it.
    pub holder: Option<Holder>,
    /// When it was first registered.
    pub registered_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_lower_case_and_a_placeholder_is_refused() {
        let id: ServerId = "4C4C4544-0042-3510-8057-B7C04F4B4D32".parse().unwrap();
        assert_eq!(id.to_string(), "4c4c4544-0042-3510-8057-b7c04f4b4d32");
        for bad in [
            "",
            "x",
            "00000000-0000-0000-0000-000000000000",
            "STATIC:3:0",
        ] {
            assert!(bad.parse::<ServerId>().is_err(), "{bad}");
        }
    }

    // The two spellings of one Supermicro board, before and after a BIOS upgrade (go-hal#57).
    #[test]
    fn a_server_matches_itself_in_the_other_smbios_byte_order() {
        let old: ServerId = "005cb4e7-0989-eb11-8000-3cecef1d2a3b".parse().unwrap();
        let new: ServerId = "e7b45c00-8909-11eb-8000-3cecef1d2a3b".parse().unwrap();
        assert!(old.matches(new) && new.matches(old) && old.matches(old));
        assert_eq!(old.swapped().swapped(), old);
    }
}
