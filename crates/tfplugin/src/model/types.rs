//! The plain Rust types as attribute types.

use std::collections::{BTreeMap, BTreeSet};

use crate::{AttributeType, DecodeError, Nesting, Number, Path, Shape, Type, Value};

impl AttributeType for String {
    fn shape() -> Shape {
        Shape::Plain(Type::String)
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        match value {
            Value::String(text) => Ok(text),
            other => Err(DecodeError::expected("a string", &other, path)),
        }
    }

    fn encode(self) -> Value {
        Value::String(self)
    }
}

impl AttributeType for bool {
    fn shape() -> Shape {
        Shape::Plain(Type::Bool)
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        value
            .as_bool()
            .ok_or_else(|| DecodeError::expected("a bool", &value, path))
    }

    fn encode(self) -> Value {
        Value::Bool(self)
    }
}

impl AttributeType for i64 {
    fn shape() -> Shape {
        Shape::Plain(Type::Number)
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        number(&value, Number::as_i64)
            .ok_or_else(|| DecodeError::expected("a whole number of 64 bits", &value, path))
    }

    fn encode(self) -> Value {
        Value::from(self)
    }
}

impl AttributeType for u64 {
    fn shape() -> Shape {
        Shape::Plain(Type::Number)
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        let expected = "a whole number of 0 or more";
        number(&value, Number::as_u64).ok_or_else(|| DecodeError::expected(expected, &value, path))
    }

    fn encode(self) -> Value {
        Value::from(self)
    }
}

impl AttributeType for f64 {
    fn shape() -> Shape {
        Shape::Plain(Type::Number)
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        number(&value, Number::as_f64)
            .ok_or_else(|| DecodeError::expected("a number", &value, path))
    }

    fn encode(self) -> Value {
        Value::from(self)
    }
}

fn number<T>(value: &Value, read: impl Fn(&Number) -> Option<T>) -> Option<T> {
    match value {
        Value::Number(number) => read(number),
        _ => None,
    }
}

/// `None` is null, and in a plan also "not known yet: the provider fills it in".
impl<T: AttributeType> AttributeType for Option<T> {
    const OPTIONAL: bool = true;
    const LATER: bool = T::LATER;

    fn shape() -> Shape {
        T::shape()
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        match value {
            Value::Null => Ok(None),
            Value::Unknown(_) if !T::LATER => Ok(None),
            known => T::decode(known, path).map(Some),
        }
    }

    fn encode(self) -> Value {
        self.map(T::encode).unwrap_or_default()
    }
}

/// A list, of a plain type or of nested objects.
impl<T: AttributeType> AttributeType for Vec<T> {
    fn shape() -> Shape {
        collection(T::shape(), Nesting::List, Type::List)
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        match value {
            Value::List(elements) => elements
                .into_iter()
                .enumerate()
                .map(|(index, element)| T::decode(element, &path.index(index)))
                .collect(),
            other => Err(DecodeError::expected("a list", &other, path)),
        }
    }

    fn encode(self) -> Value {
        Value::List(self.into_iter().map(T::encode).collect())
    }
}

/// A set, of a plain type or of nested objects.
impl<T: AttributeType + Ord> AttributeType for BTreeSet<T> {
    fn shape() -> Shape {
        collection(T::shape(), Nesting::Set, Type::Set)
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        match value {
            Value::List(elements) => elements
                .into_iter()
                .map(|element| T::decode(element, path))
                .collect(),
            other => Err(DecodeError::expected("a set", &other, path)),
        }
    }

    fn encode(self) -> Value {
        Value::set(self.into_iter().map(T::encode).collect())
    }
}

/// A map, of a plain type or of nested objects.
impl<T: AttributeType> AttributeType for BTreeMap<String, T> {
    fn shape() -> Shape {
        collection(T::shape(), Nesting::Map, Type::Map)
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        match value {
            Value::Map(map) => map
                .into_iter()
                .map(|(key, value)| {
                    let value = T::decode(value, &path.key(&key))?;
                    Ok((key, value))
                })
                .collect(),
            other => Err(DecodeError::expected("a map", &other, path)),
        }
    }

    fn encode(self) -> Value {
        Value::Map(
            self.into_iter()
                .map(|(key, value)| (key, value.encode()))
                .collect(),
        )
    }
}

/// The shape of many values of the element's shape.
///
/// The protocol has no attribute for a list of lists of nested objects: then the inner objects
/// are plain objects, which have types but no descriptions.
fn collection(element: Shape, nesting: Nesting, plain: fn(Box<Type>) -> Type) -> Shape {
    match element {
        Shape::Plain(ty) => Shape::Plain(plain(ty.into())),
        Shape::Nested(Nesting::Single, attributes) => Shape::Nested(nesting, attributes),
        Shape::Nested(inner, attributes) => {
            let object = crate::schema::object(&attributes);
            let ty = match inner {
                Nesting::Single => object,
                Nesting::List => Type::List(object.into()),
                Nesting::Set => Type::Set(object.into()),
                Nesting::Map => Type::Map(object.into()),
            };
            Shape::Plain(plain(ty.into()))
        }
    }
}

/// A value of any type.
impl AttributeType for serde_json::Value {
    fn shape() -> Shape {
        Shape::Plain(Type::Dynamic)
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Bool(truth) => Ok(truth.into()),
            Value::Number(Number::Int(number)) => Ok(number.into()),
            Value::Number(Number::Float(number)) => Ok(number.into()),
            Value::Number(Number::Big(digits)) => Ok(match digits.parse() {
                Ok(number) => Self::Number(number),
                Err(_) => digits.into(),
            }),
            Value::String(text) => Ok(text.into()),
            Value::List(elements) => elements
                .into_iter()
                .map(|element| Self::decode(element, path))
                .collect(),
            Value::Map(map) => map
                .into_iter()
                .map(|(key, value)| Ok((key, Self::decode(value, path)?)))
                .collect::<Result<serde_json::Map<_, _>, _>>()
                .map(Self::Object),
            Value::Dynamic(_, value) => Self::decode(*value, path),
            Value::Unknown(_) => Err(DecodeError::expected("a known value", &value, path)),
        }
    }

    fn encode(self) -> Value {
        if self.is_null() {
            return Value::Null;
        }
        let (ty, value) = typed(self);
        Value::Dynamic(ty, value.into())
    }
}

/// The type that Terraform gives to a literal that reads like the JSON.
fn typed(json: serde_json::Value) -> (Type, Value) {
    use serde_json::Value as Json;
    match json {
        Json::Null => (Type::Dynamic, Value::Null),
        Json::Bool(truth) => (Type::Bool, truth.into()),
        Json::Number(number) => (
            Type::Number,
            number
                .to_string()
                .parse()
                .map_or(Value::Null, Value::Number),
        ),
        Json::String(text) => (Type::String, text.into()),
        Json::Array(elements) => {
            let (types, values) = elements.into_iter().map(typed).unzip();
            (Type::Tuple(types), Value::List(values))
        }
        Json::Object(map) => {
            let mut types = BTreeMap::new();
            let mut values = BTreeMap::new();
            for (key, value) in map {
                let (ty, value) = typed(value);
                types.insert(key.clone(), ty);
                values.insert(key, value);
            }
            (Type::Object(types), Value::Map(values))
        }
    }
}
