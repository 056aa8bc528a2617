//! What the user is told.

use crate::{DecodeError, Path};

/// Whether a [`Diagnostic`] stops the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation went on.
    Warning,
}

/// A message for the user: the summary names the fact, the detail the values and the way out.
///
/// There is no conversion from any error type on purpose: somebody has to say what the failure
/// means for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the run can go on.
    pub severity: Severity,
    /// One line, sentence case.
    pub summary: String,
    /// The values, the reason and what to do; may have several lines.
    pub detail: String,
    /// The attribute that is at fault.
    pub path: Option<Path>,
}

impl Diagnostic {
    /// An error about no attribute in particular.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            path: None,
        }
    }

    /// A warning about no attribute in particular.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(summary, detail)
        }
    }

    /// The same message, pointing at an attribute.
    #[must_use]
    pub fn at(self, path: Path) -> Self {
        Self {
            path: (!path.is_empty()).then_some(path),
            ..self
        }
    }
}

/// Terraform prints the source line of a top-level attribute only, so the summary has the path.
impl From<DecodeError> for Diagnostic {
    fn from(error: DecodeError) -> Self {
        let summary = if error.path.is_empty() {
            "Invalid value".to_owned()
        } else {
            format!("Invalid value for {}", error.path)
        };
        Self::error(summary, sentence(&error.problem)).at(error.path)
    }
}

/// Why a create or an update failed, and what is there now.
///
/// Terraform marks a resource tainted when its creation fails with a state: the next apply
/// destroys it first. Without a state nothing is recorded on create, and an update keeps the
/// state from before.
#[derive(Debug)]
pub struct Failed<M> {
    /// At least one error.
    pub diagnostics: Vec<Diagnostic>,
    /// What exists although the operation failed.
    pub state: Option<M>,
}

impl<M> Failed<M> {
    /// A failure that leaves `state` behind.
    pub fn with(diagnostic: Diagnostic, state: M) -> Self {
        Self {
            diagnostics: vec![diagnostic],
            state: Some(state),
        }
    }
}

impl<M> From<Diagnostic> for Failed<M> {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostics: vec![diagnostic],
            state: None,
        }
    }
}

/// `text` with a capital letter, unless it begins with a name or a value, such as a URL.
pub fn capitalized(text: &str) -> String {
    let (word, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
    let mut letters = word.chars();
    match letters.next() {
        Some(first) if word.chars().all(char::is_alphabetic) => {
            let word: String = first.to_uppercase().chain(letters).collect();
            word + rest
        }
        _ => text.to_owned(),
    }
}

/// An error text (lower case, no full stop) as a sentence for the user.
pub(crate) fn sentence(text: &str) -> String {
    let stop = if text.is_empty() || text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    capitalized(text) + stop
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_with_a_value_is_told_with_its_path_in_the_summary() {
        let path = Path::root("disks").index(0);
        let diagnostic = Diagnostic::from(DecodeError::new(&path, "expected a list, found null"));
        let expected =
            Diagnostic::error("Invalid value for disks[0]", "Expected a list, found null.");
        assert_eq!(diagnostic, expected.at(path));
        let diagnostic = Diagnostic::from(DecodeError::new(&Path::default(), "what is it?"));
        assert_eq!(
            diagnostic,
            Diagnostic::error("Invalid value", "What is it?")
        );
    }

    #[test]
    fn the_whole_block_is_no_path() {
        assert_eq!(Diagnostic::warning("a", "b").at(Path::default()).path, None);
    }
}
