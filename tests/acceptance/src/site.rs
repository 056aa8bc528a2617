//! A site: one agent and one rack.

use std::{net::Ipv4Addr, path::Path, time::Duration};

use rack::{MachineHandle, Network, Rack, RackConfig};
use tempfile::TempDir;

use crate::{AgentProcess, Tls};

/// The user name of the rack's BMCs.
pub const USERNAME: &str = "provisioner";
/// The password of the rack's BMCs: a canary, looked for wherever it must not be.
pub const PASSWORD: &str = "canary-bmc-password-8f3a";

/// An agent and a rack that netboots from it. Both end with the value.
pub struct Site {
    /// The agent.
    pub agent: AgentProcess,
    /// The rack.
    pub rack: Rack,
    directory: TempDir,
}

impl Site {
    /// A site with `machines` machines in a rack called `name`.
    pub async fn start(name: &str, machines: u16) -> Self {
        Self::with(name, machines, Tls::Off, |_| {}).await
    }

    /// The same, with a rack that `adjust` has changed.
    pub async fn start_adjusted(
        name: &str,
        machines: u16,
        adjust: impl FnOnce(&mut RackConfig),
    ) -> Self {
        Self::with(name, machines, Tls::Off, adjust).await
    }

    /// The same, with an agent whose control API has TLS.
    pub async fn start_with_tls(name: &str, machines: u16) -> Self {
        Self::with(name, machines, Tls::On, |_| {}).await
    }

    async fn with(
        name: &str,
        machines: u16,
        tls: Tls,
        adjust: impl FnOnce(&mut RackConfig),
    ) -> Self {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let loaders = directory.path().join("loaders");
        std::fs::create_dir_all(&loaders).expect("the loaders' directory");
        Rack::write_loaders(&loaders).expect("the loaders");
        let agent = AgentProcess::start(directory.path(), &loaders, tls);
        let network = Network {
            dhcp_server: agent.dhcp,
            relay: Ipv4Addr::new(127, 80, 0, 1),
            tftp_port: agent.tftp_port,
        };
        let mut config = RackConfig {
            username: USERNAME.to_owned(),
            password: model::Secret::new(PASSWORD),
            power_delay: Duration::from_millis(150),
            ..RackConfig::new(name, machines, network)
        };
        adjust(&mut config);
        let rack = Rack::start(config).await.expect("the rack");
        Self {
            agent,
            rack,
            directory,
        }
    }

    /// The machine with this index.
    pub fn machine(&self, index: usize) -> &MachineHandle {
        &self.rack.machines()[index]
    }

    /// The site's scratch directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The environment that configures a provider for this site.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("BAREMETAL_AGENT_ENDPOINTS", self.agent.endpoint.as_str()),
            ("BAREMETAL_AGENT_TOKEN", self.agent.token.as_str()),
            ("BAREMETAL_CREDENTIALS_DEFAULT_USERNAME", USERNAME),
            ("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", PASSWORD),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The rack's kernel and initial RAM disk as Terraform values, and its hosts as a map.
    pub fn variables(&self) -> serde_json::Value {
        let (kernel, initrd) = self.rack.images();
        let url = self.rack.images_url();
        let host = |machine: &MachineHandle| {
            let host = serde_json::json!({
                "address": machine.bmc_address().ip().to_string(),
                "port": machine.bmc_port(),
                "fingerprint_sha256": machine.fingerprint_sha256(),
            });
            (machine.name().to_owned(), host)
        };
        let hosts: serde_json::Map<_, _> = self.rack.machines().iter().map(host).collect();
        serde_json::json!({
            "kernel": { "url": format!("{url}/kernel"), "sha256": kernel },
            "initrd": { "url": format!("{url}/initrd"), "sha256": initrd },
            "hosts": hosts,
        })
    }
}
