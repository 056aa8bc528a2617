//! The boot agent.
#![allow(dead_code)]

pub mod boot;
mod boot_configs;
mod claims;
pub mod config;
pub mod dhcp;
mod digest;
#[cfg(test)]
mod fixture;
mod hostname;
mod http;
mod images;
pub mod leases;
mod private_file;
mod render;
mod seal;
mod servers;
pub mod store;
mod template;
pub mod tftp;
mod tokens;

pub use config::Config;

/// An error and its causes, on one line.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
