//! Tests of the subnets.

use model::ServerId;

use super::*;
use crate::{
    fixture::{self, at, mac, server_id, uuid},
    leases,
};

fn spec(network: &str, pools: &[&str]) -> SubnetSpec {
    let pools = pools.iter().map(|pool| pool.parse().unwrap()).collect();
    SubnetSpec::new(network.parse().unwrap(), pools)
}

fn rack() -> SubnetSpec {
    spec("10.0.0.0/24", &["10.0.0.10-10.0.0.19"])
}

fn open(store: &Store) -> Subnets {
    let file = spec("10.9.0.0/24", &["10.9.0.10-10.9.0.19"]);
    Subnets::open(&[file], &[Ipv4Addr::new(10, 0, 0, 2)], store).unwrap()
}

#[track_caller]
fn refuse(outcome: Result<impl std::fmt::Debug, Error>, expected: &str) {
    assert_eq!(outcome.unwrap_err().to_string(), expected);
}

fn offer(subnets: &Subnets, network: Ipv4Addr, client: u8) -> Option<Ipv4Addr> {
    let mut leases = subnets.leases().lock();
    leases.subnet_of(network)?.offer(mac(client), None, at(0))
}

#[test]
fn a_subnet_is_in_effect_at_once_and_after_a_restart_until_it_is_removed() {
    let (_dir, store) = fixture::store();
    let subnets = open(&store);
    let network = Ipv4Addr::new(10, 0, 0, 0);
    assert_eq!(offer(&subnets, network, 1), None);
    let made = subnets.put(&store, uuid(1), rack()).unwrap();
    assert_eq!(subnets.find(&store, uuid(1)).unwrap(), made);
    let first = Ipv4Addr::new(10, 0, 0, 10);
    assert_eq!(offer(&subnets, network, 1), Some(first));
    assert_eq!(offer(&open(&store), network, 2), Some(first));

    let changed = spec("10.0.0.0/24", &["10.0.0.30-10.0.0.39"]);
    subnets.put(&store, uuid(1), changed.clone()).unwrap();
    subnets.put(&store, uuid(1), changed).unwrap();
    let first = Ipv4Addr::new(10, 0, 0, 30);
    assert_eq!(offer(&subnets, network, 1), Some(first));

    subnets.delete(&store, uuid(1)).unwrap();
    assert_eq!(offer(&subnets, network, 1), None);
    assert_eq!(offer(&open(&store), network, 1), None);
    let gone = format!("subnet {} does not exist", uuid(1));
    refuse(subnets.find(&store, uuid(1)), &gone);
    refuse(subnets.delete(&store, uuid(1)), &gone);
}

#[test]
fn two_subnets_do_not_overlap_whoever_made_them() {
    let (_dir, store) = fixture::store();
    let subnets = open(&store);
    subnets.put(&store, uuid(1), rack()).unwrap();
    refuse(
        subnets.put(&store, uuid(2), spec("10.0.0.128/25", &[])),
        &format!(
            "subnet 10.0.0.128/25 overlaps the subnet 10.0.0.0/24 ({})",
            uuid(1)
        ),
    );
    let file = id_of("10.9.0.0/24".parse().unwrap());
    refuse(
        subnets.put(&store, uuid(2), spec("10.8.0.0/15", &[])),
        &format!("subnet 10.8.0.0/15 overlaps the subnet 10.9.0.0/24 ({file})"),
    );
    refuse(
        subnets.put(&store, uuid(1), spec("10.1.0.0/24", &[])),
        &format!("subnet {} is 10.0.0.0/24, not 10.1.0.0/24", uuid(1)),
    );
    refuse(
        Subnets::open(&[spec("10.0.0.0/16", &[])], &[], &store),
        &format!(
            "subnet 10.0.0.0/16 overlaps the subnet 10.0.0.0/24 ({})",
            uuid(1)
        ),
    );
    refuse(
        subnets.put(&store, uuid(2), spec("10.2.0.0/24", &["10.3.0.1-10.3.0.2"])),
        "pools = 10.3.0.1-10.3.0.2: it is not inside of 10.2.0.0/24",
    );
}

#[test]
fn a_subnet_of_the_file_is_shown_and_changed_there_alone() {
    let (_dir, store) = fixture::store();
    let subnets = open(&store);
    let file = subnets.list(&store).unwrap().remove(0);
    assert_eq!(file.source, SubnetSource::File);
    assert_eq!(subnets.find(&store, file.id).unwrap(), file);
    assert_eq!(
        open(&store).list(&store).unwrap().as_slice(),
        std::slice::from_ref(&file)
    );
    let refused = "subnet 10.9.0.0/24 is in the configuration file";
    refuse(subnets.put(&store, file.id, file.spec.clone()), refused);
    refuse(subnets.delete(&store, file.id), refused);
}

#[test]
fn the_leases_of_a_removed_subnet_end_and_those_of_others_go_on() {
    let (_dir, store) = fixture::store();
    let subnets = open(&store);
    subnets.put(&store, uuid(1), rack()).unwrap();
    let lease = |address: [u8; 4], number| Lease {
        mac: mac(number),
        address: address.into(),
        server_id: server_id(number),
        expires_at: at(600),
    };
    for lease in [lease([10, 0, 0, 10], 1), lease([10, 9, 0, 10], 2)] {
        leases::insert(&store, &lease).unwrap();
    }
    let leased = |subnets: &Subnets| -> Vec<Option<ServerId>> {
        let all = subnets.leased(&store, at(0)).unwrap();
        all.iter().map(|lease| lease.server_id).collect()
    };
    let subnets_again = open(&store);
    let both = [Some(server_id(1)), Some(server_id(2))];
    assert_eq!(leased(&subnets_again), both);
    subnets_again.delete(&store, uuid(1)).unwrap();
    assert_eq!(leased(&subnets_again), both[1..]);
    let stored = leases::server_at(&store, Ipv4Addr::new(10, 0, 0, 10), at(0));
    assert_eq!(stored.unwrap(), None);
}
