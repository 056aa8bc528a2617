//! Events: what the agent saw of servers, in the order in which it happened.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ServerId, Stage};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A boot reached a stage.
    Stage,
    /// A boot secret that was fetched already was asked for again.
    SecretReplayed,
    /// A boot secret was asked for from another address than its server's.
    SecretElsewhere,
}

impl EventKind {
    /// The word for it in the API and in Terraform.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::SecretReplayed => "secret_replayed",
            Self::SecretElsewhere => "secret_elsewhere",
        }
    }

    /// Whether somebody has to look at it.
    pub const fn is_security(self) -> bool {
        matches!(self, Self::SecretReplayed | Self::SecretElsewhere)
    }
}

/// Something that the agent saw of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When, by the agent's clock.
    pub at: Timestamp,
    /// The server.
    pub server_id: ServerId,
    /// What happened.
    pub kind: EventKind,
    /// The boot that it is about.
    pub boot: Uuid,
    /// The stage that was reached.
    pub stage: Option<Stage>,
    /// The address that it came from, or that the server is leased.
    pub address: Option<Ipv4Addr>,
}
