//! The program: it tells what it started, ends when it is asked to, and keeps the password to itself.

use std::{
    fs,
    io::Read,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Ends the program when a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _may_have_ended = self.0.kill();
    }
}

fn start(directory: &Path, arguments: &[&str]) -> Running {
    let program = Command::new(env!("CARGO_BIN_EXE_baremetal-rack"))
        .current_dir(directory)
        .args(["--machines", "3", "--name", "b"])
        .args(["--dhcp-server", "127.0.0.1:9", "--relay", "127.84.0.1"])
        .args(["--state-file", "rack.json", "--password-file", "password"])
        .args(arguments)
        .env("RUST_LOG", "trace")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    Running(program)
}

fn wait_for(path: &Path) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Ok(text) = fs::read_to_string(path) {
            return serde_json::from_str(&text).expect("the file is there as a whole");
        }
        assert!(Instant::now() < deadline, "{} is not there", path.display());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_program_tells_what_it_started_and_ends_when_asked_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("password"), "correct horse\n").unwrap();
    let mut program = start(path, &["--loader-dir", "loaders", "--power-delay", "1ms"]);
    let state = wait_for(&path.join("rack.json"));
    assert!(state["ca_pem"].as_str().unwrap().starts_with("-----BEGIN"));
    let machines = state["machines"].as_array().unwrap();
    let names: Vec<&Value> = machines.iter().map(|machine| &machine["name"]).collect();
    assert_eq!(names, ["b-m1", "b-m2", "b-m3"]);
    for machine in machines {
        let port = u16::try_from(machine["port"].as_u64().unwrap()).unwrap();
        assert_eq!(machine["bmc_endpoint"], format!("https://127.0.0.1:{port}"));
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    }
    assert!(path.join("loaders/snponly.efi").is_file());
    let pid = program.0.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    assert!(program.0.wait().unwrap().success());
    let mut log = String::new();
    let mut stderr = program.0.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    assert!(
        log.contains("rack is up") && log.contains("rack is down"),
        "{log}"
    );
    assert!(!log.contains("horse") && !state.to_string().contains("horse"));
}

#[test]
fn profiles_and_quirks_are_arguments_and_unknown_ones_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("password"), "correct horse\n").unwrap();
    let profiles = ["--profile", "dell-idrac9", "--profile", "hpe-ilo5"];
    let mut program = start(path, &[&profiles[..], &["--quirk", "slow-power"]].concat());
    let state = wait_for(&path.join("rack.json"));
    let serials: Vec<&str> = (0..3)
        .map(|slot| state["machines"][slot]["serial"].as_str().unwrap())
        .collect();
    // The profiles take turns.
    let of_hpe: Vec<bool> = serials.iter().map(|it| it.starts_with("MXQ")).collect();
    assert_eq!(of_hpe, [false, true, false]);
    let pid = program.0.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    assert!(program.0.wait().unwrap().success());
    let mut program = start(path, &["--profile", "nobodys"]);
    assert_eq!(program.0.wait().unwrap().code(), Some(2));
    let mut log = String::new();
    let mut stderr = program.0.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    assert!(log.contains("\"nobodys\" is no profile"), "{log}");
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let mut program = start(directory.path(), &[]);
    assert_eq!(program.0.wait().unwrap().code(), Some(1));
    let mut log = String::new();
    let mut stderr = program.0.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    let expected = "error: failed to read the password from password: No such file or directory";
    assert!(
        log.starts_with(expected) && log.lines().count() == 1,
        "{log}"
    );
}
