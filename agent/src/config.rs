//! What the agent's operator decides: a TOML file, or the same in code.
//!
//! [`Config::parse`] reads it and [`Config::validate`] says what cannot work, with the key, its
//! value and the way out. Whoever holds a validated configuration may trust it. Ports may be 0
//! everywhere, which takes any that is free.

mod check;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    path::{Path, PathBuf},
};

use model::Architecture;
pub use model::{ParsePoolError, Pool, SubnetSpec as Subnet};
use schemars::JsonSchema;
use serde::Deserialize;

/// The agent's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the agent keeps its store, its images and its keys.
    pub state_dir: PathBuf,
    /// The API that Terraform speaks to.
    pub control: Control,
    /// HTTP for booting servers.
    pub boot: BootHttp,
    /// DHCP for booting servers.
    pub dhcp: Dhcp,
    /// TFTP for booting servers, and the loaders.
    pub tftp: Tftp,
    /// The subnets to lease addresses in.
    pub subnets: Vec<Subnet>,
    /// How payloads are sealed on disk.
    pub seal: Seal,
    /// The images that servers boot.
    pub images: Images,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state_dir: "/var/lib/baremetal-agent".into(),
            control: Control::default(),
            boot: BootHttp::default(),
            dhcp: Dhcp::default(),
            tftp: Tftp::default(),
            subnets: Vec::new(),
            seal: Seal::default(),
            images: Images::default(),
        }
    }
}

/// The API that Terraform speaks to. It belongs on the management network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Control {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The file with the API token. Without one it is `token` in `state_dir`. It is made, with a
    /// random token, if it is not there.
    pub token_file: Option<PathBuf>,
    /// The file with the certificate chain, PEM. Needed unless `listen` is a loopback address.
    pub tls_cert: Option<PathBuf>,
    /// The file with the certificate's private key, PEM.
    pub tls_key: Option<PathBuf>,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7470)),
            token_file: None,
            tls_cert: None,
            tls_key: None,
        }
    }
}

/// HTTP for booting servers. It belongs on the provisioning network and is never encrypted,
/// because firmware has no roots to trust.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BootHttp {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where booting servers find it. Without one it is `http://` and `listen`.
    pub url: Option<String>,
}

impl Default for BootHttp {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)),
            url: None,
        }
    }
}

/// DHCP for booting servers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dhcp {
    /// Whether the agent answers DHCP.
    pub enabled: bool,
    /// Whether it leases addresses.
    pub mode: DhcpMode,
    /// Where it listens.
    pub listen: SocketAddrV4,
    /// Where it listens for PXE clients that have an address already, in the mode `proxy`.
    pub pxe_listen: SocketAddrV4,
    /// The only interface to answer on. With one, and with the right to open raw sockets
    /// (`CAP_NET_RAW`), clients without an address are answered at their hardware address; otherwise
    /// they are answered by broadcast.
    pub interface: Option<String>,
    /// An address of the subnet that requests are from which no relay forwarded. Without one it is
    /// an address of the interface on which they arrive.
    pub link: Option<Ipv4Addr>,
    /// The address that servers know this DHCP server by (option 54). Without one it is the
    /// address of `listen`, of `boot.url`, or of `boot.listen`: the first that is an address.
    pub server_address: Option<Ipv4Addr>,
}

impl Default for Dhcp {
    fn default() -> Self {
        Self {
            enabled: true,
            mode: DhcpMode::default(),
            listen: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 67),
            pxe_listen: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 4011),
            interface: None,
            link: None,
            server_address: None,
        }
    }
}

/// Whether the agent leases addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DhcpMode {
    /// It does.
    #[default]
    Server,
    /// Another DHCP server does; the agent adds what to boot (proxyDHCP, PXE 2.1).
    Proxy,
}

/// TFTP for booting servers, and the loaders that TFTP and HTTP serve.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tftp {
    /// Whether the agent answers TFTP.
    pub enabled: bool,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The directory with the loaders.
    pub loader_dir: PathBuf,
    /// Loaders by architecture, file names in `loader_dir`, in place of the usual ones.
    pub loaders: BTreeMap<Architecture, String>,
}

impl Default for Tftp {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 69)),
            // Where Debian's and Ubuntu's package `ipxe` has them.
            loader_dir: "/usr/lib/ipxe".into(),
            loaders: BTreeMap::new(),
        }
    }
}

/// How payloads are sealed on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Seal {
    /// The file with the key, 64 hexadecimal digits. Without one it is `seal.key` in `state_dir`.
    /// It is made, with a random key, if it is not there.
    pub key_file: Option<PathBuf>,
}

/// The images that servers boot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Images {
    /// How large one image may be, in bytes.
    pub max_bytes: u64,
    /// Certificates to trust where images are fetched, PEM, in place of the well-known ones.
    pub ca_pem: Option<String>,
}

impl Default for Images {
    fn default() -> Self {
        Self {
            max_bytes: 16 << 30,
            ca_pem: None,
        }
    }
}

/// Why there is no configuration to work with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("failed to read the configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is no TOML, or it has keys or values that do not exist.
    #[error("the configuration cannot be understood: {0}")]
    Parse(String),
    /// A value cannot work.
    #[error("{key} = {value}: {reason}")]
    Invalid {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// Why it cannot work, and the way out.
        reason: String,
    },
}

impl Config {
    /// Reads and validates the file `path`.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or what is wrong in it.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let config = Self::parse(&text)?;
        config.validate()?;
        Ok(config)
    }

    /// Reads TOML. The result is not validated yet.
    ///
    /// # Errors
    ///
    /// If `text` is no TOML, or has a key or a value that does not exist.
    pub fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::Parse(error.to_string().trim().to_owned()))
    }

    /// Checks what can be checked without touching the machine.
    ///
    /// # Errors
    ///
    /// The first thing that cannot work.
    pub fn validate(&self) -> Result<(), Error> {
        check::validate(self)
    }

    /// Where the API token is.
    pub fn token_file(&self) -> PathBuf {
        let configured = self.control.token_file.clone();
        configured.unwrap_or_else(|| self.state_dir.join("token"))
    }

    /// Where the key is that payloads are sealed with.
    pub fn seal_key_file(&self) -> PathBuf {
        let configured = self.seal.key_file.clone();
        configured.unwrap_or_else(|| self.state_dir.join("seal.key"))
    }

    /// The address that servers know the DHCP server by (option 54). A validated configuration
    /// has one if DHCP is enabled.
    pub fn server_address(&self) -> Option<Ipv4Addr> {
        let url_host = || {
            let url = reqwest::Url::parse(self.boot.url.as_deref()?).ok()?;
            url.host_str()?.parse().ok()
        };
        self.dhcp
            .server_address
            .or_else(|| specified(IpAddr::V4(*self.dhcp.listen.ip())))
            .or_else(url_host)
            .or_else(|| specified(self.boot.listen.ip()))
    }

    /// The address of the TFTP server as servers see it: where it listens if that is one address,
    /// or else that of the DHCP server.
    pub fn tftp_address(&self) -> Option<Ipv4Addr> {
        specified(self.tftp.listen.ip()).or_else(|| self.server_address())
    }
}

fn specified(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) if !address.is_unspecified() => Some(address),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests;
