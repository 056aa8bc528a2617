//! A machine: QEMU with a network card, a disk and a serial console.

use std::{
    fs,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use acceptance::link::Running;

use crate::site::Site;

/// What it starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Firmware {
    /// SeaBIOS, whose network card has iPXE in its ROM.
    Bios,
    /// EDK2 with its own PXE client.
    UefiPxe,
    /// EDK2 with its own HTTP client alone.
    UefiHttp,
}

/// The address of its network card.
pub(crate) const MAC: &str = "52:54:00:00:00:02";

/// A machine, powered off.
#[derive(Debug)]
pub(crate) struct Machine<'a> {
    site: &'a Site,
    arguments: Vec<String>,
    console: PathBuf,
}

impl<'a> Machine<'a> {
    /// A machine on the site's link. Its disk says on the console that it was booted.
    pub(crate) fn new(site: &'a Site, firmware: Firmware) -> Self {
        let place = |name: &str| site.directory().join(name);
        let (console, disk, variables) = (place("console"), place("disk"), place("variables"));
        fs::write(&disk, boot_sector()).unwrap();
        let interface = site.interface();
        let mut arguments = vec![
            "-accel tcg -m 256 -smp 1 -display none -no-reboot".to_owned(),
            // EDK2 of 2024 and later has no network without random numbers.
            "-device virtio-rng-pci".to_owned(),
            format!("-netdev tap,id=net,ifname={interface},script=no,downscript=no"),
            format!("-serial file:{}", console.display()),
        ];
        let uefi = |name: &str| format!("/usr/share/OVMF/OVMF_{name}_4M.fd");
        match firmware {
            Firmware::Bios => arguments.extend([
                "-machine pc,graphics=off -boot order=nc".to_owned(),
                format!("-device virtio-net-pci,netdev=net,mac={MAC}"),
                format!("-drive file={},format=raw", disk.display()),
            ]),
            Firmware::UefiPxe | Firmware::UefiHttp => {
                fs::copy(uefi("VARS"), &variables).unwrap();
                arguments.extend([
                    "-machine q35".to_owned(),
                    // Without iPXE's ROM, which would take the place of EDK2's own client.
                    format!("-device virtio-net-pci,netdev=net,mac={MAC},romfile="),
                    format!(
                        "-drive if=pflash,format=raw,unit=0,readonly=on,file={}",
                        uefi("CODE")
                    ),
                    format!(
                        "-drive if=pflash,format=raw,unit=1,file={}",
                        variables.display()
                    ),
                    "-fw_cfg name=opt/org.tianocore/IPv6PXESupport,string=n".to_owned(),
                ]);
            }
        }
        if firmware == Firmware::UefiHttp {
            arguments.push("-fw_cfg name=opt/org.tianocore/IPv4PXESupport,string=n".to_owned());
        }
        Self {
            site,
            arguments,
            console,
        }
    }

    /// Powers it on. What the console said when it has powered itself off.
    #[track_caller]
    pub(crate) fn run_until_it_powers_off(&self) -> String {
        self.run(|_| false)
    }

    /// Powers it on, and off again when the console says so.
    #[track_caller]
    pub(crate) fn run_until_it_says(&self, words: &str) -> String {
        let console = self.run(|console| console.contains(words));
        assert!(console.contains(words), "{}", self.site.evidence(&console));
        console
    }

    #[track_caller]
    fn run(&self, enough: impl Fn(&str) -> bool) -> String {
        fs::write(&self.console, "").unwrap();
        let mut command = self.site.command("qemu-system-x86_64");
        command.args(self.arguments.iter().flat_map(|line| line.split(' ')));
        let qemu = command.stdin(Stdio::null()).spawn();
        let mut qemu = Running(qemu.expect("qemu-system-x86_64: run tests/lab/install"));
        let deadline = Instant::now() + POWERED_ON_FOR;
        loop {
            let console = String::from_utf8_lossy(&fs::read(&self.console).unwrap()).into_owned();
            if let Some(status) = qemu.0.try_wait().unwrap() {
                assert!(status.success(), "qemu-system-x86_64: {status}");
                return console;
            }
            if enough(&console) {
                return console;
            }
            let in_time = Instant::now() < deadline;
            assert!(in_time, "still on: {}", self.site.evidence(&console));
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A disk whose first sector writes a line with the BIOS's teletype and halts.
fn boot_sector() -> Vec<u8> {
    // xor ax,ax; mov ds,ax; mov si,0x7c15; lodsb; or al,al; jz +6; mov ah,0x0e; int 0x10;
    // jmp back to lodsb; hlt; jmp back to hlt.
    let mut sector = vec![
        0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x15, 0x7c, 0xac, 0x08, 0xc0, 0x74, 0x06, 0xb4, 0x0e, 0xcd,
        0x10, 0xeb, 0xf5, 0xf4, 0xeb, 0xfd,
    ];
    sector.extend(b"lab: this is the disk\r\n\0");
    sector.resize(510, 0);
    sector.extend([0x55, 0xaa]);
    sector.resize(1 << 20, 0);
    sector
}

/// How long a machine may be on. An emulated one takes half a minute when nothing else runs.
const POWERED_ON_FOR: Duration = Duration::from_secs(300);
