//! Whole replies of the agent beside another DHCP server.

use model::{Architecture, Boot, BootMethod, BootPolicy, Stage};
use netboot::dhcp::{
    RelayInformation, SubOption,
    options::{
        ARCHITECTURE, BOOT_FILE, IPXE, LEASE_TIME, MACHINE_ID, RELAY_INFORMATION, TFTP_SERVER,
        USER_CLASS, VENDOR_CLASS, VENDOR_SPECIFIC,
    },
};

use super::*;
use crate::{
    dhcp::boot_file::Loaders,
    fixture::{at, mac, server_id, uuid},
};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const TFTP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 4);
const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 77);

fn settings() -> Settings {
    Settings {
        server_address: SERVER,
        tftp_address: TFTP,
        boot_url: "http://10.0.0.2:8080".to_owned(),
        link: SERVER,
        loaders: Loaders::default(),
    }
}

fn planned() -> Planned {
    Planned {
        server_id: server_id(1),
        mac: mac(1),
        hostname: None,
        boot: Boot {
            id: uuid(7),
            generation: 1,
            boot_config_id: uuid(8),
            revision: "0123456789ab".to_owned(),
            boot_policy: BootPolicy::Once,
            stages: Vec::new(),
            address: None,
        },
        method: BootMethod::Ipxe,
    }
}

fn firmware(message_type: MessageType, vendor: &str, architecture: u16) -> Message {
    let mut message = Message::request(message_type, 0x1234, mac(1));
    message.options.set(VENDOR_CLASS, vendor);
    message.options.set(ARCHITECTURE, vec![architecture]);
    message.options.set(MACHINE_ID, vec![0; 17]);
    message
}

fn ask(port: Port, request: &Message) -> Outcome {
    respond(&settings(), port, request, Some(&planned()), at(0))
}

fn lease(address: Ipv4Addr) -> Lease {
    Lease {
        mac: mac(1),
        address,
        server_id: server_id(1),
        expires_at: at(3600),
    }
}

/// The offer of a boot file, before it says how.
fn named(request: &Message, message_type: MessageType, file: &str) -> Message {
    let mut reply = request.reply(message_type);
    reply.file = file.to_owned();
    let options = &mut reply.options;
    options.set(SERVER_ID, SERVER);
    options.set(MACHINE_ID, vec![0; 17]);
    options.set(BOOT_FILE, file);
    reply
}

#[test]
fn pxe_firmware_is_offered_its_loader_and_no_address() {
    for architecture in [0, 6, 7, 9, 10, 11, 27] {
        let discover = firmware(MessageType::Discover, "PXEClient:Arch:0", architecture);
        let known = Architecture::from_code(architecture).unwrap();
        let loader = settings().loaders.of(known).to_owned();
        let mut expected = named(&discover, MessageType::Offer, &loader);
        expected.next_server = TFTP;
        expected.options.set(VENDOR_CLASS, "PXEClient");
        expected.options.set(VENDOR_SPECIFIC, [6, 1, 8, 255]);
        expected.options.set(TFTP_SERVER, "10.0.0.3");
        assert_eq!(ask(Port::Dhcp, &discover), Outcome::Reply(expected));
    }
}

#[test]
fn uefi_http_firmware_is_offered_a_url() {
    let discover = firmware(MessageType::Discover, "HTTPClient:Arch:00016", 16);
    let url = "http://10.0.0.2:8080/loaders/snponly.efi";
    let mut expected = named(&discover, MessageType::Offer, url);
    expected.options.set(VENDOR_CLASS, "HTTPClient");
    assert_eq!(ask(Port::Dhcp, &discover), Outcome::Reply(expected));
}

#[test]
fn ipxe_is_told_to_wait_for_this_offer_and_behind_a_relay_too() {
    let mut discover = firmware(MessageType::Discover, "PXEClient:Arch:00007", 7);
    discover.options.set(USER_CLASS, b"iPXE".to_vec());
    discover.options.set(IPXE, vec![0x13, 1, 1]);
    discover.relay = Ipv4Addr::new(10, 1, 0, 1);
    let information = RelayInformation::new([SubOption::CircuitId(b"eth7".to_vec())]);
    discover.options.set(RELAY_INFORMATION, information);
    let url = format!("http://10.0.0.2:8080/ipxe/{}", mac(1).hexhyp());
    let mut expected = named(&discover, MessageType::Offer, &url);
    expected.next_server = TFTP;
    // Without `PXEClient` iPXE takes no proxyDHCP offer, and `no-pxedhcp` would refuse it.
    expected.options.set(VENDOR_CLASS, "PXEClient");
    expected.options.set(TFTP_SERVER, "10.0.0.3");
    assert!(expected.options.get(RELAY_INFORMATION).is_some());
    assert_eq!(ask(Port::Dhcp, &discover), Outcome::Reply(expected));
}

#[test]
fn no_offer_has_an_address_or_a_lease() {
    let discover = firmware(MessageType::Discover, "PXEClient", 7);
    let Outcome::Reply(offer) = ask(Port::Dhcp, &discover) else {
        panic!("no offer");
    };
    assert!(offer.your_address.is_unspecified());
    assert!(!offer.options.contains(LEASE_TIME));
}

#[test]
fn what_the_client_asks_of_the_other_server_tells_its_address() {
    let mut request = firmware(MessageType::Request, "PXEClient:Arch:00007", 7);
    assert_eq!(
        ask(Port::Dhcp, &request),
        Outcome::Ignore(Reason::NoAddress)
    );
    request.options.set(SERVER_ID, OTHER);
    request.options.set(REQUESTED_ADDRESS, OWN);
    assert_eq!(ask(Port::Dhcp, &request), Outcome::Heard(lease(OWN)));
    for nobodys in ["0.0.0.0", "224.0.0.1", "255.255.255.255"] {
        let mut strange = request.clone();
        let address: Ipv4Addr = nobodys.parse().unwrap();
        strange.options.set(REQUESTED_ADDRESS, address);
        assert_eq!(
            ask(Port::Dhcp, &strange),
            Outcome::Ignore(Reason::NoAddress)
        );
    }
    // REBINDING, as an operating system does it.
    let mut rebinding = Message::request(MessageType::Request, 1, mac(1));
    rebinding.client_address = OWN;
    assert_eq!(ask(Port::Dhcp, &rebinding), Outcome::Heard(lease(OWN)));
}

#[test]
fn who_asks_on_port_4011_is_told_the_boot_file_there() {
    let mut request = firmware(MessageType::Request, "PXEClient:Arch:00007:UNDI:003016", 7);
    request.client_address = OWN;
    let mut reply = named(&request, MessageType::Ack, "snponly.efi");
    reply.client_address = OWN;
    reply.next_server = TFTP;
    reply.options.set(VENDOR_CLASS, "PXEClient");
    reply.options.set(VENDOR_SPECIFIC, [6, 1, 8, 255]);
    reply.options.set(TFTP_SERVER, "10.0.0.3");
    let lease = lease(OWN);
    assert_eq!(ask(Port::Pxe, &request), Outcome::Confirm { reply, lease });
}

#[test]
fn a_server_that_is_installed_is_sent_to_its_disk() {
    let mut planned = planned();
    planned.boot.reach(Stage::Booted, at(0));
    let discover = firmware(MessageType::Discover, "PXEClient:Arch:00007", 7);
    let outcome = respond(&settings(), Port::Dhcp, &discover, Some(&planned), at(1));
    let Outcome::Reply(offer) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(offer.file, "");
    let menu = offer.options.raw(VENDOR_SPECIFIC.number()).unwrap();
    assert!(menu.ends_with(b"Local disk\xff"), "{menu:?}");
}

#[test]
fn what_is_not_for_a_proxy_is_left_to_the_other_server() {
    let of = |message_type| firmware(message_type, "PXEClient:Arch:00007", 7);
    let system = Message::request(MessageType::Discover, 1, mac(1));
    let cases = [
        (system, Port::Dhcp, Reason::NotABootClient),
        (of(MessageType::Release), Port::Dhcp, Reason::OtherServers),
        (of(MessageType::Decline), Port::Dhcp, Reason::OtherServers),
        (of(MessageType::Inform), Port::Dhcp, Reason::OtherServers),
        (of(MessageType::Release), Port::Pxe, Reason::OtherServers),
        (of(MessageType::Offer), Port::Dhcp, Reason::NotARequest),
        (of(MessageType::Nak), Port::Pxe, Reason::NotARequest),
    ];
    for (request, port, reason) in cases {
        assert_eq!(ask(port, &request), Outcome::Ignore(reason), "{request:?}");
    }
    let discover = of(MessageType::Discover);
    for port in [Port::Dhcp, Port::Pxe] {
        let outcome = respond(&settings(), port, &discover, None, at(0));
        assert_eq!(outcome, Outcome::Ignore(Reason::NotPlanned));
    }
}
