//! Tests of messages: round trips, bytes on the wire, and what is refused.

use proptest::{collection, prelude::*};

use super::*;
use crate::dhcp::{RelayInformation, SubOption, options};

const MAC: MacAddr = MacAddr::new([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]);

/// The bytes of hexadecimal text; white space is for the reader.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

/// A DISCOVER with these options, after the fixed part and the cookie.
fn with_options(options: &str) -> Vec<u8> {
    let mut bytes = Message::request(MessageType::Discover, 1, MAC).encode();
    bytes.truncate(240);
    bytes.extend(hex(options));
    bytes
}

#[track_caller]
fn refused(bytes: &[u8], text: &str) {
    assert_eq!(Message::decode(bytes).unwrap_err().to_string(), text);
}

#[test]
fn what_is_not_a_dhcp_message_of_an_ethernet_client_is_refused_with_the_values() {
    refused(&[], "message is 0 bytes, expected at least 240");
    refused(&[1; 239], "message is 239 bytes, expected at least 240");
    let good = with_options("350101 ff");
    let change = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        bytes
    };
    refused(&change(0, 3), "op is 3, expected 1 or 2");
    let hardware = "hardware address is type 32 with 6 bytes, expected type 1 with 6 bytes";
    refused(&change(1, 32), hardware);
    // `hlen` may say anything; 255 is past the end of the fixed part.
    let hardware = "hardware address is type 1 with 255 bytes, expected type 1 with 6 bytes";
    refused(&change(2, 255), hardware);
    let cookie = "magic cookie is 0x63825300, expected 0x63825363";
    refused(&change(239, 0), cookie);
}

#[test]
fn an_option_that_cannot_be_read_is_refused_with_its_number() {
    refused(
        &with_options("350101 5d03000700 ff"),
        "option 93 is 3 bytes, expected an even number",
    );
    refused(
        &with_options("350101 3203c0a800 ff"),
        "option 50 is 3 bytes, expected 4",
    );
    refused(
        &with_options("350101 0305c0a8000101 ff"),
        "option 3 is 5 bytes, expected a multiple of 4",
    );
    refused(
        &with_options("350101 390101 ff"),
        "option 57 is 1 bytes, expected 2",
    );
    refused(
        &with_options("35020101 ff"),
        "option 53 is 2 bytes, expected 1",
    );
    refused(
        &with_options("350101 0c0a6162"),
        "option 12 is cut off: it ends 8 bytes early",
    );
    refused(
        &with_options("350101 0c"),
        "option 12 is cut off: it ends 1 bytes early",
    );
    refused(&with_options("0c026162 ff"), "option 53 is missing");
    refused(
        &with_options("35010d ff"),
        "message type is 13, expected 1 to 8",
    );
}

#[test]
fn an_option_that_nobody_relies_on_may_be_strange() {
    let message = Message::decode(&with_options(
        "350101 6102004c 4d0105 af0113 3c00 0c03610000 ff",
    ));
    let options = message.unwrap().options;
    assert_eq!(options.get(options::MACHINE_ID), Some(vec![0, 0x4c]));
    assert_eq!(options.get(options::VENDOR_CLASS), Some(String::new()));
    assert_eq!(options.get(options::HOST_NAME), Some("a".to_owned()));
}

#[test]
fn an_option_in_several_parts_is_one_option() {
    let message = Message::decode(&with_options("0c026162 350101 0c026364 ff")).unwrap();
    let name = message.options.get(options::HOST_NAME);
    assert_eq!(name, Some("abcd".to_owned()));

    let mut message = Message::request(MessageType::Discover, 1, MAC);
    message.options.set(options::VENDOR_SPECIFIC, vec![7; 600]);
    let bytes = message.encode();
    assert_eq!(bytes[243..245], [43, 255]);
    assert_eq!(bytes[500..502], [43, 255]);
    assert_eq!(bytes[757..759], [43, 90]);
    assert_eq!(Message::decode(&bytes), Ok(message));
}

#[test]
fn overloaded_fields_hold_options_and_no_names() {
    let mut bytes = with_options("350101 340103 ff");
    bytes[108..114].copy_from_slice(&hex("3204c0a80007"));
    bytes[114] = 255;
    bytes[44..50].copy_from_slice(&hex("0c0461626364"));
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.file, "");
    assert_eq!(message.server_name, "");
    assert_eq!(
        message.options.get(options::REQUESTED_ADDRESS),
        Some(Ipv4Addr::new(192, 168, 0, 7))
    );
    let name = message.options.get(options::HOST_NAME);
    assert_eq!(name, Some("abcd".to_owned()));
    assert_eq!(message.options.raw(52), None);
}

#[test]
fn padding_and_a_missing_end_mark_are_no_error() {
    let message = Message::decode(&with_options("00 350101 0000 3204c0a80007")).unwrap();
    assert_eq!(message.message_type, MessageType::Discover);
    assert!(message.options.contains(options::REQUESTED_ADDRESS));
}

#[test]
fn a_name_that_does_not_fit_its_field_is_left_out_and_not_cut() {
    let mut message = Message::request(MessageType::Discover, 1, MAC);
    message.file = "f".repeat(127);
    message.server_name = "s".repeat(63);
    assert_eq!(Message::decode(&message.encode()), Ok(message.clone()));
    message.file.push('f');
    message.server_name.push('s');
    let decoded = Message::decode(&message.encode()).unwrap();
    assert_eq!(decoded.file, "");
    assert_eq!(decoded.server_name, "");
}

#[test]
fn a_field_without_a_nul_byte_is_read_whole() {
    let mut bytes = with_options("350101 ff");
    bytes[108..236].fill(b'f');
    assert_eq!(Message::decode(&bytes).unwrap().file, "f".repeat(128));
}

// Written by hand from RFC 2131 figure 1, RFC 2132, RFC 3046 and RFC 8357: the fields in their
// order, the type first, the relay's information last.
#[test]
fn an_offer_to_a_relayed_client_has_these_bytes() {
    let mut discover = Message::request(MessageType::Discover, 0x3903_f326, MAC);
    discover.broadcast = true;
    discover.relay = Ipv4Addr::new(10, 1, 0, 1);
    discover.options.set(
        RELAY_INFORMATION,
        RelayInformation::new([
            SubOption::CircuitId(b"eth7".to_vec()),
            SubOption::SourcePort,
        ]),
    );
    discover.options.set(CLIENT_ID, vec![1, 0x52]);
    let mut offer = discover.reply(MessageType::Offer);
    offer.your_address = Ipv4Addr::new(10, 1, 0, 20);
    offer.next_server = Ipv4Addr::new(10, 0, 0, 2);
    offer.file = "snponly.efi".to_owned();
    offer
        .options
        .set(options::SERVER_ID, Ipv4Addr::new(10, 0, 0, 2));
    offer.options.set(options::LEASE_TIME, 600u32);
    offer
        .options
        .set(options::SUBNET_MASK, Ipv4Addr::new(255, 255, 255, 0));
    offer
        .options
        .set(options::ROUTER, vec![Ipv4Addr::new(10, 1, 0, 1)]);
    offer.options.set(options::BOOT_FILE, "snponly.efi");
    let expected = [
        hex("02 01 06 00  3903f326  0000 8000  00000000 0a010014 0a000002 0a010001"),
        hex("525400123456 00000000000000000000"),
        vec![0; 64],
        [b"snponly.efi".as_slice(), &[0; 117]].concat(),
        hex("63825363"),
        hex("35 01 02  01 04 ffffff00  03 04 0a010001  33 04 00000258  36 04 0a000002"),
        hex("3d 02 0152  43 0b 736e706f6e6c792e656669  52 08 0104 65746837 1300  ff"),
    ]
    .concat();
    let bytes = offer.encode();
    assert_eq!(bytes[..expected.len()], expected);
    assert_eq!(bytes.len(), expected.len().max(300));
    assert_eq!(Message::decode(&bytes), Ok(offer));
}

#[test]
fn a_short_message_is_padded_to_the_length_of_bootp() {
    let bytes = Message::request(MessageType::Release, 1, MAC).encode();
    assert_eq!(bytes.len(), 300);
    assert_eq!(bytes[240..244], [53, 1, 7, 255]);
}

fn options() -> impl Strategy<Value = Options> {
    let opaque = prop_oneof![
        Just(12_u8),
        Just(43),
        Just(77),
        Just(82),
        Just(97),
        128_u8..=254
    ];
    let raw = collection::btree_map(opaque, collection::vec(any::<u8>(), 0..600), 0..6);
    let typed = (
        any::<Option<u32>>(),
        any::<Option<u32>>(),
        collection::vec(any::<u16>(), 0..4),
    );
    (raw, typed).prop_map(|(raw, (address, seconds, codes))| {
        let mut options = Options::default();
        for (number, bytes) in raw {
            options.set_raw(number, bytes);
        }
        if let Some(address) = address {
            options.set(options::REQUESTED_ADDRESS, Ipv4Addr::from_bits(address));
        }
        if let Some(seconds) = seconds {
            options.set(options::LEASE_TIME, seconds);
        }
        if !codes.is_empty() {
            options.set(options::ARCHITECTURE, codes);
        }
        options
    })
}

fn message() -> impl Strategy<Value = Message> {
    let numbers = (
        any::<bool>(),
        any::<u8>(),
        any::<u32>(),
        any::<u16>(),
        any::<bool>(),
    );
    let names = ("[a-zA-Z0-9/.é-]{0,31}", "[a-zA-Z0-9/.é-]{0,63}");
    let rest = (any::<[u32; 4]>(), any::<[u8; 6]>(), 1_u8..=8);
    (numbers, names, rest, options()).prop_map(|(numbers, names, rest, options)| {
        let (request, hops, xid, secs, broadcast) = numbers;
        let ([client, your, next, relay], mac, number) = rest;
        Message {
            op: if request { Op::Request } else { Op::Reply },
            hops,
            xid,
            secs,
            broadcast,
            client_address: Ipv4Addr::from_bits(client),
            your_address: Ipv4Addr::from_bits(your),
            next_server: Ipv4Addr::from_bits(next),
            relay: Ipv4Addr::from_bits(relay),
            mac: MacAddr::new(mac),
            server_name: names.0,
            file: names.1,
            message_type: MessageType::from_number(number).unwrap(),
            options,
        }
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(message in message()) {
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn no_bytes_panic(bytes in collection::vec(any::<u8>(), 0..700)) {
        let _result = Message::decode(&bytes);
    }

    #[test]
    fn no_options_panic(options in collection::vec(any::<u8>(), 0..400), sname: [u8; 32]) {
        let mut bytes = with_options("350101 340103");
        bytes[44..76].copy_from_slice(&sname);
        bytes.extend(options);
        if let Ok(message) = Message::decode(&bytes) {
            let _client = crate::pxe::Client::of(&message);
            prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
    }
}
