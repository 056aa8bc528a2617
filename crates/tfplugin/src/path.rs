//! Where in a value something is.

use std::fmt;

use crate::Value;

/// The way from a resource, data source or provider block to one of its values.
///
/// ```
/// let path = tfplugin::Path::root("disks").index(0).attribute("size");
/// assert_eq!(path.to_string(), "disks[0].size");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

impl Path {
    /// The path of an attribute of the whole block.
    pub fn root(attribute: impl Into<String>) -> Self {
        Self::default().attribute(attribute)
    }

    /// The path of an attribute of the object at this path.
    #[must_use]
    pub fn attribute(&self, name: impl Into<String>) -> Self {
        self.with(Step::Attribute(name.into()))
    }

    /// The path of an element of the map at this path.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Step::Key(key.into()))
    }

    /// The path of an element of the list at this path.
    ///
    /// Elements of a set have no path of their own: use the path of the set.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// True for the path of the whole block.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the path leads to in a value; null if there is nothing.
    pub(crate) fn of<'a>(&self, value: &'a Value) -> &'a Value {
        self.steps().iter().fold(value, |value, step| match step {
            _ if value.is_unknown() => value,
            Step::Attribute(name) | Step::Key(name) => value.get(name),
            Step::Index(index) => value.elements().get(*index).unwrap_or(&Value::Null),
        })
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

/// Names of attributes with dots between them: an attribute of a nested object, and so on.
impl From<&str> for Path {
    fn from(names: &str) -> Self {
        Self(
            names
                .split('.')
                .map(|name| Step::Attribute(name.to_owned()))
                .collect(),
        )
    }
}

/// Reads like the expression a user would write.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    Attribute(String),
    Key(String),
    Index(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_the_expression() {
        let path = Path::root("disks")
            .index(2)
            .attribute("tags")
            .key("a \"b\"");
        assert_eq!(path.to_string(), r#"disks[2].tags["a \"b\""]"#);
        assert_eq!(Path::default().to_string(), "");
    }
}
