//! Tests of the reservations.

use model::SubnetSpec;

use super::*;
use crate::fixture::{self, at, mac, server_id, uuid};

fn spec(number: u8, address: [u8; 4]) -> ReservationSpec {
    ReservationSpec {
        subnet_id: uuid(1),
        mac: mac(number),
        address: address.into(),
        hostname: None,
    }
}

fn subnets(store: &Store) -> Subnets {
    Subnets::open(&[], &[[10, 0, 0, 2].into()], store).unwrap()
}

fn with_subnet(store: &Store) -> Subnets {
    let subnets = subnets(store);
    let pool = "10.0.0.10-10.0.0.19".parse().unwrap();
    let mut spec = SubnetSpec::new("10.0.0.0/24".parse().unwrap(), vec![pool]);
    spec.router = Some([10, 0, 0, 1].into());
    subnets.put(store, uuid(1), spec).unwrap();
    subnets
}

fn offer(subnets: &Subnets, client: u8) -> Option<Ipv4Addr> {
    let mut leases = subnets.leases().lock();
    let subnet = leases.subnet_of([10, 0, 0, 0].into())?;
    subnet.offer(mac(client), None, at(0))
}

#[test]
fn a_reservation_is_in_effect_at_once_and_after_a_restart_until_it_is_removed() {
    let (_dir, store) = fixture::store();
    let subnets = with_subnet(&store);
    let put = |id, spec| put(&subnets, &store, id, spec, at(0));
    let made = put(uuid(2), spec(1, [10, 0, 0, 10])).unwrap();
    assert_eq!(put(uuid(2), spec(1, [10, 0, 0, 10])).unwrap(), made);
    assert_eq!(find(&store, uuid(2)).unwrap(), made);
    assert_eq!(offer(&subnets, 1), Some([10, 0, 0, 10].into()));
    assert_eq!(offer(&subnets, 2), Some([10, 0, 0, 11].into()));
    put(uuid(2), spec(1, [10, 0, 0, 77])).unwrap();
    assert_eq!(offer(&subnets, 1), Some([10, 0, 0, 77].into()));
    let again = self::subnets(&store);
    assert_eq!(offer(&again, 1), Some([10, 0, 0, 77].into()));
    delete(&subnets, &store, uuid(2)).unwrap();
    assert_eq!(list(&store).unwrap(), []);
    assert_ne!(offer(&subnets, 1), Some([10, 0, 0, 77].into()));
    // Nothing is left of it: what it had can be had by another one.
    put(uuid(3), spec(1, [10, 0, 0, 77])).unwrap();
}

#[test]
fn what_cannot_be_reserved_is_refused_and_nothing_is_changed() {
    let (_dir, store) = fixture::store();
    let subnets = with_subnet(&store);
    put(&subnets, &store, uuid(2), spec(1, [10, 0, 0, 50]), at(0)).unwrap();
    let mut leases = subnets.leases().lock();
    let subnet = leases.subnet_of([10, 0, 0, 0].into()).unwrap();
    let taken = [10, 0, 0, 15].into();
    subnet.confirm(mac(9), server_id(9), taken, at(0)).unwrap();
    drop(leases);
    let elsewhere = ReservationSpec {
        subnet_id: uuid(9),
        ..spec(2, [10, 0, 0, 51])
    };
    let named = ReservationSpec {
        hostname: Some("no name".to_owned()),
        ..spec(2, [10, 0, 0, 51])
    };
    let own =
        |last: u8| format!("10.0.0.{last} is an address of the network itself or of the agent");
    let cases = [
        (
            spec(2, [10, 1, 0, 1]),
            "10.1.0.1 is outside of the subnet 10.0.0.0/24".to_owned(),
        ),
        (spec(2, [10, 0, 0, 1]), own(1)),
        (spec(2, [10, 0, 0, 2]), own(2)),
        (spec(2, [10, 0, 0, 255]), own(255)),
        (
            spec(1, [10, 0, 0, 51]),
            format!(
                "52:54:00:00:00:01 has a reservation in this subnet, {}",
                uuid(2)
            ),
        ),
        (
            spec(2, [10, 0, 0, 50]),
            format!("10.0.0.50 is reserved already, by {}", uuid(2)),
        ),
        (
            spec(2, [10, 0, 0, 15]),
            format!("10.0.0.15 is leased to 52:54:00:00:00:09 until {}", at(600)),
        ),
        (elsewhere, format!("subnet {} does not exist", uuid(9))),
        (
            named,
            "\"no name\" is no host name: letters, digits and dashes, 63 a label".to_owned(),
        ),
    ];
    for (spec, expected) in cases {
        let error = put(&subnets, &store, uuid(3), spec, at(1)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(list(&store).unwrap().len(), 1);
    assert_eq!(offer(&subnets, 1), Some([10, 0, 0, 50].into()));
    put(&subnets, &store, uuid(3), spec(2, [10, 0, 0, 15]), at(600)).unwrap();
}

#[test]
fn a_subnet_with_reservations_is_not_removed_and_its_router_is_no_reserved_address() {
    let (_dir, store) = fixture::store();
    let subnets = with_subnet(&store);
    put(&subnets, &store, uuid(2), spec(1, [10, 0, 0, 50]), at(0)).unwrap();
    let error = subnets.delete(&store, uuid(1)).unwrap_err();
    assert_eq!(error.to_string(), "subnet 10.0.0.0/24 has 1 reservations");
    let mut spec = subnets.find(&store, uuid(1)).unwrap().spec;
    spec.router = Some([10, 0, 0, 50].into());
    let error = subnets.put(&store, uuid(1), spec).unwrap_err();
    assert_eq!(error.to_string(), "10.0.0.50 is reserved for a server");
    delete(&subnets, &store, uuid(2)).unwrap();
    subnets.delete(&store, uuid(1)).unwrap();
}
