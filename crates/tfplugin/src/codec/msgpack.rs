//! The msgpack form, as `object-wire-format.md` of the protocol's documentation describes it.

use rmp::{Marker, decode as read, encode as write};

use super::{DecodeError, EncodeError};
use crate::{Number, Path, Type, Value};

/// The extension that carries what is known about an unknown value.
const REFINED: i8 = 12;
/// An unknown value of which nothing is known: a one-byte extension of type 0.
const UNKNOWN: [u8; 3] = [0xd4, 0, 0];

/// Reads a value of type `ty`. No bytes at all stand for null.
pub(crate) fn decode(ty: &Type, bytes: &[u8]) -> Result<Value, DecodeError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let path = Path::default();
    let mut reader = Reader { bytes };
    let value = reader.value(ty, &path)?;
    match reader.bytes.len() {
        0 => Ok(value),
        rest => Err(DecodeError::new(
            &path,
            format!("{rest} bytes follow the value"),
        )),
    }
}

/// Writes a value of type `ty`.
pub(crate) fn encode(ty: &Type, value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    put(ty, value, &Path::default(), &mut out)?;
    Ok(out)
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, ty: &Type, path: &Path) -> Result<Value, DecodeError> {
        match self.marker(path)? {
            Marker::Null => {
                self.take(1, path)?;
                return Ok(Value::Null);
            }
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => return self.unknown(path),
            _ => {}
        }
        match ty {
            Type::Bool => match read::read_bool(&mut self.bytes) {
                Ok(truth) => Ok(Value::Bool(truth)),
                Err(_) => Err(mismatch(ty, path)),
            },
            Type::Number => self.number(path).map(Value::Number),
            Type::String => self.text(ty, path).map(Value::String),
            Type::Dynamic => self.dynamic(path),
            Type::List(element) => {
                let count = self.array(ty, path)?;
                let elements = (0..count).map(|index| self.value(element, &path.index(index)));
                Ok(Value::List(elements.collect::<Result<_, _>>()?))
            }
            Type::Set(element) => {
                let count = self.array(ty, path)?;
                let elements = (0..count).map(|_| self.value(element, path));
                Ok(Value::set(elements.collect::<Result<_, _>>()?))
            }
            Type::Tuple(types) => {
                self.exactly(types.len(), ty, path)?;
                let elements = types.iter().enumerate();
                let elements = elements.map(|(index, ty)| self.value(ty, &path.index(index)));
                Ok(Value::List(elements.collect::<Result<_, _>>()?))
            }
            Type::Map(element) => self.map(ty, path, |reader, key| {
                let path = path.key(key);
                reader.value(element, &path)
            }),
            Type::Object(attributes) => self.map(ty, path, |reader, name| {
                let Some(ty) = attributes.get(name) else {
                    let problem = format!("the schema has no attribute {name:?}");
                    return Err(DecodeError::new(path, problem));
                };
                reader.value(ty, &path.attribute(name))
            }),
        }
    }

    fn map(
        &mut self,
        ty: &Type,
        path: &Path,
        mut value: impl FnMut(&mut Self, &str) -> Result<Value, DecodeError>,
    ) -> Result<Value, DecodeError> {
        let Ok(count) = read::read_map_len(&mut self.bytes) else {
            return Err(mismatch(ty, path));
        };
        let entries = (0..count).map(|_| {
            let key = self.text(&Type::String, path)?;
            let value = value(self, &key)?;
            Ok((key, value))
        });
        Ok(Value::Map(entries.collect::<Result<_, _>>()?))
    }

    /// A pair: the type as JSON, and the value.
    fn dynamic(&mut self, path: &Path) -> Result<Value, DecodeError> {
        self.exactly(2, &Type::Dynamic, path)?;
        let Ok(length) = read::read_bin_len(&mut self.bytes) else {
            return Err(mismatch(&Type::Dynamic, path));
        };
        let json = self.take(length as usize, path)?;
        let json = serde_json::from_slice(json).ok();
        let Some(ty) = json.as_ref().and_then(Type::from_json) else {
            return Err(DecodeError::new(
                path,
                "the type of the value is not known here",
            ));
        };
        Ok(Value::Dynamic(ty.clone(), self.value(&ty, path)?.into()))
    }

    /// Whole numbers come as integers, binary fractions as floats, all others as digits.
    fn number(&mut self, path: &Path) -> Result<Number, DecodeError> {
        let bad = || mismatch(&Type::Number, path);
        let number = match self.marker(path)? {
            Marker::F32 => read::read_f32(&mut self.bytes)
                .map(|float| Number::exact(float.into()))
                .ok(),
            Marker::F64 => read::read_f64(&mut self.bytes).map(Number::exact).ok(),
            Marker::U64 => read::read_u64(&mut self.bytes).map(Number::from).ok(),
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                self.text(&Type::Number, path)?.parse().ok()
            }
            _ => read::read_int(&mut self.bytes).map(Number::Int).ok(),
        };
        match number.ok_or_else(bad)? {
            Number::Float(float) if float.is_nan() => Err(bad()),
            number => Ok(number),
        }
    }

    fn unknown(&mut self, path: &Path) -> Result<Value, DecodeError> {
        let Ok(meta) = read::read_ext_meta(&mut self.bytes) else {
            return Err(DecodeError::new(path, "the message ends inside the value"));
        };
        let body = self.take(meta.size as usize, path)?;
        Ok(if meta.typeid == REFINED {
            Value::Unknown(body.to_vec())
        } else {
            Value::UNKNOWN
        })
    }

    fn text(&mut self, ty: &Type, path: &Path) -> Result<String, DecodeError> {
        let Ok(length) = read::read_str_len(&mut self.bytes) else {
            return Err(mismatch(ty, path));
        };
        let text = self.take(length as usize, path)?;
        match str::from_utf8(text) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(DecodeError::new(path, "expected a string, found bytes")),
        }
    }

    fn exactly(&mut self, count: usize, ty: &Type, path: &Path) -> Result<(), DecodeError> {
        match self.array(ty, path)? {
            found if found == count => Ok(()),
            found => {
                let problem = format!("expected {count} elements, found {found}");
                Err(DecodeError::new(path, problem))
            }
        }
    }

    fn array(&mut self, ty: &Type, path: &Path) -> Result<usize, DecodeError> {
        match read::read_array_len(&mut self.bytes) {
            Ok(length) => Ok(length as usize),
            Err(_) => Err(mismatch(ty, path)),
        }
    }

    fn marker(&self, path: &Path) -> Result<Marker, DecodeError> {
        match self.bytes.first() {
            Some(byte) => Ok(Marker::from_u8(*byte)),
            None => Err(DecodeError::new(path, "the message ends before the value")),
        }
    }

    fn take(&mut self, count: usize, path: &Path) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else {
            return Err(DecodeError::new(path, "the message ends inside the value"));
        };
        self.bytes = rest;
        Ok(taken)
    }
}

fn mismatch(expected: &Type, path: &Path) -> DecodeError {
    DecodeError::new(
        path,
        format!("expected {}, found something else", expected.kind()),
    )
}

fn put(ty: &Type, value: &Value, path: &Path, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match (ty, value) {
        (_, Value::Null) => infallible(write::write_nil(out)),
        (_, Value::Unknown(known)) if known.is_empty() => out.extend(UNKNOWN),
        (_, Value::Unknown(known)) => {
            infallible(write::write_ext_meta(out, length(known.len()), REFINED));
            out.extend(known);
        }
        (Type::Bool, Value::Bool(truth)) => infallible(write::write_bool(out, *truth)),
        (Type::String, Value::String(text)) => infallible(write::write_str(out, text)),
        (Type::Number, Value::Number(number)) => match number {
            Number::Int(number) => infallible(write::write_sint(out, *number)),
            Number::Float(number) => infallible(write::write_f64(out, *number)),
            Number::Big(digits) => infallible(write::write_str(out, digits)),
        },
        (Type::List(ty), Value::List(elements)) => {
            infallible(write::write_array_len(out, length(elements.len())));
            for (index, element) in elements.iter().enumerate() {
                put(ty, element, &path.index(index), out)?;
            }
        }
        (Type::Set(ty), Value::List(elements)) => {
            infallible(write::write_array_len(out, length(elements.len())));
            for element in elements {
                put(ty, element, path, out)?;
            }
        }
        (Type::Tuple(types), Value::List(elements)) if types.len() == elements.len() => {
            infallible(write::write_array_len(out, length(elements.len())));
            for (index, (ty, element)) in types.iter().zip(elements).enumerate() {
                put(ty, element, &path.index(index), out)?;
            }
        }
        (Type::Map(ty), Value::Map(map)) => {
            infallible(write::write_map_len(out, length(map.len())));
            for (key, element) in map {
                infallible(write::write_str(out, key));
                put(ty, element, &path.key(key), out)?;
            }
        }
        // Exactly the schema's attributes: a host refuses an object that lacks one.
        (Type::Object(attributes), Value::Map(_)) => {
            infallible(write::write_map_len(out, length(attributes.len())));
            for (name, ty) in attributes {
                infallible(write::write_str(out, name));
                put(ty, value.get(name), &path.attribute(name), out)?;
            }
        }
        (Type::Dynamic, Value::Dynamic(ty, inner)) => {
            infallible(write::write_array_len(out, 2));
            infallible(write::write_bin(out, ty.to_json().to_string().as_bytes()));
            put(ty, inner, path, out)?;
        }
        _ => return Err(EncodeError::new(value, ty, path)),
    }
    Ok(())
}

/// Writing to a vector does not fail.
fn infallible<T, E>(written: Result<T, E>) {
    drop(written);
}

/// Messages are at most 256 MiB, so no length comes near this limit.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
