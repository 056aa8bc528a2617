//! Images that are pinned: fetched before anything boots them, and kept.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Asset;

/// How far an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheState {
    /// It is being fetched.
    Pending,
    /// It is here and verified.
    Ready,
    /// It could not be fetched, or is not what its digest says.
    Error,
}

impl CacheState {
    /// The word for it in the API and in Terraform.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Error => "error",
        }
    }
}

/// A pinned image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// Its identity.
    pub id: Uuid,
    /// What was pinned.
    pub spec: Asset,
    /// How far it is.
    pub state: CacheState,
    /// Why it is not here.
    pub reason: Option<String>,
    /// Its size in bytes, once it is here.
    pub size_bytes: Option<u64>,
    /// When it came here.
    pub fetched_at: Option<Timestamp>,
}
