//! The nouns that the provider and the agent agree on.
//!
//! Everything here is a value: no I/O, no clock, no logging. Each type that stands for text parses
//! it once, on construction, and whoever holds one may trust it. The agent's API is [`api`]; its
//! nouns are a [`Server`], the [`Claim`] that holds one, the [`BootConfig`] it boots and the
//! [`Boot`] that happened.

pub mod api;
mod architecture;
mod boot;
mod boot_config;
mod claim;
mod hostname;
pub mod ignition;
mod mac;
mod secret;
mod server;

pub use architecture::Architecture;
pub use boot::{Boot, Stage, StageTime};
pub use boot_config::{
    Asset, BootConfig, BootConfigSpec, BootConfigState, BootMethod, BootPolicy, ImageState,
    Payload, UserDataFormat,
};
pub use claim::{Claim, ClaimPhase, Holder, Selector};
pub use hostname::is_hostname;
pub use mac::{MacAddr, ParseMacError};
pub use secret::Secret;
pub use server::{
    BmcConnection, BmcTls, Hardware, ParseServerIdError, PowerState, Registrar, Server, ServerId,
    ServerSpec, ServerState,
};
