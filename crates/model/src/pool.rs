//! Pools: the addresses of a subnet that are leased.

use std::{borrow::Cow, fmt, net::Ipv4Addr, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Addresses from a first to a last, both included. Its text form is `10.0.0.100-10.0.0.200`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    first: Ipv4Addr,
    last: Ipv4Addr,
}

/// Why a text is no pool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePoolError {
    /// It is not two addresses.
    #[error("{0:?} is not a pool, expected two addresses such as 10.0.0.100-10.0.0.200")]
    Shape(String),
    /// It ends before it starts.
    #[error("the pool {first}-{last} ends before it starts; swap its addresses")]
    Order {
        /// Its first address.
        first: Ipv4Addr,
        /// Its last address.
        last: Ipv4Addr,
    },
}

impl Pool {
    /// The pool from `first` to `last`.
    ///
    /// # Errors
    ///
    /// If `last` is before `first`.
    pub fn new(first: Ipv4Addr, last: Ipv4Addr) -> Result<Self, ParsePoolError> {
        if last < first {
            return Err(ParsePoolError::Order { first, last });
        }
        Ok(Self { first, last })
    }

    /// The first address.
    pub const fn first(self) -> Ipv4Addr {
        self.first
    }

    /// The last address.
    pub const fn last(self) -> Ipv4Addr {
        self.last
    }

    /// Whether `address` is one of it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }

    /// Whether some address is in both.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Its addresses, first to last.
    pub fn addresses(self) -> impl Iterator<Item = Ipv4Addr> {
        (self.first.to_bits()..=self.last.to_bits()).map(Ipv4Addr::from_bits)
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for Pool {
    type Err = ParsePoolError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let addresses = text.split_once('-').and_then(|(first, last)| {
            let first = first.trim().parse().ok()?;
            Some((first, last.trim().parse().ok()?))
        });
        let Some((first, last)) = addresses else {
            return Err(ParsePoolError::Shape(text.chars().take(64).collect()));
        };
        Self::new(first, last)
    }
}

impl Serialize for Pool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Pool {
    fn schema_name() -> Cow<'static, str> {
        "Pool".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Addresses from a first to a last, such as 10.0.0.100-10.0.0.200.",
        })
    }
}
