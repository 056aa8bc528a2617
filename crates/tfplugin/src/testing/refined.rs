//! What is known about a value that is not known yet.
//!
//! It comes as a map of msgpack: 1 says whether it may be null, 2 is the beginning of a text, 5 and
//! 6 are the least and the greatest number of elements. What is known about numbers is not looked
//! at.

use std::io::{Cursor, Read};

use rmp::decode;

use crate::Value;

/// What is wrong with a value for what was known about it, if anything.
pub(super) fn problem(refinement: &[u8], value: &Value) -> Option<&'static str> {
    let mut bytes = Cursor::new(refinement);
    let entries = decode::read_map_len(&mut bytes).unwrap_or(0);
    for _ in 0..entries {
        let key: u64 = decode::read_int(&mut bytes).ok()?;
        let broken = match key {
            1 => {
                let may_be_null = decode::read_bool(&mut bytes).ok()?;
                (!may_be_null && value.is_null()).then_some("null, which it was known not to be")
            }
            2 => {
                let length = decode::read_str_len(&mut bytes).ok()?;
                let mut prefix = vec![0; usize::try_from(length).ok()?];
                bytes.read_exact(&mut prefix).ok()?;
                let other = |text: &str| !text.as_bytes().starts_with(&prefix);
                value
                    .as_str()
                    .is_some_and(other)
                    .then_some("not the beginning that was known")
            }
            5 | 6 => {
                let bound: usize = decode::read_int(&mut bytes).ok()?;
                let length = match value {
                    Value::List(elements) => elements.len(),
                    Value::Map(map) => map.len(),
                    _ => bound,
                };
                let outside = (key == 5 && length < bound) || (key == 6 && length > bound);
                outside.then_some("not the number of elements that was known")
            }
            _ => return None,
        };
        if broken.is_some() {
            return broken;
        }
    }
    None
}
