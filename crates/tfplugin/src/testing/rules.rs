//! What Terraform and OpenTofu insist on after a plan and after an apply.
//!
//! Each function returns one line for each rule that was broken, with the path; none is the good
//! news. The lines never hold a value, which may be a secret.

use crate::{Attribute, Nesting, Path, Shape, Type, Value, schema, schema::walk, testing::refined};

/// What is wrong with a plan of a create or an update.
///
/// What the user set is planned as it is, or as it was before, which says that both mean the same.
/// What the user did not set is planned as null, unless it is computed; and only what is computed
/// may be unknown. A write-only attribute is planned as null.
pub fn plan_problems(
    attributes: &[Attribute],
    prior: &Value,
    config: &Value,
    planned: &Value,
) -> Vec<String> {
    let mut problems = Vec::new();
    let path = Path::default();
    match (config.is_null(), planned) {
        (true, Value::Null) => {}
        (true, _) => found(&mut problems, &path, "planned, but not configured"),
        (false, Value::Map(_)) => {
            let change = Change {
                prior,
                config,
                planned,
            };
            object_planned(attributes, change, &path, &mut problems);
        }
        (false, _) => found(&mut problems, &path, "configured, but not planned"),
    }
    problems
}

/// What is wrong with the state after an apply.
///
/// It is what was planned, and whatever was unknown is known and within what was known about it.
/// The elements of a set that were not known may have become equal.
pub fn apply_problems(attributes: &[Attribute], planned: &Value, applied: &Value) -> Vec<String> {
    let mut problems = state_problems(attributes, applied);
    let ty = schema::object(attributes);
    compatible(&ty, planned, applied, &Path::default(), &mut problems);
    problems
}

/// What is wrong with any state that a provider returns: after reading, importing or applying.
///
/// All of it is known, and a write-only attribute is null.
pub fn state_problems(attributes: &[Attribute], state: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let path = Path::default();
    if state.is_unknown() {
        found(&mut problems, &path, "unknown in a state");
    }
    walk(attributes, state, &path, &mut |attribute, value, path| {
        if attribute.write_only && !value.is_null() {
            found(&mut problems, path, "write-only, but not null");
        }
        let plain = matches!(attribute.shape, Shape::Plain(_));
        if value.is_unknown() || (plain && !value.is_known()) {
            found(&mut problems, path, "unknown in a state");
        }
    });
    problems
}

#[derive(Clone, Copy)]
struct Change<'a> {
    prior: &'a Value,
    config: &'a Value,
    planned: &'a Value,
}

impl<'a> Change<'a> {
    fn at(self, name: &str) -> Self {
        self.each(|value| value.get(name))
    }

    fn index(self, index: usize) -> Self {
        self.each(|value| value.elements().get(index).unwrap_or(&Value::Null))
    }

    fn each(self, part: impl Fn(&'a Value) -> &'a Value) -> Self {
        Self {
            prior: part(self.prior),
            config: part(self.config),
            planned: part(self.planned),
        }
    }
}

fn object_planned(
    attributes: &[Attribute],
    change: Change<'_>,
    path: &Path,
    problems: &mut Vec<String>,
) {
    for attribute in attributes {
        let path = path.attribute(attribute.name);
        attribute_planned(attribute, change.at(attribute.name), &path, problems);
    }
}

fn attribute_planned(
    attribute: &Attribute,
    change: Change<'_>,
    path: &Path,
    problems: &mut Vec<String>,
) {
    let Change {
        prior,
        config,
        planned,
    } = change;
    let unrefined = |a: &Value, b: &Value| unrefined(a) == unrefined(b);
    if attribute.write_only {
        if !planned.is_null() {
            found(problems, path, "write-only, but not planned as null");
        }
        return;
    }
    let as_configured = unrefined(planned, config);
    let as_before = !prior.is_null() && !config.is_null() && unrefined(planned, prior);
    let provided = attribute.computed && (!attribute.optional || config.is_null());
    if as_configured || as_before || provided {
        return;
    }
    if config.is_null() {
        return found(
            problems,
            path,
            "not computed, but planned without a configuration",
        );
    }
    match &attribute.shape {
        Shape::Nested(nesting, inner) => nested_planned(*nesting, inner, change, path, problems),
        Shape::Plain(_) => {
            found(
                problems,
                path,
                "planned neither as configured nor as it was",
            );
        }
    }
}

fn nested_planned(
    nesting: Nesting,
    inner: &[Attribute],
    change: Change<'_>,
    path: &Path,
    problems: &mut Vec<String>,
) {
    match (nesting, change.planned, change.config) {
        (Nesting::Single, Value::Map(_), Value::Map(_)) => {
            object_planned(inner, change, path, problems);
        }
        (Nesting::List, Value::List(planned), Value::List(config)) => {
            if planned.len() != config.len() {
                return found(problems, path, "not as many planned as configured");
            }
            for index in 0..planned.len() {
                object_planned(inner, change.index(index), &path.index(index), problems);
            }
        }
        (Nesting::Map, Value::Map(planned), Value::Map(config)) => {
            if !planned.keys().eq(config.keys()) {
                return found(problems, path, "not the same keys planned as configured");
            }
            for key in planned.keys() {
                object_planned(inner, change.at(key), &path.key(key), problems);
            }
        }
        // Which element is which nobody knows, so only their number counts.
        (Nesting::Set, Value::List(planned), Value::List(config)) => {
            let fewest = if change.planned.is_known() {
                planned.len()
            } else {
                planned.len().min(1)
            };
            let possible = (fewest..=planned.len()).contains(&config.len());
            if change.config.is_known() && !possible {
                found(problems, path, "not as many planned as configured");
            }
        }
        _ => found(problems, path, "configured, but not planned as that"),
    }
}

/// What is known about a value that is not known makes no difference in a plan.
fn unrefined(value: &Value) -> Value {
    match value {
        Value::Unknown(_) => Value::UNKNOWN,
        Value::List(elements) => Value::List(elements.iter().map(unrefined).collect()),
        Value::Map(map) => Value::Map(
            map.iter()
                .map(|(key, value)| (key.clone(), unrefined(value)))
                .collect(),
        ),
        Value::Dynamic(ty, value) => Value::Dynamic(ty.clone(), unrefined(value).into()),
        known @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            known.clone()
        }
    }
}

fn compatible(
    ty: &Type,
    planned: &Value,
    applied: &Value,
    path: &Path,
    problems: &mut Vec<String>,
) {
    match (ty, planned, applied) {
        (_, Value::Unknown(refinement), _) => {
            if let Some(problem) = refined::problem(refinement, applied) {
                found(problems, path, problem);
            }
        }
        (_, Value::Null, Value::Null) => {}
        (_, Value::Null, _) => found(problems, path, "planned as null, but applied as a value"),
        (_, _, Value::Null) => found(problems, path, "planned as a value, but applied as null"),
        (Type::Dynamic, Value::Dynamic(ty, planned), Value::Dynamic(applied_ty, applied)) => {
            if ty == applied_ty {
                compatible(ty, planned, applied, path, problems);
            } else {
                found(problems, path, "applied as another type than planned");
            }
        }
        (Type::Set(element), Value::List(planned), Value::List(applied)) => {
            if !correlate(element, planned, applied) || applied.len() > planned.len() {
                found(problems, path, "applied with other elements than planned");
            }
        }
        (_, Value::List(planned), Value::List(applied)) => {
            if planned.len() != applied.len() {
                return found(
                    problems,
                    path,
                    "applied with more or fewer elements than planned",
                );
            }
            for (index, (planned, applied)) in planned.iter().zip(applied).enumerate() {
                let ty = part(ty, index, "");
                compatible(ty, planned, applied, &path.index(index), problems);
            }
        }
        (_, Value::Map(planned), Value::Map(applied)) => {
            if !planned.keys().eq(applied.keys()) {
                return found(problems, path, "applied with other keys than planned");
            }
            for ((key, planned), applied) in planned.iter().zip(applied.values()) {
                let path = match ty {
                    Type::Object(_) => path.attribute(key),
                    _ => path.key(key),
                };
                compatible(part(ty, 0, key), planned, applied, &path, problems);
            }
        }
        (_, planned, applied) => {
            if planned != applied {
                found(problems, path, "applied as another value than planned");
            }
        }
    }
}

/// Whether each element of either set can be one of the other.
fn correlate(element: &Type, planned: &[Value], applied: &[Value]) -> bool {
    let matches = |planned: &Value, applied: &Value| {
        let mut problems = Vec::new();
        compatible(element, planned, applied, &Path::default(), &mut problems);
        problems.is_empty()
    };
    let in_applied = |planned: &Value| applied.iter().any(|applied| matches(planned, applied));
    let in_planned = |applied: &Value| planned.iter().any(|planned| matches(planned, applied));
    planned.iter().all(in_applied) && applied.iter().all(in_planned)
}

/// The type of a part of a value.
fn part<'a>(ty: &'a Type, index: usize, key: &str) -> &'a Type {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => element,
        Type::Tuple(elements) => elements.get(index).unwrap_or(ty),
        Type::Object(attributes) => attributes.get(key).unwrap_or(ty),
        Type::Bool | Type::Number | Type::String | Type::Dynamic => ty,
    }
}

fn found(problems: &mut Vec<String>, path: &Path, problem: &str) {
    let path = path.to_string();
    let place = if path.is_empty() { "the whole" } else { &path };
    problems.push(format!("{place}: {problem}"));
}
