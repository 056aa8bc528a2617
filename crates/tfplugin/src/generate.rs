//! A configuration for something that exists, from its state.

use crate::{Attribute, Rule, Shape, Value, path::Step, schema::each};

/// The configuration that a state could have come of: without what the provider alone computes,
/// without what is never stored, and without what would be the same if the user left it out. Of
/// attributes that conflict the first one stays.
pub(crate) fn config(attributes: &[Attribute], rules: &[Rule], state: &Value) -> Value {
    let mut config = settable(attributes, state.clone());
    for rule in rules {
        for path in rule.surplus(&config) {
            clear(&mut config, path.steps());
        }
    }
    config
}

fn settable(attributes: &[Attribute], state: Value) -> Value {
    let Value::Map(mut map) = state else {
        return state;
    };
    for attribute in attributes {
        let value = map.remove(attribute.name).unwrap_or_default();
        let computed = attribute.computed && !attribute.optional;
        let left_out = attribute.default.as_ref() == Some(&value);
        let value = match &attribute.shape {
            _ if computed || attribute.write_only || left_out => Value::Null,
            Shape::Nested(nesting, inner) => each(*nesting, value, |value| settable(inner, value)),
            Shape::Plain(_) => value,
        };
        map.insert(attribute.name.to_owned(), value);
    }
    Value::Map(map)
}

fn clear(value: &mut Value, steps: &[Step]) {
    match (steps.split_first(), value) {
        (Some((Step::Attribute(name) | Step::Key(name), rest)), Value::Map(map)) => {
            if let Some(value) = map.get_mut(name) {
                clear(value, rest);
            }
        }
        (Some((Step::Index(index), rest)), Value::List(elements)) => {
            if let Some(value) = elements.get_mut(*index) {
                clear(value, rest);
            }
        }
        (Some(_), _) => {}
        (None, value) => *value = Value::Null,
    }
}
