//! The agent as one thing: every socket is bound before anything runs, and everything that was
//! begun is finished, or given up after a while, before it ends.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    boot_configs,
    config::{self, Config},
    dhcp,
    endpoints::Endpoints,
    http::{self, Site},
    images::Images,
    limits::Limits,
    pins, private_file,
    seal::Sealer,
    store::{self, Store},
    subnets::Subnets,
    tftp, way_out,
};

/// Why the agent does not start, or why it ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The state directory cannot be used.
    #[error("failed to prepare the state directory {}", path.display())]
    StateDir {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A part of the agent cannot be prepared.
    #[error("failed to prepare {what}")]
    Prepare {
        /// The part.
        what: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An address cannot be listened on.
    #[error("failed to bind the {what} socket on {listen}{}", way_out(source, &format!("{what}.listen")))]
    Bind {
        /// What for.
        what: &'static str,
        /// The address.
        listen: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The DHCP service cannot start.
    #[error(transparent)]
    Dhcp(#[from] dhcp::Error),
    /// The TFTP service cannot start.
    #[error(transparent)]
    Tftp(#[from] tftp::Error),
    /// A service ended without being told to.
    #[error("the {what} service ended unexpectedly")]
    Ended {
        /// Which.
        what: &'static str,
    },
}

/// An agent whose sockets are bound.
pub struct Agent {
    site: Arc<Site>,
    control: Listener,
    tls: Option<TlsAcceptor>,
    boot: Listener,
    dhcp: Option<dhcp::Server>,
    tftp: Option<tftp::Server>,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent")
            .field("control", &self.control.address)
            .field("boot", &self.boot.address)
            .finish_non_exhaustive()
    }
}

struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Agent {
    /// Prepares an agent: opens its store, makes the keys that are not there, binds its sockets.
    /// It must be called inside of a Tokio runtime.
    ///
    /// # Errors
    ///
    /// If the configuration is not valid, or the machine does not allow what it says.
    pub async fn bind(config: Config) -> Result<Self, Error> {
        config.validate()?;
        prepare(&config.state_dir).map_err(|source| Error::StateDir {
            path: config.state_dir.clone(),
            source,
        })?;
        let store = Store::open(&config.state_dir.join("store.redb"))?;
        let sealer =
            Sealer::load(&config.seal_key_file(), &store).map_err(unprepared("the seal"))?;
        let token =
            private_file::token(&config.token_file()).map_err(unprepared("the API token"))?;
        let images = Images::open(&config.state_dir.join("images"), &config.images)
            .map_err(unprepared("the image cache"))?;
        let tls = match (&config.control.tls_cert, &config.control.tls_key) {
            (Some(cert), Some(key)) => {
                Some(http::serve::tls(cert, key).map_err(unprepared("TLS"))?)
            }
            _ => None,
        };
        let control = listen("control", config.control.listen).await?;
        let boot = listen("boot", config.boot.listen).await?;
        let boot_url = match &config.boot.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", boot.address),
        };
        let (subnets, endpoints, dhcp) = leasing(&config, &boot_url, &store)?;
        let tftp = match config.tftp.enabled {
            true => Some(tftp::Server::bind(&config, &store).await?),
            false => None,
        };
        let site = Arc::new(Site {
            sealer: Arc::new(sealer),
            images,
            boot_url,
            subnets,
            endpoints,
            features: features(&config),
            loader_dir: config.tftp.loader_dir,
            token: http::ApiToken::new(&token),
            store,
        });
        Ok(Self {
            site,
            control,
            tls,
            boot,
            dhcp,
            tftp,
        })
    }

    /// Where the control API listens.
    pub const fn control_addr(&self) -> SocketAddr {
        self.control.address
    }

    /// Where the boot service listens.
    pub const fn boot_addr(&self) -> SocketAddr {
        self.boot.address
    }

    /// Where servers find the boot service, without a final slash.
    pub fn boot_url(&self) -> &str {
        &self.site.boot_url
    }

    /// Where the DHCP service listens, if it is enabled.
    pub fn dhcp_addr(&self) -> Option<SocketAddr> {
        self.dhcp.as_ref().map(dhcp::Server::local_addr)
    }

    /// Where the TFTP service listens, if it is enabled.
    pub fn tftp_addr(&self) -> Option<SocketAddr> {
        self.tftp.as_ref().map(tftp::Server::local_addr)
    }

    /// Its store, for tests to look into.
    #[cfg(test)]
    pub(crate) fn store(&self) -> Store {
        self.site.store.clone()
    }

    /// Runs until `shutdown`, and returns when what was begun is done or has taken too long.
    ///
    /// # Errors
    ///
    /// If a service ends on its own. The others are shut down then.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self {
            site,
            control,
            tls,
            boot,
            dhcp,
            tftp,
        } = self;
        // What an earlier process did not finish fetching.
        let mut assets = site.store.run(boot_configs::all_assets).await?;
        assets.extend(site.store.run(pins::assets).await?);
        site.images.ensure(&assets);

        let stop = shutdown.child_token();
        let mut services = JoinSet::new();
        let api = http::api::router(Arc::clone(&site));
        let limits = Limits::new(CONNECTIONS, CONNECTIONS);
        let serving = http::serve::serve(control.socket, tls, api, limits, stop.clone());
        services.spawn(named("control", serving));
        let router = http::boot::router(Arc::clone(&site));
        let limits = Limits::new(BOOT_CONNECTIONS, BOOT_CONNECTIONS_EACH);
        let serving = http::serve::serve(boot.socket, None, router, limits, stop.clone());
        services.spawn(named("boot", serving));
        let noting = site.endpoints.clone().run(site.store.clone(), stop.clone());
        services.spawn(named("endpoints", noting));
        if let Some(dhcp) = dhcp {
            services.spawn(named("DHCP", dhcp.run(stop.clone())));
        }
        if let Some(tftp) = tftp {
            services.spawn(named("TFTP", tftp.run(stop.clone())));
        }

        let outcome = tokio::select! {
            biased;
            () = shutdown.cancelled() => Ok(()),
            ended = services.join_next() => {
                // A panic has no name; its message is on standard error.
                let what = ended.and_then(Result::ok).unwrap_or("agent");
                Err(Error::Ended { what })
            }
        };
        stop.cancel();
        let drained = timeout(DRAIN, drain(&site, &mut services)).await;
        if drained.is_err() {
            warn!(services = services.len(), "services did not finish in time");
        }
        services.shutdown().await;
        info!("stopped");
        outcome
    }
}

/// The subnets, the endpoints, and the DHCP service that works on both if it is enabled.
fn leasing(
    config: &Config,
    boot_url: &str,
    store: &Store,
) -> Result<(Subnets, Endpoints, Option<dhcp::Server>), Error> {
    let settings = match config.dhcp.enabled {
        true => Some(dhcp::settings(config, boot_url)?),
        false => None,
    };
    let never = settings.as_ref().map(dhcp::Settings::own_addresses);
    let subnets = Subnets::open(&config.subnets, never.as_ref().map_or(&[], |n| n), store)
        .map_err(unprepared("the subnets"))?;
    let endpoints = Endpoints::open(store)?;
    let shared = dhcp::Shared {
        leases: subnets.leases().clone(),
        endpoints: endpoints.clone(),
        store: store.clone(),
    };
    let server = settings.map(|settings| dhcp::Server::bind(config, settings, shared));
    Ok((subnets, endpoints, server.transpose()?))
}

/// What the agent does, as it says to whoever asks.
fn features(config: &Config) -> Vec<String> {
    let dhcp = |mode| config.dhcp.enabled && config.dhcp.mode == mode;
    let services = [
        ("dhcp", dhcp(config::DhcpMode::Server)),
        ("proxy_dhcp", dhcp(config::DhcpMode::Proxy)),
        ("tftp", config.tftp.enabled),
    ];
    let enabled = services.iter().filter(|(_, enabled)| *enabled);
    enabled.map(|(name, _)| (*name).to_owned()).collect()
}

async fn named(what: &'static str, service: impl Future<Output = ()>) -> &'static str {
    service.await;
    what
}

async fn drain(site: &Site, services: &mut JoinSet<&'static str>) {
    while services.join_next().await.is_some() {}
    site.images.shutdown().await;
}

fn prepare(state_dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state_dir)
}

fn unprepared<E: std::error::Error + Send + Sync + 'static>(
    what: &'static str,
) -> impl FnOnce(E) -> Error {
    move |error| Error::Prepare {
        what,
        source: Box::new(error),
    }
}

async fn listen(what: &'static str, listen: SocketAddr) -> Result<Listener, Error> {
    let failed = |source| Error::Bind {
        what,
        listen,
        source,
    };
    let socket = TcpListener::bind(listen).await.map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    Ok(Listener { socket, address })
}

/// How long what is under way may take once the agent is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How many connections to the control API there may be, of one peer or of many: all of Terraform's
/// may come through one proxy.
const CONNECTIONS: usize = 1024;

/// How many connections to the boot service there may be.
const BOOT_CONNECTIONS: usize = 8192;

/// How many of those one server may have. It needs one at a time.
const BOOT_CONNECTIONS_EACH: usize = 64;

#[cfg(test)]
mod tests;
