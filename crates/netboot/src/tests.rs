//! Real datagrams, as firmware sent them: what is read of them, and that nothing is lost.

use model::{Architecture, MacAddr};

use crate::{
    dhcp::{
        Message, MessageType,
        options::{CLIENT_ID, MACHINE_ID, MAX_MESSAGE_SIZE, NETWORK_INTERFACE, VENDOR_CLASS},
    },
    pxe::{Client, Stage},
};

/// The bytes of hexadecimal text, without its comments.
fn hex(text: &str) -> Vec<u8> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let digits: Vec<u32> = lines
        .flat_map(str::chars)
        .filter_map(|c| c.to_digit(16))
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

#[track_caller]
fn check(text: &str, vendor: &str, broadcast: bool, expected: Client) -> Message {
    let message = Message::decode(&hex(text)).unwrap();
    assert_eq!(message.message_type, MessageType::Discover);
    assert_eq!(message.mac, MacAddr::new([0x52, 0x54, 0, 0, 0, 2]));
    assert_eq!(message.broadcast, broadcast);
    let options = &message.options;
    assert_eq!(options.get(VENDOR_CLASS).as_deref(), Some(vendor));
    assert_eq!(options.get(MAX_MESSAGE_SIZE), Some(1472));
    assert_eq!(options.get(MACHINE_ID), Some(vec![0; 17]));
    assert!(options.contains(NETWORK_INTERFACE));
    assert_eq!(Client::of(&message), Some(expected));
    assert_eq!(Message::decode(&message.encode()), Ok(message.clone()));
    message
}

#[test]
fn edk2_is_firmware_over_pxe_and_over_http() {
    let client = Client {
        architecture: Some(Architecture::X64Uefi),
        stage: Stage::Firmware,
        http: false,
        uuid: None,
    };
    let text = include_str!("testdata/edk2-pxe-discover.hex");
    check(text, "PXEClient:Arch:00007:UNDI:003000", true, client);
    let client = Client {
        architecture: Some(Architecture::X64UefiHttp),
        http: true,
        ..client
    };
    let text = include_str!("testdata/edk2-http-discover.hex");
    check(text, "HTTPClient:Arch:00016:UNDI:003000", true, client);
}

#[test]
fn ipxe_is_ipxe_although_its_vendor_class_is_that_of_firmware() {
    let client = Client {
        architecture: Some(Architecture::X64Uefi),
        stage: Stage::Ipxe,
        http: false,
        uuid: None,
    };
    let text = include_str!("testdata/ipxe-discover.hex");
    let message = check(text, "PXEClient:Arch:00007:UNDI:003010", false, client);
    let id = message.options.get(CLIENT_ID);
    assert_eq!(id, Some(vec![1, 0x52, 0x54, 0, 0, 0, 2]));
}
