//! Where a reply goes.

use std::net::{Ipv4Addr, SocketAddrV4};

use model::MacAddr;

use super::{CLIENT_PORT, Message, MessageType, SERVER_PORT, options::RELAY_INFORMATION};

/// Where a reply goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To the relay that forwarded the request.
    Relay(SocketAddrV4),
    /// To an address that the client already answers on.
    Client(SocketAddrV4),
    /// To everybody on the link.
    Broadcast(SocketAddrV4),
    /// To an address that the client does not answer ARP for yet, in a frame to its hardware
    /// address. Who cannot send such a frame may broadcast instead: RFC 2131 section 4.1 says so.
    Hardware {
        /// Where the frame goes.
        mac: MacAddr,
        /// Where the packet goes.
        to: SocketAddrV4,
    },
}

/// Where `reply` to `request` goes, by the rules of RFC 2131 section 4.1. `source_port` is the UDP
/// port that the request came from.
///
/// The order matters: a relayed request is answered to its relay even when the client already has
/// an address. A relay that sent from another port than 67 and says so in its information gets the
/// reply on that port (RFC 8357).
pub fn destination(request: &Message, reply: &Message, source_port: u16) -> Destination {
    if request.is_relayed() {
        let own_port = request
            .options
            .get(RELAY_INFORMATION)
            .is_some_and(|information| information.source_port());
        let port = if own_port { source_port } else { SERVER_PORT };
        return Destination::Relay(SocketAddrV4::new(request.relay, port));
    }
    let client = |address| SocketAddrV4::new(address, CLIENT_PORT);
    // Who is told that its address is wrong must not be reached at that address.
    if reply.message_type == MessageType::Nak {
        return Destination::Broadcast(client(Ipv4Addr::BROADCAST));
    }
    if !request.client_address.is_unspecified() {
        return Destination::Client(client(request.client_address));
    }
    // Who is given no address, as by a proxyDHCP server, has none to be reached at.
    if request.broadcast || reply.your_address.is_unspecified() {
        return Destination::Broadcast(client(Ipv4Addr::BROADCAST));
    }
    Destination::Hardware {
        mac: request.mac,
        to: client(reply.your_address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp::{RelayInformation, SubOption};

    const RELAY: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);
    const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 20);
    const MAC: MacAddr = MacAddr::new([0x52, 0x54, 0, 0x12, 0x34, 0x56]);

    #[track_caller]
    fn check(reply: MessageType, change: impl FnOnce(&mut Message), expected: Destination) {
        let mut request = Message::request(MessageType::Request, 7, MAC);
        change(&mut request);
        let mut reply = request.reply(reply);
        reply.your_address = CLIENT;
        assert_eq!(destination(&request, &reply, 1067), expected);
    }

    #[test]
    fn a_relayed_request_is_answered_to_its_relay_even_when_the_client_has_an_address() {
        for reply in [MessageType::Ack, MessageType::Nak] {
            check(
                reply,
                |request| {
                    request.relay = RELAY;
                    request.client_address = CLIENT;
                    request.broadcast = true;
                },
                Destination::Relay(SocketAddrV4::new(RELAY, 67)),
            );
        }
    }

    #[test]
    fn a_relay_that_says_so_is_answered_on_the_port_it_sent_from() {
        check(
            MessageType::Offer,
            |request| {
                request.relay = RELAY;
                let information = RelayInformation::new([SubOption::SourcePort]);
                request.options.set(RELAY_INFORMATION, information);
            },
            Destination::Relay(SocketAddrV4::new(RELAY, 1067)),
        );
    }

    #[test]
    fn a_client_with_an_address_is_answered_there() {
        check(
            MessageType::Ack,
            |request| {
                request.client_address = CLIENT;
                request.broadcast = true;
            },
            Destination::Client(SocketAddrV4::new(CLIENT, 68)),
        );
    }

    #[test]
    fn a_refusal_is_broadcast_even_when_the_client_has_an_address() {
        check(
            MessageType::Nak,
            |request| request.client_address = CLIENT,
            Destination::Broadcast(SocketAddrV4::new(Ipv4Addr::BROADCAST, 68)),
        );
    }

    #[test]
    fn a_client_that_is_given_no_address_is_answered_by_broadcast() {
        let request = Message::request(MessageType::Discover, 7, MAC);
        let offer = request.reply(MessageType::Offer);
        let everybody = SocketAddrV4::new(Ipv4Addr::BROADCAST, 68);
        assert_eq!(
            destination(&request, &offer, 68),
            Destination::Broadcast(everybody)
        );
    }

    #[test]
    fn a_client_without_an_address_is_reached_as_its_broadcast_flag_says() {
        check(
            MessageType::Offer,
            |request| request.broadcast = true,
            Destination::Broadcast(SocketAddrV4::new(Ipv4Addr::BROADCAST, 68)),
        );
        check(
            MessageType::Offer,
            |_| {},
            Destination::Hardware {
                mac: MAC,
                to: SocketAddrV4::new(CLIENT, 68),
            },
        );
    }
}
