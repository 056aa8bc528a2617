//! Whatever the user writes and whatever was there before, the plan engine breaks no rule.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection, option, prelude::*};
use serde_json::{Map, Value as Json, json};

use super::{apply_problems, host::Typed, plan_problems, propose, value};
use crate::{Model, Path, Type, Value, plan::engine, schema};

#[derive(Model)]
struct Thing {
    #[tf(computed, keep)]
    id: Option<String>,
    #[tf(replace, same = same_text)]
    name: String,
    #[tf(default = 3)]
    size: i64,
    #[tf(optional, computed)]
    note: Option<String>,
    #[tf(computed)]
    seen: Option<i64>,
    #[tf(write_only)]
    secret: Option<String>,
    #[tf(same_each = same_text)]
    tags: Option<BTreeSet<String>>,
    list: Option<Vec<Part>>,
    set: Option<BTreeSet<Part>>,
    map: Option<BTreeMap<String, Part>>,
    one: Option<Part>,
}

#[derive(Model, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    #[tf(same = same_text)]
    kind: String,
    #[tf(default = true)]
    boot: bool,
    #[tf(computed, keep)]
    serial: Option<String>,
    #[tf(optional, computed)]
    label: Option<String>,
}

fn same_text(old: &Value, new: &Value) -> bool {
    let lower = |value: &Value| value.as_str().map(str::to_lowercase);
    lower(old) == lower(new)
}

fn text() -> impl Strategy<Value = Json> {
    prop::sample::select(vec!["a", "A", "b", "c"]).prop_map(Json::from)
}

/// What the user may leave out.
fn maybe(strategy: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    option::of(strategy).prop_map(Option::unwrap_or_default)
}

fn part() -> impl Strategy<Value = Json> {
    (
        text(),
        maybe(any::<bool>().prop_map(Json::from)),
        maybe(text()),
    )
        .prop_map(|(kind, boot, label)| json!({ "kind": kind, "boot": boot, "label": label }))
}

fn parts() -> impl Strategy<Value = Json> {
    collection::vec(part(), 0..3).prop_map(Json::from)
}

/// Elements of a set that stay different ones when what was left out is filled in.
fn distinct() -> impl Strategy<Value = Json> {
    parts().prop_map(|parts| {
        let mut kinds = BTreeSet::new();
        let parts = parts.as_array().into_iter().flatten().cloned();
        parts
            .filter(|part| kinds.insert(part["kind"].to_string().to_lowercase()))
            .collect()
    })
}

fn config() -> impl Strategy<Value = Json> {
    let named = collection::btree_map("[kl]", part(), 0..3)
        .prop_map(|map| Json::from(map.into_iter().collect::<Map<_, _>>()));
    let plain = (
        text(),
        maybe((1..4).prop_map(Json::from)),
        maybe(text()),
        maybe(text()),
    );
    let tags = maybe(collection::vec(text(), 0..3).prop_map(Json::from));
    let nested = (
        maybe(parts()),
        maybe(distinct()),
        maybe(named),
        maybe(part()),
    );
    (plain, tags, nested).prop_map(
        |((name, size, note, secret), tags, (list, set, map, one))| {
            json!({
                "name": name, "size": size, "note": note, "secret": secret, "tags": tags,
                "list": list, "set": set, "map": map, "one": one,
            })
        },
    )
}

/// A provider that fills in what was left to it.
fn completed(ty: &Type, planned: Value) -> Value {
    match (ty, planned) {
        (Type::String, Value::Unknown(_)) => "made".into(),
        (Type::Number, Value::Unknown(_)) => 7.into(),
        (Type::Bool, Value::Unknown(_)) => true.into(),
        (_, Value::Unknown(_)) => Value::Null,
        (Type::Set(ty), Value::List(all)) => {
            Value::set(all.into_iter().map(|value| completed(ty, value)).collect())
        }
        (Type::List(ty), Value::List(all)) => {
            Value::List(all.into_iter().map(|value| completed(ty, value)).collect())
        }
        (Type::Map(ty), Value::Map(all)) => Value::Map(
            all.into_iter()
                .map(|(key, value)| (key, completed(ty, value)))
                .collect(),
        ),
        (Type::Object(types), Value::Map(all)) => Value::Map(
            all.into_iter()
                .map(|(name, value)| (name.clone(), completed(&types[&name], value)))
                .collect(),
        ),
        (_, known) => known,
    }
}

fn planned(prior: &Value, config: &Value) -> (Value, Vec<Path>) {
    let attributes = Thing::attributes();
    let proposed = propose(&attributes, prior, config);
    let (planned, replace) = engine::plan(&attributes, config, prior, proposed);
    let planned = schema::without_write_only(&attributes, planned);
    let problems = plan_problems(&attributes, prior, config, &planned);
    assert_eq!(problems, [""; 0], "{prior:?}\n{config:?}\n{planned:?}");
    (planned, replace)
}

proptest! {
    #[test]
    fn plans_and_applies_break_no_rule_and_come_to_rest(
        configs in collection::vec(config(), 1..4),
    ) {
        let ty = Thing::ty();
        let mut state = Value::Null;
        for config in configs {
            let config = value(&ty, &config);
            let (mut plan, replace) = planned(&state, &config);
            if !replace.is_empty() {
                plan = planned(&Value::Null, &config).0;
            }
            state = completed(&ty, plan.clone());
            prop_assert_eq!(apply_problems(&Thing::attributes(), &plan, &state), [""; 0]);
            let (again, replace) = planned(&state, &config);
            prop_assert!(again == state && replace.is_empty(), "{again:?}\n{state:?}");
        }
    }
}
