//! `baremetal-rack`: a simulated rack in a process of its own.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use model::{Architecture, Secret};
use rack::{BootOrder, Network, Profile, Quirk, Rack, RackConfig};
use tokio::signal::unix::{SignalKind, signal};

/// A simulated rack: BMCs that speak Redfish over TLS, machines that really netboot.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// How many machines.
    #[arg(long, default_value_t = 8)]
    machines: u16,
    /// The rack's name. Every identity in it follows from the name.
    #[arg(long, default_value = "r1")]
    name: String,
    /// Where the relay sends DHCP requests.
    #[arg(long, value_name = "ADDRESS:PORT")]
    dhcp_server: SocketAddr,
    /// The relay's own address; it chooses the subnet.
    #[arg(long, value_name = "ADDRESS")]
    relay: Ipv4Addr,
    /// The port of the TFTP server.
    #[arg(long, default_value_t = 69)]
    tftp_port: u16,
    /// Write what the rack is to this file, JSON, once it is up.
    #[arg(long, value_name = "FILE")]
    state_file: PathBuf,
    /// Write the loaders that the machines run into this directory.
    #[arg(long, value_name = "DIR")]
    loader_dir: Option<PathBuf>,
    /// How long a machine takes to power on or off, such as 200ms or 2s.
    #[arg(long, default_value = "100ms", value_parser = parse_duration)]
    power_delay: Duration,
    /// How long firmware waits for the first DHCP offer before it asks again.
    #[arg(long, default_value = "4s", value_parser = parse_duration)]
    dhcp_retry: Duration,
    /// The user of every BMC.
    #[arg(long, default_value = "admin")]
    username: String,
    /// A file with that user's password; one line end at its end is not part of it.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// What the machines are: uefi, bios, arm64 or uefi-http.
    #[arg(long, default_value = "uefi", value_parser = parse_architecture)]
    firmware: Architecture,
    /// Let the machines boot from the network when nothing overrides their order.
    #[arg(long)]
    network_first: bool,
    /// Give the BMCs ports from this one on, in the order of the slots; without it they get free
    /// ones.
    #[arg(long, value_name = "PORT")]
    first_bmc_port: Option<u16>,
    /// Whose BMCs the machines have, such as dell-idrac9. It may be given for each slot in turn.
    #[arg(long, value_name = "PROFILE", default_value = "standard")]
    profile: Vec<Profile>,
    /// A quirk that every BMC has beside those of its profile, such as needs-if-match. It may be
    /// given more than once.
    #[arg(long, value_name = "QUIRK")]
    quirk: Vec<Quirk>,
}

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to read the password from {path}")]
    Password {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{machines} BMCs do not fit into the ports from {first} on")]
    Ports { machines: u16, first: u16 },
    #[error("failed to write the loaders to {path}")]
    Loaders {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("failed to write {path}")]
    StateFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("failed to listen for signals")]
    Signals(#[source] io::Error),
    #[error(transparent)]
    Rack(#[from] rack::Error),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_not_set| tracing_subscriber::EnvFilter::new("info")),
        )
        .init();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: &Arguments) -> Result<(), Error> {
    let config = config(arguments)?;
    if let Some(path) = &arguments.loader_dir {
        Rack::write_loaders(path).map_err(|source| Error::Loaders {
            path: path.clone(),
            source,
        })?;
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    let rack = Rack::start(config).await?;
    let description = serde_json::json!(rack.describe(&arguments.username));
    let path = &arguments.state_file;
    write_atomically(path, &format!("{description:#}\n")).map_err(|source| Error::StateFile {
        path: path.clone(),
        source,
    })?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    rack.stop().await;
    Ok(())
}

fn config(arguments: &Arguments) -> Result<RackConfig, Error> {
    let network = Network {
        dhcp_server: arguments.dhcp_server,
        relay: arguments.relay,
        tftp_port: arguments.tftp_port,
    };
    let mut config = RackConfig::new(arguments.name.as_str(), arguments.machines, network);
    config.power_delay = arguments.power_delay;
    config.timing.dhcp_retry = arguments.dhcp_retry;
    config.username.clone_from(&arguments.username);
    if let Some(path) = &arguments.password_file {
        let text = fs::read_to_string(path).map_err(|source| Error::Password {
            path: path.clone(),
            source,
        })?;
        config.password = Secret::new(text.strip_suffix('\n').unwrap_or(&text));
    }
    let profiles = arguments.profile.iter().cycle();
    for (machine, &profile) in config.machines.iter_mut().zip(profiles) {
        *machine = machine.clone().with_profile(profile);
        machine.quirks.extend(arguments.quirk.iter().copied());
    }
    for (slot, machine) in (0_u16..).zip(&mut config.machines) {
        machine.architecture = arguments.firmware;
        if arguments.network_first {
            machine.boot_order = BootOrder::NetworkThenDisk;
        }
        if let Some(first) = arguments.first_bmc_port {
            let port = first.checked_add(slot).ok_or(Error::Ports {
                machines: arguments.machines,
                first,
            })?;
            machine.bmc_listen.set_port(port);
        }
    }
    Ok(config)
}

/// Whoever waits for the file finds all of it or nothing.
fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    fs::write(&partial, text)?;
    fs::rename(&partial, path)
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time such as 200ms or 2s");
    let (number, scale) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1000),
        (None, None) => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_says_less| wrong())?;
    let milliseconds = number.checked_mul(scale).ok_or_else(wrong)?;
    Ok(Duration::from_millis(milliseconds))
}

fn parse_architecture(text: &str) -> Result<Architecture, String> {
    match text {
        "uefi" => Ok(Architecture::X64Uefi),
        "bios" => Ok(Architecture::X86Bios),
        "arm64" => Ok(Architecture::Arm64Uefi),
        "uefi-http" => Ok(Architecture::X64UefiHttp),
        other => Err(format!(
            "{other:?} is no firmware, expected uefi, bios, arm64 or uefi-http"
        )),
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        let check = |text: &str, expected| assert_eq!(parse_duration(text).ok(), expected);
        check("200ms", Some(Duration::from_millis(200)));
        check("2s", Some(Duration::from_secs(2)));
        check("0s", Some(Duration::ZERO));
        check("2", None);
        check("s", None);
        check("-1s", None);
        check("99999999999999999999s", None);
    }

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
