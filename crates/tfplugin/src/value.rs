//! Values as Terraform has them: null, not known yet, or known.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use crate::{Number, Type};

/// A value of any type.
///
/// Resources see plain Rust types; this is for planning and validation, where a value may not be
/// known yet. `Debug` shows the shape and never the content, which may be a secret.
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// Not set.
    #[default]
    Null,
    /// Known only after the apply. What Terraform knows about it already (its "refinement") is
    /// kept as it came, so that passing the value on loses nothing.
    Unknown(Vec<u8>),
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// The elements of a list, a tuple or a set; of a set in one fixed order.
    List(Vec<Self>),
    /// The elements of a map, or the attributes of an object.
    Map(BTreeMap<String, Self>),
    /// A value that brings its own type.
    Dynamic(Type, Box<Self>),
}

impl Value {
    /// Not known yet, and nothing is known about it.
    pub const UNKNOWN: Self = Self::Unknown(Vec::new());

    /// The elements of a set in the order that makes equal sets equal values.
    pub fn set(mut elements: Vec<Self>) -> Self {
        elements.sort_by(Self::order);
        // Two elements that are not known yet may become different ones.
        elements.dedup_by(|a, b| a == b && a.is_known());
        Self::List(elements)
    }

    /// The attribute or map element of this name; null if there is none.
    pub fn get(&self, name: &str) -> &Self {
        match self {
            Self::Map(map) => map.get(name).unwrap_or(&NULL),
            _ => &NULL,
        }
    }

    /// The elements of a list, a tuple or a set; none of any other value.
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is a whole one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// True or false, if this is a known bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Whether the value is not set.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether the value as a whole is not known yet.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether the value and everything inside it is known.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::List(elements) => elements.iter().all(Self::is_known),
            Self::Map(map) => map.values().all(Self::is_known),
            Self::Dynamic(_, value) => value.is_known(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    /// What the value is, without saying what is in it: "a string".
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown(_) => "a value not known yet",
            Self::Bool(_) => "a bool",
            Self::Number(Number::Int(_)) => "a whole number",
            Self::Number(Number::Float(_) | Number::Big(_)) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Dynamic(..) => "a value of any type",
        }
    }

    /// The same value with null for everything that is not known.
    pub(crate) fn known_part(self) -> Self {
        match self {
            Self::Unknown(_) => Self::Null,
            Self::List(elements) => {
                Self::List(elements.into_iter().map(Self::known_part).collect())
            }
            Self::Map(map) => Self::Map(
                map.into_iter()
                    .map(|(name, value)| (name, value.known_part()))
                    .collect(),
            ),
            Self::Dynamic(ty, value) => Self::Dynamic(ty, value.known_part().into()),
            known @ (Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_)) => known,
        }
    }

    /// A total order, for the elements of a set.
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Unknown(a), Self::Unknown(b)) => a.cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.order(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => order_all(a.iter(), b.iter(), Self::order),
            (Self::Map(a), Self::Map(b)) => order_all(a.iter(), b.iter(), |a, b| {
                a.0.cmp(b.0).then_with(|| a.1.order(b.1))
            }),
            (Self::Dynamic(_, a), Self::Dynamic(_, b)) => a.order(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Unknown(_) => 1,
            Self::Bool(_) => 2,
            Self::Number(_) => 3,
            Self::String(_) => 4,
            Self::List(_) => 5,
            Self::Map(_) => 6,
            Self::Dynamic(..) => 7,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(elements) => f.debug_list().entries(elements).finish(),
            Self::Map(map) => f.debug_map().entries(map).finish(),
            Self::Dynamic(_, value) => write!(f, "dynamic {value:?}"),
            other => f.write_str(other.kind()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(Number::Int(number.into()))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

/// Not a number becomes null: Terraform has no such number.
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        if number.is_nan() {
            Self::Null
        } else {
            Self::Number(number.into())
        }
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(elements: Vec<T>) -> Self {
        Self::List(elements.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

fn order_all<T>(
    a: impl ExactSizeIterator<Item = T>,
    b: impl ExactSizeIterator<Item = T>,
    order: impl Fn(T, T) -> Ordering,
) -> Ordering {
    let lengths = a.len().cmp(&b.len());
    a.zip(b)
        .map(|(a, b)| order(a, b))
        .find(|order| order.is_ne())
        .unwrap_or(lengths)
}

static NULL: Value = Value::Null;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_shape_and_not_the_content() {
        let value = Value::Map(BTreeMap::from([
            ("password".to_owned(), Value::from("canary")),
            ("pins".to_owned(), Value::from(vec![4711, 4712])),
            (
                "any".to_owned(),
                Value::Dynamic(Type::Bool, Value::from(true).into()),
            ),
            ("later".to_owned(), Value::UNKNOWN),
        ]));
        let expected = "{\"any\": dynamic a bool, \"later\": a value not known yet, \
                        \"password\": a string, \"pins\": [a whole number, a whole number]}";
        assert_eq!(format!("{value:?}"), expected);
    }

    #[test]
    fn a_set_has_one_order_and_no_element_twice() {
        let set = Value::set(vec![2.into(), "b".into(), 1.into(), 2.into(), Value::Null]);
        assert!(set == Value::List(vec![Value::Null, 1.into(), 2.into(), "b".into()]));
    }

    #[test]
    fn elements_of_a_set_that_are_not_known_yet_are_not_the_same() {
        let element = || Value::List(vec![1.into(), Value::UNKNOWN]);
        assert_eq!(Value::set(vec![element(), element()]).elements().len(), 2);
    }

    #[test]
    fn a_value_is_known_if_all_of_it_is() {
        let known = Value::List(vec![1.into(), Value::Null]);
        assert!(known.is_known());
        let deep = Value::List(vec![known, Value::UNKNOWN]);
        assert!(!deep.is_known() && !deep.is_unknown());
        assert!(deep.known_part().is_known());
    }

    #[test]
    fn what_is_not_there_is_null() {
        assert!(Value::from("x").get("a").is_null());
        assert!(Value::Null.get("a").get("b").is_null());
        assert!(Value::from(1).elements().is_empty());
    }
}
