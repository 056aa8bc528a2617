//! The types of values, and their JSON form on the wire.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A number of any size.
    Number,
    /// A text.
    String,
    /// Any type: each value says which.
    Dynamic,
    /// Values of one type in an order.
    List(Box<Self>),
    /// Different values of one type without an order.
    Set(Box<Self>),
    /// Values of one type by name.
    Map(Box<Self>),
    /// Named attributes, each of its own type.
    Object(BTreeMap<String, Self>),
    /// A fixed number of values, each of its own type.
    Tuple(Vec<Self>),
}

impl Type {
    /// The type's JSON form: `"string"`, `["list","string"]`, `["object",{…}]`.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::String => json!("string"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<_, _> = attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.to_json()))
                    .collect();
                json!(["object", attributes])
            }
            Self::Tuple(elements) => {
                let elements: Vec<_> = elements.iter().map(Self::to_json).collect();
                json!(["tuple", elements])
            }
        }
    }

    /// Reads the JSON form. An object's list of optional attributes, a third element, says
    /// nothing about values and is skipped.
    pub(crate) fn from_json(json: &Json) -> Option<Self> {
        let parts = match json {
            Json::String(name) => {
                return match name.as_str() {
                    "bool" => Some(Self::Bool),
                    "number" => Some(Self::Number),
                    "string" => Some(Self::String),
                    "dynamic" => Some(Self::Dynamic),
                    _ => None,
                };
            }
            Json::Array(parts) => parts,
            _ => return None,
        };
        let (name, inner) = (parts.first()?.as_str()?, parts.get(1)?);
        let element = || Self::from_json(inner).map(Box::new);
        Some(match name {
            "list" => Self::List(element()?),
            "set" => Self::Set(element()?),
            "map" => Self::Map(element()?),
            "object" => {
                let attributes = inner.as_object()?.iter();
                Self::Object(
                    attributes
                        .map(|(name, ty)| Some((name.clone(), Self::from_json(ty)?)))
                        .collect::<Option<_>>()?,
                )
            }
            "tuple" => {
                let elements = inner.as_array()?.iter();
                Self::Tuple(elements.map(Self::from_json).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    /// The type in the words of an error message: "a string".
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Bool => "a bool",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Dynamic => "a value of any type",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Tuple(_) => "a tuple",
        }
    }
}
