//! The agent's control API, version 1: bodies and problems.
//!
//! | request | body → answer |
//! | --- | --- |
//! | `GET /v1/agent` | → [`AgentInfo`] |
//! | `GET /v1/servers` | → `[Server]` |
//! | `PUT /v1/servers/{id}` | `ServerSpec` → `Server` |
//! | `GET`, `DELETE /v1/servers/{id}` | → `Server`, nothing |
//! | `PUT /v1/boot-configs/{id}` | `BootConfigSpec` → `BootConfig` |
//! | `GET`, `DELETE /v1/boot-configs/{id}` | → `BootConfig`, nothing |
//! | `POST /v1/claims` | [`ClaimRequest`] → `Claim` |
//! | `GET /v1/claims/{server}` | → `Claim` |
//! | `PATCH /v1/claims/{server}` | [`ClaimUpdate`] → `Claim` |
//! | `POST /v1/claims/{server}/arm` | [`Arm`] → `Claim` |
//! | `POST /v1/claims/{server}/disarm` | [`ClaimRef`] → `Claim` |
//! | `POST /v1/claims/{server}/settle` | [`Settle`] → `Claim` |
//! | `POST /v1/claims/{server}/record` | [`ClaimRef`] → `Claim` |
//! | `DELETE /v1/claims/{server}?uid={uid}` | → nothing |
//! | `GET /v1/subnets`, `/v1/reservations`, `/v1/images` | → `[Subnet]` and so on |
//! | `PUT /v1/subnets/{id}` | `SubnetSpec` → `Subnet` |
//! | `PUT /v1/reservations/{id}` | `ReservationSpec` → `Reservation` |
//! | `PUT /v1/images/{id}` | `Asset` → `Image` |
//! | `GET`, `DELETE` of the same | → the same, nothing |
//! | `GET /v1/leases?subnet={id}&mac={mac}` | → `[Lease]` |
//! | `GET /v1/endpoints` | → `[Endpoint]` |
//! | `GET /v1/events?server={id}&limit={n}` | → `[Event]`, the latest last |
//!
//! Every request carries `Authorization: Bearer <token>`. Every error is a [`Problem`] with media
//! type `application/problem+json` (RFC 9457).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Holder, Selector, ServerId};

/// What an agent says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentInfo {
    /// Its version.
    pub version: String,
    /// Where booting servers find it, without a trailing slash.
    pub boot_url: String,
    /// The subnets it leases addresses in.
    pub subnets: Vec<String>,
    /// What it does: `dhcp` and `tftp` if it answers them.
    #[serde(default)]
    pub features: Vec<String>,
}

/// Asks for a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// What the claim is called if it is new.
    pub uid: Uuid,
    /// The server to take; without it `selector` chooses.
    #[serde(default)]
    pub server_id: Option<ServerId>,
    /// What the server must be. Must be absent when `server_id` is there.
    #[serde(default)]
    pub selector: Option<Selector>,
    /// Who asks.
    pub holder: Holder,
    /// The provider process that asks. The same holder may resume an unfinished claim of an earlier
    /// run that is not recorded; in the same run a second claim of one server is a mistake.
    pub run: Uuid,
    /// The boot config to boot.
    #[serde(default)]
    pub boot_config_id: Option<Uuid>,
    /// The host name to give.
    #[serde(default)]
    pub hostname: Option<String>,
    /// What it is booted for.
    #[serde(default)]
    pub trigger: Option<String>,
    /// Whether the claim is there again that the agent has lost: its server stays as it is.
    #[serde(default)]
    pub as_is: bool,
}

/// Changes what a claim says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimUpdate {
    /// The claim that is meant.
    pub uid: Uuid,
    /// The boot config to boot from now on; what is armed stays armed as it is.
    pub boot_config_id: Option<Uuid>,
    /// The host name to give.
    pub hostname: Option<String>,
    /// What it was booted for. Arming changes it too.
    #[serde(default)]
    pub trigger: Option<String>,
}

/// Names a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRef {
    /// The claim that is meant.
    pub uid: Uuid,
}

/// Settles a claim: everything that its holder asked for was seen to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// The claim that is meant.
    pub uid: Uuid,
    /// Whether its server is held switched off, and is to boot once it is switched on.
    #[serde(default)]
    pub boot_pending: bool,
}

/// Arms a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// The claim that is meant.
    pub uid: Uuid,
    /// Which arming this is. One that was armed already is left as it is.
    pub generation: u64,
    /// What it is booted for.
    #[serde(default)]
    pub trigger: Option<String>,
}

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// No token, or the wrong one.
    Unauthorized,
    /// The body or the path cannot be read.
    InvalidRequest,
    /// There is no such thing.
    NotFound,
    /// Somebody else holds the server.
    AlreadyClaimed,
    /// The server is cordoned.
    Unclaimable,
    /// No free server matches the selector.
    NoMatch,
    /// The server is claimed, so it cannot be removed.
    ServerClaimed,
    /// The boot config is not ready, or the claim has none.
    NotReady,
    /// The claim is not the one that was meant.
    NotHolder,
    /// Another server has that MAC address, or another reservation of the subnet.
    MacConflict,
    /// Somebody else has registered that server.
    AlreadyRegistered,
    /// The subnet overlaps another one, or is another network than before.
    SubnetConflict,
    /// The subnet has reservations, so it cannot be removed.
    SubnetInUse,
    /// The subnet is in the agent's configuration file, so the API cannot change it.
    SubnetInFile,
    /// There is no such subnet to reserve an address in.
    UnknownSubnet,
    /// The address is somebody else's, or none that a server can have.
    AddressConflict,
    /// The agent itself failed.
    Internal,
}

/// An error of the API (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, for programs.
    pub code: ProblemCode,
    /// The fact, one sentence without a full stop.
    pub title: String,
    /// The values and the way out.
    pub detail: String,
}
