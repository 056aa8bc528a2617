//! Tests of the responder: whole replies, and the client states of RFC 2131 section 4.3.

use model::{Boot, BootMethod, BootPolicy, MacAddr, Stage};
use netboot::dhcp::{
    RelayInformation, SubOption,
    options::{
        ARCHITECTURE, BOOT_FILE, CLIENT_ID, IPXE, MACHINE_ID, TFTP_SERVER, USER_CLASS,
        VENDOR_CLASS, VENDOR_SPECIFIC,
    },
};

use super::*;
use crate::{
    config::Pool,
    fixture::{at, mac, server_id, uuid},
};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const TFTP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);

const fn local(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

const fn remote(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, 0, last)
}

fn subnet(net: &str, pool: &str) -> Subnet {
    Subnet::new(net.parse().unwrap(), vec![pool.parse::<Pool>().unwrap()])
}

struct World {
    settings: Settings,
    leases: Leases,
    planned: Option<Planned>,
}

/// `10.0.0.0/24` is our own link, `10.1.0.0/24` is behind a relay; server 1 is planned.
fn world() -> World {
    let mut own = subnet("10.0.0.0/24", "10.0.0.10-10.0.0.11");
    own.router = Some(local(1));
    own.dns = vec![local(53), local(54)];
    own.ntp = vec![local(123)];
    own.domain = Some("rack.example".to_owned());
    let behind = subnet("10.1.0.0/24", "10.1.0.20-10.1.0.29");
    World {
        settings: Settings {
            server_address: SERVER,
            tftp_address: TFTP,
            boot_url: "http://10.0.0.2:8080".to_owned(),
            link: SERVER,
            loaders: Loaders::default(),
        },
        leases: Leases::new(&[own, behind], &[SERVER]),
        planned: Some(planned()),
    }
}

fn planned() -> Planned {
    Planned {
        server_id: server_id(1),
        mac: mac(1),
        hostname: Some("node-1".to_owned()),
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

fn message(message_type: MessageType, mac: MacAddr) -> Message {
    Message::request(message_type, 0x1234, mac)
}

fn discover() -> Message {
    message(MessageType::Discover, mac(1))
}

/// A DHCPREQUEST with option 54, option 50 and `ciaddr`, as far as they are there.
fn request(server: Option<Ipv4Addr>, wish: Option<Ipv4Addr>, own: Option<Ipv4Addr>) -> Message {
    let mut request = message(MessageType::Request, mac(1));
    if let Some(server) = server {
        request.options.set(SERVER_ID, server);
    }
    if let Some(wish) = wish {
        request.options.set(REQUESTED_ADDRESS, wish);
    }
    request.client_address = own.unwrap_or(Ipv4Addr::UNSPECIFIED);
    request
}

impl World {
    fn ask(&mut self, request: &Message, seconds: i64) -> Outcome {
        let planned = self.planned.as_ref();
        respond(
            &self.settings,
            &mut self.leases,
            request,
            planned,
            at(seconds),
        )
    }

    #[track_caller]
    fn reply(&mut self, request: &Message, seconds: i64) -> Message {
        match self.ask(request, seconds) {
            Outcome::Reply(reply) | Outcome::Confirm { reply, .. } => reply,
            other => panic!("{other:?}"),
        }
    }

    /// Leases `address` to server 1, as SELECTING does.
    #[track_caller]
    fn lease(&mut self, address: Ipv4Addr, seconds: i64) {
        let outcome = self.ask(&request(Some(SERVER), Some(address), None), seconds);
        assert!(matches!(outcome, Outcome::Confirm { .. }), "{outcome:?}");
    }

    #[track_caller]
    fn check(&mut self, request: &Message, seconds: i64, expected: &str) {
        let found = match self.ask(request, seconds) {
            Outcome::Reply(reply) => format!("{} {}", reply.message_type, reply.your_address),
            Outcome::Confirm { reply, lease } => {
                assert_eq!(reply.your_address, lease.address);
                format!("{} {}", reply.message_type, reply.your_address)
            }
            Outcome::Release(lease) => format!("release {}", lease.address),
            Outcome::Decline(address) => format!("decline {address}"),
            Outcome::Ignore(reason) => reason.to_string(),
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn firmware_is_offered_an_address_and_its_loader() {
    let mut discover = discover();
    discover.broadcast = true;
    let vendor = "PXEClient:Arch:00007:UNDI:003016";
    discover.options.set(VENDOR_CLASS, vendor);
    discover.options.set(ARCHITECTURE, vec![7]);
    discover.options.set(MACHINE_ID, vec![0; 17]);
    discover.options.set(CLIENT_ID, vec![0, 1, 2]);

    let mut expected = discover.reply(MessageType::Offer);
    expected.your_address = local(10);
    expected.next_server = TFTP;
    expected.file = "snponly.efi".to_owned();
    let options = &mut expected.options;
    options.set(SERVER_ID, SERVER);
    options.set(LEASE_TIME, 600_u32);
    options.set(RENEWAL_TIME, 300_u32);
    options.set(REBINDING_TIME, 525_u32);
    options.set(SUBNET_MASK, Ipv4Addr::new(255, 255, 255, 0));
    options.set(ROUTER, vec![local(1)]);
    options.set(DNS, vec![local(53), local(54)]);
    options.set(NTP, vec![local(123)]);
    options.set(DOMAIN, "rack.example");
    options.set(HOST_NAME, "node-1");
    options.set(VENDOR_CLASS, "PXEClient");
    options.set(VENDOR_SPECIFIC, [6, 1, 8, 255]);
    options.set(MACHINE_ID, vec![0; 17]);
    options.set(CLIENT_ID, vec![0, 1, 2]);
    options.set(TFTP_SERVER, "10.0.0.3");
    options.set(BOOT_FILE, "snponly.efi");
    assert_eq!(world().ask(&discover, 0), Outcome::Reply(expected));
}

#[test]
fn a_relayed_request_is_confirmed_in_the_subnet_of_its_relay() {
    let mut world = world();
    let mut request = request(Some(SERVER), Some(remote(21)), None);
    request.relay = RELAY;
    let circuit = SubOption::CircuitId(b"eth7".to_vec());
    let information = RelayInformation::new([circuit, SubOption::SourcePort]);
    request.options.set(RELAY_INFORMATION, information.clone());

    let mut reply = request.reply(MessageType::Ack);
    reply.your_address = remote(21);
    let options = &mut reply.options;
    options.set(SERVER_ID, SERVER);
    options.set(LEASE_TIME, 600_u32);
    options.set(RENEWAL_TIME, 300_u32);
    options.set(REBINDING_TIME, 525_u32);
    options.set(SUBNET_MASK, Ipv4Addr::new(255, 255, 255, 0));
    options.set(HOST_NAME, "node-1");
    options.set(RELAY_INFORMATION, information);
    let lease = Lease {
        mac: mac(1),
        address: remote(21),
        server_id: server_id(1),
        expires_at: at(700),
    };
    assert_eq!(world.ask(&request, 100), Outcome::Confirm { reply, lease });
}

#[test]
fn link_selection_says_the_subnet_where_the_relay_is_in_another_one() {
    let mut world = world();
    let mut discover = discover();
    discover.relay = Ipv4Addr::new(192, 0, 2, 1);
    world.check(&discover, 0, "192.0.2.1 is in no subnet");
    let information = RelayInformation::new([SubOption::LinkSelection(RELAY)]);
    discover.options.set(RELAY_INFORMATION, information);
    world.check(&discover, 0, "DHCPOFFER 10.1.0.20");
}

#[test]
fn what_a_client_is_told_to_fetch_depends_on_its_stage() {
    let check = |vendor: &str, user: &[u8], installed: bool, expected: [Option<&str>; 3]| {
        let mut world = world();
        let mut discover = discover();
        discover.options.set(VENDOR_CLASS, vendor);
        if !user.is_empty() {
            discover.options.set(USER_CLASS, user);
        }
        if let Some(planned) = world.planned.as_mut().filter(|_| installed) {
            planned.boot.reach(Stage::Booted, at(0));
        }
        let reply = world.reply(&discover, 0);
        let file = reply.options.get(BOOT_FILE);
        let class = reply.options.get(VENDOR_CLASS);
        let tftp = reply.options.get(TFTP_SERVER);
        let found = [file.as_deref(), class.as_deref(), tftp.as_deref()];
        assert_eq!(found, expected, "{vendor} {user:?} {installed}");
        assert_eq!(reply.file, expected[0].unwrap_or_default());
        assert_eq!(reply.your_address, local(10));
        assert_eq!(reply.options.contains(IPXE), !user.is_empty());
    };
    let (pxe, http, tftp) = (Some("PXEClient"), Some("HTTPClient"), Some("10.0.0.3"));
    let script = Some("http://10.0.0.2:8080/ipxe/52-54-00-00-00-01");
    let loader = Some("http://10.0.0.2:8080/loaders/snponly.efi");
    check(
        "PXEClient:Arch:00000",
        b"",
        false,
        [Some("undionly.kpxe"), pxe, tftp],
    );
    check(
        "PXEClient:Arch:00011",
        b"",
        false,
        [Some("snponly-arm64.efi"), pxe, tftp],
    );
    check("HTTPClient:Arch:00016", b"", false, [loader, http, None]);
    check("PXEClient:Arch:00007", b"iPXE", false, [script, None, tftp]);
    check(
        "PXEClient:Arch:00007",
        b"\x04iPXE",
        true,
        [script, None, tftp],
    );
    // An architecture without a loader, an installed server, an operating system.
    check("PXEClient:Arch:00002", b"", false, [None; 3]);
    check("PXEClient:Arch:00007", b"", true, [None; 3]);
    check("HTTPClient:Arch:00016", b"", true, [None; 3]);
    check("MSFT 5.0", b"", false, [None; 3]);
}

#[test]
fn only_what_is_asked_for_of_the_optional_options_is_given() {
    let mut discover = discover();
    discover
        .options
        .set(PARAMETER_REQUEST_LIST, vec![1, 3, DOMAIN.number()]);
    let options = world().reply(&discover, 0).options;
    assert!(options.contains(DOMAIN) && options.contains(ROUTER));
    assert!(!options.contains(DNS) && !options.contains(NTP) && !options.contains(HOST_NAME));
}

#[test]
fn a_client_that_is_not_planned_is_not_answered() {
    let mut world = world();
    world.planned = None;
    for request in [
        discover(),
        request(Some(SERVER), Some(local(10)), None),
        request(None, Some(local(10)), None),
        request(None, None, Some(local(10))),
        message(MessageType::Inform, mac(1)),
    ] {
        world.check(&request, 0, "not a planned server");
    }
}

#[test]
fn a_client_that_is_selecting_gets_what_it_was_offered() {
    let mut world = world();
    world.check(&discover(), 0, "DHCPOFFER 10.0.0.10");
    let other = request(Some(local(9)), Some(local(10)), None);
    world.check(&other, 1, "meant for the server 10.0.0.9");
    world.check(&discover(), 2, "DHCPOFFER 10.0.0.10");
    let wrong = request(Some(SERVER), Some(local(11)), None);
    world.check(&wrong, 3, "DHCPNAK 0.0.0.0");
    let right = request(Some(SERVER), Some(local(10)), None);
    world.check(&right, 3, "DHCPACK 10.0.0.10");
    world.check(&right, 4, "DHCPACK 10.0.0.10");
    world.check(&request(Some(SERVER), None, None), 5, "no address");
}

// The agent that made the offer may have been restarted since.
#[test]
fn a_client_that_selects_an_address_of_which_nothing_is_known_gets_it_if_it_is_free() {
    let mut world = world();
    let select = request(Some(SERVER), Some(local(11)), None);
    world.check(&select, 0, "DHCPACK 10.0.0.11");
    let mut other = select.clone();
    other.mac = mac(2);
    world.check(&other, 1, "DHCPNAK 0.0.0.0");
}

#[test]
fn a_client_that_reboots_keeps_its_address_and_learns_when_it_is_wrong() {
    let mut world = world();
    world.lease(local(10), 0);
    let reboot = |address| request(None, Some(address), None);
    world.check(&reboot(local(10)), 10, "DHCPACK 10.0.0.10");
    world.check(&reboot(local(11)), 20, "DHCPNAK 0.0.0.0");
    world.check(
        &reboot(Ipv4Addr::new(192, 168, 1, 7)),
        20,
        "DHCPNAK 0.0.0.0",
    );
    world.planned = None;
    world.check(&reboot(local(10)), 30, "DHCPACK 10.0.0.10");
    world.check(&reboot(local(10)), 700, "not a planned server");
}

#[test]
fn a_lease_is_renewed_even_when_its_server_is_not_planned_any_more() {
    let mut world = world();
    world.lease(local(10), 0);
    world.planned = None;
    let renew = request(None, None, Some(local(10)));
    let Outcome::Confirm { reply, lease } = world.ask(&renew, 300) else {
        panic!("not renewed");
    };
    assert_eq!(lease.expires_at, at(900));
    assert_eq!(lease.server_id, server_id(1));
    assert_eq!(reply.client_address, local(10));
    assert!(!reply.options.contains(HOST_NAME));
    world.check(&renew, 900, "not a planned server");
}

#[test]
fn a_client_behind_a_relay_renews_directly() {
    let mut world = world();
    let mut select = request(Some(SERVER), Some(remote(20)), None);
    select.relay = RELAY;
    world.check(&select, 0, "DHCPACK 10.1.0.20");
    let renew = request(None, None, Some(remote(20)));
    world.check(&renew, 300, "DHCPACK 10.1.0.20");
}

#[test]
fn a_client_that_moved_is_refused_when_it_rebinds() {
    let mut world = world();
    world.lease(local(10), 0);
    let mut rebind = request(None, None, Some(local(10)));
    rebind.relay = RELAY;
    let reply = world.reply(&rebind, 10);
    let mut expected = rebind.reply(MessageType::Nak);
    // The relay must broadcast it: the client does not answer on an address of this subnet.
    expected.broadcast = true;
    expected.options.set(SERVER_ID, SERVER);
    let reason = "10.0.0.10 is not an address of this subnet";
    expected.options.set(MESSAGE, reason);
    assert_eq!(reply, expected);
    // From our own link, with an address of nowhere.
    let rebind = request(None, None, Some(Ipv4Addr::new(192, 168, 1, 7)));
    world.check(&rebind, 10, "DHCPNAK 0.0.0.0");
}

#[test]
fn a_released_address_is_released_by_its_holder_alone() {
    let mut world = world();
    world.lease(local(10), 0);
    let mut release = message(MessageType::Release, mac(1));
    release.client_address = local(10);
    let mut other = release.clone();
    other.mac = mac(2);
    world.check(&other, 10, "10.0.0.10 is not its address");
    let Outcome::Release(lease) = world.ask(&release, 10) else {
        panic!("not released");
    };
    assert_eq!((lease.address, lease.expires_at), (local(10), at(10)));
    release.client_address = local(11);
    world.check(&release, 10, "10.0.0.11 is not its address");
}

#[test]
fn an_address_is_declined_by_its_holder_alone() {
    let mut world = world();
    world.lease(local(10), 0);
    let mut decline = message(MessageType::Decline, mac(1));
    decline.options.set(SERVER_ID, SERVER);
    world.check(&decline, 10, "no address");
    decline.options.set(REQUESTED_ADDRESS, local(11));
    world.check(&decline, 10, "10.0.0.11 is not its address");
    decline.options.set(REQUESTED_ADDRESS, local(10));
    world.check(&decline, 10, "decline 10.0.0.10");
    decline.options.set(SERVER_ID, local(9));
    world.check(&decline, 10, "meant for the server 10.0.0.9");
}

#[test]
fn a_client_with_an_address_of_its_own_is_told_the_rest() {
    let mut world = world();
    let mut inform = message(MessageType::Inform, mac(1));
    inform.client_address = local(77);
    let reply = world.reply(&inform, 0);
    assert_eq!(reply.message_type, MessageType::Ack);
    assert_eq!(reply.client_address, local(77));
    assert_eq!(reply.your_address, Ipv4Addr::UNSPECIFIED);
    assert!(!reply.options.contains(LEASE_TIME));
    assert!(reply.options.contains(DNS));
}

#[test]
fn a_full_subnet_and_messages_of_servers_are_ignored() {
    let mut world = world();
    for client in [1, 2, 3] {
        let mut discover = discover();
        discover.mac = mac(client);
        let expected = match client {
            1 => "DHCPOFFER 10.0.0.10",
            2 => "DHCPOFFER 10.0.0.11",
            _ => "no free address",
        };
        world.check(&discover, 0, expected);
    }
    world.check(&message(MessageType::Offer, mac(1)), 0, "not a request");
    let mut reply = discover();
    reply.op = Op::Reply;
    world.check(&reply, 0, "not a request");
}
