//! Random configurations, and random damage to what a BMC says.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::fake_bmc::{Documents, SYSTEM, UUID, served};

/// What is wrong with a BMC.
#[derive(Clone, Debug)]
pub(crate) struct Damage {
    /// Properties that have another value; each of a document and one place in it.
    values: Vec<(usize, usize, Option<Value>)>,
    /// A document whose bytes or status are wrong.
    reply: Option<(usize, Broken)>,
}

#[derive(Clone, Debug)]
enum Broken {
    Status(u16),
    Empty,
    Truncated(u8),
    InvalidUtf8,
    NotJson,
    TwiceTheKeys,
    HugeNumber,
    DeepNesting,
    ManyValues,
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let values = vec((0..64_usize, 0..256_usize, option::of(value())), 0..4);
    let broken = prop_oneof![
        select(vec![200, 202, 204, 301, 400, 401, 403, 404, 500, 501, 599])
            .prop_map(Broken::Status),
        Just(Broken::Empty),
        any::<u8>().prop_map(Broken::Truncated),
        Just(Broken::InvalidUtf8),
        Just(Broken::NotJson),
        Just(Broken::TwiceTheKeys),
        Just(Broken::HugeNumber),
        Just(Broken::DeepNesting),
        Just(Broken::ManyValues),
    ];
    let reply = option::weighted(0.25, (0..64_usize, broken));
    (values, reply).prop_map(|(values, reply)| Damage { values, reply })
}

/// Anything that may stand where something else should.
fn value() -> impl Strategy<Value = Value> {
    let text = select(vec![
        "",
        " ",
        "None",
        "N/A",
        "e\u{301}",
        "\u{0}",
        "\u{7f}\u{1b}[0m",
        "On",
        "Off",
        "PoweringOn",
        "Lit",
        "OK",
        "  padded  ",
        "00000000-0000-0000-0000-000000000000",
        UUID,
        "44454C4C-4200-1035-8057-B7C04F4B4D32",
        "11111111-2222-3333-4444-555555555555",
        SYSTEM,
        "/redfish/v1/Systems",
        "http://elsewhere.example/x",
        "70:b5:e8:00:00:01",
        "00:00:00:00:00:00",
        "xyz",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        select(vec![
            json!(0),
            json!(-1),
            json!(1.5),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1e308)
        ]),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just("long".repeat(30_000)).prop_map(Value::from),
        text_link(),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            ("[A-Za-z@.]{0,8}", inner).prop_map(|(key, value)| json!({ key: value })),
        ]
    })
}

fn text_link() -> impl Strategy<Value = Value> {
    let paths = vec![
        SYSTEM,
        "/redfish/v1/Systems",
        "/redfish/v1/Managers/1",
        "/nowhere",
        "",
    ];
    select(paths).prop_map(|path| json!({"@odata.id": path}))
}

impl Damage {
    /// The documents with this done to them, as they are served.
    pub(crate) fn done_to(&self, documents: &BTreeMap<String, Value>) -> Documents {
        let mut documents = documents.clone();
        let paths: Vec<String> = documents.keys().cloned().collect();
        for (document, place, value) in &self.values {
            let document = documents.get_mut(&paths[document % paths.len()]).unwrap();
            let places = count(document);
            put(document, &mut (place % places), value.as_ref());
        }
        let mut served = served(&documents);
        if let Some((document, broken)) = &self.reply {
            let reply = served.get_mut(&paths[document % paths.len()]).unwrap();
            broken.done_to(&mut reply.0, &mut reply.1);
        }
        served
    }
}

/// The values in a document, with itself.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(elements) => elements.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts a value in one place, or takes away what is there.
fn put(value: &mut Value, place: &mut usize, new: Option<&Value>) -> bool {
    if *place == 0 {
        *value = new.cloned().unwrap_or_default();
        return true;
    }
    *place -= 1;
    match value {
        Value::Array(elements) => elements.iter_mut().any(|element| put(element, place, new)),
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            keys.iter().any(|key| {
                if *place == 0 && new.is_none() {
                    map.remove(key);
                    return true;
                }
                put(&mut map[key], place, new)
            })
        }
        _ => false,
    }
}

impl Broken {
    fn done_to(&self, status: &mut u16, body: &mut Vec<u8>) {
        let inside = |body: &mut Vec<u8>, text: &str| {
            body.splice(1..1, text.bytes());
        };
        match self {
            Self::Status(other) => *status = *other,
            Self::Empty => body.clear(),
            Self::Truncated(part) => body.truncate(body.len() * usize::from(*part) / 256),
            Self::InvalidUtf8 => inside(body, "\"Odd\": \"?\", "),
            Self::NotJson => *body = b"<html>Welcome</html>".to_vec(),
            Self::TwiceTheKeys => inside(body, "\"UUID\": 7, \"Id\": [], \"Members\": null, "),
            Self::HugeNumber => inside(body, "\"MemorySummary\": 1e999, "),
            Self::DeepNesting => *body = "[".repeat(5000).into_bytes(),
            Self::ManyValues => *body = format!("[{}0]", "0,".repeat(500_000)).into_bytes(),
        }
        if matches!(self, Self::InvalidUtf8) {
            let at = body.iter().position(|byte| *byte == b'?').unwrap_or(0);
            body[at] = 0xff;
        }
    }
}

/// The settings of a server, without its BMC.
pub(crate) fn server() -> impl Strategy<Value = Value> {
    let words = |words: &[&str]| {
        let words: Vec<Value> = words.iter().map(|word| json!(word)).collect();
        option::weighted(0.25, select(words))
    };
    let uppercase = UUID.to_uppercase();
    let uuid = words(&[UUID, &uppercase, "11111111-2222-3333-4444-555555555555"]);
    let slash = format!("{SYSTEM}/");
    let uri = words(&[
        SYSTEM,
        &slash,
        "/redfish/v1/systems/1",
        "/nowhere",
        "http://x/y",
        "",
    ]);
    let tag = words(&["", "new", "old", " padded ", "e\u{301}", "None", "N/A"]);
    let led = words(&["Lit", "Blinking", "Off"]);
    // A server that is on is told to stay on: powering it off takes minutes in real life too.
    let power = words(&["On"]);
    let macs = select(vec![
        json!([]),
        json!(["70-B5-E8-00-00-01"]),
        json!(["70:b5:e8:00:00:02"]),
    ]);
    let labels = select(vec![json!({}), json!({"a": "b"}), json!({"": ""})]);
    let rest = (
        option::weighted(0.25, macs),
        option::weighted(0.25, labels),
        option::of(any::<bool>()),
    );
    (uuid, uri, tag, led, power, rest).prop_map(|(uuid, uri, tag, led, power, rest)| {
        let (macs, labels, unclaimable) = rest;
        object([
            ("system_uuid", uuid),
            ("system_uri", uri),
            ("asset_tag", tag),
            ("indicator_led", led),
            ("power", power),
            ("boot_mac_addresses", macs),
            ("labels", labels),
            ("unclaimable", unclaimable.map(Value::from)),
            ("timeouts", Some(json!({"create": "1s", "update": "1s"}))),
        ])
    })
}

/// The settings of a BMC, without its port.
pub(crate) fn bmc() -> impl Strategy<Value = Value> {
    let address = select(vec![
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "127.1",
        "::ffff:127.0.0.1",
    ]);
    let names = select(vec!["default", "other", ""]);
    let insecure = option::weighted(0.9, any::<bool>().prop_map(|yes| yes || cfg!(test)));
    (address, names, insecure).prop_map(|(address, credentials, insecure)| {
        object([
            ("address", Some(json!(address))),
            ("scheme", Some(json!("http"))),
            ("credentials", Some(json!(credentials))),
            ("tls", Some(json!({"insecure": insecure}))),
        ])
    })
}

fn object<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    let set = entries.into_iter();
    let set = set.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(set.collect::<Map<_, _>>())
}
