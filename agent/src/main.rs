//! The boot agent as a program.

use std::{io, path::PathBuf, process::ExitCode};

use agent::{
    Agent, Config, Error,
    telemetry::{self, LogFormat},
};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Boots bare metal servers: DHCP, TFTP, HTTP boot, and an API for Terraform.
#[derive(Parser)]
#[command(name = "baremetal-agent", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the agent until SIGTERM or SIGINT.
    Run {
        /// The configuration file, TOML.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// How log lines look. RUST_LOG says which there are.
        #[arg(long, value_enum, default_value_t)]
        log_format: LogFormat,
    },
    /// Check a configuration file without using it.
    Check {
        /// The configuration file, TOML.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print the JSON Schema of the configuration file.
    ConfigSchema,
    /// Print the OpenAPI description of the control API.
    ApiSchema,
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run { config, log_format } => match Config::load(&config) {
            Ok(config) => {
                telemetry::init(log_format);
                match run(config) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error @ Error::Config(_)) => fail(EX_USAGE, &error),
                    Err(error) => fail(1, &error),
                }
            }
            Err(error) => fail(EX_USAGE, &error),
        },
        Command::Check { config } => match Config::load(&config) {
            Ok(_) => print("the configuration is valid\n"),
            Err(error) => fail(EX_USAGE, &error),
        },
        Command::ConfigSchema => print(&agent::openapi::config_schema()),
        Command::ApiSchema => print(&agent::openapi::api_schema()),
    }
}

#[tokio::main]
async fn run(config: Config) -> Result<(), Error> {
    raise_descriptors();
    let shutdown = shutdown()?;
    let agent = Agent::bind(config).await?;
    info!(
        control = %agent.control_addr(),
        boot_url = agent.boot_url(),
        dhcp = agent.dhcp_addr().map(tracing::field::display),
        tftp = agent.tftp_addr().map(tracing::field::display),
        "listening"
    );
    agent.run(shutdown).await
}

/// Allows this process all the descriptors that it may have. The usual limit, 1024, is there for
/// programs that use `select`; every connection and every TFTP transfer has one, and a row of racks
/// asks at once.
fn raise_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(%error, "descriptors are limited");
    }
}

/// What is cancelled by SIGTERM and SIGINT. A second signal ends the process at once.
fn shutdown() -> Result<CancellationToken, Error> {
    let failed = |source: io::Error| Error::Prepare {
        what: "signals",
        source: Box::new(source),
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        for again in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if again {
                std::process::exit(1);
            }
            info!("stopping");
            token.cancel();
        }
    });
    Ok(shutdown)
}

fn print(text: &str) -> ExitCode {
    use io::Write as _;
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "this is where a program says why it ends"
)]
fn fail(status: u8, error: &dyn std::error::Error) -> ExitCode {
    eprintln!("error: {}", agent::error_chain(error));
    ExitCode::from(status)
}

/// `EX_USAGE` of sysexits.h: the operator's to correct.
const EX_USAGE: u8 = 64;
