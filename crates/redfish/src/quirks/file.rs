//! Reading a table strictly: whatever is not understood is an error that says where it stands.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use super::row::{Handled, Row};

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {}{what}", .row.as_ref().map(|row| format!("row {row}: ")).unwrap_or_default())]
pub struct QuirksError {
    /// The table's name, as a rule its path.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The row's id, as far as it has one.
    pub row: Option<String>,
    /// What is wrong, with what was expected.
    pub what: String,
}

/// A table as it stands in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    disable: Vec<Spanned<String>>,
    #[serde(default, rename = "quirk")]
    quirks: Vec<Spanned<Row>>,
}

/// The rows of `known` that `text` does not disable, and after them those of `text`.
pub(super) fn extend(known: &[Row], name: &str, text: &str) -> Result<Vec<Row>, QuirksError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        // What serde says is in one line, and TOML's own picture of the place is left out.
        at(name, text, offset, error.message().to_owned())
    })?;
    let mut disabled = BTreeSet::new();
    for id in &file.disable {
        let fault = match known.iter().find(|row| row.id == **id.as_ref()) {
            None => "no built-in row has this id, expected one of those that have effects",
            Some(row) if row.handled == Handled::Always => {
                "the row has no effects that could be disabled: the client copes with it on every \
                 BMC"
            }
            Some(_) => {
                disabled.insert(id.as_ref().clone());
                continue;
            }
        };
        let effects = known.iter().filter(|row| row.handled == Handled::Effect);
        let effects: Vec<_> = effects.map(|row| row.id.as_str()).collect();
        let what = format!("disable {:?}: {fault}: {}", id.as_ref(), effects.join(", "));
        return Err(QuirksError {
            row: None,
            ..at(name, text, id.span().start, what)
        });
    }
    let mut rows: Vec<Row> = known.to_vec();
    for row in file.quirks {
        let start = row.span().start;
        let row = row.into_inner();
        let taken = rows.iter().any(|other| other.id == row.id);
        let taken = taken.then(|| "another row has this id, expected one of its own".to_owned());
        if let Some(what) = row.fault().or(taken) {
            return Err(QuirksError {
                row: Some(row.id),
                ..at(name, text, start, what)
            });
        }
        rows.push(row);
    }
    rows.retain(|row| !disabled.contains(&row.id));
    Ok(rows)
}

fn at(name: &str, text: &str, offset: usize, what: String) -> QuirksError {
    let before = text.get(..offset).unwrap_or(text);
    QuirksError {
        file: name.to_owned(),
        line: before.matches('\n').count() + 1,
        row: row_at(text, offset),
        what,
    }
}

/// The id of the row that stands around a place of the text. The text need not be right.
fn row_at(text: &str, offset: usize) -> Option<String> {
    let mut start = 0;
    let mut current = None;
    for line in text.split_inclusive('\n') {
        let code = line.trim();
        if code.starts_with("[[") {
            if start > offset {
                break;
            }
            current = None;
        }
        let value = code.strip_prefix("id").map(str::trim_start);
        if let Some(value) = value.and_then(|value| value.strip_prefix('=')) {
            current = value.split(['"', '\'']).nth(1).map(str::to_owned);
        }
        start += line.len();
    }
    let first = text.find("[[")?;
    current.filter(|_| offset >= first)
}
