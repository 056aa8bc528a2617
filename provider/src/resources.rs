//! The resources, one file each: its model, its plan, its verbs.

mod bmc;
mod boot_config;
mod connection;
mod host_claim;
mod server;

pub(crate) use bmc::Bmc;
pub(crate) use boot_config::BootConfig;
pub(crate) use connection::ConnectionInput;
pub(crate) use host_claim::HostClaim;
pub(crate) use server::Server;
