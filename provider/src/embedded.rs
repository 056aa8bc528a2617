//! The agent inside the provider.
//!
//! It starts when something first asks it, because Terraform starts a provider for validation and
//! for plans that need no agent, and two processes cannot share its ports and its store.

use std::{
    fmt::Display,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::PathBuf,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use agent::{Config, config::Subnet};
use model::Secret;
use tfplugin::{CancellationToken, Diagnostic, Path};
use tokio::{sync::OnceCell, task::JoinHandle};

use crate::{
    client::{AgentApi, ApiError},
    config::{EmbeddedConfig, SubnetConfig},
};

/// How long the process before this one may take to let go of the store and the ports.
const PREDECESSOR: Duration = Duration::from_secs(10);
/// How long the agent may take to finish what it serves.
const DRAIN: Duration = Duration::from_millis(400);

/// An agent that is started when it is first needed.
pub(crate) struct Embedded {
    config: Config,
    api: OnceCell<AgentApi>,
    task: Mutex<Option<JoinHandle<()>>>,
    end: CancellationToken,
    stop: CancellationToken,
}

impl Embedded {
    /// An agent with this configuration. Nothing is bound yet.
    pub(crate) fn new(block: EmbeddedConfig, stop: CancellationToken) -> Result<Self, Diagnostic> {
        let config = config(block)?;
        config
            .validate()
            .map_err(|error| invalid("state_dir", &error.to_string()))?;
        Ok(Self {
            config,
            api: OnceCell::new(),
            task: Mutex::default(),
            end: CancellationToken::new(),
            stop,
        })
    }

    /// The running agent's API.
    pub(crate) async fn api(&self) -> Result<AgentApi, ApiError> {
        self.api.get_or_try_init(|| self.start()).await.cloned()
    }

    async fn start(&self) -> Result<AgentApi, ApiError> {
        let deadline = Instant::now() + PREDECESSOR;
        let agent = loop {
            match agent::Agent::bind(self.config.clone()).await {
                Ok(agent) => break agent,
                Err(error) if Instant::now() >= deadline => {
                    return Err(ApiError::Embedded(chain(&error)));
                }
                Err(error) => tracing::debug!(error = %chain(&error), "the agent is not bound yet"),
            }
            tokio::select! {
                () = self.stop.cancelled() => return Err(ApiError::Stopped),
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
            }
        };
        let endpoint = format!("http://{}", agent.control_addr());
        let token_file = self.config.state_dir.join("token");
        let token = std::fs::read_to_string(&token_file).map_err(|error| {
            ApiError::Embedded(format!("its token {}: {error}", token_file.display()))
        })?;
        let api = AgentApi::new(
            &[endpoint],
            &Secret::new(token.trim()),
            None,
            self.stop.clone(),
        );
        let api = api.map_err(|diagnostic| ApiError::Embedded(diagnostic.detail))?;
        let end = self.end.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = agent.run(end).await {
                tracing::error!(error = %chain(&error), "the embedded agent failed");
            }
        });
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(api)
    }

    /// Ends the agent, if it runs.
    pub(crate) async fn shutdown(&self) {
        self.end.cancel();
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task
            && tokio::time::timeout(DRAIN, task).await.is_err()
        {
            tracing::warn!("the embedded agent did not finish in time");
        }
    }
}

fn config(block: EmbeddedConfig) -> Result<Config, Diagnostic> {
    let address: Ipv4Addr = block
        .address
        .parse()
        .map_err(|error| invalid("address", &format!("{:?}: {error}", block.address)))?;
    let (dhcp, tftp, http) = (
        port("dhcp_port", block.dhcp_port)?,
        port("tftp_port", block.tftp_port)?,
        port("http_port", block.http_port)?,
    );
    let mut config = Config {
        state_dir: PathBuf::from(block.state_dir),
        ..Config::default()
    };
    config.control.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.boot.listen = SocketAddr::from((address, http));
    // Broadcasts reach a socket that is bound to every address and to the interface alone.
    let everywhere = if block.interface.is_some() {
        Ipv4Addr::UNSPECIFIED
    } else {
        address
    };
    config.dhcp.listen = SocketAddrV4::new(everywhere, dhcp);
    config.dhcp.interface = block.interface;
    config.dhcp.link = Some(address);
    config.dhcp.server_address = Some(address);
    config.tftp.listen = SocketAddr::from((address, tftp));
    if let Some(directory) = block.loader_dir {
        config.tftp.loader_dir = PathBuf::from(directory);
    }
    config.subnets = block
        .subnets
        .into_iter()
        .map(subnet)
        .collect::<Result<_, _>>()?;
    Ok(config)
}

fn subnet(block: SubnetConfig) -> Result<Subnet, Diagnostic> {
    let pools = block
        .pools
        .iter()
        .map(|pool| parse(pool))
        .collect::<Result<_, _>>()?;
    let mut subnet = Subnet::new(parse(&block.subnet)?, pools);
    subnet.router = block.router.as_deref().map(parse).transpose()?;
    subnet.dns = block
        .dns
        .iter()
        .flatten()
        .map(|dns| parse(dns))
        .collect::<Result<_, _>>()?;
    Ok(subnet)
}

fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, Diagnostic> {
    text.parse()
        .map_err(|error| invalid("subnets", &format!("{text:?}: {error}")))
}

fn port(attribute: &str, port: i64) -> Result<u16, Diagnostic> {
    u16::try_from(port).map_err(|_out_of_range| {
        invalid(
            attribute,
            &format!("{port} is not a port; ports are 0 to 65535"),
        )
    })
}

fn invalid(attribute: &str, cause: &str) -> Diagnostic {
    Diagnostic::error(
        "The embedded agent cannot be configured",
        format!("{cause}."),
    )
    .at(Path::root("embedded_agent").attribute(attribute))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
