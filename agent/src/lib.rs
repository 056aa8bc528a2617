//! The boot agent: the one daemon that servers need in order to boot.
//!
//! ```text
//! agent         binds and runs everything below
//! config        what the operator decides
//! http          the control API, and what servers fetch over HTTP
//! dhcp, tftp    what firmware asks first
//! boot          which servers are planned, how far their boots have come
//! servers, boot_configs, claims, leases, tokens    what is known, each over the store
//! render, template    documents from boot configs
//! subnets, reservations    where addresses are leased, and which are not for everybody
//! endpoints, events        who was heard, and what was seen
//! images, pins  the files that servers boot, and those to have ready
//! seal, store   what is on disk
//! limits        how much of the agent one peer may take
//! ```
//!
//! Requests and packets are answered from the store; nothing is kept in memory that a restart
//! would miss.

mod agent;
pub mod boot;
mod boot_configs;
mod claims;
pub mod config;
pub mod dhcp;
mod digest;
mod endpoints;
mod events;
#[cfg(test)]
mod fixture;
mod http;
mod images;
pub mod leases;
mod limits;
pub mod openapi;
mod pins;
mod private_file;
mod render;
mod reservations;
mod seal;
mod servers;
pub mod store;
mod subnets;
pub mod telemetry;
mod template;
#[cfg(test)]
mod testing;
pub mod tftp;
mod tokens;

pub use agent::{Agent, Error};
pub use config::Config;

/// An error and its causes, on one line.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// What to do about a socket that cannot be bound; `key` says where.
pub(crate) fn way_out(error: &std::io::Error, key: &str) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::AddrInUse => {
            format!(" (stop what has it, which `ss -lntup` shows, or change {key})")
        }
        ErrorKind::PermissionDenied => format!(
            " (give the agent CAP_NET_BIND_SERVICE, as its systemd unit can, or change {key} to a \
             port from 1024 up)"
        ),
        ErrorKind::AddrNotAvailable => {
            format!(
                " (no interface has this address, `ip addr` shows which there are; change {key})"
            )
        }
        _ if error.raw_os_error() == Some(NO_SUCH_DEVICE) => {
            " (there is no such interface, `ip link` shows which there are; change dhcp.interface)"
                .to_owned()
        }
        _ => String::new(),
    }
}

/// `ENODEV` of Linux.
const NO_SUCH_DEVICE: i32 = 19;
