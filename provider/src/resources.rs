//! The resources, one file each: its model, its plan, its verbs.

mod bmc;
mod bmc_account;
mod boot_config;
mod connection;
mod host_claim;
mod image;
mod objects;
mod power_action;
mod reservation;
mod server;
mod subnet;

pub(crate) use bmc::Bmc;
pub(crate) use bmc_account::BmcAccount;
pub(crate) use boot_config::BootConfig;
pub(crate) use connection::{ConnectionInput, canonical, not_readable, refuse_readable};
pub(crate) use host_claim::HostClaim;
pub(crate) use image::Image;
pub(crate) use power_action::PowerAction;
pub(crate) use reservation::Reservation;
pub(crate) use server::{Server, ServerModel};
pub(crate) use subnet::Subnet;
