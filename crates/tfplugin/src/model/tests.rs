//! Tests of the mapping between Rust types and values, derived and not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use crate::{
    AttributeType, DecodeError, Model, Nesting, Path, Shape, Type, Value,
    testing::{host::Typed, shown, value},
};

/// Everything at once.
///
/// With an indented block:
///
///     kept
#[derive(Model, Clone, Debug, PartialEq)]
struct All {
    required: String,
    optional: Option<bool>,
    #[tf(computed)]
    computed: Option<i64>,
    #[tf(optional, computed)]
    both: Option<u64>,
    #[tf(default = 1.5)]
    default: f64,
    r#type: Option<String>,
    list: Option<Vec<String>>,
    set: Option<BTreeSet<i64>>,
    map: Option<BTreeMap<String, Vec<bool>>>,
    single: Option<Inner>,
    many: Option<Vec<Inner>>,
    any: Option<BTreeSet<Inner>>,
    named: Option<BTreeMap<String, Inner>>,
    #[tf(computed)]
    found: Option<Vec<Inner>>,
    matrix: Option<Vec<Vec<Inner>>>,
    dynamic: Option<Json>,
}

#[derive(Model, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Inner {
    number: i64,
}

fn full() -> Json {
    json!({
        "required": "x", "optional": true, "computed": -1, "both": 2, "default": 0.1,
        "type": "t", "list": ["b", "a"], "set": [2, 1], "map": { "k": [true, false] },
        "single": { "number": 1 }, "many": [{ "number": 2 }], "any": [{ "number": 3 }],
        "named": { "n": { "number": 4 } }, "found": [{ "number": 5 }],
        "matrix": [[{ "number": 6 }], []],
    })
}

#[test]
fn a_model_comes_back_from_its_value() {
    let value = value(&All::ty(), &full());
    let all = All::decode(value.clone(), &Path::default()).unwrap();
    assert!(all.clone().encode() == value);
    assert_eq!(all.set, Some(BTreeSet::from([1, 2])));
    assert_eq!(all.named.unwrap()["n"], Inner { number: 4 });
}

#[test]
fn what_is_not_known_is_none() {
    let value = value(
        &All::ty(),
        &json!({ "required": "x", "default": 1, "computed": "?" }),
    );
    let all = All::decode(value, &Path::default()).unwrap();
    assert_eq!((all.computed, all.both), (None, None));
}

#[test]
fn the_attributes_follow_from_the_fields() {
    let attributes = All::attributes();
    let flags: Vec<_> = attributes
        .iter()
        .take(6)
        .map(|a| (a.name, a.required, a.optional, a.computed))
        .collect();
    let expected = [
        ("required", true, false, false),
        ("optional", false, true, false),
        ("computed", false, false, true),
        ("both", false, true, true),
        ("default", false, true, true),
        ("type", false, true, false),
    ];
    assert_eq!(flags, expected);
    assert_eq!(
        All::DOC,
        "Everything at once.\n\nWith an indented block:\n\n    kept"
    );
}

#[test]
fn a_struct_in_a_collection_is_a_nested_attribute() {
    let nesting = |name: &str| {
        let attribute = All::attributes()
            .into_iter()
            .find(|a| a.name == name)
            .unwrap();
        match attribute.shape {
            Shape::Nested(nesting, inner) => Some((nesting, inner[0].required)),
            Shape::Plain(_) => None,
        }
    };
    assert_eq!(nesting("single"), Some((Nesting::Single, true)));
    assert_eq!(nesting("many"), Some((Nesting::List, true)));
    assert_eq!(nesting("any"), Some((Nesting::Set, true)));
    assert_eq!(nesting("named"), Some((Nesting::Map, true)));
    // Nobody sets what is inside a computed attribute.
    assert_eq!(nesting("found"), Some((Nesting::List, false)));
    // There is no nested attribute for a list of lists.
    assert_eq!(nesting("matrix"), None);
}

#[track_caller]
fn refused<T: AttributeType>(value: Value, expected: &str) {
    let error = T::decode(value, &Path::root("a")).map(drop).unwrap_err();
    assert_eq!(error, DecodeError::new(&Path::root("a"), expected));
}

#[test]
fn a_value_of_another_kind_is_an_error_that_names_the_kinds_only() {
    refused::<String>(4711.into(), "expected a string, found a whole number");
    refused::<bool>("canary".into(), "expected a bool, found a string");
    refused::<i64>(
        0.5.into(),
        "expected a whole number of 64 bits, found a number",
    );
    refused::<i64>(
        u64::MAX.into(),
        "expected a whole number of 64 bits, found a number",
    );
    refused::<u64>(
        (-1).into(),
        "expected a whole number of 0 or more, found a whole number",
    );
    refused::<f64>("canary".into(), "expected a number, found a string");
    refused::<Vec<String>>(Value::Null, "expected a list, found null");
    refused::<BTreeSet<String>>(1.into(), "expected a set, found a whole number");
    refused::<BTreeMap<String, String>>(1.into(), "expected a map, found a whole number");
    refused::<Inner>(
        Value::UNKNOWN,
        "expected an object, found a value not known yet",
    );
    refused::<Json>(
        Value::UNKNOWN,
        "expected a known value, found a value not known yet",
    );
}

#[test]
fn an_error_inside_says_where() {
    let value = Value::Map([("number".to_owned(), Value::from("canary"))].into());
    let error = Vec::<Inner>::decode(Value::List(vec![value]), &Path::root("a")).unwrap_err();
    assert_eq!(error.path, Path::root("a").index(0).attribute("number"));
}

#[test]
fn numbers_of_every_size_come_back() {
    for number in [0, 1, u64::MAX, 1 << 63] {
        assert_eq!(u64::decode(number.encode(), &Path::default()), Ok(number));
    }
    for number in [0.0, 0.1, -2.5, 1e300, f64::MIN_POSITIVE] {
        assert_eq!(f64::decode(number.encode(), &Path::default()), Ok(number));
    }
    assert!(f64::NAN.encode().is_null());
}

#[test]
fn a_dynamic_value_has_the_type_of_the_literal() {
    let json = json!({ "a": [1, 0.5, "x", null, true], "b": {} });
    let value = json.clone().encode();
    let Value::Dynamic(ty, _) = &value else {
        panic!("not dynamic")
    };
    let elements = vec![
        Type::Number,
        Type::Number,
        Type::String,
        Type::Dynamic,
        Type::Bool,
    ];
    let expected = [
        ("a", Type::Tuple(elements)),
        ("b", Type::Object(BTreeMap::new())),
    ];
    let expected = expected.map(|(name, ty)| (name.to_owned(), ty));
    assert_eq!(*ty, Type::Object(expected.into()));
    assert_eq!(
        shown(&value),
        json!({ "a": [1, 0.5, "x", null, true], "b": {} })
    );
    assert_eq!(Json::decode(value, &Path::default()), Ok(json));
    assert!(Json::Null.encode().is_null());
}
