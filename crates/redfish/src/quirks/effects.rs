//! What a row of the table tells the client to do. The set is closed: each is a place in the code.

use std::collections::BTreeMap;

use serde::Deserialize;

/// When to send the boot mode with a boot override. It is never sent to a BMC that reports none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SendMode {
    /// Only if it changes.
    #[default]
    IfDifferent,
    /// With each override.
    Always,
}

/// Which `If-Match` to try first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FirstTag {
    /// The tag that was read, if there is one.
    #[default]
    IfKnown,
    /// `*`.
    Star,
}

/// Where to write a boot override first, if there are two places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FirstPlace {
    /// The system.
    #[default]
    System,
    /// Its settings resource.
    Settings,
}

/// The effects of one row. What is absent leaves things as the rows before it made them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Effects {
    send_mode: Option<SendMode>,
    first_tag: Option<FirstTag>,
    first_place: Option<FirstPlace>,
    never_star: Option<bool>,
    no_expand: Option<bool>,
    close_connections: Option<bool>,
    retry_unauthorized: Option<bool>,
    #[serde(default)]
    bad_resets: Vec<String>,
    #[serde(default)]
    reads_as: BTreeMap<String, String>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
}

impl Effects {
    /// Whether the row changes nothing.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What to try first with a BMC: the effects of all rows that match it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hints {
    pub(crate) send_mode: SendMode,
    pub(crate) first_tag: FirstTag,
    pub(crate) first_place: FirstPlace,
    /// `If-Match: *` is refused.
    pub(crate) never_star: bool,
    /// Collections lose properties when they are expanded.
    pub(crate) no_expand: bool,
    /// A connection that was used once is dropped without notice.
    pub(crate) close_connections: bool,
    /// Good credentials are refused now and then.
    pub(crate) retry_unauthorized: bool,
    /// Resets that are listed and do harm.
    pub(crate) bad_resets: Vec<String>,
    /// Boot targets that read back as another word.
    pub(crate) reads_as: Vec<(String, String)>,
    /// Boot targets with a name of the maker's own, used where the BMC lists that name.
    pub(crate) aliases: Vec<(String, String)>,
}

impl Hints {
    pub(super) fn add(&mut self, effects: &Effects) {
        set(&mut self.send_mode, effects.send_mode);
        set(&mut self.first_tag, effects.first_tag);
        set(&mut self.first_place, effects.first_place);
        set(&mut self.never_star, effects.never_star);
        set(&mut self.no_expand, effects.no_expand);
        set(&mut self.close_connections, effects.close_connections);
        set(&mut self.retry_unauthorized, effects.retry_unauthorized);
        self.bad_resets.extend(effects.bad_resets.iter().cloned());
        let pairs = |map: &BTreeMap<String, String>| map.clone().into_iter();
        self.reads_as.extend(pairs(&effects.reads_as));
        self.aliases.extend(pairs(&effects.aliases));
    }

    /// Whether a reset of this kind does harm.
    pub(crate) fn is_bad_reset(&self, kind: &str) -> bool {
        self.bad_resets
            .iter()
            .any(|bad| bad.eq_ignore_ascii_case(kind))
    }
}

fn set<T: Copy>(hint: &mut T, effect: Option<T>) {
    if let Some(effect) = effect {
        *hint = effect;
    }
}

/// Each effect, what one writes for it and what it does, for the page about the table.
pub(super) const ALL: [(&str, &str, &str); 10] = [
    (
        "send_mode",
        "`\"always\"` or `\"if-different\"`",
        "Send `BootSourceOverrideMode`, as far as the BMC reports one, with each boot override or \
         only if it changes.",
    ),
    (
        "first_tag",
        "`\"star\"` or `\"if-known\"`",
        "Change things with `If-Match: *` first, or with the tag that was read.",
    ),
    (
        "first_place",
        "`\"settings\"` or `\"system\"`",
        "Write a boot override to the settings resource first, or to the system.",
    ),
    (
        "never_star",
        "`true` or `false`",
        "Never send `If-Match: *`.",
    ),
    (
        "no_expand",
        "`true` or `false`",
        "Read the members of a collection one by one.",
    ),
    (
        "close_connections",
        "`true` or `false`",
        "Open a connection for each request.",
    ),
    (
        "retry_unauthorized",
        "`true` or `false`",
        "Repeat a request once that was answered 401, if the BMC took the same credentials before \
         in this run.",
    ),
    (
        "bad_resets",
        "a list, such as `[\"ForceRestart\"]`",
        "Never send these resets, even if they are listed.",
    ),
    (
        "reads_as",
        "a table, such as `{ Pxe = \"UefiBootNext\" }`",
        "Take the second boot target for the first where an override is read back.",
    ),
    (
        "aliases",
        "a table, such as `{ Cd = \"UsbCd\" }`",
        "Send the second boot target for the first, where the BMC lists it.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_effect_is_described_and_no_other() {
        // The list of the decoder's own error is the list of the fields.
        let error = toml::from_str::<Effects>("nothing = 1").unwrap_err();
        let listed = error.message().split('`').skip(3).step_by(2);
        let described = ALL.iter().map(|(name, _, _)| *name);
        let sorted = |names: Vec<&str>| {
            let mut names: Vec<_> = names.into_iter().map(str::to_owned).collect();
            names.sort();
            names
        };
        assert_eq!(sorted(listed.collect()), sorted(described.collect()));
    }

    #[test]
    fn a_later_row_counts_and_lists_grow() {
        let mut hints = Hints::default();
        for text in [
            "send_mode = \"always\"\nnever_star = true\nbad_resets = [\"Nmi\"]",
            "send_mode = \"if-different\"\nbad_resets = [\"ForceRestart\"]",
        ] {
            hints.add(&toml::from_str(text).unwrap());
        }
        assert_eq!(hints.send_mode, SendMode::IfDifferent);
        assert!(hints.never_star);
        assert_eq!(hints.bad_resets, ["Nmi", "ForceRestart"]);
        assert!(hints.is_bad_reset("forcerestart"));
    }
}
