//! What differs between makers. Nothing outside this module names them.
//!
//! The table is data: `quirks/table.toml` is built in, and a user's own file adds rows to it or
//! disables some. A hint only says what to try first: whatever a BMC refuses is found out by its
//! answer, and remembered for the rest of the run.

mod about;
mod effects;
mod file;
mod page;
mod row;

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use self::about::About;
pub(crate) use self::effects::{FirstPlace, FirstTag, Hints, SendMode};
pub use self::{
    file::QuirksError,
    page::quirks_page,
    row::{Handled, Row},
};
use crate::{service_root::ServiceRoot, system::System};

/// What is known of BMCs: the built-in table, and what the user's file makes of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Quirks {
    rows: Arc<[Row]>,
}

impl Quirks {
    /// The built-in table, extended by the text of a file in the same format. Its rows come after
    /// the built-in ones, and `disable` takes built-in ones out. `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// If the text is no such table; the error names the line and the row, and what is expected.
    pub fn extended(name: &str, text: &str) -> Result<Self, QuirksError> {
        let rows = file::extend(&BUILT_IN, name, text)?;
        Ok(Self { rows: rows.into() })
    }

    /// The rows, in the order in which they are matched.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

impl Default for Quirks {
    /// The built-in table.
    fn default() -> Self {
        Self {
            rows: Arc::clone(&BUILT_IN),
        }
    }
}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.rows.iter().map(|row| &row.id);
        f.debug_list().entries(ids).finish()
    }
}

static BUILT_IN: LazyLock<Arc<[Row]>> = LazyLock::new(|| {
    let rows = file::extend(&[], "table.toml", TABLE);
    rows.expect("the built-in table is read by a test").into()
});

const TABLE: &str = include_str!("quirks/table.toml");

impl Hints {
    /// The hints for a BMC, or for one of its systems.
    pub(crate) fn of(root: &ServiceRoot, system: Option<&System>) -> Self {
        let about = About::of(root, system);
        let mut hints = Self::default();
        let rows = root.quirks.rows().iter();
        for row in rows.filter(|row| row.handled == Handled::Effect && row.holds(&about)) {
            hints.add(&row.effects);
        }
        hints
    }
}

/// Message keys of makers' own, beside those of the standard registries in `messages`.
pub(crate) const BENIGN: &[&str] = &["SystemResetRequired", "OperationTransitionedToJob"];
/// Its first argument is the task.
pub(crate) const JOB: &[&str] = &["OperationTransitionedToJob"];
pub(crate) const READ_ONLY: &[&str] = &["OperationSupportedInFutureStateURI"];
pub(crate) const BUSY: &[&str] = &[
    "UnableToModifyDuringSystemPOST",
    "InvalidOperationForSystemState",
    "SYS518",
];
pub(crate) const SESSION_LIMIT: &[&str] = &["RAC0218"];
pub(crate) const BAD_LOGIN: &[&str] = &["UnauthorizedLoginAttempt"];

#[cfg(test)]
mod tests;
