//! Networks of a test's own: namespaces that it makes, whoever it is, and that end with it. Nothing of
//! them touches the machine's interfaces.

use std::{
    ffi::OsStr,
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const INSIDE: &str = "BAREMETAL_IN_NAMESPACE";

/// Runs the test `test`, whose body is `work`, as root of a network namespace of its own: the test
/// program runs itself again, for this test alone.
///
/// # Panics
///
/// If the test fails there, or namespaces are not allowed.
pub fn in_own_namespace(test: &str, work: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        run("ip link set lo up");
        return work();
    }
    let again = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net"])
        // Whatever it started ends with it, however it ends.
        .args(["--pid", "--fork", "--mount-proc", "--kill-child"])
        .arg(std::env::current_exe().expect("this program's own path"))
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare: install util-linux");
    assert!(
        again.status.success(),
        "the test failed in its network namespace. If unshare was not permitted, allow user \
         namespaces (sysctl kernel.unprivileged_userns_clone=1, or \
         kernel.apparmor_restrict_unprivileged_userns=0), or run the tests as root.\n{}{}",
        String::from_utf8_lossy(&again.stdout),
        String::from_utf8_lossy(&again.stderr)
    );
}

/// Runs a command line without quotes.
///
/// # Panics
///
/// If it fails.
#[track_caller]
pub fn run(command: &str) {
    let words: Vec<_> = command.split(' ').collect();
    done(Command::new(words[0]).args(&words[1..]), command);
}

#[track_caller]
fn done(command: &mut Command, what: &str) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{what}: {error}; run tests/prerequisites"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {error}");
}

/// A process that ends with the value.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is what was wanted.
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// Another network namespace.
#[derive(Debug)]
pub struct Namespace(Running);

impl Namespace {
    /// A namespace without anything in it but a loopback interface.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn new() -> Self {
        let holder = Command::new("unshare")
            .args(["--net", "sleep", "infinity"])
            .stdin(Stdio::null())
            .spawn()
            .expect("unshare: install util-linux");
        let holder = Running(holder);
        let own = fs::read_link("/proc/self/ns/net").expect("the own namespace");
        let deadline = Instant::now() + Duration::from_secs(5);
        let its = format!("/proc/{}/ns/net", holder.0.id());
        while fs::read_link(&its).is_ok_and(|its| its == own) {
            assert!(Instant::now() < deadline, "the namespace is not made");
            std::thread::sleep(Duration::from_millis(5));
        }
        let namespace = Self(holder);
        namespace.run("ip link set lo up");
        namespace
    }

    /// Moves an interface into it.
    #[track_caller]
    pub fn take(&self, interface: &str) {
        run(&format!("ip link set {interface} netns {}", self.0.0.id()));
    }

    /// A command that runs in it.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        let holder = self.0.0.id().to_string();
        command
            .args(["--target", &holder, "--net", "--"])
            .arg(program);
        command
    }

    /// Runs a command line without quotes in it.
    ///
    /// # Panics
    ///
    /// If it fails.
    #[track_caller]
    pub fn run(&self, command: &str) {
        let words: Vec<_> = command.split(' ').collect();
        done(self.command(words[0]).args(&words[1..]), command);
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self::new()
    }
}
