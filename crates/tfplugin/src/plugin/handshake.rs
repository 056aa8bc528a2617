//! What host and plugin tell each other before the first call, as go-plugin defines it.

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::json;

/// What the host says in the environment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Handshake {
    /// Hosts come and go while the process runs.
    pub(super) debug: bool,
    /// The one certificate that may connect, as PEM; none if the host turned TLS off.
    pub(super) client_certificate: Option<String>,
    /// Where the socket goes.
    pub(super) socket_directory: PathBuf,
}

/// Why the process will not serve.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(
        "this program is a Terraform provider: Terraform or OpenTofu starts it. \
         To debug it, start it with -debug"
    )]
    ByHand,
    #[error("this provider speaks plugin protocol 6, the host offers {0}: it needs Terraform 1.0")]
    Protocol(String),
}

impl Handshake {
    /// Reads the environment that a host makes.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Refusal> {
        if variable("TF_PLUGIN_MAGIC_COOKIE").as_deref() != Some(COOKIE) {
            return Err(Refusal::ByHand);
        }
        // A host that says nothing about versions is one that came before the question.
        if let Some(versions) = variable("PLUGIN_PROTOCOL_VERSIONS")
            && !versions.split(',').any(|version| version.trim() == "6")
        {
            return Err(Refusal::Protocol(versions));
        }
        Ok(Self {
            debug: false,
            ..Self::reattach(variable)
        })
    }

    /// What holds when the user starts the process: whoever can reach the socket is trusted.
    pub(super) fn reattach(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        Self {
            debug: true,
            client_certificate: set("PLUGIN_CLIENT_CERT"),
            socket_directory: set("PLUGIN_UNIX_SOCKET_DIR")
                .map_or_else(std::env::temp_dir, PathBuf::from),
        }
    }

    /// The line that the host waits for, or that the user gives to it.
    pub(super) fn line(&self, address: &str, socket: &Path, certificate: Option<&[u8]>) -> String {
        if !self.debug {
            let certificate = STANDARD_NO_PAD.encode(certificate.unwrap_or_default());
            return format!("1|6|unix|{}|grpc|{certificate}", socket.display());
        }
        let provider = json!({
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": std::process::id(),
            "Test": true,
            "Addr": { "Network": "unix", "String": socket },
        });
        format!("TF_REATTACH_PROVIDERS='{}'", json!({ address: provider }))
    }
}

/// Not a secret: it keeps people from starting plugins by accident.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
