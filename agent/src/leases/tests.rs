//! Tests of leases.

use std::collections::HashMap;

use jiff::SignedDuration;
use proptest::{collection, prelude::*};

use super::*;
use crate::config::Pool;

mod reserved;

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([0x52, 0x54, 0, 0, 0, last])
}

fn id(last: u8) -> ServerId {
    format!("00000000-0000-4000-8000-0000000000{last:02x}")
        .parse()
        .unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

/// `10.0.0.0/24` with the pools 10 to 12 and 20, and the router in between.
fn net() -> Subnet {
    let pools = [(10, 12), (20, 20)];
    let pools = pools.map(|(first, last)| Pool::new(ip(first), ip(last)).unwrap());
    let mut subnet = Subnet::new("10.0.0.0/24".parse().unwrap(), pools.to_vec());
    subnet.router = Some(ip(11));
    subnet
}

fn leases() -> SubnetLeases {
    SubnetLeases::new(net(), &[])
}

#[test]
fn a_client_gets_the_same_address_again_even_after_its_lease_ended() {
    let mut leases = leases();
    assert_eq!(leases.offer(mac(1), None, at(0)), Some(ip(10)));
    assert_eq!(leases.offer(mac(1), None, at(1)), Some(ip(10)));
    leases.confirm(mac(1), id(1), ip(10), at(2)).unwrap();
    assert_eq!(leases.offer(mac(2), None, at(3)), Some(ip(12)));
    assert_eq!(leases.offer(mac(1), Some(ip(20)), at(9000)), Some(ip(10)));
}

#[test]
fn a_wish_for_a_free_address_is_granted_and_for_another_one_is_not() {
    let mut leases = leases();
    assert_eq!(leases.offer(mac(1), Some(ip(20)), at(0)), Some(ip(20)));
    assert_eq!(leases.offer(mac(2), Some(ip(20)), at(0)), Some(ip(10)));
    assert_eq!(leases.offer(mac(3), Some(ip(11)), at(0)), Some(ip(12)));
    assert_eq!(leases.offer(mac(4), Some(ip(99)), at(0)), None);
}

#[test]
fn a_full_pool_leases_what_ended_first() {
    let mut leases = leases();
    for (client, address, seconds) in [(1, 10, 30), (2, 12, 10), (3, 20, 20)] {
        let offered = leases.offer(mac(client), None, at(seconds));
        assert_eq!(offered, Some(ip(address)));
    }
    assert_eq!(leases.offer(mac(4), None, at(69)), None);
    assert_eq!(leases.offer(mac(4), None, at(80)), Some(ip(12)));
    assert_eq!(leases.offer(mac(5), None, at(80)), Some(ip(20)));
    assert_eq!(leases.offer(mac(2), None, at(90)), Some(ip(10)));
}

#[test]
fn a_lease_lasts_as_long_as_its_subnet_says_and_a_renewal_starts_over() {
    let mut leases = leases();
    let lease = leases.confirm(mac(1), id(1), ip(10), at(0)).unwrap();
    assert_eq!(lease.expires_at, at(600));
    assert_eq!(leases.lease_of(mac(1), at(599)), Some(lease));
    assert_eq!(leases.lease_of(mac(1), at(600)), None);
    let lease = leases.confirm(mac(1), id(1), ip(10), at(300)).unwrap();
    assert_eq!(lease.expires_at, at(900));
}

#[test]
fn an_offer_does_not_shorten_a_lease() {
    let mut leases = leases();
    leases.confirm(mac(1), id(1), ip(10), at(0)).unwrap();
    assert_eq!(leases.offer(mac(1), None, at(10)), Some(ip(10)));
    assert!(leases.lease_of(mac(1), at(599)).is_some());
}

#[test]
fn an_address_that_a_client_cannot_have_is_not_confirmed() {
    let mut leases = leases();
    leases.confirm(mac(1), id(1), ip(10), at(0)).unwrap();
    let mut check = |client, address, seconds, refusal| {
        let confirmed = leases.confirm(mac(client), id(client), ip(address), at(seconds));
        assert_eq!(confirmed.err(), refusal, "{client} {address} {seconds}");
    };
    check(2, 99, 1, Some(Refusal::NotOurs(ip(99))));
    check(2, 11, 1, Some(Refusal::NotOurs(ip(11))));
    check(2, 10, 1, Some(Refusal::Taken(ip(10))));
    let refusal = Refusal::NotYours {
        wanted: ip(12),
        held: ip(10),
    };
    check(1, 12, 1, Some(refusal));
    check(1, 12, 700, None);
    check(2, 10, 700, None);
}

#[test]
fn a_released_address_is_free_at_once_and_a_withdrawn_offer_too() {
    let mut leases = leases();
    leases.confirm(mac(1), id(1), ip(10), at(0)).unwrap();
    leases.release(mac(2), ip(10), at(1));
    assert!(leases.holds(mac(1), ip(10), at(1)));
    leases.withdraw(mac(1), at(1));
    assert!(leases.holds(mac(1), ip(10), at(1)));
    leases.release(mac(1), ip(10), at(1));
    assert!(!leases.holds(mac(1), ip(10), at(1)));
    leases.offer(mac(2), Some(ip(12)), at(1));
    leases.withdraw(mac(2), at(2));
    assert_eq!(leases.offer(mac(3), Some(ip(12)), at(2)), Some(ip(12)));
}

#[test]
fn a_declined_address_is_kept_out_for_an_hour() {
    let mut leases = leases();
    leases.offer(mac(1), None, at(0));
    leases.decline(ip(10), at(0));
    assert_eq!(leases.offer(mac(1), Some(ip(10)), at(1)), Some(ip(12)));
    assert_eq!(
        leases.confirm(mac(2), id(2), ip(10), at(3599)),
        Err(Refusal::Taken(ip(10)))
    );
    leases.confirm(mac(2), id(2), ip(10), at(3600)).unwrap();
}

#[test]
fn declining_every_address_keeps_no_server_from_booting() {
    let mut leases = leases();
    for (second, last) in [(0, 12), (1, 10), (2, 20)] {
        leases.decline(ip(last), at(second));
    }
    assert_eq!(leases.offer(mac(1), None, at(3)), Some(ip(12)));
    leases.confirm(mac(1), id(1), ip(12), at(4)).unwrap();
    assert_eq!(leases.offer(mac(2), None, at(5)), Some(ip(10)));
    assert_eq!(leases.offer(mac(3), None, at(6)), Some(ip(20)));
    assert_eq!(leases.offer(mac(4), None, at(7)), None);
}

#[test]
fn the_subnet_of_an_address_is_found_among_many() {
    let subnets: Vec<Subnet> = (0..200_u8)
        .rev()
        .map(|n| {
            let net = format!("10.{n}.0.0/24").parse().unwrap();
            let pool = Pool::new(Ipv4Addr::new(10, n, 0, 9), Ipv4Addr::new(10, n, 0, 9));
            Subnet::new(net, vec![pool.unwrap()])
        })
        .collect();
    let mut leases = Leases::new(&subnets, &[]);
    for n in 0..200 {
        let found = leases.subnet_of(Ipv4Addr::new(10, n, 0, 77)).unwrap();
        assert_eq!(
            found.offer(mac(n), None, at(0)),
            Some(Ipv4Addr::new(10, n, 0, 9))
        );
        assert!(leases.subnet_of(Ipv4Addr::new(10, n, 1, 0)).is_none());
    }
    assert!(leases.subnet_of(Ipv4Addr::new(9, 255, 255, 255)).is_none());
}

#[test]
fn what_the_store_holds_is_taken_over_when_the_agent_starts() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let lease = |client, address, seconds| Lease {
        mac: mac(client),
        address: ip(address),
        server_id: id(client),
        expires_at: at(seconds),
    };
    // Client 1 moved from .12 to .10; .99 was in a pool once.
    for stored in [lease(1, 10, 900), lease(1, 12, 100), lease(2, 99, 900)] {
        insert(&store, &stored).unwrap();
    }
    assert_eq!(
        server_at(&store, ip(10), at(0)).unwrap(),
        Some(lease(1, 10, 900))
    );
    assert_eq!(server_at(&store, ip(10), at(900)).unwrap(), None);
    let mut leases = Leases::new(&[net()], &[]);
    leases.load(&store).unwrap();
    let leases = leases.subnet_of(ip(1)).unwrap();
    assert_eq!(leases.lease_of(mac(1), at(0)), Some(lease(1, 10, 900)));
    assert_eq!(leases.offer(mac(2), None, at(0)), Some(ip(20)));
    remove(&store, ip(10)).unwrap();
    assert_eq!(server_at(&store, ip(10), at(0)).unwrap(), None);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Offer(u8, u8),
    ConfirmOffered(u8),
    Confirm(u8, u8),
    Release(u8),
    Withdraw(u8),
    Decline(u8),
    Wait(i64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let client = || 0_u8..6;
    let address = || 9_u8..22;
    prop_oneof![
        3 => (client(), address()).prop_map(|(client, wish)| Step::Offer(client, wish)),
        4 => client().prop_map(Step::ConfirmOffered),
        2 => (client(), address()).prop_map(|(client, wish)| Step::Confirm(client, wish)),
        1 => client().prop_map(Step::Release),
        1 => client().prop_map(Step::Withdraw),
        1 => client().prop_map(Step::Decline),
        2 => (0_i64..900).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

/// The leases under test beside a model of what clients believe they have.
struct World {
    leases: Leases,
    now: Timestamp,
    stored: HashMap<Ipv4Addr, Lease>,
    offered: HashMap<u8, Ipv4Addr>,
    declined: HashMap<Ipv4Addr, Timestamp>,
}

impl World {
    fn confirm(&mut self, client: u8, address: Ipv4Addr) -> Result<(), TestCaseError> {
        let now = self.now;
        let subnet = self.leases.subnet_of(ip(0)).unwrap();
        let Ok(lease) = subnet.confirm(mac(client), id(client), address, now) else {
            return Ok(());
        };
        prop_assert!(
            subnet
                .subnet()
                .pools
                .iter()
                .any(|pool| pool.contains(address))
        );
        prop_assert_ne!(Some(address), subnet.subnet().router);
        prop_assert!(
            self.declined
                .get(&address)
                .is_none_or(|until| *until <= now)
        );
        if let Some(other) = self.stored.insert(address, lease) {
            prop_assert!(other.mac == mac(client) || other.expires_at <= now);
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        let now = self.now;
        let subnet = self.leases.subnet_of(ip(0)).unwrap();
        match step {
            Step::Offer(client, wish) => {
                if let Some(address) = subnet.offer(mac(client), Some(ip(wish)), now) {
                    self.offered.insert(client, address);
                    // One that was declined comes back when there is no other.
                    self.declined.remove(&address);
                    let live = |lease: &&Lease| lease.expires_at > now;
                    let other = self.stored.get(&address).filter(live);
                    prop_assert!(other.is_none_or(|lease| lease.mac == mac(client)));
                }
            }
            Step::ConfirmOffered(client) => {
                if let Some(address) = self.offered.get(&client).copied() {
                    self.confirm(client, address)?;
                }
            }
            Step::Confirm(client, address) => self.confirm(client, ip(address))?,
            Step::Release(client) => {
                if let Some(mut lease) = subnet.lease_of(mac(client), now) {
                    subnet.release(lease.mac, lease.address, now);
                    lease.expires_at = now;
                    self.stored.insert(lease.address, lease);
                }
            }
            Step::Withdraw(client) => subnet.withdraw(mac(client), now),
            Step::Decline(client) => {
                if let Some(lease) = subnet.lease_of(mac(client), now) {
                    subnet.decline(lease.address, now);
                    self.stored.remove(&lease.address);
                    let until = now + SignedDuration::from_secs(3600);
                    self.declined.insert(lease.address, until);
                }
            }
            Step::Wait(seconds) => self.now = now + SignedDuration::from_secs(seconds),
            Step::Restart => {
                // Offers and declined addresses are not stored.
                self.leases = Leases::new(&[net()], &[]);
                self.leases.restore(self.stored.values().cloned());
                self.declined.clear();
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn no_address_is_leased_to_two_clients(steps in collection::vec(step(), 0..200)) {
        let mut world = World {
            leases: Leases::new(&[net()], &[]),
            now: at(0),
            stored: HashMap::new(),
            offered: HashMap::new(),
            declined: HashMap::new(),
        };
        for step in steps {
            world.step(step)?;
        }
    }
}
