//! Ethernet addresses.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A 48-bit Ethernet address. Its text form is lower case with colons, `52:54:00:12:34:56`.
///
/// Parsing also takes dashes, dots (`5254.0012.3456`), bare digits and upper case, because BMCs use
/// all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr([u8; 6]);

/// Why a text is not an Ethernet address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a MAC address, expected 12 hexadecimal digits such as 52:54:00:12:34:56")]
pub struct ParseMacError {
    text: String,
}

impl MacAddr {
    /// The address with these octets, first on the wire first.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The octets, first on the wire first.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// The form with dashes, `52-54-00-12-34-56`: what iPXE calls `hexhyp` and PXELINUX puts into
    /// file names.
    pub fn hexhyp(self) -> String {
        self.join("-")
    }

    /// Whether this address can name one interface: it is not zero and not a group address.
    pub const fn is_unicast(self) -> bool {
        let [a, b, c, d, e, f] = self.0;
        a & 1 == 0 && (a | b | c | d | e | f) != 0
    }

    fn join(self, separator: &str) -> String {
        self.0.map(|octet| format!("{octet:02x}")).join(separator)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.join(":"))
    }
}

impl FromStr for MacAddr {
    type Err = ParseMacError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseMacError {
            text: text.chars().take(64).collect(),
        };
        let trimmed = text.trim();
        let digits: String = trimmed
            .chars()
            .filter(|c| !matches!(c, ':' | '-' | '.'))
            .collect();
        let separators = trimmed.len() - digits.len();
        if digits.len() != 12
            || !digits.bytes().all(|b| b.is_ascii_hexdigit())
            || !matches!(separators, 0 | 2 | 5)
        {
            return Err(error());
        }
        let mut octets = [0; 6];
        for (index, octet) in octets.iter_mut().enumerate() {
            *octet = u8::from_str_radix(&digits[index * 2..index * 2 + 2], 16)
                .map_err(|_not_reached| error())?;
        }
        Ok(Self(octets))
    }
}

impl Serialize for MacAddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MacAddr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for MacAddr {
    fn schema_name() -> Cow<'static, str> {
        "MacAddr".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An Ethernet address, such as 52:54:00:12:34:56.",
            "pattern": "^([0-9a-f]{2}:){5}[0-9a-f]{2}$",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<[u8; 6]>) {
        assert_eq!(
            text.parse::<MacAddr>().ok(),
            expected.map(MacAddr),
            "{text}"
        );
    }

    #[test]
    fn every_spelling_that_bmcs_use_parses_and_nothing_else_does() {
        let mac = Some([0x52, 0x54, 0x00, 0x12, 0xab, 0x56]);
        check("52:54:00:12:ab:56", mac);
        check("52-54-00-12-AB-56", mac);
        check("5254.0012.ab56", mac);
        check("52540012AB56", mac);
        check(" 52:54:00:12:ab:56 ", mac);
        check("", None);
        check("52:54:00:12:ab", None);
        check("52:54:00:12:ab:56:78", None);
        check("52:54:00:12:ab:5g", None);
        check("88e9:a4ff:ff87:42c8", None);
        check("ééé", None);
    }

    #[test]
    fn a_zero_or_group_address_names_no_interface() {
        assert!(MacAddr::new([0x52, 0, 0, 0, 0, 1]).is_unicast());
        assert!(!MacAddr::new([0; 6]).is_unicast());
        assert!(!MacAddr::new([0xff; 6]).is_unicast());
    }

    proptest! {
        #[test]
        fn display_parses_back(octets: [u8; 6]) {
            let mac = MacAddr::new(octets);
            prop_assert_eq!(mac.to_string().parse(), Ok(mac));
            prop_assert_eq!(mac.hexhyp().parse(), Ok(mac));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _result = text.parse::<MacAddr>();
        }
    }
}
