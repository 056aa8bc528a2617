//! A boot agent as a process of its own, as in production.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{certificate, free_port, program};

/// Whether the control API has TLS.
#[derive(Clone, Copy)]
pub enum Tls {
    /// Plain HTTP, which the agent allows on loopback alone.
    Off,
    /// HTTPS with a certificate of its own.
    On,
}

/// A running `baremetal-agent`. It ends with the value.
pub struct AgentProcess {
    child: Child,
    config: PathBuf,
    log: PathBuf,
    /// Where its control API is.
    pub endpoint: String,
    /// The token of its control API.
    pub token: String,
    /// Where it takes DHCP.
    pub dhcp: SocketAddr,
    /// The UDP port of its TFTP.
    pub tftp_port: u16,
    /// Where it keeps its store and its keys.
    pub state_dir: PathBuf,
    /// What its control API's certificate is verified with, if it has one.
    pub ca_pem: Option<String>,
}

impl AgentProcess {
    /// Starts an agent below `directory`, with loaders in `loaders` and the pool
    /// 127.80.0.10-127.80.0.200.
    pub fn start(directory: &Path, loaders: &Path, tls: Tls) -> Self {
        let state_dir = directory.join("agent");
        fs::create_dir_all(&state_dir).expect("the agent's directory");
        let (control, boot, dhcp, tftp) = (free_port(), free_port(), free_port(), free_port());
        let config = directory.join("agent.toml");
        let (scheme, ca_pem, tls_lines) = match tls {
            Tls::Off => ("http", None, String::new()),
            Tls::On => {
                let (certificate, key) = certificate("the agent");
                let (cert_file, key_file) = (directory.join("cert.pem"), directory.join("key.pem"));
                fs::write(&cert_file, &certificate).expect("the certificate");
                fs::write(&key_file, key).expect("the certificate's key");
                let lines = format!("tls_cert = {cert_file:?}\ntls_key = {key_file:?}\n");
                ("https", Some(certificate), lines)
            }
        };
        fs::write(
            &config,
            format!(
                "state_dir = {state_dir:?}\n\
                 [control]\nlisten = \"127.0.0.1:{control}\"\n{tls_lines}\
                 [boot]\nlisten = \"127.0.0.1:{boot}\"\n\
                 [dhcp]\nlisten = \"127.0.0.1:{dhcp}\"\n\
                 [tftp]\nlisten = \"127.0.0.1:{tftp}\"\nloader_dir = {loaders:?}\n\
                 [[subnets]]\nsubnet = \"127.80.0.0/24\"\n\
                 pools = [\"127.80.0.10-127.80.0.200\"]\nrouter = \"127.80.0.1\"\n"
            ),
        )
        .expect("the agent's configuration");
        let log = directory.join("agent.log");
        let child = spawn(&config, &log);
        let mut agent = Self {
            child,
            config,
            log,
            endpoint: format!("{scheme}://127.0.0.1:{control}"),
            token: String::new(),
            dhcp: SocketAddr::from((Ipv4Addr::LOCALHOST, dhcp)),
            tftp_port: tftp,
            state_dir,
            ca_pem,
        };
        agent.wait();
        let token = fs::read_to_string(agent.state_dir.join("token")).expect("the agent's token");
        agent.token = token.trim().to_owned();
        agent
    }

    /// Kills it, as a crash would: nothing is flushed.
    pub fn kill(&mut self) {
        // Gone already is what was wanted.
        let _gone = self.child.kill();
        self.child.wait().expect("the killed agent");
    }

    /// Starts it again after [`kill`](Self::kill).
    pub fn restart(&mut self) {
        self.child = spawn(&self.config, &self.log);
        self.wait();
    }

    /// Stops it where it is: its sockets stay open, and nobody answers.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status();
        assert!(kill.expect("kill starts").success(), "{name}");
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn wait(&mut self) {
        let (_, address) = self.endpoint.split_once("://").expect("a URL");
        let address: SocketAddr = address.parse().expect("the control API's address");
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            let ended = self.child.try_wait().expect("the agent's state");
            assert!(
                ended.is_none(),
                "the agent ended: {ended:?}\n{}",
                self.log()
            );
            assert!(
                Instant::now() < deadline,
                "the agent does not listen\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn spawn(config: &Path, log: &Path) -> Child {
    let file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .expect("the agent's log");
    let copy = file.try_clone().expect("the agent's log");
    Command::new(program("baremetal-agent"))
        .args(["run", "--config"])
        .arg(config)
        .env("RUST_LOG", "trace")
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(copy)
        .spawn()
        .expect("baremetal-agent starts")
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
