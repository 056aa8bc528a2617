//! Plans for nested attributes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::plan;
use crate::Model;

#[derive(Model)]
struct Rack {
    #[tf(computed)]
    generation: Option<i64>,
    disks: Option<Vec<Disk>>,
    ports: Option<BTreeMap<String, Port>>,
    main: Option<Port>,
    peers: Option<BTreeSet<Peer>>,
    #[tf(computed)]
    found: Option<Vec<Port>>,
    #[tf(optional, computed)]
    chosen: Option<Vec<Port>>,
}

#[derive(Model)]
struct Disk {
    #[tf(replace)]
    device: String,
    #[tf(default = 10)]
    size: i64,
    #[tf(computed, keep)]
    serial: Option<String>,
    #[tf(write_only)]
    key: Option<String>,
}

#[derive(Model)]
struct Port {
    number: i64,
    #[tf(computed)]
    state: Option<String>,
    #[tf(computed, keep)]
    mac: Option<String>,
}

#[derive(Model, PartialEq, Eq, PartialOrd, Ord)]
struct Peer {
    name: String,
    #[tf(default = 7)]
    weight: i64,
    #[tf(computed, keep)]
    id: Option<String>,
}

#[track_caller]
fn check(prior: Json, config: Json, planned: Json, replace: &[&str]) {
    let (found, replaced) = plan::<Rack>(prior, config);
    assert_eq!(found, planned);
    assert_eq!(replaced, replace);
}

#[test]
fn on_create_nested_objects_get_defaults_and_unknowns_too() {
    check(
        Json::Null,
        json!({
            "disks": [{ "device": "a", "key": "canary" }, { "device": "b", "size": 2 }],
            "ports": { "x": { "number": 1 } },
            "main": { "number": 2 },
            "peers": [{ "name": "p" }],
        }),
        json!({
            "generation": "?",
            "disks": [
                { "device": "a", "size": 10, "serial": "?" },
                { "device": "b", "size": 2, "serial": "?" },
            ],
            "ports": { "x": { "number": 1, "state": "?", "mac": "?" } },
            "main": { "number": 2, "state": "?", "mac": "?" },
            "peers": [{ "name": "p", "weight": 7, "id": "?" }],
            "found": "?",
            "chosen": "?",
        }),
        &[],
    );
}

#[test]
fn without_a_change_nothing_nested_is_unknown() {
    let state = json!({
        "generation": 1,
        "disks": [{ "device": "a", "size": 10, "serial": "s" }],
        "ports": { "x": { "number": 1, "state": "up", "mac": "m" } },
        "main": { "number": 2, "state": "up", "mac": "m" },
        "peers": [
            { "name": "p", "weight": 7, "id": "1" },
            { "name": "o", "weight": 8, "id": "2" },
        ],
        "found": [{ "number": 3, "state": "up", "mac": "m" }],
        "chosen": [{ "number": 3, "state": "up", "mac": "m" }],
    });
    let config = json!({
        "disks": [{ "device": "a" }],
        "ports": { "x": { "number": 1 } },
        "main": { "number": 2 },
        "peers": [{ "name": "o", "weight": 8 }, { "name": "p" }],
    });
    check(state.clone(), config, state, &[]);
}

#[test]
fn what_was_computed_is_kept_by_key_and_in_single_objects() {
    check(
        json!({
            "generation": 1,
            "ports": { "x": { "number": 1, "state": "up", "mac": "m" } },
            "main": { "number": 2, "state": "up", "mac": "n" },
        }),
        json!({
            "ports": { "x": { "number": 9 }, "new": { "number": 3 } },
            "main": { "number": 2 },
        }),
        json!({
            "generation": "?",
            "ports": {
                "x": { "number": 9, "state": "?", "mac": "m" },
                "new": { "number": 3, "state": "?", "mac": "?" },
            },
            "main": { "number": 2, "state": "?", "mac": "n" },
            "found": "?",
            "chosen": "?",
        }),
        &[],
    );
}

#[test]
fn what_was_computed_for_an_element_of_a_list_is_not_kept_for_another() {
    check(
        json!({
            "disks": [
                { "device": "a", "size": 10, "serial": "s-a" },
                { "device": "b", "size": 10, "serial": "s-b" },
            ],
        }),
        json!({ "disks": [{ "device": "a" }, { "device": "c" }, { "device": "b" }] }),
        json!({
            "generation": "?",
            "disks": [
                { "device": "a", "size": 10, "serial": "s-a" },
                { "device": "c", "size": 10, "serial": "?" },
                { "device": "b", "size": 10, "serial": "?" },
            ],
            "found": "?",
            "chosen": "?",
        }),
        &["disks[1].device"],
    );
}

#[test]
fn elements_of_a_set_are_matched_by_what_the_user_sets() {
    let (planned, _) = plan::<Rack>(
        json!({
            "peers": [
                { "name": "a", "weight": 7, "id": "1" },
                { "name": "b", "weight": 7, "id": "2" },
            ],
        }),
        json!({ "peers": [{ "name": "0" }, { "name": "b" }, { "name": "a" }] }),
    );
    let mut ids: Vec<_> = planned["peers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|peer| {
            format!(
                "{}={}",
                peer["name"].as_str().unwrap(),
                peer["id"].as_str().unwrap()
            )
        })
        .collect();
    ids.sort();
    assert_eq!(ids, ["0=?", "a=1", "b=2"]);
}

#[test]
fn what_the_provider_found_is_unknown_as_a_whole() {
    let found = json!([{ "number": 3, "state": "up", "mac": "m" }]);
    check(
        json!({ "generation": 1, "found": found, "chosen": found }),
        json!({ "chosen": [{ "number": 4 }] }),
        json!({
            "generation": "?",
            "found": "?",
            "chosen": [{ "number": 4, "state": "?", "mac": "?" }],
        }),
        &[],
    );
}

#[test]
fn an_unknown_nested_attribute_stays_unknown() {
    check(
        Json::Null,
        json!({ "disks": "?", "main": "?", "peers": "?", "ports": "?" }),
        json!({
            "generation": "?", "disks": "?", "main": "?", "peers": "?", "ports": "?",
            "found": "?", "chosen": "?",
        }),
        &[],
    );
}
