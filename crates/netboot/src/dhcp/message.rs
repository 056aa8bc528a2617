//! DHCPv4 messages, bytes to value and back.
//!
//! `dhcproto` reads and writes the fixed part and splits long options; its names stop in this file.
//! What it leaves out is done here: the magic cookie, option overload, options in several parts, and
//! an error for an option that is cut off.

use std::net::Ipv4Addr;

use dhcproto::v4::{
    self, Decoder, Encodable, Encoder, HType, MAGIC, MIN_PACKET_SIZE, Opcode, OptionCode, borrowed,
    encode_long_opt_bytes,
};
use model::MacAddr;

use super::{
    MessageType,
    options::{CLIENT_ID, MESSAGE_TYPE, OVERLOAD, Options, RELAY_INFORMATION},
};

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// From a client.
    Request,
    /// From a server.
    Reply,
}

/// A DHCPv4 message of an Ethernet client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which way it goes.
    pub op: Op,
    /// How many relays it went through.
    pub hops: u8,
    /// The transaction id, chosen by the client (`xid` in the RFC).
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// Whether the client can only take broadcasts yet.
    pub broadcast: bool,
    /// The address the client has and answers on (`ciaddr`).
    pub client_address: Ipv4Addr,
    /// The address the client is given (`yiaddr`).
    pub your_address: Ipv4Addr,
    /// The server to boot from, for PXE the TFTP server (`siaddr`).
    pub next_server: Ipv4Addr,
    /// The relay that forwarded the request, unspecified if none did (`giaddr`).
    pub relay: Ipv4Addr,
    /// The client's hardware address (`chaddr`).
    pub mac: MacAddr,
    /// The server's name, up to 63 bytes (`sname`).
    pub server_name: String,
    /// The boot file, up to 127 bytes (`file`).
    pub file: String,
    /// What it is about.
    pub message_type: MessageType,
    /// Its other options.
    pub options: Options,
}

/// Why bytes are not a DHCP message that can be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It ends before the options begin.
    #[error("message is {bytes} bytes, expected at least 240")]
    TooShort {
        /// Its length.
        bytes: usize,
    },
    /// It is neither a request nor a reply.
    #[error("op is {0}, expected 1 or 2")]
    Op(u8),
    /// The client is not on Ethernet.
    #[error("hardware address is type {kind} with {bytes} bytes, expected type 1 with 6 bytes")]
    Hardware {
        /// The hardware type.
        kind: u8,
        /// The length of its hardware address.
        bytes: u8,
    },
    /// The mark before the options is missing.
    #[error("magic cookie is {0:#010x}, expected 0x63825363")]
    Cookie(u32),
    /// The message ends inside an option.
    #[error("option {number} is cut off: it ends {missing} bytes early")]
    CutOff {
        /// The option.
        number: u8,
        /// How many bytes are not there.
        missing: usize,
    },
    /// An option has a length it cannot have.
    #[error("option {number} is {bytes} bytes, expected {expected}")]
    OptionLength {
        /// The option.
        number: u8,
        /// Its length.
        bytes: usize,
        /// The length it must have.
        expected: &'static str,
    },
    /// It is BOOTP, not DHCP.
    #[error("option 53 is missing")]
    NoMessageType,
    /// Its type is none that clients and servers use.
    #[error("message type is {0}, expected 1 to 8")]
    MessageType(u8),
}

impl Message {
    /// A client's message.
    pub fn request(message_type: MessageType, xid: u32, mac: MacAddr) -> Self {
        Self {
            op: Op::Request,
            hops: 0,
            xid,
            secs: 0,
            broadcast: false,
            client_address: Ipv4Addr::UNSPECIFIED,
            your_address: Ipv4Addr::UNSPECIFIED,
            next_server: Ipv4Addr::UNSPECIFIED,
            relay: Ipv4Addr::UNSPECIFIED,
            mac,
            server_name: String::new(),
            file: String::new(),
            message_type,
            options: Options::default(),
        }
    }

    /// A server's answer to this message, with what RFC 2131 table 3 takes over from it. The client
    /// identifier (RFC 6842) and the relay's information (RFC 3046) are given back.
    #[must_use]
    pub fn reply(&self, message_type: MessageType) -> Self {
        let mut reply = Self {
            op: Op::Reply,
            broadcast: self.broadcast,
            relay: self.relay,
            ..Self::request(message_type, self.xid, self.mac)
        };
        for number in [CLIENT_ID.number(), RELAY_INFORMATION.number()] {
            if let Some(bytes) = self.options.raw(number) {
                reply.options.set_raw(number, bytes);
            }
        }
        reply
    }

    /// Whether a relay forwarded it.
    pub const fn is_relayed(&self) -> bool {
        !self.relay.is_unspecified()
    }

    /// Reads a datagram.
    ///
    /// # Errors
    ///
    /// If it is not a DHCP message of an Ethernet client, or one of its options has a length that it
    /// cannot have.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let too_short = DecodeError::TooShort { bytes: bytes.len() };
        // `dhcproto` looks at 240 bytes at least, and indexes by `hlen`: both are checked first.
        let Ok(fixed) = borrowed::Message::new(bytes) else {
            return Err(too_short);
        };
        let [_, kind, length, ..] = *bytes else {
            return Err(too_short);
        };
        let op = match fixed.opcode() {
            Opcode::BootRequest => Op::Request,
            Opcode::BootReply => Op::Reply,
            Opcode::Unknown(op) => return Err(DecodeError::Op(op)),
        };
        let mac = match <[u8; 6]>::try_from(bytes.get(28..34).unwrap_or_default()) {
            Ok(mac) if kind == 1 && length == 6 => MacAddr::new(mac),
            _ => {
                return Err(DecodeError::Hardware {
                    kind,
                    bytes: length,
                });
            }
        };
        let mut options = read_options(bytes)?;
        let (mut server_name, mut file) = (text(fixed.sname()), text(fixed.fname()));
        let overload = options.take(OVERLOAD).unwrap_or(0);
        if overload & 1 != 0 {
            file.clear();
        }
        if overload & 2 != 0 {
            server_name.clear();
        }
        let number = options
            .take(MESSAGE_TYPE)
            .ok_or(DecodeError::NoMessageType)?;
        Ok(Self {
            op,
            hops: fixed.hops(),
            xid: fixed.xid(),
            secs: fixed.secs(),
            broadcast: fixed.flags().broadcast(),
            client_address: fixed.ciaddr(),
            your_address: fixed.yiaddr(),
            next_server: fixed.siaddr(),
            relay: fixed.giaddr(),
            mac,
            server_name,
            file,
            message_type: MessageType::from_number(number)
                .ok_or(DecodeError::MessageType(number))?,
            options,
        })
    }

    /// Writes a datagram, of 300 bytes at least: some relays and clients drop what is shorter than
    /// a BOOTP message (RFC 1542 section 2.1).
    ///
    /// A server name or file that does not fit its field is left out; half a name is worse than
    /// none, and options 66 and 67 have room.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        let mut out = Encoder::new(&mut bytes);
        self.fixed_part()
            .encode(&mut out)
            .and_then(|()| self.write_options(&mut out))
            .expect("names fit their fields, and memory is the only other limit");
        if bytes.len() < MIN_PACKET_SIZE {
            bytes.resize(MIN_PACKET_SIZE, 0);
        }
        bytes
    }

    /// The part before the options.
    fn fixed_part(&self) -> v4::Message {
        let mut fixed = v4::Message::new_with_id(
            self.xid,
            self.client_address,
            self.your_address,
            self.next_server,
            self.relay,
            &self.mac.octets(),
        );
        fixed
            .set_opcode(match self.op {
                Op::Request => Opcode::BootRequest,
                Op::Reply => Opcode::BootReply,
            })
            .set_htype(HType::Eth)
            .set_hops(self.hops)
            .set_secs(self.secs);
        if self.broadcast {
            fixed.set_flags(v4::Flags::default().set_broadcast());
        }
        if fits(&self.server_name, 63) {
            fixed.set_sname_str(&self.server_name);
        }
        if fits(&self.file, 127) {
            fixed.set_fname_str(&self.file);
        }
        fixed
    }

    /// The type first, because some clients look for it there, and the relay's information last
    /// (RFC 3046 section 2.1).
    fn write_options(&self, out: &mut Encoder<'_>) -> v4::EncodeResult<()> {
        write_option(MESSAGE_TYPE.number(), &[self.message_type.number()], out)?;
        let last = RELAY_INFORMATION.number();
        for (number, bytes) in self.options.iter().filter(|(number, _)| *number != last) {
            write_option(number, bytes, out)?;
        }
        if let Some(bytes) = self.options.raw(last) {
            write_option(last, bytes, out)?;
        }
        out.write_u8(END)
    }
}

fn write_option(number: u8, bytes: &[u8], out: &mut Encoder<'_>) -> v4::EncodeResult<()> {
    if bytes.is_empty() {
        return out.write_slice(&[number, 0]);
    }
    encode_long_opt_bytes(OptionCode::from(number), bytes, out)
}

/// The options of a message, those in overloaded fields included. The order is that of RFC 3396
/// section 5: options, then `file`, then `sname`.
fn read_options(message: &[u8]) -> Result<Options, DecodeError> {
    let cookie = message.first_chunk::<240>().map_or([0; 4], |fixed| {
        [fixed[236], fixed[237], fixed[238], fixed[239]]
    });
    if cookie != MAGIC {
        return Err(DecodeError::Cookie(u32::from_be_bytes(cookie)));
    }
    let mut options = Options::default();
    read_field(message.get(240..).unwrap_or_default(), &mut options)?;
    let overload = options.get(OVERLOAD).unwrap_or(0);
    for (bit, field) in [(1, 108..236), (2, 44..108)] {
        if overload & bit != 0 {
            read_field(message.get(field).unwrap_or_default(), &mut options)?;
        }
    }
    options.check()?;
    Ok(options)
}

/// The options of one field, up to its end mark or its end.
fn read_field(field: &[u8], options: &mut Options) -> Result<(), DecodeError> {
    let mut input = Decoder::new(field);
    while let Ok(number) = input.read_u8() {
        match number {
            PAD => continue,
            END => break,
            _ => {}
        }
        let Ok(length) = input.read_u8() else {
            return Err(DecodeError::CutOff { number, missing: 1 });
        };
        let left = input.buffer().len();
        let Ok(data) = input.read_slice(usize::from(length)) else {
            return Err(DecodeError::CutOff {
                number,
                missing: usize::from(length) - left,
            });
        };
        options.append(number, data);
    }
    Ok(())
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

fn fits(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most
}

const PAD: u8 = 0;
const END: u8 = 255;

#[cfg(test)]
mod tests;
