//! What replies say.

use model::Stage;
use netboot::dhcp::{
    RelayInformation, SubOption,
    options::{
        ARCHITECTURE, BOOT_FILE, CLIENT_ID, IPXE, MACHINE_ID, TFTP_SERVER, USER_CLASS,
        VENDOR_CLASS, VENDOR_SPECIFIC,
    },
};

use super::*;

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
    // An installed server is sent on: by a PXE menu, or by a URL with nothing there.
    let nothing = Some("http://10.0.0.2:8080/local-disk");
    check("PXEClient:Arch:00007", b"", true, [None, pxe, None]);
    check("HTTPClient:Arch:00016", b"", true, [nothing, http, None]);
    // An architecture without a loader, and an operating system.
    check("PXEClient:Arch:00002", b"", false, [None; 3]);
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
