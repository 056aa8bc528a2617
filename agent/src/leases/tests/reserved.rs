//! Tests of reserved addresses, and of subnets that change while they are in use.

use model::LeaseState;
use uuid::Uuid;

use super::*;

fn reservation(client: u8, address: u8) -> ReservationSpec {
    ReservationSpec {
        subnet_id: Uuid::nil(),
        mac: mac(client),
        address: ip(address),
        hostname: Some(format!("node-{client}")),
    }
}

fn reserved(client: u8, address: u8) -> SubnetLeases {
    let mut leases = leases();
    leases
        .reserve(&reservation(client, address), at(0))
        .unwrap();
    leases
}

#[test]
fn a_reserved_address_is_its_clients_alone_inside_of_a_pool_and_outside() {
    for address in [10, 99] {
        let mut leases = reserved(1, address);
        assert_eq!(leases.offer(mac(1), Some(ip(12)), at(0)), Some(ip(address)));
        leases.confirm(mac(1), id(1), ip(address), at(0)).unwrap();
        let others = [2, 3, 4, 5].map(|client| leases.offer(mac(client), Some(ip(address)), at(0)));
        assert!(!others.contains(&Some(ip(address))), "{others:?}");
        let later = leases.offer(mac(6), Some(ip(address)), at(9000));
        assert_ne!(later, Some(ip(address)), "not even after its lease ended");
        let refused = leases.confirm(mac(7), id(7), ip(address), at(9000));
        assert!(refused.is_err());
        assert_eq!(leases.offer(mac(1), None, at(9000)), Some(ip(address)));
        assert_eq!(leases.hostname_of(mac(1)), Some("node-1"));
    }
}

#[test]
fn an_address_that_somebody_has_is_not_reserved_for_another_one() {
    let mut leases = leases();
    leases.confirm(mac(2), id(2), ip(10), at(0)).unwrap();
    let conflict = leases.reserve(&reservation(1, 10), at(1)).unwrap_err();
    let expected = Conflict::Leased {
        address: ip(10),
        mac: mac(2),
        server_id: Some(id(2)),
        until: at(600),
    };
    assert_eq!(conflict, expected);
    let router = leases.reserve(&reservation(1, 11), at(1));
    assert_eq!(router, Err(Conflict::Never(ip(11))));
    leases.reserve(&reservation(2, 10), at(1)).unwrap();
    leases.unreserve(mac(2));
    leases.reserve(&reservation(1, 10), at(600)).unwrap();
    assert_ne!(leases.offer(mac(2), Some(ip(10)), at(600)), Some(ip(10)));
}

#[test]
fn a_running_client_keeps_its_address_and_gets_the_reserved_one_when_it_boots() {
    let mut leases = leases();
    leases.confirm(mac(1), id(1), ip(12), at(0)).unwrap();
    leases.reserve(&reservation(1, 20), at(1)).unwrap();
    leases.confirm(mac(1), id(1), ip(12), at(300)).unwrap();
    assert_eq!(leases.offer(mac(1), Some(ip(12)), at(400)), Some(ip(20)));
    leases.confirm(mac(1), id(1), ip(20), at(401)).unwrap();
    let refusal = Refusal::NotYours {
        wanted: ip(12),
        held: ip(20),
    };
    assert_eq!(leases.confirm(mac(1), id(1), ip(12), at(402)), Err(refusal));
}

#[test]
fn an_address_that_is_given_back_is_leased_again_if_a_pool_has_it() {
    let mut leases = reserved(1, 10);
    // Everybody looks past it.
    for client in [2, 3] {
        assert!(leases.offer(mac(client), None, at(0)).is_some());
    }
    assert_eq!(leases.offer(mac(4), None, at(0)), None);
    leases.unreserve(mac(1));
    assert_eq!(leases.offer(mac(4), None, at(0)), Some(ip(10)));

    let mut leases = reserved(1, 99);
    leases.confirm(mac(1), id(1), ip(99), at(0)).unwrap();
    leases.unreserve(mac(1));
    assert_eq!(leases.lease_of(mac(1), at(1)), None);
    assert_eq!(leases.offer(mac(1), None, at(1)), Some(ip(10)));
}

#[test]
fn a_declined_reserved_address_is_offered_to_nobody_for_an_hour() {
    let mut leases = reserved(1, 99);
    leases.confirm(mac(1), id(1), ip(99), at(0)).unwrap();
    leases.decline(ip(99), at(1));
    assert_eq!(leases.offer(mac(1), None, at(2)), None);
    assert_eq!(leases.offer(mac(1), None, at(3601)), Some(ip(99)));
}

#[test]
fn a_subnet_that_changes_keeps_the_leases_that_still_fit() {
    let mut all = Leases::new(&[net()], &[]);
    all.reserve(None, &reservation(3, 99), at(0)).unwrap();
    let leases = all.subnet_of(ip(0)).unwrap();
    for (client, address) in [(1, 10), (2, 20), (3, 99)] {
        leases
            .confirm(mac(client), id(client), ip(address), at(0))
            .unwrap();
    }
    let mut smaller = net();
    smaller.pools.truncate(1);
    smaller.lease_seconds = 60;
    all.put_subnet(smaller);
    let leases = all.subnet_of(ip(0)).unwrap();
    assert!(leases.lease_of(mac(1), at(1)).is_some());
    assert_eq!(leases.lease_of(mac(2), at(1)), None);
    assert!(leases.lease_of(mac(3), at(1)).is_some());
    let renewed = leases.confirm(mac(1), id(1), ip(10), at(100)).unwrap();
    assert_eq!(renewed.expires_at, at(160));
    assert_eq!(leases.offer(mac(2), None, at(1)), Some(ip(12)));
    all.remove_subnet(net().subnet);
    assert!(all.subnet_of(ip(10)).is_none());
}

#[test]
fn a_reservation_that_cannot_move_stays_where_it_was() {
    let mut all = Leases::new(&[net()], &[]);
    let (old, new) = (reservation(1, 99), reservation(1, 10));
    all.reserve(None, &old, at(0)).unwrap();
    let leases = all.subnet_of(ip(0)).unwrap();
    leases.confirm(mac(2), id(2), ip(10), at(0)).unwrap();
    all.reserve(Some(&old), &new, at(1)).unwrap_err();
    let leases = all.subnet_of(ip(0)).unwrap();
    assert_eq!(leases.offer(mac(1), None, at(1)), Some(ip(99)));
    all.reserve(Some(&old), &new, at(601)).unwrap();
    let leases = all.subnet_of(ip(0)).unwrap();
    assert_eq!(leases.offer(mac(1), None, at(601)), Some(ip(10)));
}

#[test]
fn what_is_listed_is_what_is_not_free_and_what_was_leased() {
    let mut leases = leases();
    leases.confirm(mac(1), id(1), ip(10), at(0)).unwrap();
    leases.offer(mac(2), Some(ip(12)), at(0));
    leases.offer(mac(3), Some(ip(20)), at(0));
    leases.decline(ip(20), at(0));
    let states = |seconds| {
        let mut found: Vec<_> = leases
            .list(at(seconds))
            .map(|listed| (listed.address, listed.state))
            .collect();
        found.sort_unstable_by_key(|(address, _)| *address);
        found
    };
    assert_eq!(
        states(1),
        [
            (ip(10), LeaseState::Active),
            (ip(12), LeaseState::Offered),
            (ip(20), LeaseState::Declined)
        ]
    );
    assert_eq!(states(4000), [(ip(10), LeaseState::Ended)]);
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Boot(u8, u8),
    Decline(u8),
    Reserve(u8, u8),
    Unreserve(u8),
    Pools(bool),
    Wait(i64),
}

fn change() -> impl Strategy<Value = Change> {
    let (client, address) = (|| 0_u8..5, || 9_u8..23);
    prop_oneof![
        4 => (client(), address()).prop_map(|(client, wish)| Change::Boot(client, wish)),
        1 => client().prop_map(Change::Decline),
        2 => (client(), address()).prop_map(|(client, address)| Change::Reserve(client, address)),
        1 => client().prop_map(Change::Unreserve),
        1 => any::<bool>().prop_map(Change::Pools),
        2 => (0_i64..900).prop_map(Change::Wait),
    ]
}

proptest! {
    #[test]
    fn whatever_changes_a_reserved_address_is_its_clients_alone(
        changes in collection::vec(change(), 0..200)
    ) {
        let mut all = Leases::new(&[net()], &[]);
        let mut reserved: HashMap<u8, ReservationSpec> = HashMap::new();
        let mut now = at(0);
        for change in changes {
            let taken = |address: Ipv4Addr, reserved: &HashMap<u8, ReservationSpec>| {
                reserved.values().any(|known| known.address == address)
            };
            match change {
                Change::Boot(client, wish) => {
                    let leases = all.subnet_of(ip(0)).unwrap();
                    let Some(address) = leases.offer(mac(client), Some(ip(wish)), now) else {
                        continue;
                    };
                    let own = reserved.get(&client).map(|known| known.address);
                    prop_assert!(own == Some(address) || own.is_none());
                    prop_assert!(own.is_some() || !taken(address, &reserved));
                    prop_assert!(leases.confirm(mac(client), id(client), address, now).is_ok());
                }
                Change::Decline(client) => {
                    let leases = all.subnet_of(ip(0)).unwrap();
                    if let Some(lease) = leases.lease_of(mac(client), now) {
                        leases.decline(lease.address, now);
                    }
                }
                Change::Reserve(client, address) => {
                    let new = reservation(client, address);
                    let old = reserved.get(&client).cloned();
                    let other = reserved.iter().any(|(other, known)| {
                        *other != client && known.address == new.address
                    });
                    if !other && all.reserve(old.as_ref(), &new, now).is_ok() {
                        reserved.insert(client, new);
                    }
                }
                Change::Unreserve(client) => {
                    if let Some(old) = reserved.remove(&client) {
                        all.unreserve(&old);
                    }
                }
                Change::Pools(both) => {
                    let mut subnet = net();
                    subnet.pools.truncate(if both { 2 } else { 1 });
                    all.put_subnet(subnet);
                }
                Change::Wait(seconds) => now += SignedDuration::from_secs(seconds),
            }
            all.subnet_of(ip(0)).unwrap().assert_sound();
        }
    }
}
