//! Rules about which attributes may be set together.

use crate::{Diagnostic, Path, Value};

/// A rule about several attributes of a configuration, checked when it is validated.
///
/// A value that is not known yet may turn out to be null, so it breaks no rule.
#[derive(Clone, Debug)]
pub struct Rule {
    kind: Kind,
    paths: Vec<Path>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AtMostOne,
    ExactlyOne,
    AtLeastOne,
    Together,
}

/// At most one of the attributes may be set.
///
/// ```
/// let rule = tfplugin::conflicts(["kernel", "boot.script"]);
/// ```
pub fn conflicts<P: Into<Path>>(paths: impl IntoIterator<Item = P>) -> Rule {
    Rule::new(Kind::AtMostOne, paths)
}

/// One of the attributes has to be set, and no other.
pub fn exactly_one_of<P: Into<Path>>(paths: impl IntoIterator<Item = P>) -> Rule {
    Rule::new(Kind::ExactlyOne, paths)
}

/// One of the attributes has to be set, or several.
pub fn at_least_one_of<P: Into<Path>>(paths: impl IntoIterator<Item = P>) -> Rule {
    Rule::new(Kind::AtLeastOne, paths)
}

/// All of the attributes have to be set, or none.
pub fn required_together<P: Into<Path>>(paths: impl IntoIterator<Item = P>) -> Rule {
    Rule::new(Kind::Together, paths)
}

impl Rule {
    fn new<P: Into<Path>>(kind: Kind, paths: impl IntoIterator<Item = P>) -> Self {
        let paths = paths.into_iter().map(Into::into).collect();
        Self { kind, paths }
    }

    /// What is wrong with a configuration; each error is at an attribute that has to go or is
    /// missing.
    pub(crate) fn check(&self, config: &Value) -> Vec<Diagnostic> {
        let values = self.paths.iter().map(|path| (path, path.of(config)));
        let (unknown, known): (Vec<_>, Vec<_>) = values.partition(|(_, value)| value.is_unknown());
        let (missing, set): (Vec<_>, Vec<_>) = known.iter().partition(|(_, value)| value.is_null());
        let one_too_many = || {
            set.iter()
                .skip(1)
                .map(|(path, _)| (*path).clone())
                .collect()
        };
        let all = || self.paths.first().cloned().into_iter().collect();
        let broken: Vec<Path> = match self.kind {
            Kind::AtMostOne => one_too_many(),
            Kind::ExactlyOne if set.is_empty() && unknown.is_empty() => all(),
            Kind::ExactlyOne => one_too_many(),
            Kind::AtLeastOne if set.is_empty() && unknown.is_empty() => all(),
            Kind::Together if !set.is_empty() => {
                missing.iter().map(|(path, _)| (*path).clone()).collect()
            }
            Kind::AtLeastOne | Kind::Together => Vec::new(),
        };
        let error = |path: Path| self.error(set.is_empty(), path);
        broken.into_iter().map(error).collect()
    }

    fn error(&self, none_set: bool, path: Path) -> Diagnostic {
        let names: Vec<_> = self.paths.iter().map(|path| format!("`{path}`")).collect();
        let names = names.join(", ");
        let (summary, which, may) = match self.kind {
            Kind::AtMostOne => ("Conflicting attributes", "At most one of", "can"),
            Kind::ExactlyOne if none_set => ("Missing attribute", "Exactly one of", "must"),
            Kind::ExactlyOne => ("Conflicting attributes", "Exactly one of", "can"),
            Kind::AtLeastOne => ("Missing attribute", "At least one of", "must"),
            Kind::Together => ("Missing attribute", "All or none of", "must"),
        };
        Diagnostic::error(summary, format!("{which} {names} {may} be set.")).at(path)
    }

    /// The attributes that have to be null so that the first of those that are set is alone.
    pub(crate) fn surplus(&self, config: &Value) -> Vec<Path> {
        if !matches!(self.kind, Kind::AtMostOne | Kind::ExactlyOne) {
            return Vec::new();
        }
        let set = self.paths.iter().filter(|path| !path.of(config).is_null());
        set.skip(1).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{Type, testing};

    #[track_caller]
    fn check(rule: &Rule, config: Json, expected: &[(&str, &str)]) {
        let text = || ("a".to_owned(), Type::String);
        let inner = Type::Object([text()].into());
        let ty = Type::Object(
            [
                text(),
                ("b".to_owned(), Type::String),
                ("c".to_owned(), inner),
            ]
            .into(),
        );
        let found = rule.check(&testing::value(&ty, &config));
        let found: Vec<_> = found
            .iter()
            .map(|found| (&*found.summary, found.path.as_ref().unwrap().to_string()))
            .collect();
        let found: Vec<_> = found
            .iter()
            .map(|(summary, path)| (*summary, &**path))
            .collect();
        assert_eq!(found, expected, "{config}");
    }

    const NAMES: [&str; 3] = ["a", "b", "c.a"];

    #[test]
    fn of_attributes_that_conflict_one_is_set_at_most() {
        let rule = conflicts(NAMES);
        check(&rule, json!({}), &[]);
        check(&rule, json!({ "c": { "a": "x" } }), &[]);
        check(&rule, json!({ "a": "x", "b": "?" }), &[]);
        let both = json!({ "a": "x", "b": "?", "c": { "a": "y" } });
        check(&rule, both, &[("Conflicting attributes", "c.a")]);
    }

    #[test]
    fn of_exactly_one_neither_none_nor_two_are_set() {
        let rule = exactly_one_of(NAMES);
        check(&rule, json!({}), &[("Missing attribute", "a")]);
        check(&rule, json!({ "c": "?" }), &[]);
        check(&rule, json!({ "b": "x" }), &[]);
        let both = json!({ "a": "x", "b": "y" });
        check(&rule, both, &[("Conflicting attributes", "b")]);
    }

    #[test]
    fn of_at_least_one_not_none_is_set() {
        let rule = at_least_one_of(NAMES);
        check(&rule, json!({}), &[("Missing attribute", "a")]);
        check(&rule, json!({ "b": "?" }), &[]);
        check(&rule, json!({ "a": "x", "b": "y" }), &[]);
    }

    #[test]
    fn together_all_or_none_are_set() {
        let rule = required_together(NAMES);
        check(&rule, json!({}), &[]);
        check(&rule, json!({ "a": "?" }), &[]);
        let missing = [("Missing attribute", "a"), ("Missing attribute", "c.a")];
        check(&rule, json!({ "b": "x" }), &missing);
        check(&rule, json!({ "a": "x", "b": "?", "c": { "a": "y" } }), &[]);
    }
}
