//! DHCPv4 (RFC 2131) messages, their options, and where replies go.

mod destination;
mod message;
mod message_type;
pub mod options;
mod packet;
mod relay;
mod value;

pub use self::{
    destination::{Destination, destination},
    message::{DecodeError, Message, Op},
    message_type::MessageType,
    options::{Code, Options},
    packet::packet,
    relay::{RelayInformation, SubOption},
    value::Value,
};

/// The UDP port of DHCP servers and relays.
pub const SERVER_PORT: u16 = 67;

/// The UDP port of DHCP clients.
pub const CLIENT_PORT: u16 = 68;
