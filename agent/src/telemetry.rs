//! Where log lines go: standard error, as text for people or as JSON for machines.
//!
//! `RUST_LOG` says which; without it, everything from `info` up.

use std::io;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Sends the log of this process to standard error.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => {
            use std::io::IsTerminal as _;
            builder.with_ansi(io::stderr().is_terminal()).init();
        }
        LogFormat::Json => builder.json().init(),
    }
}
