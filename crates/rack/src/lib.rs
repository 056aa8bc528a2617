//! A simulated rack: BMCs that speak Redfish over TLS, and machines that really netboot.
//!
//! A [`Rack`] is what the demo, the acceptance tests and the scale benchmark run against. Nothing in
//! it knows the provider or the agent: a machine finds its boot server by DHCP, through a relay that
//! is real down to option 82, fetches its loader over TFTP and everything else over HTTP, from the
//! address it was leased. For that the leased addresses must be this host's; on Linux all of
//! 127.0.0.0/8 is.
//!
//! `bmc` answers Redfish, `machine` lives what follows, `net` is what machines send, `ipxe` runs
//! their scripts, `loader` is what they boot first, `images` what an operating system is.

mod bmc;
mod config;
mod control;
mod fault_proxy;
mod faults;
mod handle;
mod http;
mod images;
mod ipxe;
mod loader;
mod machine;
mod net;
mod pki;
mod rack;

pub use bmc::{
    AccountRules, BmcCounters, PasswordChange, Profile, Quirk, Quirks, UnknownProfile, UnknownQuirk,
};
pub use config::{BootOrder, MachineConfig, Network, RackConfig, Timing};
pub use fault_proxy::{Exchange, Fault, FaultProxy};
pub use faults::Faults;
pub use handle::{MachineHandle, WaitError};
pub use machine::state::{ConsoleLine, Phase, Snapshot};
pub use pki::CertificateError;
pub use rack::{Description, Error, MachineDescription, Rack};

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 as lower-case hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}
