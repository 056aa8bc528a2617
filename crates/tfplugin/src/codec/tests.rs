//! Tests of the two codecs.

mod properties;

use serde_json::json;

use super::*;
use crate::Number;

fn list(ty: Type) -> Type {
    Type::List(ty.into())
}

fn set(ty: Type) -> Type {
    Type::Set(ty.into())
}

fn map(ty: Type) -> Type {
    Type::Map(ty.into())
}

fn object<const N: usize>(attributes: [(&str, Type); N]) -> Type {
    Type::Object(
        attributes
            .into_iter()
            .map(|(name, ty)| (name.to_owned(), ty))
            .collect(),
    )
}

fn values<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn big(digits: &str) -> Value {
    Value::Number(Number::Big(digits.to_owned()))
}

fn float(number: f64) -> Value {
    Value::Number(Number::Float(number))
}

/// `Value`'s `Debug` hides what differs, so the comparison is by hand.
#[track_caller]
fn same(found: &Value, expected: &Value) {
    assert!(
        found == expected,
        "expected {expected:?}, found {found:?} or another value of it"
    );
}

#[track_caller]
fn both_ways(ty: Type, bytes: &[u8], value: Value) {
    same(&decode(&ty, bytes).unwrap(), &value);
    assert_eq!(encode(&ty, &value).unwrap(), bytes, "encoding {value:?}");
}

#[test]
fn plain_values_have_the_bytes_of_the_wire_format() {
    both_ways(Type::Bool, &[0xc3], true.into());
    both_ways(Type::Bool, &[0xc0], Value::Null);
    both_ways(Type::String, b"\xa2hi", "hi".into());
    both_ways(Type::Number, &[0x05], 5.into());
    both_ways(Type::Number, &[0xff], (-1).into());
    both_ways(Type::Number, &[0xcd, 0x01, 0xbb], 443.into());
    both_ways(
        Type::Number,
        &[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0],
        i64::MIN.into(),
    );
    both_ways(
        Type::Number,
        &[0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0],
        float(0.5),
    );
}

#[test]
fn numbers_that_no_float_is_travel_as_digits() {
    both_ways(Type::Number, b"\xa30.1", big("0.1"));
    both_ways(
        Type::Number,
        b"\xb418446744073709551617",
        big("18446744073709551617"),
    );
    // A host may also send 64 bits without a sign, and whole numbers as floats or digits.
    let ty = Type::Number;
    let bytes = [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    same(&decode(&ty, &bytes).unwrap(), &big("18446744073709551615"));
    same(
        &decode(&ty, &[0xcb, 0x40, 0, 0, 0, 0, 0, 0, 0]).unwrap(),
        &2.into(),
    );
    same(&decode(&ty, b"\xa12").unwrap(), &2.into());
    same(&decode(&ty, b"\xa30.5").unwrap(), &float(0.5));
    same(&decode(&ty, &[0xca, 0x3f, 0, 0, 0]).unwrap(), &float(0.5));
}

#[test]
fn collections_and_objects_have_the_bytes_of_the_wire_format() {
    both_ways(
        list(Type::Bool),
        &[0x92, 0xc3, 0xc2],
        vec![true, false].into(),
    );
    both_ways(
        map(Type::Number),
        b"\x81\xa1a\x01",
        values([("a", 1.into())]),
    );
    both_ways(
        Type::Tuple(vec![Type::Bool, Type::String]),
        b"\x92\xc3\xa1x",
        Value::List(vec![true.into(), "x".into()]),
    );
    let ty = object([("a", Type::Bool), ("b", Type::String)]);
    both_ways(
        ty,
        b"\x82\xa1a\xc3\xa1b\xc0",
        values([("a", true.into()), ("b", Value::Null)]),
    );
}

#[test]
fn an_object_is_sent_with_every_attribute_of_the_schema_and_no_other() {
    let ty = object([("a", Type::Bool), ("b", Type::Bool)]);
    let value = values([("a", true.into()), ("zzz", true.into())]);
    assert_eq!(encode(&ty, &value).unwrap(), b"\x82\xa1a\xc3\xa1b\xc0");
}

#[test]
fn a_set_means_the_same_in_any_order() {
    let ty = set(Type::Number);
    let one = decode(&ty, &[0x93, 1, 2, 3]).unwrap();
    let other = decode(&ty, &[0x93, 3, 1, 2]).unwrap();
    same(&one, &other);
}

#[test]
fn what_is_known_about_an_unknown_value_is_passed_on_as_it_came() {
    both_ways(Type::String, &[0xd4, 0, 0], Value::UNKNOWN);
    // The map {1: false}: "not null".
    both_ways(
        Type::String,
        &[0xc7, 3, 12, 0x81, 1, 0xc2],
        Value::Unknown(vec![0x81, 1, 0xc2]),
    );
    // Other extensions say nothing that we understand.
    same(
        &decode(&Type::Bool, &[0xd5, 0, 1, 2]).unwrap(),
        &Value::UNKNOWN,
    );
}

#[test]
fn a_dynamic_value_brings_its_type() {
    let ty = list(Type::String);
    let value = Value::Dynamic(ty, Value::from(vec!["x"]).into());
    both_ways(
        Type::Dynamic,
        b"\x92\xc4\x11[\"list\",\"string\"]\x91\xa1x",
        value,
    );
    both_ways(Type::Dynamic, &[0xc0], Value::Null);
    both_ways(Type::Dynamic, &[0xd4, 0, 0], Value::UNKNOWN);
}

#[test]
fn no_bytes_at_all_are_null() {
    same(&decode(&Type::Bool, &[]).unwrap(), &Value::Null);
}

#[track_caller]
fn refused(ty: Type, bytes: &[u8], expected: &str) {
    assert_eq!(decode(&ty, bytes).unwrap_err().to_string(), expected);
}

#[test]
fn an_error_says_where_and_what_kind_but_not_the_value() {
    let secret = b"\xa6secret";
    refused(Type::Bool, secret, "expected a bool, found something else");
    refused(
        Type::Number,
        secret,
        "expected a number, found something else",
    );
    refused(
        map(Type::Bool),
        secret,
        "expected a map, found something else",
    );
    let disks = object([("disks", list(object([("size", Type::Number)])))]);
    let bytes = b"\x81\xa5disks\x91\x81\xa4size\xa6secret";
    refused(
        disks.clone(),
        bytes,
        "disks[0].size: expected a number, found something else",
    );
    refused(
        disks,
        b"\x81\xa3new\xc0",
        "the schema has no attribute \"new\"",
    );
    refused(
        map(Type::Bool),
        b"\x81\xa1k\xa6secret",
        "[\"k\"]: expected a bool, found something else",
    );
    refused(
        Type::String,
        b"\xa6sec",
        "the message ends inside the value",
    );
    refused(
        list(Type::Bool),
        &[0x92, 0xc3],
        "[1]: the message ends before the value",
    );
    refused(Type::Bool, &[0xc3, 0xc3], "1 bytes follow the value");
    refused(Type::String, b"\xa1\xff", "expected a string, found bytes");
    refused(
        Type::Tuple(vec![]),
        &[0x91, 0xc3],
        "expected 0 elements, found 1",
    );
    refused(
        Type::Dynamic,
        b"\x92\xc4\x01x\xc0",
        "the type of the value is not known here",
    );
}

#[test]
fn a_value_that_does_not_fit_its_schema_is_not_sent() {
    let ty = object([("disks", list(Type::Number))]);
    let value = values([("disks", Value::List(vec![1.into(), "secret".into()]))]);
    let error = encode(&ty, &value).unwrap_err();
    let expected = "disks[1]: the provider made a string where its schema says a number";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn stored_state_loses_old_attributes_and_gains_null_for_new_ones() {
    let ty = object([
        ("name", Type::String),
        ("new", list(Type::Bool)),
        ("inner", object([("new", Type::Bool)])),
        ("tags", map(Type::String)),
        ("any", Type::Dynamic),
        ("pair", Type::Tuple(vec![Type::Bool, Type::Number])),
    ]);
    let stored = json!({
        "name": "x", "gone": [1, {}], "inner": { "gone": 1 }, "tags": { "a": "b" },
        "any": { "type": ["list", "number"], "value": [1, 0.5] }, "pair": [true, 1],
    });
    let any = Value::Dynamic(
        list(Type::Number),
        Value::List(vec![1.into(), float(0.5)]).into(),
    );
    let expected = values([
        ("name", "x".into()),
        ("new", Value::Null),
        ("inner", values([("new", Value::Null)])),
        ("tags", values([("a", "b".into())])),
        ("any", any),
        ("pair", Value::List(vec![true.into(), 1.into()])),
    ]);
    same(
        &decode_json(&ty, stored.to_string().as_bytes()).unwrap(),
        &expected,
    );
    same(&decode_json_value(&ty, &stored).unwrap(), &expected);
}

#[test]
fn stored_numbers_keep_all_their_digits() {
    let ty = list(Type::Number);
    let stored = b"[1, 0.1, 0.5, 123456789012345678901234567890, -2, 2.0]";
    let digits = big("123456789012345678901234567890");
    let expected = [
        1.into(),
        big("0.1"),
        float(0.5),
        digits,
        (-2).into(),
        2.into(),
    ];
    same(
        &decode_json(&ty, stored).unwrap(),
        &Value::List(expected.into()),
    );
}

#[test]
fn a_stored_value_of_another_type_is_an_error_without_the_value() {
    let check = |ty: &Type, stored: &str, expected: &str| {
        let error = decode_json(ty, stored.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let ty = object([("a", list(Type::Number))]);
    check(
        &ty,
        r#"{"a":["secret"]}"#,
        "a[0]: expected a number, found a string",
    );
    check(
        &ty,
        r#"{"a":{"secret":1}}"#,
        "a: expected a list, found an object",
    );
    check(&ty, r#"["secret"]"#, "expected an object, found a list");
    check(
        &ty,
        r#"{"a":[true]}"#,
        "a[0]: expected a number, found a bool",
    );
    check(&Type::String, "17", "expected a string, found a number");
    check(&ty, "secret", "the stored value is not JSON");
}
