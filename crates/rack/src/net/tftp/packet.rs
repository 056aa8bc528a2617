//! TFTP packets, as far as a reader needs them.

use super::Error;

/// What a reader asks for, and what a server grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Whether to ask for the size of the file.
    pub(crate) size: bool,
    pub(crate) block_size: Option<u16>,
    pub(crate) window: Option<u16>,
}

/// What a server granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) size: Option<u64>,
    pub(crate) block_size: Option<u16>,
    pub(crate) window: Option<u16>,
}

/// A packet of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    Data { block: u16, data: Vec<u8> },
    OptionAck(Granted),
    Error { code: u16, text: String },
}

impl Packet {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = Error::Protocol;
        let Some((opcode, rest)) = bytes.split_first_chunk::<2>() else {
            return Err(wrong("less than an opcode"));
        };
        match u16::from_be_bytes(*opcode) {
            DATA => {
                let Some((block, data)) = rest.split_first_chunk::<2>() else {
                    return Err(wrong("data without a block number"));
                };
                Ok(Self::Data {
                    block: u16::from_be_bytes(*block),
                    data: data.to_vec(),
                })
            }
            ERROR => {
                let Some((code, text)) = rest.split_first_chunk::<2>() else {
                    return Err(wrong("an error without a code"));
                };
                let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
                Ok(Self::Error {
                    code: u16::from_be_bytes(*code),
                    text: String::from_utf8_lossy(text).into_owned(),
                })
            }
            OPTION_ACK => granted(rest).map(Self::OptionAck),
            _ => Err(wrong("a packet that only a client sends")),
        }
    }
}

fn granted(mut bytes: &[u8]) -> Result<Granted, Error> {
    let mut granted = Granted::default();
    while !bytes.is_empty() {
        let (Some(name), Some(value)) = (text(&mut bytes), text(&mut bytes)) else {
            return Err(Error::Protocol("an option that does not end"));
        };
        let wrong = |_no_number| Error::Protocol("an option that is no number");
        match name.to_ascii_lowercase().as_str() {
            "tsize" => granted.size = Some(value.parse().map_err(wrong)?),
            "blksize" => granted.block_size = Some(value.parse().map_err(wrong)?),
            "windowsize" => granted.window = Some(value.parse().map_err(wrong)?),
            _ => return Err(Error::Protocol("an option that nobody asked for")),
        }
    }
    Ok(granted)
}

/// The text up to the next zero byte.
fn text(bytes: &mut &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    *bytes = &bytes[end + 1..];
    Some(text)
}

pub(crate) fn read_request(file: &str, options: Options) -> Vec<u8> {
    let mut packet = READ.to_be_bytes().to_vec();
    let mut put = |text: &str| {
        packet.extend(text.as_bytes());
        packet.push(0);
    };
    put(file);
    put("octet");
    let size = options.size.then_some(0);
    for (name, value) in [
        ("tsize", size),
        ("blksize", options.block_size),
        ("windowsize", options.window),
    ] {
        if let Some(value) = value {
            put(name);
            put(&value.to_string());
        }
    }
    packet
}

pub(crate) fn acknowledge(block: u16) -> Vec<u8> {
    [ACK.to_be_bytes(), block.to_be_bytes()].concat()
}

pub(crate) fn error(code: u16, text: &str) -> Vec<u8> {
    let mut packet = [ERROR.to_be_bytes(), code.to_be_bytes()].concat();
    packet.extend(text.as_bytes());
    packet.push(0);
    packet
}

const READ: u16 = 1;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OPTION_ACK: u16 = 6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests_are_those_that_edk2_and_a_plain_client_send() {
        let edk2 = Options {
            size: true,
            block_size: Some(1468),
            window: Some(4),
        };
        assert_eq!(
            read_request("snponly.efi", edk2),
            b"\0\x01snponly.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0"
        );
        let plain = read_request("a", Options::default());
        assert_eq!(plain, b"\0\x01a\0octet\0");
    }

    #[test]
    fn what_a_server_sends_is_read() {
        let check = |bytes: &[u8], expected| assert_eq!(Packet::decode(bytes).unwrap(), expected);
        check(
            b"\0\x03\x01\x02abc",
            Packet::Data {
                block: 0x0102,
                data: b"abc".to_vec(),
            },
        );
        check(
            b"\0\x05\0\x01File not found\0",
            Packet::Error {
                code: 1,
                text: "File not found".to_owned(),
            },
        );
        let granted = Granted {
            size: Some(200_000),
            block_size: Some(1468),
            window: None,
        };
        check(
            b"\0\x06TSIZE\x00200000\0blksize\x001468\0",
            Packet::OptionAck(granted),
        );
        for bad in [b"".as_slice(), b"\0", b"\0\x01", b"\0\x03\0", b"\0\x06a"] {
            assert!(Packet::decode(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_packet_panics(bytes: Vec<u8>) {
            let _result = Packet::decode(&bytes);
        }
    }
}
