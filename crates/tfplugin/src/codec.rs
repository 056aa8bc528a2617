//! Values as bytes: msgpack between processes, JSON in the state file.
//!
//! Both forms are read along a type: the bytes alone do not tell a list from a set or a map from
//! an object. An error says where it is and which kinds met, never what the value was.

mod json;
mod msgpack;
#[cfg(test)]
mod tests;

pub(crate) use json::{decode_json, decode_json_value};
pub(crate) use msgpack::{decode, encode};

use crate::{Path, Type, Value};

/// A value that is not what its type says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", at(path))]
pub struct DecodeError {
    /// Where the value is.
    pub path: Path,
    /// What is wrong with it: lower case, no full stop, nothing of the value itself.
    pub problem: String,
}

impl DecodeError {
    /// An error at `path`.
    pub fn new(path: &Path, problem: impl Into<String>) -> Self {
        Self {
            path: path.clone(),
            problem: problem.into(),
        }
    }

    /// The error for a value of another kind than `expected`.
    pub fn expected(expected: &str, found: &Value, path: &Path) -> Self {
        Self::new(path, format!("expected {expected}, found {}", found.kind()))
    }
}

/// A value that cannot be sent as the type it should have: a mistake of the provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}the provider made {found} where its schema says {expected}",
    at(path)
)]
pub(crate) struct EncodeError {
    path: Path,
    found: &'static str,
    expected: &'static str,
}

impl EncodeError {
    fn new(found: &Value, expected: &Type, path: &Path) -> Self {
        Self {
            path: path.clone(),
            found: found.kind(),
            expected: expected.kind(),
        }
    }
}

fn at(path: &Path) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}: ")
    }
}
