//! iPXE on a machine: its own DHCP, its script, and what the script asks for.

use std::net::IpAddr;

use model::Architecture;
use tokio::net::lookup_host;

use super::{Machine, boot::Ended, firmware::Origin, os, state::Phase};
use crate::{
    ipxe::{Image, Ipxe, Settings, Step},
    loader,
    net::{
        dhcp::{self, Kind, Lease},
        http::{self, Fetched, Keep},
        tftp::{self, packet::Options},
        url::{file_name, resolve, scheme},
    },
    sha256,
};

/// Runs iPXE until a kernel has taken over or it is left.
pub(super) async fn run(
    machine: &Machine,
    architecture: Architecture,
    lease: Lease,
    origin: Origin,
) -> Ended {
    machine.note(format!("{AGENT} -- Open Source Network Boot Firmware"));
    let mut session = Session {
        machine,
        architecture,
        lease,
        autoexec: None,
    };
    let mut settings = session.settings();
    let url = match session.find_autoexec(&origin).await {
        Some(url) => Some(url),
        None if !session.configure(&mut settings).await => return Ended::Next,
        None => session.boot_url(),
    };
    let Some(url) = url else {
        machine.note("No more network devices: no boot file");
        return Ended::Next;
    };
    session.drive(Ipxe::autoboot(settings, &url)).await
}

/// What iPXE has while it runs.
struct Session<'a> {
    machine: &'a Machine,
    architecture: Architecture,
    lease: Lease,
    /// The script that lay beside the loader, until it is run.
    autoexec: Option<Image>,
}

impl Session<'_> {
    /// Does what iPXE asks for until it is over.
    async fn drive(&mut self, mut ipxe: Ipxe) -> Ended {
        let machine = self.machine;
        loop {
            match ipxe.next() {
                Step::Print(line) => machine.note(line),
                Step::Fetch(url) => {
                    machine.step().await;
                    let image = match self.autoexec.take() {
                        Some(image) => Ok(image),
                        None => self.fetch(&url).await,
                    };
                    if machine.read(|state| state.faults.stop_after_script) {
                        machine.note(format!("{url}... ok"));
                        machine.enter(Phase::Stopped);
                        return Ended::Here;
                    }
                    ipxe.fetched(image);
                }
                Step::Configure => {
                    let ok = self.configure(&mut ipxe.settings).await;
                    let result = ok.then_some(()).ok_or_else(|| NO_CONFIGURATION.to_owned());
                    ipxe.configured(result);
                }
                Step::Sleep(wait) => tokio::time::sleep(wait).await,
                Step::Boot(boot) => {
                    return os::boot_kernel(machine, &boot, self.lease.address, self.is_bios())
                        .await;
                }
                Step::Exit(code) => {
                    machine.note(format!("iPXE was left with code {code}"));
                    return Ended::Next;
                }
                Step::Reboot => return Ended::Restart,
                Step::PowerOff => return Ended::PowerOff,
                Step::Prompt => {
                    machine.note("iPXE>");
                    machine.enter(Phase::Stopped);
                    return Ended::Here;
                }
            }
        }
    }

    fn is_bios(&self) -> bool {
        loader::kind(self.architecture) == loader::Kind::Bios
    }

    fn settings(&self) -> Settings {
        let config = &self.machine.config;
        let mut settings = Settings::default();
        let mac = config.boot_mac().octets();
        settings.put_mac("mac", mac);
        settings.put_mac("net0/mac", mac);
        settings.put_uuid("uuid", config.uuid.uuid());
        for (name, value) in [
            ("serial", config.serial.as_str()),
            ("manufacturer", &config.manufacturer),
            ("product", &config.model),
            ("version", VERSION),
            ("platform", if self.is_bios() { "pcbios" } else { "efi" }),
            ("buildarch", build_arch(self.architecture)),
            ("user-class", "iPXE"),
            ("net0/chip", "simulated"),
            ("net0/linktype", "Ethernet"),
        ] {
            settings.put_text(name, value);
        }
        let asset = self.machine.read(|state| state.asset_tag.clone());
        settings.put_text("asset", &asset);
        settings
    }

    /// The second DHCP, iPXE's own.
    async fn configure(&mut self, settings: &mut Settings) -> bool {
        let machine = self.machine;
        if machine.read(|state| state.faults.no_dhcp) {
            machine.note("net0: link down");
            return false;
        }
        let client = dhcp::Client {
            uuid: machine.config.uuid,
            architecture: self.architecture,
            kind: Kind::Ipxe,
        };
        let surroundings = &machine.surroundings;
        let retry = surroundings.timing.dhcp_retry;
        let result = client
            .acquire(&surroundings.relay, &machine.circuit(), retry)
            .await;
        match result {
            Ok(lease) => self.lease = lease,
            Err(error) => {
                machine.note(format!("Configuring (net0)... {error}"));
                return false;
            }
        }
        machine.lease(self.lease.address);
        machine.note(format!("net0: {}", self.lease.address));
        self.tell(settings);
        true
    }

    fn tell(&self, settings: &mut Settings) {
        let lease = &self.lease;
        let addresses = [
            ("ip", Some(lease.address)),
            ("netmask", lease.netmask),
            ("gateway", lease.router),
            ("dns", lease.dns),
            ("next-server", Some(lease.next_server)),
            ("dhcp-server", Some(lease.server_id)),
        ];
        for (name, address) in addresses {
            if let Some(address) = address {
                settings.put_address(name, address);
                settings.put_address(&format!("net0/{name}"), address);
            }
        }
        let texts = [
            ("hostname", &lease.hostname),
            ("domain", &lease.domain),
            ("filename", &lease.boot_file),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                settings.put_text(name, text);
                settings.put_text(&format!("net0/{name}"), text);
            }
        }
    }

    /// The URL to boot: what DHCP named, by TFTP if it is a plain file name.
    fn boot_url(&self) -> Option<String> {
        let file = self.lease.boot_file.as_deref()?;
        self.machine.note(format!("Filename: {file}"));
        if scheme(file).is_some() {
            return Some(file.to_owned());
        }
        let file = file.trim_start_matches('/');
        Some(format!("tftp://{}/{file}", self.lease.next_server))
    }

    /// EFI builds first look for a script beside themselves, with the firmware's lease.
    async fn find_autoexec(&mut self, origin: &Origin) -> Option<String> {
        if self.is_bios() {
            return None;
        }
        let url = match origin {
            Origin::Tftp => format!("tftp://{}/autoexec.ipxe", self.lease.next_server),
            Origin::Http(url) => resolve(url, "autoexec.ipxe"),
        };
        self.autoexec = Some(self.fetch(&url).await.ok()?);
        Some(url)
    }

    async fn fetch(&self, url: &str) -> Result<Image, String> {
        let fetched = match scheme(url) {
            Some("tftp") => self.fetch_tftp(url).await?,
            _ => {
                let client = http::Client {
                    local: self.lease.address,
                    agent: AGENT,
                    timeout: self.machine.surroundings.timing.http_timeout,
                };
                let fetched = client.get(url, Keep::Script).await;
                fetched.map_err(|error| http_error(&error))?
            }
        };
        let name = file_name(url);
        Ok(Image::new(name, url, &fetched, self.architecture))
    }

    async fn fetch_tftp(&self, url: &str) -> Result<Fetched, String> {
        let surroundings = &self.machine.surroundings;
        let rest = url.trim_start_matches("tftp://");
        let (host, file) = rest.split_once('/').ok_or("Invalid URI")?;
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) => (
                host,
                port.parse()
                    .map_err(|_says_less| "Invalid URI".to_owned())?,
            ),
            None => (host, surroundings.network.tftp_port),
        };
        let server = lookup_host((host, port))
            .await
            .map_err(|error| error.to_string())?
            .find(|server| matches!(server.ip(), IpAddr::V4(_)))
            .ok_or("No such host")?;
        let source = tftp::Source {
            local: self.lease.address,
            server,
            file,
            retry: surroundings.timing.tftp_retry,
        };
        let options = Options {
            size: true,
            block_size: Some(1432),
            window: None,
        };
        let bytes = tftp::read(source, options)
            .await
            .map_err(|error| tftp_error(&error))?;
        Ok(Fetched {
            announced: None,
            length: bytes.len() as u64,
            sha256: sha256(&bytes),
            kept: bytes.into(),
        })
    }
}

/// An error in iPXE's words, where those are known to us, with the address of its page.
fn http_error(error: &http::Error) -> String {
    match error {
        http::Error::Status(status) => match status.as_u16() {
            404 | 410 => "No such file or directory (http://ipxe.org/2d0c618e)".to_owned(),
            401 | 403 => format!("Permission denied ({status})"),
            _ => format!("Input/output error ({status})"),
        },
        http::Error::Timeout(_) => "Connection timed out".to_owned(),
        other => with_source(other),
    }
}

fn tftp_error(error: &tftp::Error) -> String {
    match error {
        tftp::Error::Server { code: 1, .. } => "No such file or directory".to_owned(),
        tftp::Error::Timeout { .. } => "Connection timed out".to_owned(),
        other => with_source(other),
    }
}

fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The name of the CPU in iPXE's builds.
const fn build_arch(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86Bios
        | Architecture::X86BiosHttp
        | Architecture::X86Uefi
        | Architecture::X86UefiHttp => "i386",
        Architecture::X64Uefi | Architecture::X64UefiHttp => "x86_64",
        Architecture::Arm32Uefi | Architecture::Arm32UefiHttp => "arm32",
        Architecture::Arm64Uefi | Architecture::Arm64UefiHttp => "arm64",
        Architecture::Riscv64Uefi => "riscv64",
    }
}

const VERSION: &str = "1.21.1+rack";
const AGENT: &str = "iPXE/1.21.1+rack";
const NO_CONFIGURATION: &str = "No configuration methods succeeded";
