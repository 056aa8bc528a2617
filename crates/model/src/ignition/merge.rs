//! One Ignition config out of several, by the merge rules of the Ignition specification.
//!
//! Objects are merged member by member, and a later config's scalar wins. Entries of a list are told
//! apart by a key ([`fields`] has each list's): equal ones are merged, new ones come behind. A path
//! that becomes a link is no longer a file. The rules are those of `config/merge/merge.go` in
//! Ignition 2, which a machine applies to `ignition.config.merge`.

mod check;
mod fields;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Error, parse};
use fields::{CONFIG, Field, Fields, Key};

/// Why configs cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is none.
    #[error("there is no Ignition config to merge")]
    Nothing,
    /// One of them is no Ignition config.
    #[error("config {index} of the list: {cause}")]
    Config {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        cause: Error,
    },
    /// A part of one has the wrong shape.
    #[error("config {index} of the list: {path} must be {expected}")]
    Shape {
        /// Which one, from 0.
        index: usize,
        /// Where, in dots and brackets.
        path: String,
        /// What belongs there.
        expected: &'static str,
    },
}

/// Merges the texts of Ignition configs of spec 3.0 to 3.5, later ones over earlier ones. The result
/// has the highest version of them.
///
/// # Errors
///
/// Which one cannot be merged, and why. No text is ever part of the error, because it may hold
/// secrets.
pub fn merge(texts: &[impl AsRef<str>]) -> Result<Map<String, Value>, MergeError> {
    let mut merged: Option<Map<String, Value>> = None;
    for (index, text) in texts.iter().enumerate() {
        let config = parse(text.as_ref()).map_err(|cause| MergeError::Config { index, cause })?;
        check::object(&config, &CONFIG, &mut String::new()).map_err(|(path, expected)| {
            MergeError::Shape {
                index,
                path,
                expected,
            }
        })?;
        merged = Some(match merged {
            None => config,
            Some(before) => {
                let version = version(&before).max(version(&config));
                let mut after = merge_objects(before, config, &CONFIG);
                if let Some(Value::Object(ignition)) = after.get_mut("ignition") {
                    ignition.insert("version".to_owned(), version.into());
                }
                after
            }
        });
    }
    merged.ok_or(MergeError::Nothing)
}

/// Versions of one digit each, which [`parse`] has checked, compare as texts.
fn version(config: &Map<String, Value>) -> String {
    let version = config.get("ignition").and_then(|part| part.get("version"));
    version
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn merge_objects(
    mut parent: Map<String, Value>,
    mut child: Map<String, Value>,
    fields: Fields,
) -> Map<String, Value> {
    let places = Places::of(&child, fields);
    // Every list of the parent is looked at: what the child has in another list must leave it.
    for (name, field) in fields {
        let Field::List { key, group, inner } = field else {
            continue;
        };
        let before = take_list(&mut parent, name);
        let list = List {
            name,
            key: *key,
            group: group.unwrap_or(name),
            inner,
        };
        let merged = list.merge(before, take_list(&mut child, name), &places);
        if !merged.is_empty() {
            parent.insert((*name).to_owned(), Value::Array(merged));
        }
    }
    for (name, value) in child {
        // Null is how a config says that it does not say.
        if value.is_null() {
            continue;
        }
        let field = fields.iter().find(|(known, _)| *known == name);
        let merged = match (parent.remove(&name), value) {
            (Some(Value::Object(before)), Value::Object(after)) => {
                let inner = match field {
                    Some((_, Field::Object(inner))) => inner,
                    _ => NONE,
                };
                Value::Object(merge_objects(before, after, inner))
            }
            (Some(Value::Array(mut before)), Value::Array(after))
                if matches!(field, Some((_, Field::Appended))) =>
            {
                before.extend(after);
                Value::Array(before)
            }
            (_, value) => value,
        };
        parent.insert(name, merged);
    }
    parent
}

const NONE: Fields = &[];

fn take_list(object: &mut Map<String, Value>, name: &str) -> Vec<Value> {
    match object.remove(name) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

/// In which list, and where in it, the child has the entry with a key. Lists of one group share
/// their keys.
struct Places(BTreeMap<(&'static str, String), (&'static str, usize)>);

impl Places {
    fn of(child: &Map<String, Value>, fields: Fields) -> Self {
        let mut places = BTreeMap::new();
        for (name, field) in fields {
            let (Field::List { key, group, .. }, Some(Value::Array(list))) =
                (field, child.get(*name))
            else {
                continue;
            };
            for (index, entry) in list.iter().enumerate() {
                places.insert((group.unwrap_or(name), key.of(entry)), (*name, index));
            }
        }
        Self(places)
    }
}

struct List {
    name: &'static str,
    key: Key,
    group: &'static str,
    inner: Fields,
}

impl List {
    fn merge(&self, before: Vec<Value>, after: Vec<Value>, places: &Places) -> Vec<Value> {
        let old: Vec<String> = before.iter().map(|entry| self.key.of(entry)).collect();
        let mut merged = Vec::with_capacity(before.len() + after.len());
        for (entry, key) in before.into_iter().zip(&old) {
            match places.0.get(&(self.group, key.clone())) {
                None => merged.push(entry),
                Some((list, index)) if *list == self.name => {
                    merged.extend(self.merge_entries(entry, &after[*index]));
                }
                Some(_in_another_list) => {}
            }
        }
        let new = |entry: &Value| !old.contains(&self.key.of(entry));
        merged.extend(after.into_iter().filter(new));
        merged
    }

    fn merge_entries(&self, before: Value, after: &Value) -> Option<Value> {
        // A header without a value takes the parent's away.
        if self.name == "httpHeaders" && after.get("value").is_none_or(Value::is_null) {
            return None;
        }
        Some(match (before, after) {
            (Value::Object(before), Value::Object(after)) => {
                Value::Object(merge_objects(before, after.clone(), self.inner))
            }
            (_, after) => after.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
