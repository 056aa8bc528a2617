//! sushy-tools' emulator of a BMC, with its fake driver: nothing boots, power changes take up to
//! eleven seconds, and there are neither sessions nor tags. It takes Basic alone.

use std::{
    fs,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::Engine as _;
use tempfile::TempDir;

use crate::{free_port, root};

/// The user name it takes.
pub const USERNAME: &str = "emulated";
/// The password it takes.
pub const PASSWORD: &str = "canary-emulator-1d7c";
/// The system UUID of its one system.
pub const UUID: &str = "6d1b5f40-71a3-4c0e-9d4b-2f3a5b6c7d8e";
/// The address of that system's interface.
pub const MAC: &str = "02:5c:52:31:3a:9c";

/// A running emulator. It ends with the value.
pub struct Emulator {
    child: Child,
    log: PathBuf,
    /// Its port, of 127.0.0.1.
    pub port: u16,
    /// SHA-256 of its certificate, if it has one.
    pub fingerprint_sha256: Option<String>,
    _directory: TempDir,
}

impl Emulator {
    /// Starts one, over TLS or in the clear.
    ///
    /// # Panics
    ///
    /// If it is not installed, or does not listen.
    pub fn start(tls: bool) -> Self {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let at = |name: &str| directory.path().join(name);
        let port = free_port();
        fs::write(at("users"), format!("{USERNAME}:{PASSWORD_HASH}\n")).expect("its users");
        let mut config = format!(
            "SUSHY_EMULATOR_LISTEN_IP = '127.0.0.1'\nSUSHY_EMULATOR_LISTEN_PORT = {port}\n\
             SUSHY_EMULATOR_FAKE_DRIVER = True\nSUSHY_EMULATOR_STATE_DIR = {state:?}\n\
             SUSHY_EMULATOR_AUTH_FILE = {users:?}\n\
             SUSHY_EMULATOR_FAKE_SYSTEMS = [{{'uuid': '{UUID}', 'name': 'node', \
             'power_state': 'Off', 'nics': [{{'mac': '{MAC}', 'ip': '172.22.0.100'}}]}}]\n",
            state = directory.path(),
            users = at("users"),
        );
        let fingerprint_sha256 = tls.then(|| {
            let (certificate, key) = crate::certificate("the emulator");
            fs::write(at("cert.pem"), &certificate).expect("its certificate");
            fs::write(at("key.pem"), key).expect("its key");
            config += &format!(
                "SUSHY_EMULATOR_SSL_CERT = {:?}\nSUSHY_EMULATOR_SSL_KEY = {:?}\n",
                at("cert.pem"),
                at("key.pem")
            );
            fingerprint(&certificate)
        });
        fs::write(at("emulator.conf"), config).expect("its configuration");
        let program = root().join("target/sushy-tools/2.2.0/bin/sushy-emulator");
        assert!(
            program.exists(),
            "{} is missing: run tests/sushy-tools/install",
            program.display()
        );
        let log = at("log");
        let file = fs::File::create(&log).expect("its log");
        let child = Command::new(program)
            .args(["--fake", "--config"])
            .arg(at("emulator.conf"))
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("its log"))
            .stderr(file)
            .spawn()
            .expect("the emulator starts");
        let mut emulator = Self {
            child,
            log,
            port,
            fingerprint_sha256,
            _directory: directory,
        };
        emulator.wait();
        emulator
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.try_wait().expect("the emulator's state");
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            assert!(ended.is_none(), "the emulator ended: {ended:?}\n{log}");
            assert!(Instant::now() < deadline, "it does not listen\n{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Gone already is what was wanted.
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// SHA-256 of a certificate, lower case.
fn fingerprint(pem: &str) -> String {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(base64);
    let digest = ring::digest::digest(&ring::digest::SHA256, &der.expect("a certificate"));
    let hex = |byte: &u8| format!("{byte:02x}");
    digest.as_ref().iter().map(hex).collect()
}

/// The only form it takes is bcrypt; this is of [`PASSWORD`], with the least work there is.
const PASSWORD_HASH: &str = "$2b$04$cmsOyG.JKI1T8u7z8WD/ku1DX32b6ow1ycDFH6ER5joxZTTfvT/yS";
