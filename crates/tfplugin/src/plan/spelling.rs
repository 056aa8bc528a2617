//! Keeping the user's spelling of a value that the provider reports in another one.
//!
//! A BMC says `AA-BB-CC-00-11-22` where the user wrote `aa:bb:cc:00:11:22`. Terraform would call
//! that a change made outside of it, or an inconsistent result after an apply.

use crate::{Attribute, Nesting, Shape, Type, Value, schema::Same};

/// `new` in the spelling of `old`, wherever the two mean the same.
pub(crate) fn keep(attributes: &[Attribute], old: &Value, new: Value) -> Value {
    let Value::Map(mut map) = new else { return new };
    for attribute in attributes {
        if let Some(value) = map.get_mut(attribute.name) {
            *value = keep_one(attribute, old.get(attribute.name), std::mem::take(value));
        }
    }
    Value::Map(map)
}

fn keep_one(attribute: &Attribute, old: &Value, new: Value) -> Value {
    if attribute.is_same(old, &new) {
        return old.clone();
    }
    match (&attribute.shape, attribute.same_elements) {
        (Shape::Nested(nesting, inner), _) => keep_nested(*nesting, inner, old, new),
        (Shape::Plain(ty), Some(same)) => keep_elements(ty, same, old, new),
        (Shape::Plain(_), None) => new,
    }
}

fn keep_nested(nesting: Nesting, inner: &[Attribute], old: &Value, new: Value) -> Value {
    match (nesting, new) {
        (Nesting::Single, new) => keep(inner, old, new),
        (Nesting::Set, Value::List(elements)) => {
            let elements = elements.into_iter().map(|element| {
                let is_same = |old: &&Value| {
                    inner
                        .iter()
                        .all(|inner| inner.is_same(old.get(inner.name), element.get(inner.name)))
                };
                old.elements()
                    .iter()
                    .find(is_same)
                    .cloned()
                    .unwrap_or(element)
            });
            Value::set(elements.collect())
        }
        (_, Value::List(elements)) => {
            let olds = old
                .elements()
                .iter()
                .map(Some)
                .chain(std::iter::repeat(None));
            let elements = elements.into_iter().zip(olds);
            let elements = elements.map(|(element, old)| match old {
                Some(old) => keep(inner, old, element),
                None => element,
            });
            Value::List(elements.collect())
        }
        (_, Value::Map(map)) => {
            let elements = map.into_iter().map(|(key, element)| {
                let element = keep(inner, old.get(&key), element);
                (key, element)
            });
            Value::Map(elements.collect())
        }
        (_, other) => other,
    }
}

/// As many elements as possible in the old spelling, although the whole is not the same.
fn keep_elements(ty: &Type, same: Same, old: &Value, new: Value) -> Value {
    let is_same = |old: &Value, new: &Value| {
        old.is_known() && new.is_known() && !old.is_null() && !new.is_null() && same(old, new)
    };
    let respell = |old: &Value, new: Value| if is_same(old, &new) { old.clone() } else { new };
    match (ty, new) {
        (Type::Set(_), Value::List(elements)) => {
            let elements = elements.into_iter().map(|element| {
                let mut olds = old.elements().iter();
                olds.find(|old| is_same(old, &element))
                    .cloned()
                    .unwrap_or(element)
            });
            Value::set(elements.collect())
        }
        (_, Value::List(elements)) => {
            let elements = elements.into_iter().enumerate().map(|(index, element)| {
                match old.elements().get(index) {
                    Some(old) => respell(old, element),
                    None => element,
                }
            });
            Value::List(elements.collect())
        }
        (_, Value::Map(map)) => {
            let elements = map.into_iter().map(|(key, element)| {
                let element = respell(old.get(&key), element);
                (key, element)
            });
            Value::Map(elements.collect())
        }
        (_, other) => other,
    }
}
