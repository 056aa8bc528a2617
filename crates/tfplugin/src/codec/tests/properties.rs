//! What holds for every value, and for no value at all.

use std::collections::BTreeMap;

use proptest::{collection, prelude::*};

use super::{list, map, set};
use crate::{
    Number, Type, Value,
    codec::{decode, decode_json, encode},
};

/// A type, with a value of it.
fn typed() -> impl Strategy<Value = (Type, Value)> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
    ];
    let leaf = prop_oneof![
        any::<bool>().prop_map(|truth| (Type::Bool, truth.into())),
        number.prop_map(|number| (Type::Number, number)),
        any::<String>().prop_map(|text| (Type::String, text.into())),
        Just((Type::String, Value::Null)),
        Just((Type::Dynamic, Value::UNKNOWN)),
        collection::vec(any::<u8>(), 1..20).prop_map(|known| (Type::Bool, Value::Unknown(known))),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let entries = collection::btree_map(any::<String>(), inner.clone(), 0..4);
        prop_oneof![
            inner
                .clone()
                .prop_map(|(ty, value)| (list(ty), Value::List(vec![value]))),
            inner
                .clone()
                .prop_map(|(ty, value)| (set(ty), Value::set(vec![value]))),
            (any::<String>(), inner.clone())
                .prop_map(|(key, (ty, value))| (map(ty), Value::Map([(key, value)].into()))),
            inner.clone().prop_map(|(ty, value)| {
                // A dynamic value is never unknown or null inside: the whole is.
                (
                    Type::Dynamic,
                    Value::Dynamic(list(ty), Value::List(vec![value]).into()),
                )
            }),
            collection::vec(inner, 0..4).prop_map(|elements| {
                let (types, values) = elements.into_iter().unzip();
                (Type::Tuple(types), Value::List(values))
            }),
            entries.prop_map(|entries| {
                let types: BTreeMap<_, _> = entries
                    .iter()
                    .map(|(name, (ty, _))| (name.clone(), ty.clone()))
                    .collect();
                let values = entries.into_iter().map(|(name, (_, value))| (name, value));
                (Type::Object(types), Value::Map(values.collect()))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded_to_the_same((ty, value) in typed()) {
        let bytes = encode(&ty, &value).unwrap();
        prop_assert!(decode(&ty, &bytes).unwrap() == value);
    }

    #[test]
    fn a_type_survives_its_json_form((ty, _) in typed()) {
        prop_assert_eq!(Type::from_json(&ty.to_json()), Some(ty));
    }

    #[test]
    fn no_bytes_panic((ty, _) in typed(), bytes in collection::vec(any::<u8>(), 0..64)) {
        drop(decode(&ty, &bytes));
        drop(decode_json(&ty, &bytes));
    }

    #[test]
    fn no_damaged_value_panics((ty, value) in typed(), at in any::<usize>(), byte in any::<u8>()) {
        let mut bytes = encode(&ty, &value).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        drop(decode(&ty, &bytes));
        drop(decode(&ty, &bytes[..at]));
    }

    #[test]
    fn a_value_of_another_type_is_an_error_and_not_a_panic(
        (ty, _) in typed(),
        (_, value) in typed(),
    ) {
        drop(encode(&ty, &value));
    }

    #[test]
    fn a_float_comes_back_as_the_number_that_was_meant(float in any::<f64>()) {
        prop_assume!(float.is_finite());
        let number = Number::from(float);
        prop_assert_eq!(number.as_f64(), Some(float));
        prop_assert_eq!(float.to_string().parse::<Number>(), Ok(number));
    }

    #[test]
    fn an_integer_has_one_form_only(integer in any::<u64>()) {
        for integer in [integer, 1 << 63, u64::MAX, integer >> 1] {
            let number = Number::from(integer);
            prop_assert_eq!(number.as_u64(), Some(integer));
            prop_assert_eq!(integer.to_string().parse::<Number>(), Ok(number));
        }
    }
}
