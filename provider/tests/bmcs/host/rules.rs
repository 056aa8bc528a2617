//! What Terraform does around a plan and an apply, and what it insists on.

use serde_json::{Map, Value};

use super::{
    codec::UNKNOWN,
    pb::schema::{Attribute, Object, object::NestingMode},
};

/// The configuration with null for what it leaves out.
pub(crate) fn completed(attributes: &[Attribute], config: &Value) -> Value {
    if config.is_null() {
        return Value::Null;
    }
    let complete = |attribute: &Attribute| {
        let value = config.get(&attribute.name).unwrap_or(&Value::Null);
        let value = match (&attribute.nested_type, value) {
            (Some(nested), Value::Array(elements)) => {
                let all = elements.iter();
                all.map(|element| completed(&nested.attributes, element))
                    .collect()
            }
            (Some(nested), Value::Object(map)) if nested.nesting() == NestingMode::Map => {
                let entry = |(key, value): (&String, &Value)| {
                    (key.clone(), completed(&nested.attributes, value))
                };
                Value::Object(map.iter().map(entry).collect())
            }
            (Some(nested), value) => completed(&nested.attributes, value),
            (None, value) => value.clone(),
        };
        (attribute.name.clone(), value)
    };
    Value::Object(attributes.iter().map(complete).collect::<Map<_, _>>())
}

/// The state that Terraform proposes: the configuration, and before what was computed elsewhere.
pub(crate) fn proposed(attributes: &[Attribute], prior: &Value, config: &Value) -> Value {
    if config.is_null() {
        return Value::Null;
    }
    let propose = |attribute: &Attribute| {
        let prior = prior.get(&attribute.name).unwrap_or(&Value::Null);
        let config = &config[&attribute.name];
        let value = match &attribute.nested_type {
            _ if config.is_null() && attribute.computed => prior.clone(),
            Some(nested) if is_single(nested) => proposed(&nested.attributes, prior, config),
            _ => config.clone(),
        };
        (attribute.name.clone(), value)
    };
    Value::Object(attributes.iter().map(propose).collect::<Map<_, _>>())
}

/// The rules that a plan breaks.
pub(crate) fn broken_by_plan(
    attributes: &[Attribute],
    prior: &Value,
    config: &Value,
    planned: &Value,
) -> Vec<String> {
    if !planned.is_object() {
        return vec!["configured, but not planned".to_owned()];
    }
    let mut broken = Vec::new();
    for attribute in attributes {
        let name = &attribute.name;
        let prior = prior.get(name).unwrap_or(&Value::Null);
        let (config, planned) = (&config[name], &planned[name]);
        let nested = attribute
            .nested_type
            .as_ref()
            .filter(|nested| is_single(nested));
        if attribute.write_only {
            if !planned.is_null() {
                broken.push(format!("{name} is write-only, but planned"));
            }
        } else if config.is_null() {
            if !attribute.computed && !planned.is_null() {
                broken.push(format!(
                    "{name} is planned, but neither configured nor computed"
                ));
            }
        } else if let (Some(nested), Value::Object(_)) = (nested, config) {
            let inner = broken_by_plan(&nested.attributes, prior, config, planned);
            broken.extend(inner.into_iter().map(|broken| format!("{name}.{broken}")));
        } else if planned != config && planned != prior {
            broken.push(format!(
                "{name} is configured as {config} and planned as {planned}"
            ));
        }
    }
    broken
}

/// The rules that the state after an apply breaks.
pub(crate) fn broken_by_apply(path: &str, planned: &Value, applied: &Value) -> Vec<String> {
    match (planned, applied) {
        (Value::String(text), _) if text == UNKNOWN => unknown(path, applied),
        (Value::Object(planned), Value::Object(applied)) => {
            let of = |(name, value): (&String, &Value)| {
                let path = format!("{path}.{name}");
                broken_by_apply(&path, value, applied.get(name).unwrap_or(&Value::Null))
            };
            planned.iter().flat_map(of).collect()
        }
        (Value::Array(planned), Value::Array(applied)) if planned.len() == applied.len() => {
            let pairs = planned.iter().zip(applied);
            let of = |(planned, applied)| broken_by_apply(path, planned, applied);
            pairs.flat_map(of).collect()
        }
        (planned, applied) if planned == applied => Vec::new(),
        _ => vec![format!("{path} was planned as {planned} and is {applied}")],
    }
}

/// What is unknown in a state.
pub(crate) fn unknown(path: &str, state: &Value) -> Vec<String> {
    match state {
        Value::String(text) if text == UNKNOWN => vec![format!("{path} is unknown in a state")],
        Value::Object(map) => {
            let all = map.iter();
            all.flat_map(|(name, value)| unknown(&format!("{path}.{name}"), value))
                .collect()
        }
        Value::Array(elements) => elements
            .iter()
            .flat_map(|element| unknown(path, element))
            .collect(),
        _ => Vec::new(),
    }
}

fn is_single(nested: &Object) -> bool {
    nested.nesting() == NestingMode::Single
}
