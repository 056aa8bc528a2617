//! The JSON form: what a state file holds.
//!
//! Read from text and not from a parsed tree, because numbers may have more digits than a float.

use std::collections::BTreeMap;

use serde_json::{Value as Json, value::RawValue};

use super::DecodeError;
use crate::{Path, Type, Value};

/// Reads a stored value of type `ty`.
///
/// The stored object may come from another version of the schema: attributes that the schema no
/// longer has are dropped, and new ones are null.
pub(crate) fn decode_json(ty: &Type, bytes: &[u8]) -> Result<Value, DecodeError> {
    let path = Path::default();
    match serde_json::from_slice::<&RawValue>(bytes) {
        Ok(json) => value(ty, json.get(), &path),
        Err(_) => Err(DecodeError::new(&path, "the stored value is not JSON")),
    }
}

/// Reads a stored value that was parsed already.
pub(crate) fn decode_json_value(ty: &Type, json: &Json) -> Result<Value, DecodeError> {
    value(ty, &json.to_string(), &Path::default())
}

fn value(ty: &Type, json: &str, path: &Path) -> Result<Value, DecodeError> {
    let bad = || mismatch(ty, json, path);
    if json == "null" {
        return Ok(Value::Null);
    }
    match ty {
        Type::Bool => json.parse().ok().map(Value::Bool).ok_or_else(bad),
        Type::Number => json.parse().ok().map(Value::Number).ok_or_else(bad),
        Type::String => serde_json::from_str(json)
            .ok()
            .map(Value::String)
            .ok_or_else(bad),
        Type::List(element) => Ok(Value::List(elements(element, json, path).ok_or_else(bad)??)),
        Type::Set(element) => Ok(Value::set(elements(element, json, path).ok_or_else(bad)??)),
        Type::Tuple(types) => {
            let parts: Vec<&RawValue> = serde_json::from_str(json).ok().ok_or_else(bad)?;
            if parts.len() != types.len() {
                return Err(bad());
            }
            let parts = types.iter().zip(parts).enumerate();
            let parts = parts.map(|(index, (ty, json))| value(ty, json.get(), &path.index(index)));
            Ok(Value::List(parts.collect::<Result<_, _>>()?))
        }
        Type::Map(ty) => {
            let entries = object(json)
                .ok_or_else(bad)?
                .into_iter()
                .map(|(key, json)| {
                    let value = value(ty, json.get(), &path.key(&key))?;
                    Ok((key, value))
                });
            Ok(Value::Map(entries.collect::<Result<_, _>>()?))
        }
        Type::Object(types) => {
            let stored = object(json).ok_or_else(bad)?;
            let attributes = types.iter().map(|(name, ty)| {
                let json = stored.get(name).map_or("null", |json| json.get());
                Ok((name.clone(), value(ty, json, &path.attribute(name))?))
            });
            Ok(Value::Map(attributes.collect::<Result<_, _>>()?))
        }
        Type::Dynamic => {
            let stored = object(json).ok_or_else(bad)?;
            let named = stored.get("type").ok_or_else(bad)?;
            let named = serde_json::from_str(named.get()).ok();
            let ty = named.as_ref().and_then(Type::from_json).ok_or_else(bad)?;
            let json = stored.get("value").map_or("null", |json| json.get());
            let inner = value(&ty, json, path)?;
            Ok(Value::Dynamic(ty, inner.into()))
        }
    }
}

/// None if the JSON is no list at all.
fn elements(ty: &Type, json: &str, path: &Path) -> Option<Result<Vec<Value>, DecodeError>> {
    let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    let elements = elements.into_iter().enumerate();
    Some(
        elements
            .map(|(index, json)| value(ty, json.get(), &path.index(index)))
            .collect(),
    )
}

fn object(json: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(json).ok()
}

fn mismatch(expected: &Type, json: &str, path: &Path) -> DecodeError {
    let found = match json.bytes().next() {
        Some(b'"') => "a string",
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "a bool",
        _ => "a number",
    };
    DecodeError::new(path, format!("expected {}, found {found}", expected.kind()))
}
