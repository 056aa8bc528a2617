//! Network boot as UEFI (EDK2) and BIOS (a PXE option ROM) do it, with their errors.

use model::Architecture;

use super::{Machine, boot::Ended, netboot, state::Phase};
use crate::{
    loader,
    net::{
        dhcp::{self, Kind, Lease},
        http::{self, Keep},
        tftp::{self, packet::Options},
        url::scheme,
    },
};

/// Where a loader came from, which is where iPXE looks for more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Tftp,
    Http(String),
}

/// Boots by PXE: an address, a loader by TFTP, the loader.
pub(super) async fn boot_pxe(machine: &Machine) -> Ended {
    let architecture = pxe(machine.config.architecture);
    let bios = loader::kind(architecture) == loader::Kind::Bios;
    machine.note(if bios {
        "PXE ROM: DHCP"
    } else {
        ">>Start PXE over IPv4."
    });
    let Some(lease) = acquire(machine, architecture).await else {
        return Ended::Next;
    };
    let Some(file) = lease.boot_file.clone() else {
        if let Some(entry) = &lease.local_boot {
            machine.note(format!("PXE boot menu: {entry}"));
        }
        return Ended::Next;
    };
    machine.note(format!(
        "NBP filename is {file}, from {}",
        lease.next_server
    ));
    machine.step().await;
    match fetch_tftp(machine, &lease, &file, bios).await {
        Ok(bytes) => start(machine, &bytes, architecture, lease, Origin::Tftp).await,
        Err(error) => {
            machine.note(tftp_error(&error, bios));
            Ended::Next
        }
    }
}

/// Boots over HTTP: an address and a URL, or the URL that the BMC was given; a loader; the loader.
pub(super) async fn boot_http(machine: &Machine, given: Option<String>) -> Ended {
    let architecture = over_http(machine.config.architecture);
    machine.note(">>Start HTTP Boot over IPv4");
    // With a URL of its own the firmware takes any address, so it asks as for PXE's sake.
    let asks_as = match given {
        Some(_) => pxe(machine.config.architecture),
        None => architecture,
    };
    let Some(lease) = acquire(machine, asks_as).await else {
        return Ended::Next;
    };
    let Some(url) = given.or_else(|| lease.boot_file.clone()) else {
        return Ended::Next;
    };
    if scheme(&url) != Some("http") {
        machine.note(format!("Error: {url} is no URL this firmware can boot"));
        return Ended::Next;
    }
    machine.note(format!("URI: {url}"));
    machine.step().await;
    let client = http::Client {
        local: lease.address,
        agent: "UefiHttpBoot/1.0",
        timeout: machine.surroundings.timing.http_timeout,
    };
    let size = match client.head(&url).await {
        Ok(Some(size)) => size,
        Ok(None) => {
            machine.note("Error: Could not retrieve NBP file size from HTTP server.");
            return Ended::Next;
        }
        Err(error) => {
            machine.note(format!("Error: Server response: {error}"));
            return Ended::Next;
        }
    };
    machine.note(format!("File Size: {size} Bytes"));
    match client.get(&url, Keep::All).await {
        Ok(file) => start(machine, &file.kept, architecture, lease, Origin::Http(url)).await,
        Err(error) => {
            machine.note(format!("Error: Server response: {error}"));
            Ended::Next
        }
    }
}

async fn acquire(machine: &Machine, architecture: Architecture) -> Option<Lease> {
    let bios = loader::kind(architecture) == loader::Kind::Bios;
    if machine.read(|state| state.faults.no_dhcp) {
        machine.note(if bios {
            "PXE-E61: Media test failure, check cable"
        } else {
            "PXE-E12: Could not detect network connection."
        });
        return None;
    }
    let client = dhcp::Client {
        uuid: machine.config.uuid,
        architecture,
        kind: Kind::Firmware,
    };
    let surroundings = &machine.surroundings;
    let retry = surroundings.timing.dhcp_retry;
    let result = client
        .acquire(&surroundings.relay, &machine.circuit(), retry)
        .await;
    match result {
        Ok(lease) => {
            machine.lease(lease.address);
            machine.note(format!(
                "Station IP address is {}, server IP address is {}",
                lease.address, lease.server_id
            ));
            Some(lease)
        }
        Err(error) => {
            machine.note(format!("{}: {error}", dhcp_code(&error, bios)));
            None
        }
    }
}

/// The loader, as this firmware asks for it. EDK2 asks twice: for the size, then for the file.
async fn fetch_tftp(
    machine: &Machine,
    lease: &Lease,
    file: &str,
    bios: bool,
) -> Result<Vec<u8>, tftp::Error> {
    let surroundings = &machine.surroundings;
    let source = tftp::Source {
        local: lease.address,
        server: (lease.next_server, surroundings.network.tftp_port).into(),
        file,
        retry: surroundings.timing.tftp_retry,
    };
    if bios {
        let options = Options {
            size: true,
            block_size: Some(1456),
            window: None,
        };
        return tftp::read(source, options).await;
    }
    let options = Options {
        size: false,
        block_size: Some(1468),
        window: Some(4),
    };
    if let Some(size) = tftp::size(source, options).await? {
        machine.note(format!("NBP filesize is {size} Bytes"));
    }
    let bytes = tftp::read(source, options).await?;
    machine.note("NBP file downloaded successfully.");
    Ok(bytes)
}

/// Runs what was fetched, if it is a loader for this machine and no byte of it is wrong.
async fn start(
    machine: &Machine,
    bytes: &[u8],
    architecture: Architecture,
    lease: Lease,
    origin: Origin,
) -> Ended {
    if let Err(error) = loader::check(bytes, architecture) {
        machine.note(format!("Boot Failed: {error}"));
        return Ended::Next;
    }
    machine.step().await;
    if machine.read(|state| state.faults.stop_after_loader) {
        machine.note("iPXE initialising devices...");
        machine.enter(Phase::Stopped);
        return Ended::Here;
    }
    machine.enter(Phase::Ipxe);
    // iPXE runs on the same card, by the same firmware: PXE's kind of it, whatever fetched it.
    netboot::run(machine, pxe(architecture), lease, origin).await
}

/// What the firmware's error is called: the numbers are PXE's and EDK2's.
fn dhcp_code(error: &dhcp::Error, bios: bool) -> &'static str {
    match (error, bios) {
        (dhcp::Error::NoOffer { .. }, true) => "PXE-E51",
        (dhcp::Error::NoOffer { .. } | dhcp::Error::NoAck { .. }, false) => "PXE-E18",
        (dhcp::Error::NoUsableOffer { .. }, true) => "PXE-E53",
        (dhcp::Error::NoUsableOffer { .. } | dhcp::Error::Refused(_), false) => "PXE-E16",
        (dhcp::Error::NoAck { .. } | dhcp::Error::Refused(_), true) => "PXE-E51",
        (dhcp::Error::Send(_), _) => "PXE-E99",
    }
}

fn tftp_error(error: &tftp::Error, bios: bool) -> String {
    let code = match (error, bios) {
        (tftp::Error::Timeout { .. }, true) => "PXE-E32",
        (tftp::Error::Timeout { .. }, false) => "PXE-E18",
        (tftp::Error::Server { code: 1, .. }, true) => "PXE-E3B",
        (tftp::Error::Server { .. }, true) => "PXE-E36",
        (tftp::Error::Server { .. }, false) => "PXE-E23",
        (tftp::Error::Socket { .. } | tftp::Error::Protocol(_), _) => "PXE-E99",
    };
    format!("{code}: {error}")
}

/// The architecture that asks by PXE on such a machine.
const fn pxe(architecture: Architecture) -> Architecture {
    match architecture {
        Architecture::X86UefiHttp => Architecture::X86Uefi,
        Architecture::X64UefiHttp => Architecture::X64Uefi,
        Architecture::Arm32UefiHttp => Architecture::Arm32Uefi,
        Architecture::Arm64UefiHttp => Architecture::Arm64Uefi,
        Architecture::X86BiosHttp => Architecture::X86Bios,
        Architecture::X86Bios
        | Architecture::X86Uefi
        | Architecture::X64Uefi
        | Architecture::Arm32Uefi
        | Architecture::Arm64Uefi
        | Architecture::Riscv64Uefi => architecture,
    }
}

/// The architecture that asks by HTTP boot on such a machine. RISC-V has none that the agent knows.
const fn over_http(architecture: Architecture) -> Architecture {
    match architecture {
        Architecture::X86Uefi => Architecture::X86UefiHttp,
        Architecture::X64Uefi => Architecture::X64UefiHttp,
        Architecture::Arm32Uefi => Architecture::Arm32UefiHttp,
        Architecture::Arm64Uefi => Architecture::Arm64UefiHttp,
        Architecture::X86Bios => Architecture::X86BiosHttp,
        Architecture::X86UefiHttp
        | Architecture::X64UefiHttp
        | Architecture::Arm32UefiHttp
        | Architecture::Arm64UefiHttp
        | Architecture::X86BiosHttp
        | Architecture::Riscv64Uefi => architecture,
    }
}
