//! Values in the notation of tests: JSON in which `"?"` is unknown and null may be left out.

use serde_json::{Map, Value as Json};

use crate::{Number, Type, Value};

/// The value of type `ty` that the JSON stands for.
#[track_caller]
pub(crate) fn value(ty: &Type, json: &Json) -> Value {
    match (ty, json) {
        (_, Json::Null) => Value::Null,
        (_, Json::String(text)) if text == "?" => Value::UNKNOWN,
        (Type::Bool, Json::Bool(truth)) => Value::Bool(*truth),
        (Type::String, Json::String(text)) => Value::from(text.as_str()),
        (Type::Number, Json::Number(number)) => Value::Number(number.to_string().parse().unwrap()),
        (Type::List(ty), Json::Array(all)) => {
            Value::List(all.iter().map(|json| value(ty, json)).collect())
        }
        (Type::Set(ty), Json::Array(all)) => {
            Value::set(all.iter().map(|json| value(ty, json)).collect())
        }
        (Type::Map(ty), Json::Object(map)) => Value::Map(
            map.iter()
                .map(|(key, json)| (key.clone(), value(ty, json)))
                .collect(),
        ),
        (Type::Object(types), Json::Object(map)) => {
            let surplus = map.keys().find(|key| !types.contains_key(*key));
            assert_eq!(surplus, None, "the schema has no such attribute");
            let get = |name: &str| map.get(name).unwrap_or(&Json::Null);
            Value::Map(
                types
                    .iter()
                    .map(|(name, ty)| (name.clone(), value(ty, get(name))))
                    .collect(),
            )
        }
        (ty, json) => panic!("{json} is not {}", ty.kind()),
    }
}

/// The JSON that stands for the value, without its nulls.
pub(crate) fn shown(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Unknown(_) => "?".into(),
        Value::Bool(truth) => (*truth).into(),
        Value::Number(Number::Int(number)) => (*number).into(),
        Value::Number(Number::Float(number)) => (*number).into(),
        Value::Number(Number::Big(digits)) => format!("number {digits}").into(),
        Value::String(text) => text.clone().into(),
        Value::List(elements) => elements.iter().map(shown).collect(),
        Value::Map(map) => {
            let set = map.iter().filter(|(_, value)| !value.is_null());
            set.map(|(name, value)| (name.clone(), shown(value)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Dynamic(_, value) => shown(value),
    }
}
