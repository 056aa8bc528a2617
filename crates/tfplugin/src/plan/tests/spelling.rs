//! Tests of keeping the user's spelling.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::same_text;
use crate::{
    Model,
    plan::spelling,
    schema,
    testing::{shown, value},
};

#[derive(Model)]
struct Card {
    #[tf(same = same_text)]
    mac: Option<String>,
    #[tf(same_each = same_text)]
    list: Option<Vec<String>>,
    #[tf(same_each = same_text)]
    set: Option<BTreeSet<String>>,
    #[tf(same_each = same_text)]
    map: Option<BTreeMap<String, String>>,
    plain: Option<String>,
    one: Option<Inner>,
    many: Option<Vec<Inner>>,
    any: Option<BTreeSet<Inner>>,
    named: Option<BTreeMap<String, Inner>>,
}

#[derive(Model, PartialEq, Eq, PartialOrd, Ord)]
struct Inner {
    #[tf(same = same_text)]
    mac: Option<String>,
    number: Option<i64>,
}

#[track_caller]
fn check(old: Json, new: Json, kept: Json) {
    let attributes = Card::attributes();
    let ty = schema::object(&attributes);
    let found = spelling::keep(&attributes, &value(&ty, &old), value(&ty, &new));
    assert_eq!(shown(&found), shown(&value(&ty, &kept)));
}

#[test]
fn the_old_spelling_stays_and_other_changes_do_not() {
    check(
        json!({ "mac": "aa", "plain": "x" }),
        json!({ "mac": "AA", "plain": "X" }),
        json!({ "mac": "aa", "plain": "X" }),
    );
    check(
        json!({ "mac": "aa" }),
        json!({ "mac": "bb" }),
        json!({ "mac": "bb" }),
    );
    check(json!({}), json!({ "mac": "AA" }), json!({ "mac": "AA" }));
    check(json!({ "mac": "aa" }), json!({}), json!({}));
    check(
        json!({ "mac": "?" }),
        json!({ "mac": "AA" }),
        json!({ "mac": "AA" }),
    );
}

#[test]
fn elements_keep_their_spelling_one_by_one() {
    check(
        json!({ "list": ["a", "b"] }),
        json!({ "list": ["A", "B"] }),
        json!({ "list": ["a", "b"] }),
    );
    check(
        json!({ "list": ["a", "b"] }),
        json!({ "list": ["A", "X", "C"] }),
        json!({ "list": ["a", "X", "C"] }),
    );
    check(
        json!({ "set": ["a", "b"] }),
        json!({ "set": ["X", "B"] }),
        json!({ "set": ["X", "b"] }),
    );
    check(
        json!({ "map": { "k": "a", "l": "b" } }),
        json!({ "map": { "k": "A", "l": "X" } }),
        json!({ "map": { "k": "a", "l": "X" } }),
    );
}

#[test]
fn a_set_in_another_spelling_is_the_old_set() {
    check(
        json!({ "set": ["a", "b"] }),
        json!({ "set": ["B", "A"] }),
        json!({ "set": ["a", "b"] }),
    );
}

#[test]
fn nested_objects_keep_their_spelling() {
    let old = json!({ "mac": "aa", "number": 1 });
    let new = json!({ "mac": "AA", "number": 2 });
    let kept = json!({ "mac": "aa", "number": 2 });
    check(
        json!({ "one": old }),
        json!({ "one": new }),
        json!({ "one": kept }),
    );
    check(
        json!({ "many": [old] }),
        json!({ "many": [new, new] }),
        json!({ "many": [kept, new] }),
    );
    check(
        json!({ "named": { "k": old } }),
        json!({ "named": { "k": new, "l": new } }),
        json!({ "named": { "k": kept, "l": new } }),
    );
}

#[test]
fn an_element_of_a_set_of_objects_keeps_its_spelling_if_all_of_it_is_the_same() {
    let old = json!({ "mac": "aa", "number": 1 });
    let same = json!({ "mac": "AA", "number": 1 });
    let other = json!({ "mac": "AA", "number": 2 });
    check(
        json!({ "any": [old] }),
        json!({ "any": [same] }),
        json!({ "any": [old] }),
    );
    check(
        json!({ "any": [old] }),
        json!({ "any": [other] }),
        json!({ "any": [other] }),
    );
}
