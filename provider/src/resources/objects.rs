//! What subnets, reservations and images have in common: an id that is a UUID, how they are found
//! again, and how they are imported.

use tfplugin::{Context, Diagnostic, ImportBy};
use uuid::Uuid;

use crate::{
    client::{ApiError, Client},
    diagnostics,
};

/// The id in a state.
pub(super) fn id(what: &str, id: Option<&str>) -> Result<Uuid, Diagnostic> {
    let text = id.unwrap_or_default();
    Uuid::try_parse(text).map_err(|error| {
        Diagnostic::error(
            format!("The {what}'s id cannot be read"),
            format!("In the state, {text:?}: {error}."),
        )
    })
}

/// What a refresh makes of the agent's answer: `None` if it is gone, and `Some(None)` with a warning
/// if nobody answers, so that the state stays as it is.
pub(super) fn seen<T>(
    cx: &mut Context<Client>,
    found: Result<T, ApiError>,
    what: &str,
) -> Result<Option<Option<T>>, Diagnostic> {
    match found {
        Ok(found) => Ok(Some(Some(found))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) if error.is_unreachable() => {
            cx.warn(diagnostics::kept(error.into(), what));
            Ok(Some(None))
        }
        Err(error) => Err(error.into()),
    }
}

/// What the user named to import.
pub(super) struct ImportName {
    /// As it was written, without white space around it.
    pub(super) text: String,
}

/// What the user named, by id or by the identity attribute `id`.
pub(super) fn import_name(
    what: &str,
    by: ImportBy,
    expected: &str,
) -> Result<ImportName, Diagnostic> {
    let text = match by {
        ImportBy::Id(id) => id,
        ImportBy::Identity(identity) => identity.get("id").as_str().unwrap_or_default().to_owned(),
    };
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(Diagnostic::error(
            format!("The import id of the {what} is empty"),
            format!("Expected {expected}."),
        ));
    }
    Ok(ImportName { text })
}

impl ImportName {
    /// Whether it is this id.
    pub(super) fn is(&self, id: Uuid) -> bool {
        Uuid::try_parse(&self.text).is_ok_and(|named| named == id)
    }

    /// The agent has nothing of this name.
    pub(super) fn unknown(&self, what: &str, expected: &str) -> Diagnostic {
        Diagnostic::error(
            format!("The agent has no such {what}"),
            format!("Nothing is named {:?}. Expected {expected}.", self.text),
        )
    }

    /// The agent has several of this name.
    pub(super) fn ambiguous(&self, what: &str, ids: &[Uuid]) -> Diagnostic {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        Diagnostic::error(
            format!("Several {what}s have this name"),
            format!(
                "{:?} names {}. Import one of them by its id.",
                self.text,
                ids.join(", ")
            ),
        )
    }
}

/// A list as the configuration has it: an empty one is absent, unless it was written as empty.
pub(super) fn unless_absent<T>(list: Vec<T>, before: Option<&[T]>) -> Option<Vec<T>> {
    (!list.is_empty() || before.is_some_and(<[T]>::is_empty)).then_some(list)
}
