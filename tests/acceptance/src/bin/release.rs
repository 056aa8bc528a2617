//! `make release`: packs the programs that were built.

use std::{error::Error as _, path::PathBuf, process::ExitCode};

use acceptance::{
    release::{Compression, Release},
    root,
};
use clap::Parser;

/// Packs the provider and the agent for publication.
#[derive(Parser)]
struct Arguments {
    /// The directory with the programs.
    programs: PathBuf,
    /// Where the archives, the digests and the mirror are written.
    out: PathBuf,
}

fn main() -> ExitCode {
    let Arguments { programs, out } = Arguments::parse();
    let release = Release {
        programs: &programs,
        root: &root(),
        out: &out,
        compression: Compression::Deflated,
    };
    match release.write() {
        Ok(written) => {
            for file in written {
                println!("{}", out.join(file).display());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            eprintln!("error: {error}: {cause}");
            ExitCode::FAILURE
        }
    }
}
