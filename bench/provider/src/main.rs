//! `make bench`: what the provider adds to a plan, beside the least that a provider can do.
//!
//! Everything is measured in one run and printed as ratios: Terraform itself takes most of the time,
//! and a number without its floor says nothing. One program has three roles, because a floor that
//! is built otherwise would be no floor: it runs the benchmark, it is the provider `floor`, and it is
//! the rack of simulated BMCs.

mod bmcs;
mod floor;
mod plans;
mod start;
mod table;
mod watch;
mod work;
mod workspace;

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measures start, memory and plans of the provider beside those of one that does nothing.
#[derive(Clone, Debug, Parser)]
struct Arguments {
    /// How many servers.
    #[arg(long, default_value_t = 1000)]
    servers: u16,
    /// How long a BMC takes to answer a request, and the floor to read a resource.
    #[arg(long, default_value_t = 50)]
    latency_ms: u64,
    /// How many resources Terraform works on at once, each in turn.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100])]
    parallelism: Vec<u16>,
    /// How the servers are told apart in the configuration.
    #[arg(long, value_enum, default_value_t = Shape::Count)]
    shape: Shape,
    /// How a BMC's certificate is verified: by the one authority of all, or by a pin of its own.
    #[arg(long, value_enum, default_value_t = Trust::Authority)]
    trust: Trust,
    /// How often each plan is made; the median counts.
    #[arg(long, default_value_t = 3)]
    repeat: u16,
    /// How often each provider is started; the median counts.
    #[arg(long, default_value_t = 21)]
    starts: u16,
    /// The Terraform or OpenTofu to use.
    #[arg(long, default_value = "terraform")]
    terraform: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    Count,
    ForEach,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Trust {
    Authority,
    Pin,
}

/// The user name of every simulated BMC.
const USERNAME: &str = "bench";
/// Its password. It guards nothing.
const PASSWORD: &str = "bench-password";

fn main() -> ExitCode {
    let _first = rustls::crypto::ring::default_provider().install_default();
    let name = std::env::args().next().unwrap_or_default();
    if name.contains("terraform-provider-floor") {
        return tfplugin::run(floor::Floor);
    }
    let result = if std::env::args().nth(1).as_deref() == Some(bmcs::ROLE) {
        bmcs::serve()
    } else {
        run(&Arguments::parse())
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let programs = workspace::Programs::find(&arguments.terraform)?;
    let mut table = table::Table::default();
    start::measure(arguments, &programs, &mut table)?;
    plans::measure(arguments, &programs, &mut table)?;
    table.print();
    Ok(())
}
