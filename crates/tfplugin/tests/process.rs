//! The plugin as a process: how it starts, what a signal does to it, and what it leaves behind.

#![expect(clippy::unwrap_used, reason = "a test program")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The example provider, which `cargo test -p tfplugin` builds too.
fn kit() -> Command {
    // Tests are in `deps` beside `examples`.
    let test = std::env::current_exe().unwrap();
    let program = test
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples/kit");
    assert!(
        program.exists(),
        "not built: cargo build -p tfplugin --example kit"
    );
    let mut command = Command::new(program);
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

struct Running {
    child: Child,
    line: String,
    socket: PathBuf,
    directory: Arc<tempfile::TempDir>,
}

impl Running {
    fn start(command: Command, socket: impl Fn(&str) -> &str) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), command, socket)
    }

    fn start_in(
        directory: Arc<tempfile::TempDir>,
        mut command: Command,
        socket: impl Fn(&str) -> &str,
    ) -> Self {
        command.env("PLUGIN_UNIX_SOCKET_DIR", directory.path());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let socket = PathBuf::from(socket(&line));
        Self {
            child,
            line,
            socket,
            directory,
        }
    }

    /// Waits for the answer to the beginning of a connection.
    fn assert_alive(&self) {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        // HTTP/2's preface and an empty SETTINGS frame.
        let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
        stream.write_all(hello).unwrap();
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).unwrap();
        assert_eq!(frame[3], 4, "SETTINGS expected");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    #[track_caller]
    fn assert_ends_and_cleans_up(mut self) {
        assert!(self.child.wait().unwrap().success());
        assert!(!self.socket.parent().unwrap().exists());
    }
}

fn started_by_a_host() -> Running {
    started_in(Arc::new(tempfile::tempdir().unwrap()))
}

fn started_in(directory: Arc<tempfile::TempDir>) -> Running {
    let mut command = kit();
    command
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6");
    Running::start_in(directory, command, |line| line.split('|').nth(3).unwrap())
}

#[test]
fn what_a_killed_provider_leaves_the_next_one_removes() {
    let mut killed = started_by_a_host();
    let alive = started_in(Arc::clone(&killed.directory));
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    let left = killed.socket.parent().unwrap();
    assert!(left.exists());
    let next = started_in(Arc::clone(&killed.directory));
    assert!(!left.exists());
    alive.assert_alive();
    for running in [alive, next] {
        running.signal("TERM");
        running.assert_ends_and_cleans_up();
    }
}

#[test]
fn started_by_hand_it_explains_itself_and_fails() {
    let output = kit().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.starts_with("error: this program is a Terraform provider"),
        "{text}"
    );
    assert_eq!(output.stdout, b"");
}

#[test]
fn ctrl_c_is_the_hosts_business_and_sigterm_ends_it() {
    let running = started_by_a_host();
    assert!(running.line.starts_with("1|6|unix|/"), "{}", running.line);
    running.signal("INT");
    running.assert_alive();
    running.signal("TERM");
    running.assert_ends_and_cleans_up();
}

#[test]
fn in_debug_mode_ctrl_c_ends_it() {
    let mut command = kit();
    command.arg("-debug");
    let running = Running::start(command, |line| {
        let (_, socket) = line.split_once(r#""String":""#).unwrap();
        socket.split_once('"').unwrap().0
    });
    assert!(
        running
            .line
            .contains(r#"TF_REATTACH_PROVIDERS='{"example.com/acme/kit":"#)
    );
    running.assert_alive();
    running.signal("INT");
    running.assert_ends_and_cleans_up();
}
