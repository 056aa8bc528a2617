//! Tests of the endpoints.

use super::*;
use crate::fixture::{self, at, mac};

fn heard(number: u32) -> Heard {
    let [_, a, b, c] = number.to_be_bytes();
    Heard {
        mac: MacAddr::new([0x52, 0x54, 0, a, b, c]),
        address: None,
        vendor_class: None,
        hostname: None,
    }
}

#[test]
fn a_flood_of_addresses_fills_neither_memory_nor_disk() {
    let mut known = Known::default();
    for number in 0..100_000 {
        known.hear(heard(number), at(0));
    }
    assert_eq!(known.known.len(), 1000);
    // A thousand and twenty for each second after it.
    for number in 0..100_000 {
        known.hear(heard(number), at(10));
    }
    assert_eq!(known.known.len(), 1200);
    for (second, number) in (0..50_000_u32).enumerate() {
        let second = i64::try_from(second).unwrap();
        known.hear(heard(200_000 + number), at(100 + second));
    }
    assert_eq!(known.known.len(), MOST);
    assert_eq!(known.ages.len(), MOST);
    assert!(known.changed.len() <= MOST);
    assert_eq!(known.take_changes().len(), WRITE_AT_ONCE);
    assert!(known.known.contains_key(&heard(249_999).mac));
    assert!(!known.known.contains_key(&heard(0).mac), "the oldest goes");
}

#[test]
fn what_is_heard_again_is_completed_and_seldom_written() {
    let mut known = Known::default();
    let quiet = Heard {
        mac: mac(1),
        ..heard(0)
    };
    let named = Heard {
        hostname: Some("bmc-1".to_owned()),
        ..quiet.clone()
    };
    known.hear(quiet.clone(), at(0));
    assert_eq!(known.take_changes().len(), 1);
    known.hear(named, at(1));
    assert_eq!(known.take_changes().len(), 1);
    known.hear(quiet.clone(), at(2));
    assert_eq!(known.take_changes(), []);
    known.hear(quiet, at(700));
    let expected = Endpoint {
        mac: mac(1),
        address: None,
        vendor_class: None,
        hostname: Some("bmc-1".to_owned()),
        first_seen: at(0),
        last_seen: at(700),
    };
    assert_eq!(known.take_changes(), [(mac(1), Some(expected))]);
}

#[test]
fn what_was_written_is_known_after_a_restart() {
    let (_dir, store) = fixture::store();
    let endpoints = Endpoints::open(&store).unwrap();
    for number in 0..600 {
        endpoints.hear(heard(number), at(0));
    }
    assert!(endpoints.write(&store), "there is more");
    assert!(!endpoints.write(&store));
    let again = Endpoints::open(&store).unwrap();
    assert_eq!(again.list(), endpoints.list());
    assert_eq!(again.list().len(), 600);
}
