//! Writes `crates/tfplugin/src/gen` from the protocol definitions beside it.
//!
//! Run by hand after a change of a `.proto` file: `cargo run -p tfplugin-codegen`. The product's
//! build needs neither this program nor a protobuf compiler, because what it writes is checked in.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

fn main() -> ExitCode {
    match generate(&tfplugin().join("src/gen")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The crate that the definitions and the generated code belong to.
fn tfplugin() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tfplugin")
}

/// Writes one Rust file per protobuf package into `directory`.
///
/// The client half is generated too: the tests drive the service through it.
fn generate(directory: &Path) -> Result<(), Box<dyn Error>> {
    let definitions = tfplugin().join("proto");
    let files = ["plugin.proto", "tfplugin6.proto"].map(|file| definitions.join(file));
    let parsed = protox::compile(files, [&definitions])?;
    fs::create_dir_all(directory)?;
    tonic_prost_build::configure()
        .build_client(true)
        .build_server(true)
        .build_transport(false)
        .generate_default_stubs(true)
        .emit_rerun_if_changed(false)
        .out_dir(directory)
        .compile_fds(parsed)?;
    for package in ["plugin", "tfplugin6"] {
        let file = directory.join(format!("{package}.rs"));
        let code = fs::read_to_string(&file)?;
        fs::write(
            &file,
            format!("//! Generated from `proto/{package}.proto`.\n\n{code}"),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_code_is_what_the_definitions_generate() {
        let fresh = tempfile::tempdir().unwrap();
        generate(fresh.path()).unwrap();
        for file in ["plugin.rs", "tfplugin6.rs"] {
            let checked_in = fs::read_to_string(tfplugin().join("src/gen").join(file)).unwrap();
            let generated = fs::read_to_string(fresh.path().join(file)).unwrap();
            assert!(
                checked_in == generated,
                "{file} is old: run `cargo run -p tfplugin-codegen`"
            );
        }
    }
}
