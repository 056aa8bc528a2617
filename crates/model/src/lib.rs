//! The nouns that the provider and the agent agree on.
//!
//! Everything here is a value: no I/O, no clock, no logging. Each type that stands for text parses
//! it once, on construction, and whoever holds one may trust it. The agent's API is [`api`]; its
//! nouns are a [`Server`], the [`Claim`] that holds one, the [`BootConfig`] it boots and the
//! [`Boot`] that happened. A [`Subnet`] is where it gets its address; a [`Reservation`] says which.

pub mod api;
mod architecture;
mod boot;
mod boot_config;
mod claim;
mod event;
mod hostname;
pub mod ignition;
mod image;
mod lease;
mod mac;
mod pool;
mod secret;
mod server;
mod subnet;

pub use architecture::Architecture;
pub use boot::{Boot, Stage, StageTime};
pub use boot_config::{
    Asset, BootConfig, BootConfigSpec, BootConfigState, BootMethod, BootPolicy, ImageState,
    Payload, UserDataFormat,
};
pub use claim::{Claim, ClaimPhase, Holder, Selector};
pub use event::{Event, EventKind};
pub use hostname::is_hostname;
pub use image::{CacheState, Image};
pub use lease::{Endpoint, Lease, LeaseState};
pub use mac::{MacAddr, ParseMacError};
pub use pool::{ParsePoolError, Pool};
pub use secret::Secret;
pub use server::{
    BmcConnection, BmcTls, Hardware, ParseServerIdError, PowerState, Registrar, Server, ServerId,
    ServerSpec, ServerState,
};
pub use subnet::{
    InvalidSubnet, LEASE_MAX, LEASE_MIN, Reservation, ReservationSpec, Subnet, SubnetSource,
    SubnetSpec,
};
