//! Values as msgpack. In JSON, an unknown value is the word [`UNKNOWN`].

use rmp::{Marker, decode::read_marker};
use serde_json::{Map, Number, Value};

/// What stands for a value that is not known yet.
pub(crate) const UNKNOWN: &str = "\u{0}unknown";

/// The value as msgpack.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value);
    out
}

fn write(out: &mut Vec<u8>, value: &Value) {
    let length = |length: usize| u32::try_from(length).unwrap();
    match value {
        Value::Null => rmp::encode::write_nil(out).unwrap(),
        Value::Bool(truth) => rmp::encode::write_bool(out, *truth).unwrap(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => drop(rmp::encode::write_sint(out, number).unwrap()),
            (None, Some(number)) => drop(rmp::encode::write_uint(out, number).unwrap()),
            (None, None) => rmp::encode::write_f64(out, number.as_f64().unwrap()).unwrap(),
        },
        // An extension of one byte, whose type and content are zero.
        Value::String(text) if text == UNKNOWN => out.extend([0xd4, 0, 0]),
        Value::String(text) => rmp::encode::write_str(out, text).unwrap(),
        Value::Array(elements) => {
            rmp::encode::write_array_len(out, length(elements.len())).unwrap();
            elements.iter().for_each(|element| write(out, element));
        }
        Value::Object(map) => {
            rmp::encode::write_map_len(out, length(map.len())).unwrap();
            for (key, value) in map {
                rmp::encode::write_str(out, key).unwrap();
                write(out, value);
            }
        }
    }
}

/// The value that the msgpack stands for.
pub(crate) fn decode(mut bytes: &[u8]) -> Value {
    let value = read(&mut bytes);
    assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
    value
}

fn read(bytes: &mut &[u8]) -> Value {
    let number = |number: f64| Number::from_f64(number).map_or(Value::Null, Value::Number);
    match read_marker(bytes).unwrap() {
        Marker::Null => Value::Null,
        Marker::True => true.into(),
        Marker::False => false.into(),
        Marker::FixPos(number) => number.into(),
        Marker::FixNeg(number) => number.into(),
        Marker::U8 => size(bytes, 1).into(),
        Marker::U16 => size(bytes, 2).into(),
        Marker::U32 => size(bytes, 4).into(),
        Marker::U64 => size(bytes, 8).into(),
        Marker::I8 => i8::from_be_bytes(take(bytes)).into(),
        Marker::I16 => i16::from_be_bytes(take(bytes)).into(),
        Marker::I32 => i32::from_be_bytes(take(bytes)).into(),
        Marker::I64 => i64::from_be_bytes(take(bytes)).into(),
        Marker::F32 => number(f32::from_be_bytes(take(bytes)).into()),
        Marker::F64 => number(f64::from_be_bytes(take(bytes))),
        Marker::FixStr(length) => text(bytes, length.into()),
        Marker::Str8 => sized(bytes, 1, text),
        Marker::Str16 => sized(bytes, 2, text),
        Marker::Str32 => sized(bytes, 4, text),
        Marker::FixArray(length) => array(bytes, length.into()),
        Marker::Array16 => sized(bytes, 2, array),
        Marker::Array32 => sized(bytes, 4, array),
        Marker::FixMap(length) => map(bytes, length.into()),
        Marker::Map16 => sized(bytes, 2, map),
        Marker::Map32 => sized(bytes, 4, map),
        Marker::FixExt1 => unknown(bytes, 1),
        Marker::FixExt2 => unknown(bytes, 2),
        Marker::Ext8 => sized(bytes, 1, unknown),
        Marker::Ext16 => sized(bytes, 2, unknown),
        other => panic!("{other:?} is no value of Terraform's"),
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (head, rest) = bytes.split_first_chunk().unwrap();
    *bytes = rest;
    *head
}

fn size(bytes: &mut &[u8], width: usize) -> u64 {
    let (head, rest) = bytes.split_at(width);
    *bytes = rest;
    head.iter()
        .fold(0, |size, byte| size << 8 | u64::from(*byte))
}

fn sized(bytes: &mut &[u8], width: usize, read: fn(&mut &[u8], usize) -> Value) -> Value {
    let size = usize::try_from(size(bytes, width)).unwrap();
    read(bytes, size)
}

fn text(bytes: &mut &[u8], length: usize) -> Value {
    let (head, rest) = bytes.split_at(length);
    *bytes = rest;
    std::str::from_utf8(head).unwrap().into()
}

fn array(bytes: &mut &[u8], length: usize) -> Value {
    (0..length).map(|_| read(bytes)).collect()
}

fn map(bytes: &mut &[u8], length: usize) -> Value {
    let entry = |_| match read(bytes) {
        Value::String(key) => (key, read(bytes)),
        other => panic!("{other} is no key"),
    };
    Value::Object((0..length).map(entry).collect::<Map<_, _>>())
}

fn unknown(bytes: &mut &[u8], length: usize) -> Value {
    *bytes = &bytes[length + 1..];
    UNKNOWN.into()
}
