//! Leases and endpoints: what the agent knows from DHCP.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{MacAddr, ServerId};

/// What a server has of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaseState {
    /// It was offered it and did not ask for it yet.
    Offered,
    /// It has it.
    Active,
    /// It had it, and gets it again if it comes back before the address is needed.
    Ended,
    /// Somebody without a lease uses it, so nobody gets it for a while.
    Declined,
}

impl LeaseState {
    /// The word for it in the API and in Terraform.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Active => "active",
            Self::Ended => "ended",
            Self::Declined => "declined",
        }
    }
}

/// An address of a subnet that is not free, or that somebody had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// The subnet that it is in.
    pub subnet_id: Uuid,
    /// Whose it is; nobody's if it was declined.
    pub mac: Option<MacAddr>,
    /// The server of that MAC address, once it has taken the address.
    pub server_id: Option<ServerId>,
    /// What it is.
    pub state: LeaseState,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A network interface that was heard asking for an address. All of it but the MAC address and the
/// times is what the interface says of itself, in printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Endpoint {
    /// Its MAC address.
    pub mac: MacAddr,
    /// The address that it has or was given last, by whichever DHCP server.
    pub address: Option<Ipv4Addr>,
    /// Its vendor class (option 60).
    pub vendor_class: Option<String>,
    /// Its host name (option 12).
    pub hostname: Option<String>,
    /// When it was heard first.
    pub first_seen: Timestamp,
    /// When it was heard last, to a few minutes.
    pub last_seen: Timestamp,
}
