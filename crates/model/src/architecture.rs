//! Client system architectures.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A client system architecture: the CPU *and* the kind of firmware, as DHCP option 93 carries it
/// (RFC 4578 section 2.1 and the IANA registry "Processor Architecture Types").
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// x86 BIOS, code 0.
    X86Bios,
    /// 32-bit x86 UEFI, code 6.
    X86Uefi,
    /// 64-bit x86 UEFI, codes 7 and 9: firmware uses both for the same thing.
    X64Uefi,
    /// 32-bit ARM UEFI, code 10.
    Arm32Uefi,
    /// 64-bit ARM UEFI, code 11.
    Arm64Uefi,
    /// 32-bit x86 UEFI booting over HTTP, code 15.
    X86UefiHttp,
    /// 64-bit x86 UEFI booting over HTTP, code 16.
    X64UefiHttp,
    /// 32-bit ARM UEFI booting over HTTP, code 18.
    Arm32UefiHttp,
    /// 64-bit ARM UEFI booting over HTTP, code 19.
    Arm64UefiHttp,
    /// x86 BIOS booting over HTTP, code 20.
    X86BiosHttp,
    /// 64-bit RISC-V UEFI, code 27.
    Riscv64Uefi,
}

impl Architecture {
    /// The architecture of an option 93 code, or `None` for one that we cannot boot.
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            0 => Self::X86Bios,
            6 => Self::X86Uefi,
            7 | 9 => Self::X64Uefi,
            10 => Self::Arm32Uefi,
            11 => Self::Arm64Uefi,
            15 => Self::X86UefiHttp,
            16 => Self::X64UefiHttp,
            18 => Self::Arm32UefiHttp,
            19 => Self::Arm64UefiHttp,
            20 => Self::X86BiosHttp,
            27 => Self::Riscv64Uefi,
            _ => return None,
        })
    }

    /// The option 93 code. Of 7 and 9 it is 7.
    pub const fn code(self) -> u16 {
        match self {
            Self::X86Bios => 0,
            Self::X86Uefi => 6,
            Self::X64Uefi => 7,
            Self::Arm32Uefi => 10,
            Self::Arm64Uefi => 11,
            Self::X86UefiHttp => 15,
            Self::X64UefiHttp => 16,
            Self::Arm32UefiHttp => 18,
            Self::Arm64UefiHttp => 19,
            Self::X86BiosHttp => 20,
            Self::Riscv64Uefi => 27,
        }
    }

    /// Whether this firmware asks for a URL and fetches its loader over HTTP.
    pub const fn is_http(self) -> bool {
        matches!(
            self,
            Self::X86UefiHttp
                | Self::X64UefiHttp
                | Self::Arm32UefiHttp
                | Self::Arm64UefiHttp
                | Self::X86BiosHttp
        )
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86Bios => "x86_bios",
            Self::X86Uefi => "x86_uefi",
            Self::X64Uefi => "x64_uefi",
            Self::Arm32Uefi => "arm32_uefi",
            Self::Arm64Uefi => "arm64_uefi",
            Self::X86UefiHttp => "x86_uefi_http",
            Self::X64UefiHttp => "x64_uefi_http",
            Self::Arm32UefiHttp => "arm32_uefi_http",
            Self::Arm64UefiHttp => "arm64_uefi_http",
            Self::X86BiosHttp => "x86_bios_http",
            Self::Riscv64Uefi => "riscv64_uefi",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_code_round_trips_and_nine_is_seven() {
        let known: Vec<u16> = (0..=u16::MAX)
            .filter(|code| Architecture::from_code(*code).is_some())
            .collect();
        assert_eq!(known, [0, 6, 7, 9, 10, 11, 15, 16, 18, 19, 20, 27]);
        for code in known {
            let back = Architecture::from_code(code).map(Architecture::code);
            assert_eq!(back, Some(if code == 9 { 7 } else { code }));
        }
    }
}
