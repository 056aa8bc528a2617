//! What a commit is made of, and how values are written.

use serde::{Serialize, de::DeserializeOwned};

use super::{Error, Table, Versioned};

/// What an operation must find for its commit to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Whatever is there.
    Any,
    /// No such key.
    Absent,
    /// The key at this version.
    Version(u64),
}

impl Expect {
    /// What was read: its version, or its absence.
    pub fn as_read<T>(read: Option<&Versioned<T>>) -> Self {
        read.map_or(Self::Absent, |read| Self::Version(read.version))
    }
}

/// One part of a commit.
#[derive(Clone, PartialEq, Eq)]
pub struct Op {
    pub(super) table: Table,
    pub(super) key: String,
    pub(super) action: Action,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Action {
    Put(Vec<u8>, Expect),
    Delete(Expect),
    Check(Expect),
    NoneUnder,
}

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let action = match self.action {
            Action::Put(..) => "put",
            Action::Delete(_) => "delete",
            Action::Check(_) => "check",
            Action::NoneUnder => "none_under",
        };
        write!(f, "{action} {}/{}", self.table, self.key)
    }
}

impl Op {
    /// Writes `value` under `key`.
    ///
    /// # Errors
    ///
    /// If `value` has no JSON form.
    pub fn put<T: Serialize>(
        table: Table,
        key: impl Into<String>,
        value: &T,
        expect: Expect,
    ) -> Result<Self, Error> {
        let key = key.into();
        let Ok(bytes) = serde_json::to_vec(value) else {
            return Err(Error::Encode { table, key });
        };
        let action = Action::Put(bytes, expect);
        Ok(Self { table, key, action })
    }

    /// Removes `key`. One that is not there is no error if that is expected.
    pub fn delete(table: Table, key: impl Into<String>, expect: Expect) -> Self {
        Self {
            table,
            key: key.into(),
            action: Action::Delete(expect),
        }
    }

    /// Changes nothing, but what is expected of `key` must hold.
    pub fn check(table: Table, key: impl Into<String>, expect: Expect) -> Self {
        Self {
            table,
            key: key.into(),
            action: Action::Check(expect),
        }
    }

    /// Changes nothing, but no key may start with `prefix`.
    pub fn none_under(table: Table, prefix: impl Into<String>) -> Self {
        Self {
            table,
            key: prefix.into(),
            action: Action::NoneUnder,
        }
    }

    pub(super) fn conflict(&self) -> Error {
        Error::Conflict {
            table: self.table,
            key: self.key.clone(),
        }
    }
}

/// A stored value: its version, eight bytes big-endian, then its JSON text.
pub(super) fn encode(version: u64, json: &[u8]) -> Vec<u8> {
    [&version.to_be_bytes(), json].concat()
}

/// The version of a stored value. A truncated one has version 0, which nobody expects.
pub(super) fn version(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |version| u64::from_be_bytes(*version))
}

pub(super) fn decode<T: DeserializeOwned>(
    table: Table,
    key: &str,
    bytes: &[u8],
) -> Result<Versioned<T>, Error> {
    let json = bytes.get(size_of::<u64>()..).unwrap_or_default();
    // serde's own message may quote the value.
    let value = serde_json::from_slice(json).map_err(|error| Error::Decode {
        table,
        key: key.to_owned(),
        line: error.line(),
        column: error.column(),
    })?;
    Ok(Versioned {
        version: version(bytes),
        value,
    })
}
