//! Boot configs: what a server boots.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Secret;

/// How a server's firmware is told to boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BootMethod {
    /// The firmware network boots (PXE), the agent chainloads iPXE, iPXE fetches a script.
    #[default]
    Ipxe,
    /// The firmware fetches iPXE over HTTP (UEFI HTTP boot), iPXE fetches a script.
    UefiHttp,
}

/// What happens after a boot was reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BootPolicy {
    /// Install, then the local disk: the server is told so whatever its firmware order is.
    #[default]
    Once,
    /// Diskless: the server boots this at every start.
    Always,
}

/// The format of user data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserDataFormat {
    /// cloud-init.
    #[default]
    CloudInit,
    /// Any other text; it is served as it is.
    Raw,
}

/// A file to boot, by where it is and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Where the agent fetches it, `http` or `https`.
    pub url: String,
    /// SHA-256 of the whole file, 64 hexadecimal digits, lower case.
    pub sha256: String,
}

/// A document for the booted system. It may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// The document; a template if it holds `{{`.
    pub content: Secret,
    /// Whether it may never be read back through the API.
    #[serde(default)]
    pub write_only: bool,
}

/// What a server boots: the body of `PUT /v1/boot-configs/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BootConfigSpec {
    /// How its firmware is told to boot.
    #[serde(default)]
    pub method: BootMethod,
    /// The kernel. Without one there must be a script.
    #[serde(default)]
    pub kernel: Option<Asset>,
    /// Initial RAM disks, in order.
    #[serde(default)]
    pub initrds: Vec<Asset>,
    /// Kernel arguments, in order; each is a template.
    #[serde(default)]
    pub kernel_args: Vec<String>,
    /// An iPXE script of the user's own, a template, in place of the one made from `kernel`.
    #[serde(default)]
    pub ipxe_script: Option<String>,
    /// An Ignition config, JSON, spec 3.
    #[serde(default)]
    pub ignition: Option<Payload>,
    /// User data for anything that is not Ignition.
    #[serde(default)]
    pub user_data: Option<Payload>,
    /// The format of `user_data`.
    #[serde(default)]
    pub user_data_format: UserDataFormat,
    /// What happens after a boot was reported.
    #[serde(default)]
    pub boot_policy: BootPolicy,
    /// Whether a unit that reports the boot is added to `ignition`.
    #[serde(default = "yes")]
    pub report_boot: bool,
    /// A number of the caller's that goes with write-only payloads; kept and given back.
    #[serde(default)]
    pub payload_version: Option<i64>,
}

const fn yes() -> bool {
    true
}

/// Whether a boot config can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BootConfigState {
    /// Its images are being fetched.
    Pending,
    /// Everything it names is here and verified.
    Ready,
    /// An image could not be fetched or is not what its digest says.
    Error,
}

/// One image of a boot config and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageState {
    /// What it is.
    #[serde(flatten)]
    pub asset: Asset,
    /// Its size in bytes, once it is here.
    pub bytes: Option<u64>,
    /// Why it is not here.
    pub error: Option<String>,
}

/// A published boot config. Payloads that are write-only come back as digests alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BootConfig {
    /// Its identity.
    pub id: Uuid,
    /// What was published, without the content of write-only payloads.
    pub spec: BootConfigSpec,
    /// The first 12 hexadecimal digits of the SHA-256 of what was published.
    pub revision: String,
    /// Whether it can be served.
    pub state: BootConfigState,
    /// Its images.
    pub images: Vec<ImageState>,
    /// Whether a server that boots it can know where to report: a unit is added to its Ignition
    /// config, or something in it names `report_url`.
    #[serde(default = "yes")]
    pub can_report: bool,
    /// Whether it was removed, and is kept only until the last claim that uses it lets go of it.
    #[serde(default)]
    pub removed: bool,
}
