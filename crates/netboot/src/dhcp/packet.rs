//! An IPv4 packet around a DHCP message, for clients that have no address to send a datagram to.

use std::net::{Ipv4Addr, SocketAddrV4};

/// The packet (RFC 791) with the datagram (RFC 768) that takes `message` from one address to
/// another, checksums included. `None` if the message is too long for one.
pub fn packet(from: SocketAddrV4, to: SocketAddrV4, message: &[u8]) -> Option<Vec<u8>> {
    let datagram = u16::try_from(UDP_HEADER + message.len()).ok()?;
    let total = datagram.checked_add(IP_HEADER)?;
    let mut packet = Vec::with_capacity(usize::from(total));
    // Version 4 and five words of header, no type of service; not fragmented and never to be, so
    // that it needs no identification (RFC 6864); 64 hops; UDP.
    packet.extend([0x45, 0]);
    packet.extend(total.to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, UDP, 0, 0]);
    packet.extend(from.ip().octets());
    packet.extend(to.ip().octets());
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());

    let header = packet.len();
    packet.extend(from.port().to_be_bytes());
    packet.extend(to.port().to_be_bytes());
    packet.extend(datagram.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(message);
    let mut counted = pseudo_header(*from.ip(), *to.ip(), datagram);
    counted.extend(&packet[header..]);
    // No checksum at all is written as 0, so a sum of 0 is written as its other form.
    let sum = match checksum(&counted) {
        0 => u16::MAX,
        sum => sum,
    };
    packet[header + 6..header + 8].copy_from_slice(&sum.to_be_bytes());
    Some(packet)
}

fn pseudo_header(from: Ipv4Addr, to: Ipv4Addr, datagram: u16) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(from.octets());
    header.extend(to.octets());
    header.extend([0, UDP]);
    header.extend(datagram.to_be_bytes());
    header
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| match *word {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(u16::from_be_bytes([high, 0])),
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [_, _, high, low] = (!sum).to_be_bytes();
    u16::from_be_bytes([high, low])
}

const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
const IP_HEADER: u16 = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FROM: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 67);
    const TO: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 20), 68);

    #[test]
    fn a_packet_is_what_the_standards_say() {
        #[rustfmt::skip]
        let expected = [
            0x45, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x40, 0x00, // version … fragment
            0x40, 0x11, 0xb6, 0xb8,                         // 64 hops, UDP, checksum
            0xc0, 0x00, 0x02, 0x01, 0xc0, 0x00, 0x02, 0x14, // from, to
            0x00, 0x43, 0x00, 0x44, 0x00, 0x0b, 0xb6, 0xd8, // ports, length, checksum
            0x61, 0x62, 0x63,
        ];
        assert_eq!(packet(FROM, TO, b"abc").unwrap(), expected);
    }

    #[test]
    fn a_checksum_of_zero_is_written_as_its_other_form() {
        // Whatever makes the sum of the rest all ones.
        let sum = |message: [u8; 2]| {
            let packet = packet(FROM, TO, &message).unwrap();
            u16::from_be_bytes([packet[26], packet[27]])
        };
        let rest = sum([0, 0]);
        assert_eq!(sum(rest.to_be_bytes()), u16::MAX);
    }

    #[test]
    fn what_fits_into_no_packet_is_refused() {
        assert_eq!(packet(FROM, TO, &[0; 65_507]).unwrap().len(), 65_535);
        assert_eq!(packet(FROM, TO, &[0; 65_508]), None);
        assert_eq!(packet(FROM, TO, &[0; 70_000]), None);
    }

    proptest! {
        #[test]
        fn whoever_adds_everything_up_finds_no_error(
            message in prop::collection::vec(any::<u8>(), 0..700),
            (from, to) in (any::<u32>(), any::<u32>()),
        ) {
            let from = SocketAddrV4::new(from.into(), 67);
            let to = SocketAddrV4::new(to.into(), 68);
            let packet = packet(from, to, &message).unwrap();
            prop_assert_eq!(checksum(&packet[..20]), 0);
            let length = u16::from_be_bytes([packet[24], packet[25]]);
            let mut counted = pseudo_header(*from.ip(), *to.ip(), length);
            counted.extend(&packet[20..]);
            prop_assert_eq!(checksum(&counted), 0);
            prop_assert_eq!(&packet[28..], message.as_slice());
        }
    }
}
