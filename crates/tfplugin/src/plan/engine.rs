//! The part of a plan that the schema decides.
//!
//! The order is the one of Terraform's own frameworks, and each step needs the one before:
//! defaults and other spellings first, then *whether anything changes at all*, then what is
//! unknown because of that, then what has to be replaced. Marking values as unknown without a
//! change would make every plan a change.

use crate::{Attribute, Nesting, Path, Shape, Value};

/// What the schema says about a create or an update: the planned state, and the attributes whose
/// change needs a new resource.
///
/// `proposed` is the host's: the configuration, with the prior values of what the user left to
/// the provider.
pub(crate) fn plan(
    attributes: &[Attribute],
    config: &Value,
    prior: &Value,
    proposed: Value,
) -> (Value, Vec<Path>) {
    let from = From { config, prior };
    let settled = fill(attributes, from, proposed, Step::Settle);
    if settled == *prior {
        return (settled, Vec::new());
    }
    let planned = fill(attributes, from, settled, Step::Compute);
    let mut replace = Vec::new();
    if !prior.is_null() {
        replaced(attributes, from, &planned, &Path::default(), &mut replace);
    }
    (planned, replace)
}

/// The values that a planned value comes from.
#[derive(Clone, Copy)]
struct From<'a> {
    config: &'a Value,
    prior: &'a Value,
}

impl<'a> From<'a> {
    fn at(self, name: &str) -> Self {
        Self {
            config: self.config.get(name),
            prior: self.prior.get(name),
        }
    }

    fn index(self, index: usize) -> Self {
        let at = |value: &'a Value| value.elements().get(index).unwrap_or(&NULL);
        Self {
            config: at(self.config),
            prior: at(self.prior),
        }
    }

    /// The elements that an element of a set comes from: those with the same values wherever the
    /// provider does not compute them.
    fn matching(self, attributes: &[Attribute], element: &Value) -> Self {
        let find = |set: &'a Value| {
            let mut set = set.elements().iter();
            set.find(|candidate| corresponds(attributes, candidate, element))
                .unwrap_or(&NULL)
        };
        Self {
            config: find(self.config),
            prior: find(self.prior),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Settle,
    Compute,
}

/// Defaults, write-only attributes, and the prior spelling of what did not really change.
fn settle(attribute: &Attribute, from: From<'_>, value: Value) -> Value {
    if attribute.write_only {
        return Value::Null;
    }
    if from.config.is_null() {
        return attribute.default.clone().unwrap_or(value);
    }
    if attribute.is_same(from.prior, &value) {
        from.prior.clone()
    } else {
        value
    }
}

/// What the provider computes, now that there is a change. What was null is not kept: the model of
/// an apply cannot tell a null that was planned from something to fill in.
fn compute(attribute: &Attribute, from: From<'_>, value: Value) -> Value {
    if !attribute.computed || !from.config.is_null() || attribute.default.is_some() {
        return value;
    }
    if attribute.keep && !from.prior.is_null() {
        from.prior.clone()
    } else {
        Value::UNKNOWN
    }
}

/// Changes every attribute of an object, and of the objects nested in it that the user wrote.
fn fill(attributes: &[Attribute], from: From<'_>, value: Value, step: Step) -> Value {
    let Value::Map(mut map) = value else {
        return value;
    };
    for attribute in attributes {
        let from = from.at(attribute.name);
        let value = map.remove(attribute.name).unwrap_or_default();
        let mut value = match step {
            Step::Settle => settle(attribute, from, value),
            Step::Compute => compute(attribute, from, value),
        };
        if let Shape::Nested(nesting, inner) = &attribute.shape
            && !from.config.is_null()
        {
            value = fill_nested(*nesting, inner, from, value, step);
        }
        map.insert(attribute.name.to_owned(), value);
    }
    Value::Map(map)
}

fn fill_nested(
    nesting: Nesting,
    inner: &[Attribute],
    from: From<'_>,
    value: Value,
    step: Step,
) -> Value {
    match (nesting, value) {
        (Nesting::Single, value) => fill(inner, from, value, step),
        (Nesting::Set, Value::List(elements)) => {
            let elements = elements.into_iter().map(|element| {
                let from = from.matching(inner, &element);
                fill(inner, from, element, step)
            });
            Value::set(elements.collect())
        }
        // Elements of a list are matched by position only, as the host does. What was computed for
        // an element that is another one now says nothing about the new one.
        (_, Value::List(elements)) => {
            let elements = elements.into_iter().enumerate().map(|(index, element)| {
                let mut from = from.index(index);
                if step == Step::Compute && !corresponds(inner, from.prior, &element) {
                    from.prior = &NULL;
                }
                fill(inner, from, element, step)
            });
            Value::List(elements.collect())
        }
        (_, Value::Map(map)) => {
            let elements = map.into_iter().map(|(key, element)| {
                let element = fill(inner, from.at(&key), element, step);
                (key, element)
            });
            Value::Map(elements.collect())
        }
        (_, other) => other,
    }
}

fn corresponds(attributes: &[Attribute], candidate: &Value, element: &Value) -> bool {
    attributes.iter().all(|attribute| {
        let (candidate, element) = (candidate.get(attribute.name), element.get(attribute.name));
        attribute.computed || attribute.write_only || candidate == element
    })
}

/// Collects the attributes whose change needs a new resource.
fn replaced(
    attributes: &[Attribute],
    from: From<'_>,
    planned: &Value,
    path: &Path,
    found: &mut Vec<Path>,
) {
    for attribute in attributes {
        let (from, planned) = (from.at(attribute.name), planned.get(attribute.name));
        let path = path.attribute(attribute.name);
        // Unknown because the provider computes it is not yet another value.
        let undecided = planned.is_unknown() && from.config.is_null();
        if !undecided && !attribute.is_same(from.prior, planned) {
            let conditional = attribute.replace_if;
            if attribute.replace || conditional.is_some_and(|needs| needs(from.prior, planned)) {
                found.push(path);
                continue;
            }
        }
        let Shape::Nested(nesting, inner) = &attribute.shape else {
            continue;
        };
        match (nesting, planned, from.prior) {
            (Nesting::Single, Value::Map(_), Value::Map(_)) => {
                replaced(inner, from, planned, &path, found);
            }
            (Nesting::List, Value::List(elements), Value::List(prior)) => {
                for (index, element) in elements.iter().enumerate().take(prior.len()) {
                    replaced(inner, from.index(index), element, &path.index(index), found);
                }
            }
            (Nesting::Map, Value::Map(elements), Value::Map(prior)) => {
                for (key, element) in elements.iter().filter(|(key, _)| prior.contains_key(*key)) {
                    replaced(inner, from.at(key), element, &path.key(key), found);
                }
            }
            // Elements of a set cannot be pointed at, so any change of them counts.
            (Nesting::Set, Value::List(_), Value::List(_))
                if planned != from.prior && inner.iter().any(|inner| inner.replace) =>
            {
                found.push(path);
            }
            _ => {}
        }
    }
}

static NULL: Value = Value::Null;
