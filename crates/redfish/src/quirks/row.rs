//! A row of the table.

use serde::Deserialize;

use super::{
    about::{About, Match},
    effects::Effects,
};

/// How the client copes with what a row tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handled {
    /// By the row's effects, on the BMCs that it matches.
    #[default]
    Effect,
    /// By looking at what a BMC answers, so on every BMC.
    Always,
}

/// One thing that some BMCs do: which ones, what it is, what the client does about it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name, such as `refuses-star`.
    pub id: String,
    #[serde(rename = "match")]
    pub(super) matches: Vec<Match>,
    /// How the client copes with it.
    #[serde(default)]
    pub handled: Handled,
    #[serde(default)]
    pub(super) effects: Effects,
    /// What it is, in a few words.
    #[serde(default)]
    pub title: String,
    /// What the BMC does.
    #[serde(default)]
    pub does: String,
    /// What the client does.
    #[serde(default)]
    pub client: String,
    /// What the user sees of it, if anything.
    #[serde(default)]
    pub user: String,
    /// The public documents and threads that tell of it.
    #[serde(default)]
    pub source: Vec<String>,
    /// Why no BMC can be made to show it over HTTP, if so.
    pub pure: Option<String>,
}

impl Row {
    /// What is wrong with the row by itself.
    pub(super) fn fault(&self) -> Option<String> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.id.is_empty() || !self.id.bytes().all(word) {
            return Some(format!(
                "its id is {:?}, expected lower-case letters, digits and dashes",
                self.id
            ));
        }
        if self.matches.is_empty() {
            return Some("its match names nothing, expected at least one table in it".to_owned());
        }
        if let Some(fault) = self.matches.iter().find_map(Match::fault) {
            return Some(fault);
        }
        match (self.handled, self.effects.is_empty()) {
            (Handled::Effect, true) => {
                let names: Vec<_> = super::effects::ALL
                    .iter()
                    .map(|(name, _, _)| *name)
                    .collect();
                Some(format!(
                    "it has no effects, expected at least one of {}",
                    names.join(", ")
                ))
            }
            (Handled::Always, false) => {
                Some("it has effects, expected handled = \"effect\"".to_owned())
            }
            _ => None,
        }
    }

    pub(super) fn holds(&self, about: &About) -> bool {
        self.matches
            .iter()
            .any(|conditions| conditions.holds(about))
    }
}
