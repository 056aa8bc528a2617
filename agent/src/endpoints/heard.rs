//! What an endpoint says of itself in a DHCP message. Pure.

use std::net::Ipv4Addr;

use model::MacAddr;
use netboot::dhcp::{
    Message, MessageType, Op,
    options::{HOST_NAME, REQUESTED_ADDRESS, VENDOR_CLASS},
};

/// What was heard of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) mac: MacAddr,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) vendor_class: Option<String>,
    pub(crate) hostname: Option<String>,
}

impl Heard {
    /// What a message tells of the endpoint that sent it, or `None` if no endpoint can have.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        if message.op != Op::Request || !message.mac.is_unicast() {
            return None;
        }
        let options = &message.options;
        // What a client asks for in a DHCPREQUEST is what some server offered it. What it wishes for
        // in a DHCPDISCOVER may be of another network.
        let own = Some(message.client_address);
        let address = match message.message_type {
            MessageType::Request => own
                .filter(|own| !own.is_unspecified())
                .or_else(|| options.get(REQUESTED_ADDRESS)),
            MessageType::Inform => own,
            MessageType::Discover
            | MessageType::Decline
            | MessageType::Release
            | MessageType::Offer
            | MessageType::Ack
            | MessageType::Nak => None,
        };
        Some(Self {
            mac: message.mac,
            address: address.filter(|address| is_a_hosts(*address)),
            vendor_class: options.raw(VENDOR_CLASS.number()).and_then(printable),
            hostname: options.raw(HOST_NAME.number()).and_then(printable),
        })
    }
}

fn is_a_hosts(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast()
}

/// `bytes` as text of printable ASCII, with `?` for everything else, and not too long.
fn printable(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().rposition(|byte| *byte != 0)? + 1;
    let bytes = bytes.get(..end.min(LONGEST))?;
    let printable = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '?',
    };
    Some(bytes.iter().map(printable).collect())
}

/// Longer than any vendor class or host name that is real.
const LONGEST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::mac;

    fn message(message_type: MessageType) -> Message {
        Message::request(message_type, 1, mac(1))
    }

    #[test]
    fn what_an_endpoint_says_is_printable_and_short() {
        let mut discover = message(MessageType::Discover);
        discover
            .options
            .set_raw(VENDOR_CLASS.number(), *b"PXE\x1b[2J\nC\xff\x00\x00");
        discover.options.set_raw(HOST_NAME.number(), [b'a'; 600]);
        let heard = Heard::of(&discover).unwrap();
        assert_eq!(heard.vendor_class.as_deref(), Some("PXE?[2J?C?"));
        assert_eq!(heard.hostname, Some("a".repeat(LONGEST)));
        discover.options.set_raw(VENDOR_CLASS.number(), *b"\0\0");
        assert_eq!(Heard::of(&discover).unwrap().vendor_class, None);
    }

    #[test]
    fn the_address_is_the_one_that_some_server_gave() {
        let ip = Ipv4Addr::new(10, 0, 0, 9);
        let mut request = message(MessageType::Request);
        request.options.set(REQUESTED_ADDRESS, ip);
        assert_eq!(Heard::of(&request).unwrap().address, Some(ip));
        let mut wish = message(MessageType::Discover);
        wish.options.set(REQUESTED_ADDRESS, ip);
        assert_eq!(Heard::of(&wish).unwrap().address, None);
        let mut inform = message(MessageType::Inform);
        inform.client_address = ip;
        assert_eq!(Heard::of(&inform).unwrap().address, Some(ip));
        inform.client_address = Ipv4Addr::BROADCAST;
        assert_eq!(Heard::of(&inform).unwrap().address, None);
    }

    #[test]
    fn a_reply_and_a_group_address_are_no_endpoint() {
        let mut reply = message(MessageType::Discover);
        reply.op = Op::Reply;
        assert_eq!(Heard::of(&reply), None);
        let group = Message::request(MessageType::Discover, 1, MacAddr::new([0xff; 6]));
        assert_eq!(Heard::of(&group), None);
    }
}
