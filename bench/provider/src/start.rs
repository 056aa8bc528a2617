//! How long a provider takes to start, and what it weighs before it has done anything.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Arguments, Result,
    table::{Limit, Table},
    watch,
    workspace::{Programs, Which, Workspace},
};

/// From the start of the process to its handshake line, and to the schema in Terraform's hands.
pub(crate) fn measure(arguments: &Arguments, programs: &Programs, table: &mut Table) -> Result<()> {
    let certificate = client_certificate()?;
    // Taken in turn, so that whatever else runs here slows both.
    let (mut floor, mut provider) = (Vec::new(), Vec::new());
    let link = tempfile::tempdir()?;
    let named = link.path().join("terraform-provider-floor");
    std::os::unix::fs::symlink(&programs.floor, &named)?;
    for _ in 0..arguments.starts.max(1) {
        floor.push(handshake(&named, &certificate)?);
        provider.push(handshake(&programs.provider, &certificate)?);
    }
    let (floor, provider) = (median(floor), median(provider));
    table.row(
        "start to handshake, ms",
        millis(floor.0),
        &[millis(provider.0)],
        Limit::Most(5.0),
    );
    table.row(
        "resident at handshake, MiB",
        floor.1,
        &[provider.1],
        Limit::None,
    );

    let (floor, provider) = (
        Workspace::new(Which::Floor, arguments, programs, None)?,
        Workspace::new(Which::Provider, arguments, programs, None)?,
    );
    let (mut walls, mut peaks) = ([Vec::new(), Vec::new()], [0.0_f64; 2]);
    for _ in 0..arguments.starts.div_ceil(3).max(1) {
        for (index, workspace) in [&floor, &provider].into_iter().enumerate() {
            let run = workspace.run(&["providers", "schema", "-json"], &[])?;
            walls[index].push((run.wall, 0.0));
            peaks[index] = peaks[index].max(run.plugin.peak_mib);
        }
    }
    let [floor, provider] = walls.map(|walls| millis(median(walls).0));
    table.row(
        "terraform providers schema, ms",
        floor,
        &[provider],
        Limit::None,
    );
    table.row(
        "resident after the schema, MiB",
        peaks[0],
        &[peaks[1]],
        Limit::None,
    );
    Ok(())
}

/// Starts a provider as Terraform does, up to its line. Its resident memory is that of then.
fn handshake(program: &Path, certificate: &str) -> Result<(Duration, f64)> {
    let began = Instant::now();
    let mut child = Command::new(program)
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_PROTOCOL_VERSIONS", "6")
        .env("PLUGIN_CLIENT_CERT", certificate)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().ok_or("no standard output")?);
    out.read_line(&mut line)?;
    let took = began.elapsed();
    let resident = watch::look(child.id()).map_or(0.0, |process| process.resident_mib);
    child.kill()?;
    child.wait()?;
    if !line.starts_with("1|6|unix|") {
        return Err(format!("{} said {line:?}, no handshake", program.display()).into());
    }
    Ok((took, resident))
}

fn client_certificate() -> Result<String> {
    let key = rcgen::KeyPair::generate()?;
    let parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?;
    Ok(parameters.self_signed(&key)?.pem())
}

fn median(mut all: Vec<(Duration, f64)>) -> (Duration, f64) {
    all.sort_by_key(|one| one.0);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// What go-plugin's hosts say to every provider.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
