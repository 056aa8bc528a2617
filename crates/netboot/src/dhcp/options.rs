//! Options by name: each number has a type, and typed reading and writing.
//!
//! The bytes are what is kept, so an option that nobody here knows survives decoding and encoding.

use std::{collections::BTreeMap, marker::PhantomData, net::Ipv4Addr};

use super::{DecodeError, RelayInformation, Value};

/// The number of an option and the type of what it holds.
#[derive(Debug)]
pub struct Code<T> {
    number: u8,
    value: PhantomData<fn() -> T>,
}

impl<T> Code<T> {
    const fn new(number: u8) -> Self {
        Self {
            number,
            value: PhantomData,
        }
    }

    /// The number on the wire.
    pub const fn number(&self) -> u8 {
        self.number
    }
}

/// The subnet mask (RFC 2132 section 3.3).
pub const SUBNET_MASK: Code<Ipv4Addr> = Code::new(1);
/// Routers, best first (RFC 2132 section 3.5).
pub const ROUTER: Code<Vec<Ipv4Addr>> = Code::new(3);
/// Domain name servers, best first (RFC 2132 section 3.8).
pub const DNS: Code<Vec<Ipv4Addr>> = Code::new(6);
/// The client's host name (RFC 2132 section 3.14).
pub const HOST_NAME: Code<String> = Code::new(12);
/// The client's domain (RFC 2132 section 3.17).
pub const DOMAIN: Code<String> = Code::new(15);
/// Time servers, best first (RFC 2132 section 8.3).
pub const NTP: Code<Vec<Ipv4Addr>> = Code::new(42);
/// Vendor-specific information, for PXE its own sub-options (RFC 2132 section 8.4).
pub const VENDOR_SPECIFIC: Code<Vec<u8>> = Code::new(43);
/// The address a client would like (RFC 2132 section 9.1).
pub const REQUESTED_ADDRESS: Code<Ipv4Addr> = Code::new(50);
/// Lease time in seconds (RFC 2132 section 9.2).
pub const LEASE_TIME: Code<u32> = Code::new(51);
/// Which fixed fields hold options (RFC 2132 section 9.3). Decoding consumes it.
pub(super) const OVERLOAD: Code<u8> = Code::new(52);
/// The message type (RFC 2132 section 9.6). It is [`super::Message::message_type`], not an option.
pub(super) const MESSAGE_TYPE: Code<u8> = Code::new(53);
/// The server that is meant or that answers (RFC 2132 section 9.7).
pub const SERVER_ID: Code<Ipv4Addr> = Code::new(54);
/// The options a client asks for (RFC 2132 section 9.8).
pub const PARAMETER_REQUEST_LIST: Code<Vec<u8>> = Code::new(55);
/// An error text (RFC 2132 section 9.9).
pub const MESSAGE: Code<String> = Code::new(56);
/// The longest message a client takes (RFC 2132 section 9.10).
pub const MAX_MESSAGE_SIZE: Code<u16> = Code::new(57);
/// T1: seconds until the client renews (RFC 2132 section 9.11).
pub const RENEWAL_TIME: Code<u32> = Code::new(58);
/// T2: seconds until the client rebinds (RFC 2132 section 9.12).
pub const REBINDING_TIME: Code<u32> = Code::new(59);
/// The vendor class, such as `PXEClient:Arch:00007:UNDI:003016` (RFC 2132 section 9.13).
pub const VENDOR_CLASS: Code<String> = Code::new(60);
/// The client identifier (RFC 2132 section 9.14).
pub const CLIENT_ID: Code<Vec<u8>> = Code::new(61);
/// The TFTP server's name or address (RFC 2132 section 9.4).
pub const TFTP_SERVER: Code<String> = Code::new(66);
/// The boot file: a name, or a URL (RFC 2132 section 9.5).
pub const BOOT_FILE: Code<String> = Code::new(67);
/// User classes, as they are on the wire; [`user_classes`] takes them apart.
pub const USER_CLASS: Code<Vec<u8>> = Code::new(77);
/// What the relay agent added (RFC 3046).
pub const RELAY_INFORMATION: Code<RelayInformation> = Code::new(82);
/// Client system architectures, best first (RFC 4578 section 2.1).
pub const ARCHITECTURE: Code<Vec<u16>> = Code::new(93);
/// The client network interface: type, major, minor (RFC 4578 section 2.2).
pub const NETWORK_INTERFACE: Code<Vec<u8>> = Code::new(94);
/// The machine identifier: a type, 0 for a UUID, and the identifier (RFC 4578 section 2.3).
pub const MACHINE_ID: Code<Vec<u8>> = Code::new(97);
/// iPXE's encapsulated options. iPXE always sends it.
pub const IPXE: Code<Vec<u8>> = Code::new(175);

/// The options of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<u8, Vec<u8>>);

impl Options {
    /// The value of an option, if it is there and has a length that its type can have.
    pub fn get<T: Value>(&self, code: Code<T>) -> Option<T> {
        T::decode(self.0.get(&code.number)?).ok()
    }

    /// Sets an option.
    pub fn set<T: Value>(&mut self, code: Code<T>, value: impl Into<T>) {
        self.0.insert(code.number, value.into().encode());
    }

    /// The bytes of an option.
    pub fn raw(&self, number: u8) -> Option<&[u8]> {
        self.0.get(&number).map(Vec::as_slice)
    }

    /// Sets the bytes of an option. Numbers 0, 52, 53 and 255 are not options of their own and are
    /// left alone.
    pub fn set_raw(&mut self, number: u8, bytes: impl Into<Vec<u8>>) {
        if !RESERVED.contains(&number) {
            self.0.insert(number, bytes.into());
        }
    }

    /// Whether an option is there.
    pub fn contains<T>(&self, code: Code<T>) -> bool {
        self.0.contains_key(&code.number)
    }

    /// Takes an option away.
    pub fn remove<T>(&mut self, code: Code<T>) {
        self.0.remove(&code.number);
    }

    /// Every option by number.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.0
            .iter()
            .map(|(number, bytes)| (*number, bytes.as_slice()))
    }

    /// Adds the bytes of an option behind those it has: options of one number that come in several
    /// parts are one option (RFC 3396 section 7).
    pub(super) fn append(&mut self, number: u8, bytes: &[u8]) {
        self.0.entry(number).or_default().extend_from_slice(bytes);
    }

    /// Takes out an option of a message, such as its type.
    pub(super) fn take<T: Value>(&mut self, code: Code<T>) -> Option<T> {
        let bytes = self.0.remove(&code.number)?;
        T::decode(&bytes).ok()
    }

    /// Checks the length of every option whose value others rely on.
    pub(super) fn check(&self) -> Result<(), DecodeError> {
        for (number, bytes) in &self.0 {
            check(*number, bytes).map_err(|expected| DecodeError::OptionLength {
                number: *number,
                bytes: bytes.len(),
                expected,
            })?;
        }
        Ok(())
    }
}

/// The options that must have a certain length. The others are text or opaque: whoever sends a
/// strange one of those gets it back or gets it ignored, but still boots.
fn check(number: u8, bytes: &[u8]) -> Result<(), &'static str> {
    match number {
        1 | 50 | 54 => Ipv4Addr::decode(bytes).map(drop),
        3 | 6 | 42 => Vec::<Ipv4Addr>::decode(bytes).map(drop),
        51 | 58 | 59 => u32::decode(bytes).map(drop),
        52 | 53 => u8::decode(bytes).map(drop),
        57 => u16::decode(bytes).map(drop),
        93 => Vec::<u16>::decode(bytes).map(drop),
        _ => Ok(()),
    }
}

/// The user classes of option 77. RFC 3004 puts a length before each; iPXE and others send the bare
/// text, which is then the one class.
pub fn user_classes(bytes: &[u8]) -> Vec<&[u8]> {
    let mut classes = Vec::new();
    let mut rest = bytes;
    while let [length, tail @ ..] = rest {
        match tail.split_at_checked(usize::from(*length)) {
            Some((class, tail)) if !class.is_empty() => {
                classes.push(class);
                rest = tail;
            }
            _ => return vec![bytes],
        }
    }
    classes
}

/// Padding and the end mark, and what the message itself holds.
const RESERVED: [u8; 4] = [0, 52, 53, 255];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_classes_are_read_with_and_without_lengths() {
        assert_eq!(user_classes(b"iPXE"), [b"iPXE"]);
        assert_eq!(user_classes(b"\x04iPXE"), [b"iPXE"]);
        assert_eq!(
            user_classes(b"\x03abc\x04iPXE"),
            [b"abc".as_slice(), b"iPXE"]
        );
        assert_eq!(user_classes(b"\x03ab"), [b"\x03ab"]);
        assert_eq!(user_classes(b"\x00"), [b"\x00"]);
        assert_eq!(user_classes(b""), Vec::<&[u8]>::new());
    }

    #[test]
    fn what_the_message_holds_cannot_be_set_as_an_option() {
        let mut options = Options::default();
        for number in RESERVED {
            options.set_raw(number, [1]);
        }
        assert_eq!(options, Options::default());
    }
}
