//! The loaders that firmware fetches: files that look like iPXE to whoever looks at their headers,
//! and that carry a digest so that a wrong byte is found.

use std::{fs, io, path::Path};

use model::Architecture;
use ring::digest;

/// A file of a loader directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loader {
    pub(crate) file: &'static str,
    pub(crate) kind: Kind,
    size: usize,
}

/// What firmware can run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A BIOS network boot program: loaded to 0:7c00 and jumped to.
    Bios,
    /// An EFI application for this machine type (PE/COFF specification, "Machine Types").
    Efi(u16),
}

/// Why firmware does not run a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("the file is {0} bytes, too short to be a loader")]
    TooShort(usize),
    #[error("the file is no EFI application")]
    NotEfi,
    #[error(
        "the file is an EFI application for machine type {found:#06x}, expected {expected:#06x}"
    )]
    Machine { found: u16, expected: u16 },
    #[error("the file is no BIOS network boot program")]
    NotBios,
    #[error("the file is {0} bytes, more than fits into base memory")]
    TooBig(usize),
    #[error("the file is damaged: its digest does not match")]
    Damaged,
}

/// Every loader that a machine of a rack can ask for.
pub(crate) const LOADERS: [Loader; 8] = [
    Loader::new("undionly.kpxe", Kind::Bios, 96 * 1024),
    Loader::new("snponly.efi", Kind::Efi(X64), 200 * 1024),
    Loader::new("ipxe.efi", Kind::Efi(X64), 240 * 1024),
    Loader::new("snponly-ia32.efi", Kind::Efi(IA32), 180 * 1024),
    Loader::new("snponly-arm64.efi", Kind::Efi(ARM64), 210 * 1024),
    Loader::new("ipxe-arm64.efi", Kind::Efi(ARM64), 250 * 1024),
    Loader::new("snponly-arm32.efi", Kind::Efi(ARM32), 190 * 1024),
    Loader::new("snponly-riscv64.efi", Kind::Efi(RISCV64), 220 * 1024),
];

impl Loader {
    const fn new(file: &'static str, kind: Kind, size: usize) -> Self {
        Self { file, kind, size }
    }

    /// The file: a header, bytes that look random and are the same every time, a digest of both.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = noise(self.file, self.size);
        match self.kind {
            Kind::Bios => bytes[..BIOS_MAGIC.len()].copy_from_slice(BIOS_MAGIC),
            Kind::Efi(machine) => {
                bytes[..2].copy_from_slice(b"MZ");
                bytes[0x3c..0x40].copy_from_slice(&0x80_u32.to_le_bytes());
                bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
                bytes[0x84..0x86].copy_from_slice(&machine.to_le_bytes());
            }
        }
        let end = bytes.len() - digest::SHA256_OUTPUT_LEN;
        let digest = digest::digest(&digest::SHA256, &bytes[..end]);
        bytes[end..].copy_from_slice(digest.as_ref());
        bytes
    }
}

/// Writes all loaders into `directory`, which is made if it is not there.
pub(crate) fn write(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for loader in LOADERS {
        fs::write(directory.join(loader.file), loader.bytes())?;
    }
    Ok(())
}

/// Whether firmware of this architecture runs `file`.
pub(crate) fn check(file: &[u8], architecture: Architecture) -> Result<(), Error> {
    let Some((body, digest)) = file.split_last_chunk::<{ digest::SHA256_OUTPUT_LEN }>() else {
        return Err(Error::TooShort(file.len()));
    };
    match kind(architecture) {
        Kind::Bios if !body.starts_with(BIOS_MAGIC) => return Err(Error::NotBios),
        Kind::Bios if file.len() > BASE_MEMORY => return Err(Error::TooBig(file.len())),
        Kind::Bios => {}
        Kind::Efi(expected) => {
            let found = pe_machine(body).ok_or(Error::NotEfi)?;
            if found != expected {
                return Err(Error::Machine { found, expected });
            }
        }
    }
    if digest::digest(&digest::SHA256, body).as_ref() == digest {
        Ok(())
    } else {
        Err(Error::Damaged)
    }
}

/// What a machine of this architecture runs.
pub(crate) const fn kind(architecture: Architecture) -> Kind {
    match architecture {
        Architecture::X86Bios | Architecture::X86BiosHttp => Kind::Bios,
        Architecture::X86Uefi | Architecture::X86UefiHttp => Kind::Efi(IA32),
        Architecture::X64Uefi | Architecture::X64UefiHttp => Kind::Efi(X64),
        Architecture::Arm32Uefi | Architecture::Arm32UefiHttp => Kind::Efi(ARM32),
        Architecture::Arm64Uefi | Architecture::Arm64UefiHttp => Kind::Efi(ARM64),
        Architecture::Riscv64Uefi => Kind::Efi(RISCV64),
    }
}

fn pe_machine(bytes: &[u8]) -> Option<u16> {
    let field = |at: usize, length: usize| bytes.get(at..at.checked_add(length)?);
    if field(0, 2)? != b"MZ" {
        return None;
    }
    let at = u32::from_le_bytes(field(0x3c, 4)?.try_into().ok()?);
    let at = usize::try_from(at).ok()?;
    let header = field(at, 6)?;
    (header.starts_with(b"PE\0\0")).then_some(u16::from_le_bytes([header[4], header[5]]))
}

/// Bytes that look random, the same ones for the same name (xorshift64*, seeded with FNV-1a).
pub(crate) fn noise(name: &str, length: usize) -> Vec<u8> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend(state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

const IA32: u16 = 0x014c;
const X64: u16 = 0x8664;
const ARM32: u16 = 0x01c2;
const ARM64: u16 = 0xaa64;
const RISCV64: u16 = 0x5064;
/// The rack's own mark: a network boot program has no magic number, the BIOS just jumps into it.
const BIOS_MAGIC: &[u8] = b"\xeb\x0eRACK-NBP";
const BASE_MEMORY: usize = 512 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_loader_runs_on_its_own_architecture_only() {
        for loader in LOADERS {
            let bytes = loader.bytes();
            for code in [0, 6, 7, 10, 11, 15, 16, 18, 19, 20, 27] {
                let architecture = Architecture::from_code(code).unwrap();
                let runs = check(&bytes, architecture).is_ok();
                let expected = kind(architecture) == loader.kind;
                assert_eq!(runs, expected, "{} on {architecture}", loader.file);
            }
        }
    }

    #[test]
    fn one_wrong_byte_or_a_missing_end_is_found() {
        let good = LOADERS[1].bytes();
        let mut flipped = good.clone();
        flipped[1000] ^= 1;
        let x64 = Architecture::X64Uefi;
        assert_eq!(check(&flipped, x64), Err(Error::Damaged));
        assert_eq!(check(&good[..good.len() - 1], x64), Err(Error::Damaged));
        assert_eq!(check(b"<html>", x64), Err(Error::TooShort(6)));
        assert_eq!(check(&[b' '; 100], x64), Err(Error::NotEfi));
    }

    #[test]
    fn a_directory_holds_every_loader_and_is_the_same_every_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("loaders");
        write(&path).unwrap();
        write(&path).unwrap();
        for loader in LOADERS {
            let found = fs::read(path.join(loader.file)).unwrap();
            assert_eq!(found, loader.bytes(), "{}", loader.file);
        }
    }

    proptest! {
        #[test]
        fn no_file_panics(mut bytes: Vec<u8>, efi: bool) {
            if efi {
                bytes.splice(0..0, *b"MZ");
            }
            let _bios = check(&bytes, Architecture::X86Bios);
            let _efi = check(&bytes, Architecture::X64Uefi);
        }
    }
}
