//! What every journey needs: a site (a boot agent as a process of its own, and a simulated rack)
//! and a Terraform working directory. Nothing here is skipped when it is missing: it fails.

mod agent;
mod canary;
pub mod configuration;
pub mod emulator;
pub mod journey;
pub mod link;
pub mod mockup;
pub mod planned;
pub mod release;
mod site;
mod terraform;

pub use agent::{AgentProcess, Tls};
pub use canary::files_holding;
pub use site::{PASSWORD, Site, USERNAME};
pub use terraform::{Host, Outcome, Workspace};

use std::path::PathBuf;

/// The root of the source tree.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the source tree")
}

/// A program of this workspace. `make acceptance` builds them first.
///
/// # Panics
///
/// If it was not built.
pub fn program(name: &str) -> PathBuf {
    // This binary is target/<profile>/<name> or target/<profile>/deps/<name>.
    let own = std::env::current_exe().expect("this program's own path");
    let built = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|directory| directory.join(name));
    built
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| {
            panic!(
                "{name} is not built beside {}: run `make acceptance`",
                own.display()
            )
        })
}

/// A TCP or UDP port of loopback that nobody uses now.
pub fn free_port() -> u16 {
    // Both protocols, because the agent's HTTP and TFTP ports are chosen the same way.
    for _ in 0..64 {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = tcp.local_addr().expect("its number").port();
        if std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port of loopback is free");
}

/// A self-signed certificate for 127.0.0.1 and its key, both PEM.
pub fn certificate(name: &str) -> (String, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut parameters =
        rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let certificate = parameters.self_signed(&key).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}
