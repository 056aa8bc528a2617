//! The client states of RFC 2131 section 4.3: which requests are granted, refused and ignored.

use super::*;

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
