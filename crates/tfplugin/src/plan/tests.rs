//! Tests of planning: which prior state and configuration give which plan.

mod nested;
mod spelling;

use serde_json::{Value as Json, json};

use super::engine;
use crate::{
    Attribute, Model, Nesting, Shape, Value, schema,
    testing::{shown, value},
};

/// A thing.
#[derive(Model)]
struct Thing {
    #[tf(computed, keep)]
    id: Option<String>,
    #[tf(replace)]
    name: Option<String>,
    #[tf(default = "Off")]
    power: String,
    #[tf(computed)]
    generation: Option<i64>,
    #[tf(optional, computed, replace)]
    zone: Option<String>,
    #[tf(same = same_text)]
    mac: Option<String>,
    #[tf(replace, same = same_text)]
    serial: Option<String>,
    #[tf(replace_if = shrinks)]
    size: Option<i64>,
    #[tf(write_only)]
    secret: Option<String>,
}

/// Whether two texts differ in case only.
fn same_text(old: &Value, new: &Value) -> bool {
    let lower = |value: &Value| value.as_str().map(str::to_lowercase);
    lower(old) == lower(new)
}

fn shrinks(prior: &Value, planned: &Value) -> bool {
    planned.as_i64() < prior.as_i64()
}

/// What a host proposes: the configuration over what the provider may compute.
fn propose(attributes: &[Attribute], config: &Value, prior: &Value) -> Value {
    let Value::Map(_) = config else {
        return config.clone();
    };
    let proposed = attributes.iter().map(|attribute| {
        let (config, prior) = (config.get(attribute.name), prior.get(attribute.name));
        let value = match &attribute.shape {
            _ if config.is_null() && attribute.computed => prior.clone(),
            Shape::Plain(_) => config.clone(),
            Shape::Nested(nesting, inner) => propose_nested(*nesting, inner, config, prior),
        };
        (attribute.name.to_owned(), value)
    });
    Value::Map(proposed.collect())
}

fn propose_nested(nesting: Nesting, inner: &[Attribute], config: &Value, prior: &Value) -> Value {
    match (nesting, config) {
        (Nesting::Single, config) => propose(inner, config, prior),
        (Nesting::Set, Value::List(all)) => {
            let proposed = all.iter().map(|element| {
                let agrees = |prior: &&Value| {
                    inner.iter().all(|inner| {
                        let config = element.get(inner.name);
                        (config.is_null() && inner.computed) || config == prior.get(inner.name)
                    })
                };
                let prior = prior.elements().iter().find(agrees);
                propose(inner, element, prior.unwrap_or(&Value::Null))
            });
            Value::set(proposed.collect())
        }
        (_, Value::List(all)) => {
            let proposed = all.iter().enumerate().map(|(index, element)| {
                let prior = prior.elements().get(index).unwrap_or(&Value::Null);
                propose(inner, element, prior)
            });
            Value::List(proposed.collect())
        }
        (_, Value::Map(all)) => {
            let proposed = all
                .iter()
                .map(|(key, element)| (key.clone(), propose(inner, element, prior.get(key))));
            Value::Map(proposed.collect())
        }
        (_, other) => other.clone(),
    }
}

/// Plans a change from `prior` (null: create) to `config`; returns the planned state and what has
/// to be replaced.
#[track_caller]
fn plan<M: Model>(prior: Json, config: Json) -> (Json, Vec<String>) {
    let attributes = M::attributes();
    let ty = schema::object(&attributes);
    let (prior, config) = (value(&ty, &prior), value(&ty, &config));
    let proposed = propose(&attributes, &config, &prior);
    let (planned, replace) = engine::plan(&attributes, &config, &prior, proposed);
    (
        shown(&planned),
        replace.iter().map(ToString::to_string).collect(),
    )
}

#[track_caller]
fn check(prior: Json, config: Json, planned: Json, replace: &[&str]) {
    let (found, replaced) = plan::<Thing>(prior, config);
    assert_eq!(found, planned);
    assert_eq!(replaced, replace);
}

#[test]
fn on_create_the_computed_is_unknown_and_defaults_are_filled_in() {
    check(
        Json::Null,
        json!({ "name": "a" }),
        json!({ "id": "?", "name": "a", "power": "Off", "generation": "?", "zone": "?" }),
        &[],
    );
}

#[test]
fn on_create_what_the_user_sets_is_not_unknown() {
    check(
        Json::Null,
        json!({ "power": "On", "zone": "z" }),
        json!({ "id": "?", "power": "On", "generation": "?", "zone": "z" }),
        &[],
    );
}

#[test]
fn without_a_change_nothing_is_unknown() {
    let state = json!({ "id": "1", "name": "a", "power": "Off", "generation": 3, "zone": "z" });
    check(state.clone(), json!({ "name": "a" }), state, &[]);
}

#[test]
fn with_a_change_the_computed_is_unknown_unless_it_is_kept() {
    check(
        json!({ "id": "1", "power": "Off", "generation": 3, "zone": "z" }),
        json!({ "power": "On" }),
        json!({ "id": "1", "power": "On", "generation": "?", "zone": "?" }),
        &[],
    );
}

#[test]
fn what_is_kept_is_unknown_as_long_as_it_was_never_known() {
    check(
        json!({ "power": "Off", "generation": 3 }),
        json!({ "power": "On" }),
        json!({ "id": "?", "power": "On", "generation": "?", "zone": "?" }),
        &[],
    );
}

#[test]
fn leaving_a_default_is_a_change_back_to_it() {
    check(
        json!({ "id": "1", "power": "On", "generation": 3, "zone": "z" }),
        json!({}),
        json!({ "id": "1", "power": "Off", "generation": "?", "zone": "?" }),
        &[],
    );
}

#[test]
fn an_unknown_setting_stays_unknown_and_is_a_change() {
    check(
        json!({ "id": "1", "power": "On", "generation": 3, "zone": "z" }),
        json!({ "power": "?" }),
        json!({ "id": "1", "power": "?", "generation": "?", "zone": "?" }),
        &[],
    );
}

#[test]
fn a_write_only_value_is_planned_as_null_and_is_no_change() {
    let state = json!({ "id": "1", "power": "Off", "generation": 3 });
    check(state.clone(), json!({ "secret": "canary" }), state, &[]);
    check(
        Json::Null,
        json!({ "secret": "canary" }),
        json!({ "id": "?", "power": "Off", "generation": "?", "zone": "?" }),
        &[],
    );
}

#[test]
fn a_changed_removed_or_unknown_replace_attribute_needs_a_new_resource() {
    let prior = json!({ "id": "1", "name": "a", "power": "Off", "generation": 3, "zone": "z" });
    for (name, config) in [
        (json!("b"), json!({ "name": "b" })),
        (json!("?"), json!({ "name": "?" })),
    ] {
        let planned = json!({
            "id": "1", "name": name, "power": "Off", "generation": "?", "zone": "?"
        });
        check(prior.clone(), config, planned, &["name"]);
    }
    let planned = json!({ "id": "1", "power": "Off", "generation": "?", "zone": "?" });
    check(prior, json!({}), planned, &["name"]);
}

#[test]
fn a_replace_attribute_that_the_provider_computes_needs_no_new_resource() {
    check(
        json!({ "id": "1", "power": "Off", "zone": "z" }),
        json!({ "power": "On" }),
        json!({ "id": "1", "power": "On", "generation": "?", "zone": "?" }),
        &[],
    );
    check(
        json!({ "id": "1", "power": "Off", "zone": "z" }),
        json!({ "zone": "y" }),
        json!({ "id": "1", "power": "Off", "generation": "?", "zone": "y" }),
        &["zone"],
    );
}

#[test]
fn a_condition_can_decide_about_a_new_resource() {
    let (_, replace) = plan::<Thing>(json!({ "size": 2 }), json!({ "size": 3 }));
    assert_eq!(replace, [""; 0]);
    let (_, replace) = plan::<Thing>(json!({ "size": 2 }), json!({ "size": 1 }));
    assert_eq!(replace, ["size"]);
}

#[test]
fn another_spelling_of_the_same_is_no_change() {
    let state = json!({
        "id": "1", "power": "Off", "generation": 3, "mac": "aa", "serial": "bb"
    });
    check(
        state.clone(),
        json!({ "mac": "AA", "serial": "BB" }),
        state,
        &[],
    );
}

#[test]
fn another_spelling_next_to_a_real_change_stays_as_it_was() {
    check(
        json!({ "id": "1", "power": "Off", "mac": "aa", "serial": "bb" }),
        json!({ "power": "On", "mac": "AA", "serial": "cc" }),
        json!({
            "id": "1", "power": "On", "generation": "?", "zone": "?", "mac": "aa", "serial": "cc"
        }),
        &["serial"],
    );
}

#[test]
fn the_resource_may_adjust_the_plan() {
    let ty = schema::object(&Thing::attributes());
    let prior = value(&ty, &json!({ "id": "1", "generation": 3, "power": "Off" }));
    let config = value(&ty, &json!({ "power": "On" }));
    let mut planned = value(&ty, &json!({ "id": "1", "generation": "?", "power": "On" }));
    let mut plan = super::Plan {
        config: &config,
        prior: &prior,
        planned: &mut planned,
        replace: &mut Vec::new(),
        diagnostics: &mut Vec::new(),
    };
    assert!(plan.is_update() && !plan.is_create());
    assert!(plan.changed("power") && plan.changed("generation") && !plan.changed("id"));
    plan.keep("generation");
    plan.unknown("zone");
    plan.set("mac", "aa".into());
    let expected = json!({ "id": "1", "generation": 3, "power": "On", "zone": "?", "mac": "aa" });
    assert_eq!(shown(&planned), expected);
}
