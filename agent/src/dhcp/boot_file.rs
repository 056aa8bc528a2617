//! What a network boot client is told to fetch.

use std::{collections::BTreeMap, net::Ipv4Addr};

use model::Architecture;
use netboot::{
    dhcp::{
        Message,
        options::{BOOT_FILE, IPXE, MACHINE_ID, TFTP_SERVER, VENDOR_CLASS, VENDOR_SPECIFIC},
    },
    pxe::{BOOT_LOCALLY, Client, HTTP_CLIENT, NO_PROXY, PXE_CLIENT, Stage, TAKE_BOOT_FILE},
};

use super::responder::Settings;
use crate::boot::Planned;

/// The loader of each architecture, a file name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaders {
    /// What the configuration says instead.
    pub(crate) configured: BTreeMap<Architecture, String>,
}

impl Loaders {
    /// The loader of an architecture. One that is configured for firmware that speaks TFTP is also
    /// that of the same firmware over HTTP, because it is the same program.
    pub(crate) fn of(&self, architecture: Architecture) -> &str {
        let over_tftp = over_tftp(architecture);
        self.configured
            .get(&architecture)
            .or_else(|| self.configured.get(&over_tftp))
            .map_or_else(|| usual(over_tftp), String::as_str)
    }
}

const fn over_tftp(architecture: Architecture) -> Architecture {
    match architecture {
        Architecture::X86BiosHttp => Architecture::X86Bios,
        Architecture::X86UefiHttp => Architecture::X86Uefi,
        Architecture::X64UefiHttp => Architecture::X64Uefi,
        Architecture::Arm32UefiHttp => Architecture::Arm32Uefi,
        Architecture::Arm64UefiHttp => Architecture::Arm64Uefi,
        Architecture::X86Bios
        | Architecture::X86Uefi
        | Architecture::X64Uefi
        | Architecture::Arm32Uefi
        | Architecture::Arm64Uefi
        | Architecture::Riscv64Uefi => architecture,
    }
}

/// iPXE that goes through the firmware's own network driver, which works on every card that the
/// firmware can boot from.
const fn usual(over_tftp: Architecture) -> &'static str {
    match over_tftp {
        Architecture::X86Bios | Architecture::X86BiosHttp => "undionly.kpxe",
        Architecture::X86Uefi | Architecture::X86UefiHttp => "snponly-ia32.efi",
        Architecture::X64Uefi | Architecture::X64UefiHttp => "snponly.efi",
        Architecture::Arm32Uefi | Architecture::Arm32UefiHttp => "snponly-arm32.efi",
        Architecture::Arm64Uefi | Architecture::Arm64UefiHttp => "snponly-arm64.efi",
        Architecture::Riscv64Uefi => "snponly-riscv64.efi",
    }
}

/// What a client is told to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BootFile {
    /// A loader by TFTP.
    Tftp(String),
    /// A loader by HTTP.
    Http(String),
    /// The script of its server.
    Script(String),
    /// Nothing: the server's own disk.
    LocalDisk,
    /// Nothing: there is no loader for this client.
    Nothing,
}

impl BootFile {
    /// What the planned server's client is told to fetch.
    ///
    /// The firmware of a server that is installed is sent on to its next boot device right here,
    /// which is the shortest way to its disk: loading iPXE to be told the same takes many seconds,
    /// and UEFI firmware may ask four times in a row. PXE has words for that. UEFI HTTP boot has
    /// none, but it gives up at once when there is nothing at its URL.
    pub(crate) fn decide(settings: &Settings, client: &Client, planned: &Planned) -> Self {
        let boot_url = &settings.boot_url;
        let installed = planned.boot.is_installed();
        match (client.stage, client.architecture) {
            (Stage::Ipxe, _) => Self::Script(format!("{boot_url}/ipxe/{}", planned.mac.hexhyp())),
            (Stage::Firmware, _) if installed && client.http => {
                Self::Http(format!("{boot_url}/local-disk"))
            }
            (Stage::Firmware, _) if installed => Self::LocalDisk,
            (Stage::Firmware, Some(architecture)) => {
                let loader = settings.loaders.of(architecture);
                if client.http {
                    Self::Http(format!("{boot_url}/loaders/{loader}"))
                } else {
                    Self::Tftp(loader.to_owned())
                }
            }
            (Stage::Firmware, None) => Self::Nothing,
        }
    }

    /// Writes it into the reply to `request`. Options 66 and 67 say the same as the fixed fields:
    /// there is firmware that reads only the ones, and firmware that reads only the others.
    pub(crate) fn write(&self, request: &Message, reply: &mut Message, tftp_server: Ipv4Addr) {
        let options = &mut reply.options;
        match self {
            Self::Nothing => return,
            Self::Tftp(_) => {
                options.set(VENDOR_CLASS, PXE_CLIENT);
                options.set(VENDOR_SPECIFIC, TAKE_BOOT_FILE);
            }
            Self::LocalDisk => {
                options.set(VENDOR_CLASS, PXE_CLIENT);
                options.set(VENDOR_SPECIFIC, BOOT_LOCALLY);
            }
            Self::Http(_) => options.set(VENDOR_CLASS, HTTP_CLIENT),
            Self::Script(_) => options.set(IPXE, NO_PROXY),
        }
        self.write_place(request, reply, tftp_server);
    }

    /// Writes it into the reply of a proxyDHCP server. Each such reply names its protocol, by which a
    /// client tells it from one that forgot the address (PXE 2.1 section 2.2.4), iPXE too; that one
    /// also has to wait for it.
    pub(crate) fn write_as_proxy(
        &self,
        request: &Message,
        reply: &mut Message,
        tftp_server: Ipv4Addr,
    ) {
        match self {
            Self::Script(_) => {
                reply.options.set(VENDOR_CLASS, PXE_CLIENT);
                self.write_place(request, reply, tftp_server);
            }
            Self::Tftp(_) | Self::Http(_) | Self::LocalDisk | Self::Nothing => {
                self.write(request, reply, tftp_server);
            }
        }
    }

    fn write_place(&self, request: &Message, reply: &mut Message, tftp_server: Ipv4Addr) {
        let options = &mut reply.options;
        if let Self::Tftp(_) | Self::Script(_) = self {
            reply.next_server = tftp_server;
            options.set(TFTP_SERVER, tftp_server.to_string());
        }
        if let Some(machine) = request.options.get(MACHINE_ID) {
            options.set(MACHINE_ID, machine);
        }
        if let Self::Tftp(file) | Self::Http(file) | Self::Script(file) = self {
            options.set(BOOT_FILE, file.as_str());
            reply.file.clone_from(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_loader_is_also_the_one_over_http_unless_that_has_its_own() {
        let mut loaders = Loaders::default();
        assert_eq!(loaders.of(Architecture::X64Uefi), "snponly.efi");
        assert_eq!(loaders.of(Architecture::X64UefiHttp), "snponly.efi");
        assert_eq!(loaders.of(Architecture::X86BiosHttp), "undionly.kpxe");
        loaders
            .configured
            .insert(Architecture::X64Uefi, "ipxe.efi".to_owned());
        assert_eq!(loaders.of(Architecture::X64UefiHttp), "ipxe.efi");
        loaders
            .configured
            .insert(Architecture::X64UefiHttp, "http.efi".to_owned());
        assert_eq!(loaders.of(Architecture::X64UefiHttp), "http.efi");
        assert_eq!(loaders.of(Architecture::X64Uefi), "ipxe.efi");
    }
}
