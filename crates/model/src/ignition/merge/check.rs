//! Whether a config has the shapes that merging relies on.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::fields::{Field, Fields, Key};

/// Where something is wrong, and what belongs there.
type Fault = (String, &'static str);

/// Checks an object and everything below it; `path` is where it is.
pub(super) fn object(
    object: &Map<String, Value>,
    fields: Fields,
    path: &mut String,
) -> Result<(), Fault> {
    let here = path.len();
    for (name, field) in fields {
        let Some(value) = object.get(*name).filter(|value| !value.is_null()) else {
            continue;
        };
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        match (field, value) {
            (Field::Object(inner), Value::Object(value)) => self::object(value, inner, path)?,
            (Field::Object(_), _) => return Err((path.clone(), "an object")),
            (Field::List { key, inner, .. }, Value::Array(list)) => {
                entries(list, *key, inner, path)?;
            }
            (Field::Appended, Value::Array(_)) => {}
            (Field::List { .. } | Field::Appended, _) => return Err((path.clone(), "a list")),
        }
        path.truncate(here);
    }
    Ok(())
}

fn entries(list: &[Value], key: Key, inner: Fields, path: &mut String) -> Result<(), Fault> {
    let here = path.len();
    for (index, entry) in list.iter().enumerate() {
        // Writing to a string does not fail.
        let _written = write!(path, "[{index}]");
        match (key, entry) {
            (Key::Itself, Value::String(_)) => {}
            (Key::Itself, _) => return Err((path.clone(), "a text")),
            (Key::Member(member), Value::Object(entry)) => {
                if !entry.get(member).is_some_and(Value::is_string) {
                    return Err((format!("{path}.{member}"), "a text"));
                }
                object(entry, inner, path)?;
            }
            (Key::Source | Key::Partition, Value::Object(entry)) => object(entry, inner, path)?,
            (Key::Member(_) | Key::Source | Key::Partition, _) => {
                return Err((path.clone(), "an object"));
            }
        }
        path.truncate(here);
    }
    Ok(())
}
