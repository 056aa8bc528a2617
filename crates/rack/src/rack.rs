//! A rack that runs: every socket is bound before the first task starts.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

use model::{MacAddr, ServerId};
use serde::Serialize;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    CertificateError, MachineConfig, MachineHandle, RackConfig,
    bmc::Bmc,
    control::Control,
    http::serve,
    images::Images,
    loader,
    machine::{Machine, Surroundings},
    net::{bmc_dhcp::keep_announcing, relay::Relay},
    pki::Authority,
};

/// A rack that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Rack {
    name: String,
    ca_pem: String,
    machines: Vec<MachineHandle>,
    images: Arc<Images>,
    images_address: SocketAddr,
    control_address: SocketAddr,
    tasks: JoinSet<()>,
    shutdown: CancellationToken,
}

/// Why a rack did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A socket could not be bound.
    #[error("failed to bind {what} on {address}")]
    Bind {
        /// What it was for.
        what: String,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A machine cannot boot from a network it is not plugged into.
    #[error("machine {0} has no MAC address")]
    NoMac(String),
}

/// What a rack tells of itself: enough to drive it from outside.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// The certificate that signed every BMC's, PEM.
    pub ca_pem: String,
    /// The user of every BMC.
    pub username: String,
    /// Where the images are.
    pub images_url: String,
    /// SHA-256 of `kernel` there.
    pub kernel_sha256: String,
    /// SHA-256 of `initrd` there.
    pub initrd_sha256: String,
    /// Where the rack's own API is.
    pub control_url: String,
    /// The machines, in the order of their slots.
    pub machines: Vec<MachineDescription>,
}

/// What a rack tells of one machine.
#[derive(Clone, Debug, Serialize)]
pub struct MachineDescription {
    /// Its name.
    pub name: String,
    /// Its BMC's origin.
    pub bmc_endpoint: String,
    /// Its BMC's address.
    pub address: String,
    /// Its BMC's port.
    pub port: u16,
    /// SHA-256 of its BMC's certificate.
    pub fingerprint_sha256: String,
    /// Its system UUID.
    pub uuid: ServerId,
    /// The interface it boots from.
    pub mac: MacAddr,
    /// Its serial number.
    pub serial: String,
}

impl Rack {
    /// Starts a rack. All its machines are off.
    ///
    /// # Errors
    ///
    /// If a socket cannot be bound or a certificate cannot be made.
    pub async fn start(config: RackConfig) -> Result<Self, Error> {
        let authority = Authority::new(&config.name)?;
        let relay_address = SocketAddr::from((config.network.relay, 0));
        let relay = Relay::bind(&config.network)
            .await
            .map_err(bind_error("the DHCP relay", relay_address))?;
        let relay = Arc::new(relay);
        let images_listener = bind("the image server", local()).await?;
        let control_listener = bind("the rack's API", local()).await?;
        let surroundings = Surroundings {
            network: config.network,
            timing: config.timing,
            power_delay: config.power_delay,
            relay: Arc::clone(&relay),
        };
        let (shutdown, mut machines, mut starts) =
            (CancellationToken::new(), Vec::new(), Vec::new());
        for machine in &config.machines {
            let (handle, start) = plug_in(machine, &config, &authority, &surroundings).await?;
            machines.push(handle);
            starts.push(start);
        }
        let images = Arc::new(Images::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(relay.run(shutdown.clone()));
        for start in starts {
            if let (true, IpAddr::V4(address)) = (config.bmc_dhcp, start.address.ip()) {
                let (machine, shutdown) = (Arc::clone(&start.machine), shutdown.clone());
                tasks.spawn(async move {
                    let asking = keep_announcing(&machine, address);
                    shutdown.run_until_cancelled(asking).await;
                });
            }
            start.spawn(&mut tasks, &shutdown);
        }
        let (images_address, control_address) =
            (address_of(&images_listener), address_of(&control_listener));
        tasks.spawn(serve(
            images_listener,
            None,
            Arc::clone(&images),
            shutdown.clone(),
        ));
        let control = Arc::new(Control {
            machines: machines.clone(),
        });
        tasks.spawn(serve(control_listener, None, control, shutdown.clone()));
        tracing::info!(rack = config.name, machines = machines.len(), "rack is up");
        Ok(Self {
            name: config.name,
            ca_pem: authority.pem(),
            machines,
            images,
            images_address,
            control_address,
            tasks,
            shutdown,
        })
    }

    /// The certificate that signed every BMC's, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The machines, in the order of their slots.
    pub fn machines(&self) -> &[MachineHandle] {
        &self.machines
    }

    /// Where the images are: `/kernel` and `/initrd` under this URL, which has no slash at its end.
    pub fn images_url(&self) -> String {
        format!("http://{}", self.images_address)
    }

    /// SHA-256 of the kernel and of the initial RAM disk.
    pub fn images(&self) -> (&str, &str) {
        (self.images.kernel_sha256(), self.images.initrd_sha256())
    }

    /// Where the rack's own API is.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control_address)
    }

    /// Writes the loaders that the machines run into `directory`, for a TFTP server to serve.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write_loaders(directory: &Path) -> io::Result<()> {
        loader::write(directory)
    }

    /// What somebody needs to know who drives this rack from another process. `username` is that of
    /// the BMCs; the password is not part of it.
    pub fn describe(&self, username: &str) -> Description {
        let (kernel_sha256, initrd_sha256) = self.images();
        let machines = self.machines.iter().map(|machine| MachineDescription {
            name: machine.name().to_owned(),
            bmc_endpoint: machine.bmc_endpoint(),
            address: machine.bmc_address().ip().to_string(),
            port: machine.bmc_port(),
            fingerprint_sha256: machine.fingerprint_sha256().to_owned(),
            uuid: machine.uuid(),
            mac: machine.mac(),
            serial: machine.serial().to_owned(),
        });
        Description {
            name: self.name.clone(),
            ca_pem: self.ca_pem.clone(),
            username: username.to_owned(),
            images_url: self.images_url(),
            kernel_sha256: kernel_sha256.to_owned(),
            initrd_sha256: initrd_sha256.to_owned(),
            control_url: self.control_url(),
            machines: machines.collect(),
        }
    }

    /// Stops every BMC and every machine, and closes their sockets.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the rack failed");
            }
        }
        tracing::info!(rack = self.name, "rack is down");
    }
}

/// A machine and a BMC whose sockets are bound and whose tasks are not running yet.
struct Start {
    machine: Arc<Machine>,
    actions: crate::machine::Actions,
    bmc: Arc<Bmc>,
    address: SocketAddr,
    listener: TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
}

impl Start {
    fn spawn(self, tasks: &mut JoinSet<()>, shutdown: &CancellationToken) {
        tasks.spawn(self.machine.run(self.actions, shutdown.clone()));
        let tls = Some(self.acceptor);
        tasks.spawn(serve(self.listener, tls, self.bmc, shutdown.clone()));
    }
}

async fn plug_in(
    config: &MachineConfig,
    rack: &RackConfig,
    authority: &Authority,
    surroundings: &Surroundings,
) -> Result<(MachineHandle, Start), Error> {
    if config.macs.is_empty() {
        return Err(Error::NoMac(config.name.clone()));
    }
    let what = format!("the BMC of {}", config.name);
    let listener = bind(&what, config.bmc_listen).await?;
    let address = address_of(&listener);
    let identity = authority.issue(&config.name, address.ip())?;
    let (machine, actions) = Machine::new(config.clone(), surroundings.clone());
    let bmc = Arc::new(Bmc::new(Arc::clone(&machine), rack));
    let handle = MachineHandle {
        machine: Arc::clone(&machine),
        bmc: Arc::clone(&bmc),
        address,
        fingerprint: identity.fingerprint,
    };
    let start = Start {
        machine,
        actions,
        bmc,
        address,
        listener,
        acceptor: identity.acceptor,
    };
    Ok((handle, start))
}

async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(bind_error(what, address))
}

fn bind_error(what: &str, address: SocketAddr) -> impl FnOnce(io::Error) -> Error {
    let what = what.to_owned();
    move |source| Error::Bind {
        what,
        address,
        source,
    }
}

fn address_of(listener: &TcpListener) -> SocketAddr {
    listener
        .local_addr()
        .expect("a bound IP socket has an address")
}

fn local() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}
