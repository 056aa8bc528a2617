//! The provider's configuration: its block, and the environment for what the block leaves out.

pub(crate) mod lint;

use std::{collections::BTreeMap, env, fs, time::Duration};

use model::{Holder, Secret};
use tfplugin::{CancellationToken, Diagnostic, Model, Path};

use crate::{checks, journal, mac_prefixes::MacPrefix};

/// Manages bare metal servers from power-on to booted: it speaks Redfish to their BMCs, tells the
/// boot agent what every claimed server boots, and finishes only when the agent has seen it boot.
#[derive(Model)]
pub(crate) struct Config {
    /// The boot agent of the site. Without `agent` and `embedded_agent` only Redfish works:
    /// `baremetal_bmc`, and `baremetal_server` without registration.
    pub agent: Option<AgentConfig>,
    /// Runs the boot agent inside the provider, for as long as Terraform runs. For one machine at
    /// a time and for trying things out; servers that must be answered at night need a daemon.
    pub embedded_agent: Option<EmbeddedConfig>,
    /// BMC credentials by name. Resources carry the name alone, so no secret is in the state; the
    /// values may be ephemeral. A name that is not here is asked of `credentials_exec`, and then
    /// looked up in the environment. Can also be set with the environment variables
    /// `BAREMETAL_CREDENTIALS_<NAME>_USERNAME` and `BAREMETAL_CREDENTIALS_<NAME>_PASSWORD`, the
    /// name in upper case with `_` for everything that is no letter or digit.
    pub credentials: Option<BTreeMap<String, CredentialsConfig>>,
    /// A program that knows BMC credentials: a client of a secret store, for instance. It is asked
    /// for the names that `credentials` does not have, once for each name and run, and before the
    /// environment is looked at.
    pub credentials_exec: Option<ExecConfig>,
    /// How to speak to BMCs.
    pub redfish: Option<RedfishConfig>,
    /// What is known of BMCs from the beginning of their MAC addresses, by prefix, such as
    /// `52:54:00`. The longest prefix that fits counts; the data source `baremetal_endpoints` tells
    /// which that is.
    pub mac_prefixes: Option<BTreeMap<String, MacPrefix>>,
    /// Who holds the claims of this configuration: shown to whoever finds a server taken, and what
    /// lets an apply resume a claim whose state was lost. Defaults to the user, host and
    /// directory. Can also be set with the environment variable `BAREMETAL_HOLDER`; set it where
    /// runs move between machines, as in CI.
    pub holder: Option<String>,
}

/// The boot agent of the site.
#[derive(Model)]
pub(crate) struct AgentConfig {
    /// URLs of its control API; the first that answers is used. Can also be set with the
    /// environment variable `BAREMETAL_AGENT_ENDPOINTS`, separated by commas.
    #[tf(check = checks::http_urls)]
    pub endpoints: Option<Vec<String>>,
    /// Its API token. Can also be set with the environment variable `BAREMETAL_AGENT_TOKEN`.
    #[tf(sensitive)]
    pub token: Option<String>,
    /// Certificates to trust for its API, PEM. Can also be set with the environment variable
    /// `BAREMETAL_AGENT_CA_PEM`.
    #[tf(check = checks::certificate_pem)]
    pub ca_pem: Option<String>,
}

/// An agent inside the provider.
#[derive(Model)]
pub(crate) struct EmbeddedConfig {
    /// Where it keeps its store, its images and its keys.
    pub state_dir: String,
    /// The address booting servers reach it at.
    #[tf(check = checks::ipv4)]
    pub address: String,
    /// The interface to answer DHCP on. Without one, only relayed requests can be told apart.
    pub interface: Option<String>,
    /// The subnets it leases addresses in.
    pub subnets: Vec<SubnetConfig>,
    /// Where the iPXE loaders are. Defaults to the distribution's `ipxe` package.
    pub loader_dir: Option<String>,
    /// The UDP port of DHCP. Firmware asks on 67; another is for relays that can be told so.
    #[tf(default = 67)]
    pub dhcp_port: i64,
    /// The UDP port of TFTP. Firmware asks on 69.
    #[tf(default = 69)]
    pub tftp_port: i64,
    /// The TCP port of HTTP boot.
    #[tf(default = 8080)]
    pub http_port: i64,
}

/// A subnet to lease addresses in.
#[derive(Model)]
pub(crate) struct SubnetConfig {
    /// The subnet, such as `10.0.0.0/24`.
    pub subnet: String,
    /// Its pools, such as `10.0.0.100-10.0.0.200`.
    pub pools: Vec<String>,
    /// Its router.
    #[tf(check = checks::ipv4)]
    pub router: Option<String>,
    /// Its name servers.
    pub dns: Option<Vec<String>>,
}

/// A user name and a password.
#[derive(Model)]
pub(crate) struct CredentialsConfig {
    /// The user name.
    pub username: String,
    /// The password.
    #[tf(sensitive)]
    pub password: String,
}

/// A program that prints the credentials of one name.
#[derive(Model)]
pub(crate) struct ExecConfig {
    /// The program and its arguments; no shell reads them. The name that is asked for is added as
    /// the last argument, and is in the environment variable `BAREMETAL_CREDENTIALS_NAME`. The
    /// program prints `{"username": "…", "password": "…"}`, or `null` if it does not know the name,
    /// and exits with 0. What it writes to its standard error is thrown away.
    #[tf(check = checks::program)]
    pub command: Vec<String>,
    /// How long it may take, such as `30s`. It is killed then, and when the run is interrupted.
    #[tf(check = tfplugin::is_duration, default = "30s")]
    pub timeout: String,
}

/// How to speak to BMCs.
#[derive(Default, Model)]
pub(crate) struct RedfishConfig {
    /// How long one request may take, such as `60s`.
    #[tf(check = tfplugin::is_duration)]
    pub request_timeout: Option<String>,
    /// How to log in: `auto`, the default, `session` or `basic`. A session costs a login and a logout
    /// beside the requests, and the BMC checks the password once. With `basic` it checks it with
    /// each request. With `auto` a run's first request to a BMC carries the password, and its second
    /// opens the one session, so that a refresh of a server is one request in all. That is for BMCs
    /// that say that they take Basic: whether one does is asked without a password when its server
    /// is created, updated or imported, and kept beside the state. All others get a session.
    #[tf(check = checks::authentication)]
    pub authentication: Option<String>,
    /// How often a request that may be repeated is, 0 to 20.
    #[tf(check = checks::retries)]
    pub max_retries: Option<i64>,
    /// Accept any certificate of every BMC that has no `tls` of its own.
    pub insecure: Option<bool>,
    /// Certificates to trust for every BMC that has no `tls` of its own, PEM.
    #[tf(check = checks::certificate_pem)]
    pub ca_pem: Option<String>,
    /// A TOML file that adds rows to the table of what BMCs do differently, or disables some of it:
    /// see the page about it. Can also be set with the environment variable
    /// `BAREMETAL_REDFISH_QUIRKS_FILE`.
    pub quirks_file: Option<String>,
}

/// What is known of BMCs: the built-in table with what the named file makes of it.
pub(crate) fn quirks(configured: Option<&str>) -> Result<redfish::Quirks, Diagnostic> {
    let from_environment = || variable("BAREMETAL_REDFISH_QUIRKS_FILE");
    let Some(name) = configured.map(str::to_owned).or_else(from_environment) else {
        return Ok(redfish::Quirks::default());
    };
    let at = Path::root("redfish").attribute("quirks_file");
    let text = fs::read_to_string(&name).map_err(|error| {
        let detail = format!(
            "{name}: {error}. Name a file that exists; a relative path starts in the directory \
             that Terraform runs in."
        );
        Diagnostic::error("The table of quirks cannot be read", detail).at(at.clone())
    })?;
    redfish::Quirks::extended(&name, &text).map_err(|error| {
        let detail = format!(
            "{error}.\n\nThe format of the table, and all built-in rows, are on the page \"What BMCs \
             do differently\" of this provider's documentation."
        );
        Diagnostic::error("The table of quirks is not understood", detail).at(at)
    })
}

/// Where a remote agent is, with the environment filled in.
pub(crate) struct RemoteAgent {
    pub endpoints: Vec<String>,
    pub token: Secret,
    pub ca_pem: Option<String>,
}

/// The remote agent that the block and the environment name, if they name one.
pub(crate) fn agent(block: Option<AgentConfig>) -> Result<Option<RemoteAgent>, Diagnostic> {
    let (endpoints, token, ca_pem) = block.map_or((None, None, None), |block| {
        (block.endpoints, block.token, block.ca_pem)
    });
    let from_environment = || {
        let text = variable("BAREMETAL_AGENT_ENDPOINTS")?;
        Some(
            text.split(',')
                .map(|endpoint| endpoint.trim().to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let Some(endpoints) = endpoints
        .or_else(from_environment)
        .filter(|list| !list.is_empty())
    else {
        return Ok(None);
    };
    let Some(token) = token.or_else(|| variable("BAREMETAL_AGENT_TOKEN")) else {
        return Err(Diagnostic::error(
            "The agent's token is missing",
            format!(
                "The agent at {} needs a token. Set agent.token, or BAREMETAL_AGENT_TOKEN in the \
                 environment; the agent keeps it in the file named by control.token_file.",
                endpoints.join(", ")
            ),
        )
        .at(Path::root("agent").attribute("token")));
    };
    Ok(Some(RemoteAgent {
        endpoints,
        token: Secret::new(token.trim()),
        ca_pem: ca_pem.or_else(|| variable("BAREMETAL_AGENT_CA_PEM")),
    }))
}

/// How to speak to BMCs, with the defaults filled in.
pub(crate) fn bmc_settings(
    redfish: &RedfishConfig,
    stop: CancellationToken,
) -> Result<redfish::Config, Diagnostic> {
    let defaults = redfish::Config::default();
    Ok(redfish::Config {
        request_timeout: match redfish.request_timeout.as_deref() {
            Some(text) => match duration(text, "redfish.request_timeout")? {
                Duration::ZERO => {
                    let detail = "No BMC answers in no time: expected at least 1s.";
                    let path = Path::root("redfish").attribute("request_timeout");
                    return Err(Diagnostic::error("The request timeout is 0", detail).at(path));
                }
                timeout => timeout,
            },
            None => defaults.request_timeout,
        },
        max_retries: redfish
            .max_retries
            .map_or(Ok(defaults.max_retries), |retries| {
                u32::try_from(retries).map_err(|_out_of_range| {
                    Diagnostic::error(
                        "max_retries is out of range",
                        format!("redfish.max_retries is {retries}; give 0 to 20."),
                    )
                })
            })?,
        authentication: match redfish.authentication.as_deref() {
            Some("basic") => redfish::Authentication::Basic,
            Some("session") => redfish::Authentication::Session,
            _ => redfish::Authentication::Auto,
        },
        connections: redfish::Connections::default(),
        journal: journal::of_this_user(),
        quirks: quirks(redfish.quirks_file.as_deref())?,
        stop,
    })
}

/// Who holds the claims of this configuration.
pub(crate) fn holder(configured: Option<String>) -> Holder {
    let name = configured
        .or_else(|| variable("BAREMETAL_HOLDER"))
        .unwrap_or_else(|| {
            let user = variable("USER")
                .or_else(|| variable("LOGNAME"))
                .unwrap_or_else(unknown);
            let host = fs::read_to_string("/proc/sys/kernel/hostname");
            let host = host.map_or_else(|_unreadable| unknown(), |host| host.trim().to_owned());
            // Terraform starts its plugins in the root module's directory.
            let directory = env::current_dir();
            let directory =
                directory.map_or_else(|_gone| unknown(), |dir| dir.display().to_string());
            format!("{user}@{host}:{directory}")
        });
    let workspace = variable("TF_WORKSPACE").or_else(|| {
        let data = variable("TF_DATA_DIR").unwrap_or_else(|| ".terraform".to_owned());
        let text = fs::read_to_string(format!("{data}/environment")).ok()?;
        Some(text.trim().to_owned()).filter(|name| !name.is_empty())
    });
    Holder {
        name,
        workspace: workspace.unwrap_or_else(|| "default".to_owned()),
    }
}

/// A Go-style duration, such as `90s` or `1h30m`.
pub(crate) fn duration(text: &str, attribute: &str) -> Result<Duration, Diagnostic> {
    tfplugin::parse_duration(text).ok_or_else(|| {
        Diagnostic::error(
            format!("{attribute} is not a duration"),
            format!("It is {text:?}. Write it like 90s, 10m or 1h30m."),
        )
    })
}

/// A variable of the environment; an empty one is none.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn unknown() -> String {
    "unknown".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_without_a_token_is_refused_with_both_ways_out() {
        let block = AgentConfig {
            endpoints: Some(vec!["http://127.0.0.1:7470".to_owned()]),
            token: None,
            ca_pem: None,
        };
        let error = agent(Some(block)).err().unwrap();
        assert_eq!(error.summary, "The agent's token is missing");
        assert!(
            error.detail.contains("BAREMETAL_AGENT_TOKEN"),
            "{}",
            error.detail
        );
    }

    #[test]
    fn a_table_of_quirks_that_is_wrong_says_where_and_a_right_one_counts() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("quirks.toml");
        let name = file.to_str().unwrap();
        let error = quirks(Some(name)).unwrap_err();
        assert_eq!(error.summary, "The table of quirks cannot be read");
        fs::write(&file, "\n[[quirk]]\nid = \"mine\"\nmatch = []\n").unwrap();
        let error = quirks(Some(name)).unwrap_err();
        assert_eq!(error.summary, "The table of quirks is not understood");
        let place = format!("{name}:2: row mine: its match names nothing");
        assert!(error.detail.starts_with(&place), "{}", error.detail);
        fs::write(&file, "disable = [\"usb-cd\"]").unwrap();
        let rows = |quirks: redfish::Quirks| quirks.rows().len();
        let built_in = rows(redfish::Quirks::default());
        assert_eq!(rows(quirks(Some(name)).unwrap()), built_in - 1);
        assert_eq!(rows(quirks(None).unwrap()), built_in);
    }
}
