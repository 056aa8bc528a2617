//! The rules: what they let pass, and what they find.

use serde_json::{Value as Json, json};

use super::{apply_problems, host::Typed, plan_problems, propose, shown, state_problems, value};
use crate::{Model, Value};

#[derive(Model)]
struct Thing {
    #[tf(computed, keep)]
    id: Option<String>,
    name: String,
    note: Option<String>,
    #[tf(optional, computed)]
    size: Option<i64>,
    #[tf(write_only)]
    secret: Option<String>,
    tags: Option<std::collections::BTreeSet<String>>,
    disks: Option<Vec<Disk>>,
    ports: Option<std::collections::BTreeSet<Disk>>,
    named: Option<std::collections::BTreeMap<String, Disk>>,
    #[tf(optional, computed)]
    boot: Option<Disk>,
}

#[derive(Model, PartialEq, Eq, PartialOrd, Ord)]
struct Disk {
    device: String,
    #[tf(computed)]
    serial: Option<String>,
}

fn thing(json: Json) -> Value {
    value(&Thing::ty(), &json)
}

#[track_caller]
fn planned(prior: Json, config: Json, planned: Json, expected: &[&str]) {
    let (prior, config, planned) = (thing(prior), thing(config), thing(planned));
    let problems = plan_problems(&Thing::attributes(), &prior, &config, &planned);
    assert_eq!(problems, expected);
}

#[track_caller]
fn applied(planned: Json, applied: Json, expected: &[&str]) {
    let problems = apply_problems(&Thing::attributes(), &thing(planned), &thing(applied));
    assert_eq!(problems, expected);
}

#[test]
fn a_plan_is_the_configuration_and_what_the_provider_computes() {
    let config = json!({ "name": "a", "disks": [{ "device": "x" }], "tags": ["?"] });
    let plan = json!({
        "id": "?", "name": "a", "size": 3, "tags": ["?"],
        "disks": [{ "device": "x", "serial": "?" }],
    });
    planned(Json::Null, config, plan, &[]);
    planned(Json::Null, Json::Null, Json::Null, &[]);
    // The prior spelling of what means the same.
    planned(
        json!({ "name": "A" }),
        json!({ "name": "a" }),
        json!({ "name": "A" }),
        &[],
    );
}

#[test]
fn a_plan_that_is_not_what_the_user_wrote_is_found() {
    for (prior, config, plan, expected) in [
        (
            json!({}),
            json!({ "name": "a" }),
            Json::Null,
            "the whole: configured, but not planned",
        ),
        (
            json!({}),
            Json::Null,
            json!({}),
            "the whole: planned, but not configured",
        ),
        (
            json!({ "name": "c" }),
            json!({ "name": "a" }),
            json!({ "name": "b" }),
            "name: planned neither as configured nor as it was",
        ),
        (
            Json::Null,
            json!({ "name": "a" }),
            json!({ "name": "?" }),
            "name: planned neither as configured nor as it was",
        ),
        (
            json!({ "note": "n" }),
            json!({}),
            json!({ "note": "n" }),
            "note: not computed, but planned without a configuration",
        ),
        (
            Json::Null,
            json!({ "secret": "s" }),
            json!({ "secret": "s" }),
            "secret: write-only, but not planned as null",
        ),
    ] {
        planned(prior, config, plan, &[expected]);
    }
}

#[test]
fn a_plan_with_other_nested_objects_than_the_user_wrote_is_found() {
    for (prior, config, plan, expected) in [
        (
            Json::Null,
            json!({ "disks": [{ "device": "x" }] }),
            json!({ "disks": [] }),
            "disks: not as many planned as configured",
        ),
        (
            Json::Null,
            json!({ "disks": [{ "device": "x" }] }),
            json!({ "disks": [{ "device": "y" }] }),
            "disks[0].device: planned neither as configured nor as it was",
        ),
        (
            Json::Null,
            json!({ "disks": [{ "device": "x" }] }),
            json!({ "disks": "?" }),
            "disks: configured, but not planned as that",
        ),
        (
            Json::Null,
            json!({ "ports": [{ "device": "x" }] }),
            json!({ "ports": [{ "device": "x" }, { "device": "y" }] }),
            "ports: not as many planned as configured",
        ),
        (
            Json::Null,
            json!({ "named": { "a": { "device": "x" } } }),
            json!({ "named": { "b": { "device": "x" } } }),
            "named: not the same keys planned as configured",
        ),
    ] {
        planned(prior, config, plan, &[expected]);
    }
}

#[test]
fn an_apply_is_what_was_planned_with_the_unknown_filled_in() {
    let plan = json!({
        "id": "?", "name": "a", "tags": ["?", "t"], "disks": [{ "device": "x", "serial": "?" }],
    });
    let state = json!({
        "id": "1", "name": "a", "tags": ["t"], "disks": [{ "device": "x", "serial": "s" }],
    });
    applied(plan, state, &[]);
    applied(Json::Null, Json::Null, &[]);
}

#[test]
fn an_apply_that_is_not_what_was_planned_is_found() {
    for (plan, state, expected) in [
        (
            json!({}),
            Json::Null,
            "the whole: planned as a value, but applied as null",
        ),
        (
            Json::Null,
            json!({}),
            "the whole: planned as null, but applied as a value",
        ),
        (
            json!({ "name": "a" }),
            json!({ "name": "b" }),
            "name: applied as another value than planned",
        ),
        (
            json!({ "disks": [{ "device": "x" }] }),
            json!({ "disks": [] }),
            "disks: applied with more or fewer elements than planned",
        ),
        (
            json!({ "tags": ["a"] }),
            json!({ "tags": ["a", "b"] }),
            "tags: applied with other elements than planned",
        ),
        (
            json!({ "named": { "a": { "device": "x" } } }),
            json!({ "named": {} }),
            "named: applied with other keys than planned",
        ),
        (
            json!({ "id": "?" }),
            json!({ "id": "?" }),
            "id: unknown in a state",
        ),
    ] {
        applied(plan, state, &[expected]);
    }
    let state = thing(json!({ "secret": "s" }));
    let expected = ["secret: write-only, but not null"];
    assert_eq!(state_problems(&Thing::attributes(), &state), expected);
}

#[test]
fn what_was_known_about_an_unknown_value_holds() {
    // Not null, and begins with "id-".
    let refinement = b"\x82\x01\xc2\x02\xa3id-".to_vec();
    let plan = |refinement: &[u8]| {
        let Value::Map(mut plan) = thing(json!({})) else {
            panic!("an object")
        };
        plan.insert("id".to_owned(), Value::Unknown(refinement.to_vec()));
        Value::Map(plan)
    };
    for (id, expected) in [
        (json!("id-1"), &[][..]),
        (json!("1"), &["id: not the beginning that was known"]),
        (Json::Null, &["id: null, which it was known not to be"]),
    ] {
        let state = thing(json!({ "id": id }));
        let problems = apply_problems(&Thing::attributes(), &plan(&refinement), &state);
        assert_eq!(problems, expected);
    }
}

#[test]
fn a_host_proposes_the_configuration_over_what_was_computed() {
    let prior = json!({
        "id": "1", "name": "a", "note": "n", "size": 3,
        "disks": [{ "device": "x", "serial": "s" }],
        "ports": [{ "device": "p", "serial": "q" }],
        "named": { "k": { "device": "v", "serial": "w" } },
        "boot": { "device": "b", "serial": "c" },
    });
    let config = json!({
        "name": "b",
        "disks": [{ "device": "y" }, { "device": "z" }],
        "ports": [{ "device": "o" }, { "device": "p" }],
        "named": { "k": { "device": "v" }, "l": { "device": "v" } },
    });
    let expected = json!({
        "id": "1", "name": "b", "size": 3,
        "disks": [{ "device": "y", "serial": "s" }, { "device": "z" }],
        "ports": [{ "device": "o" }, { "device": "p", "serial": "q" }],
        "named": { "k": { "device": "v", "serial": "w" }, "l": { "device": "v" } },
        // Its device came of a configuration that is gone, so it is not proposed.
    });
    let proposed = propose(&Thing::attributes(), &thing(prior), &thing(config));
    assert_eq!(shown(&proposed), expected);
}
