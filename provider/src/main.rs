//! The Terraform provider for bare metal.
//!
//! Terraform or OpenTofu starts this program and speaks plugin protocol 6 to it. The only other
//! thing it does is `docs`: it writes the Registry pages made from its own schemas.

mod action_notes;
mod actions;
mod bmc_pool;
mod checks;
mod client;
mod config;
mod credentials;
mod data_sources;
mod descriptors;
mod diagnostics;
mod docs;
mod embedded;
mod endpoints;
mod ephemerals;
mod functions;
mod journal;
mod lists;
mod mac_prefixes;
mod power_verb;
mod private_state;
mod provider;
mod resources;

use std::process::ExitCode;

fn main() -> ExitCode {
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("error: another TLS implementation was installed in this process");
        return ExitCode::FAILURE;
    }
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("docs") {
        return docs::main(arguments.next());
    }
    descriptors::raise();
    tfplugin::run(provider::Baremetal)
}
