//! Images: what iPXE fetched, and what it takes them for.

use model::Architecture;

use crate::{loader, net::http::Fetched};

/// Something that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) url: String,
    /// What stood behind its URL: the kernel's arguments.
    pub(crate) args: String,
    pub(crate) sha256: String,
    pub(crate) length: u64,
    pub(crate) kind: ImageKind,
}

/// What an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImageKind {
    Script(String),
    Kernel,
    Other,
}

impl Image {
    /// An image, recognized by its first bytes as iPXE on this architecture does.
    pub(crate) fn new(name: &str, url: &str, fetched: &Fetched, on: Architecture) -> Self {
        let head = &fetched.kept;
        let kind = if head.starts_with(b"#!ipxe") || head.starts_with(b"#!gpxe") {
            ImageKind::Script(String::from_utf8_lossy(head).into_owned())
        } else if is_kernel(head, on) {
            ImageKind::Kernel
        } else {
            ImageKind::Other
        };
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            args: String::new(),
            sha256: fetched.sha256.clone(),
            length: fetched.length,
            kind,
        }
    }
}

/// Whether a file is a kernel for this architecture.
///
/// BIOS needs the header of the Linux/x86 boot protocol; EFI takes any EFI application, so a kernel
/// must be one too (the EFI stub). The arm64 magic is that of the arm64 boot protocol.
fn is_kernel(head: &[u8], on: Architecture) -> bool {
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    match loader::kind(on) {
        loader::Kind::Bios => at(0x202, b"HdrS"),
        loader::Kind::Efi(_) => at(0, b"MZ") && (at(0x202, b"HdrS") || at(0x38, b"ARM\x64")),
    }
}
