//! Whatever a BMC sends, the client comes to an end without a panic, and shows neither the password
//! nor what a terminal obeys. Every call that reads a reply is made, before replies that are altered.

use std::time::{Duration, Instant};

use model::BmcTls;
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed, TestRunner},
};
use serde_json::{Map, Value, json};

use super::fake_bmc::{Answer, FakeBmc, PASSWORD, SESSIONS, SYSTEM};
use crate::{
    Bmc, BootEnabled, BootMode, BootOverride, BootTarget, Error, IndicatorLed, Power, System,
};

/// What is done to one reply.
#[derive(Clone, Debug)]
enum Alteration {
    Nothing,
    Status(u16),
    Headers(Vec<(&'static str, String)>),
    Bytes(Vec<u8>),
    Cut(u8),
    /// Values that stand in the place of others.
    Values(Vec<(usize, Value)>),
    Json(Value),
    /// What a BMC says of a request.
    Messages(u16, Value),
    /// A job that is to be followed.
    Task(String, Value),
    /// A page of members, and where the next one is.
    Page(Vec<String>, String),
    Nested(usize, u8),
    Many(usize),
    Break,
}

fn alteration() -> impl Strategy<Value = Alteration> {
    let status = select(vec![
        200_u16, 201, 202, 204, 206, 301, 308, 400, 401, 403, 404, 405, 406, 409, 412, 415, 428,
        429, 500, 501, 503, 599,
    ]);
    let header = (
        select(vec![
            "ETag",
            "Location",
            "Retry-After",
            "WWW-Authenticate",
            "Content-Type",
            "Content-Encoding",
            "X-Auth-Token",
            "Allow",
            "OData-Version",
        ]),
        prop_oneof!["[ -~]{0,40}", text(), "-?[0-9]{1,30}"],
    );
    prop_oneof![
        4 => Just(Alteration::Nothing),
        1 => status.clone().prop_map(Alteration::Status),
        2 => vec(header, 1..4).prop_map(Alteration::Headers),
        1 => vec(any::<u8>(), 0..200).prop_map(Alteration::Bytes),
        1 => any::<u8>().prop_map(Alteration::Cut),
        6 => vec((any::<usize>(), value()), 1..5).prop_map(Alteration::Values),
        1 => value().prop_map(Alteration::Json),
        2 => (status, value()).prop_map(|(status, value)| Alteration::Messages(status, value)),
        1 => (text(), value()).prop_map(|(place, value)| Alteration::Task(place, value)),
        1 => (vec(text(), 0..4), text()).prop_map(|(members, next)| Alteration::Page(members, next)),
        1 => (1..4000_usize, select(vec![b'[', b'{'])).prop_map(|(n, c)| Alteration::Nested(n, c)),
        1 => (0..20_000_usize).prop_map(Alteration::Many),
        1 => Just(Alteration::Break),
    ]
}

/// Words that mean something somewhere, and some that mean nothing.
fn text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "",
        "/",
        SYSTEM,
        SESSIONS,
        "/redfish/v1/Systems",
        "/redfish/v1/Systems?page=2",
        "/redfish/v1/TaskService/Tasks/1",
        "http://elsewhere.example/x",
        "//",
        "\\",
        "%",
        "?#",
        "On",
        "Off",
        "PoweringOn",
        "Once",
        "Pxe",
        "UEFI",
        "None",
        "Running",
        "Completed",
        "Exception",
        "#Task.v1_7_0.Task",
        "#Session.v1_0_0.Session",
        "W/\"1\"",
        "\"",
        "*",
        "Base.1.8.PasswordChangeRequired",
        "Base.1.8.Success",
        "IDRAC.2.8.RAC0218",
        ".",
        "..",
        "Base.1.8.PropertyNotWritable",
        "70:b5:e8:00:00:01",
        "70b5e8000001",
        "\u{202e}",
        "9999-99-99T99:99:99Z",
        "2026-01-02T03:04:05Z",
        "00000000-0000-0000-0000-000000000000",
    ]);
    prop_oneof![3 => known.prop_map(str::to_owned), 1 => "\\PC{0,30}"]
        .prop_filter("headers may hold it", |text| {
            text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        })
}

fn value() -> impl Strategy<Value = Value> {
    let number = select(vec![
        json!(0),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        text().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(Value::from("x".repeat(9000))),
        text().prop_map(|text| json!({"@odata.id": text})),
    ];
    let key = select(KEYS);
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key.clone(), inner), 0..4).prop_map(|entries| {
                let entries = entries.into_iter();
                let named = entries.map(|(key, value)| (key.to_owned(), value));
                Value::Object(named.collect::<Map<_, _>>())
            }),
        ]
    })
}

impl Alteration {
    fn done_to(&self, answer: Answer) -> Answer {
        let Answer::Reply {
            mut status,
            mut headers,
            mut body,
        } = answer
        else {
            return answer;
        };
        match self {
            Self::Nothing => {}
            Self::Status(other) => status = *other,
            Self::Headers(more) => headers.extend(more.iter().cloned()),
            Self::Bytes(bytes) => body.clone_from(bytes),
            Self::Cut(part) => body.truncate(body.len() * usize::from(*part) / 256),
            Self::Values(values) => {
                let mut document = serde_json::from_slice(&body).unwrap_or_default();
                for (place, value) in values {
                    let places = count(&document);
                    put(&mut document, &mut (place % places), value);
                }
                body = document.to_string().into_bytes();
            }
            Self::Json(value) => body = value.to_string().into_bytes(),
            Self::Messages(other, value) => {
                status = *other;
                let error = json!({"error": {"@Message.ExtendedInfo": value}});
                body = error.to_string().into_bytes();
            }
            Self::Task(place, value) => {
                status = 202;
                headers.push(("Location", place.clone()));
                let task = json!({"@odata.type": "#Task.v1_7_0.Task", "TaskState": value,
                    "TaskMonitor": place, "Messages": value});
                body = task.to_string().into_bytes();
            }
            Self::Page(members, next) => {
                let link = |path: &String| json!({"@odata.id": path});
                let members: Vec<Value> = members.iter().map(link).collect();
                let page = json!({"Members": members, "Members@odata.nextLink": next});
                body = page.to_string().into_bytes();
            }
            Self::Nested(depth, opening) => body = vec![*opening; *depth],
            Self::Many(length) => {
                body = format!("{{\"Members\": [{}{{}}]}}", "{},".repeat(*length)).into_bytes();
            }
            Self::Break => return Answer::Break,
        }
        Answer::Reply {
            status,
            headers,
            body,
        }
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(elements) => elements.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

fn put(value: &mut Value, place: &mut usize, new: &Value) -> bool {
    if *place == 0 {
        value.clone_from(new);
        return true;
    }
    *place -= 1;
    match value {
        Value::Array(elements) => elements.iter_mut().any(|element| put(element, place, new)),
        Value::Object(map) => map.values_mut().any(|element| put(element, place, new)),
        _ => false,
    }
}

/// Everything that reads a reply. What went wrong is told in words.
async fn everything(bmc: &Bmc) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut note = |error: Option<Error>| errors.extend(error);
    let deadline = || Instant::now() + Duration::from_millis(60);
    note(bmc.service_root().await.err());
    note(bmc.ask_for_basic().await.err());
    let systems = bmc.systems().await;
    let system = bmc.system(SYSTEM).await;
    let found: Vec<System> = systems.iter().flatten().chain(&system).cloned().collect();
    note(systems.err());
    note(system.err());
    for system in found.iter().take(3) {
        note(bmc.mac_addresses(system).await.err());
        note(bmc.manager(Some(system)).await.err());
    }
    note(bmc.manager(None).await.err());
    note(bmc.set_asset_tag(SYSTEM, "x").await.err());
    note(bmc.set_indicator_led(SYSTEM, IndicatorLed::Lit).await.err());
    let boot = BootOverride {
        target: BootTarget::UefiHttp,
        enabled: BootEnabled::Once,
        mode: Some(BootMode::Uefi),
        http_boot_uri: Some("http://192.0.2.1/x.efi".to_owned()),
    };
    note(bmc.set_boot_override(SYSTEM, boot).await.err());
    note(bmc.clear_boot_override(SYSTEM).await.err());
    note(bmc.set_power(SYSTEM, Power::On, deadline()).await.err());
    note(
        bmc.set_power(SYSTEM, Power::ForceOff, deadline())
            .await
            .err(),
    );
    note(bmc.session().await.err());
    bmc.logout().await;
    errors
}

async fn case(alterations: Vec<Alteration>) -> Result<(), TestCaseError> {
    let fake = FakeBmc::start().await;
    let mut turn = 0;
    fake.rule(move |machine, request| {
        let alteration = &alterations[turn % alterations.len()];
        turn += 1;
        Some(alteration.done_to(machine.answer(request)))
    });
    let bmc = fake.bmc_with(PASSWORD, BmcTls::default()).unwrap();
    let all = tokio::time::timeout(LONGEST, everything(&bmc)).await;
    let errors = all.map_err(|_elapsed| TestCaseError::fail("it does not end"))?;
    for error in errors {
        let told = format!("{error}");
        prop_assert!(!told.contains(PASSWORD), "{told}");
        prop_assert!(!told.contains(char::is_control), "{told:?}");
        prop_assert!(told.len() < 20_000, "{}", told.len());
        let _advice = error.advice();
    }
    Ok(())
}

#[test]
fn no_reply_makes_the_client_panic_hang_or_tell_a_secret() {
    let seed = std::env::var("PROPTEST_RNG_SEED");
    let seed: u64 = seed.map_or_else(
        |_unset| std::process::id().into(),
        |seed| seed.parse().unwrap(),
    );
    println!("PROPTEST_RNG_SEED={seed}");
    // The client waits most of the time.
    let parts: Vec<_> = (0..PARTS)
        .map(|part| std::thread::spawn(move || search(seed ^ part << 32)))
        .collect();
    for part in parts {
        part.join().unwrap().unwrap();
    }
}

/// Tries so many random cases.
fn search(seed: u64) -> Result<(), String> {
    let mut runner = TestRunner::new(Config {
        cases: 25,
        max_shrink_iters: 100,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let outcome = runner.run(&vec(alteration(), 1..16), |alterations| {
        runtime.block_on(case(alterations))
    });
    outcome.map_err(|error| error.to_string())
}

const KEYS: &[&str] = &[
    "@odata.id",
    "@odata.etag",
    "@odata.type",
    "Members",
    "Members@odata.nextLink",
    "@Message.ExtendedInfo",
    "error",
    "Message",
    "MessageId",
    "MessageArgs",
    "Boot",
    "Actions",
    "Links",
    "ManagedBy",
    "Chassis",
    "PowerState",
    "UUID",
    "Id",
    "Status",
    "Health",
    "target",
    "ResetType@Redfish.AllowableValues",
    "@Redfish.ActionInfo",
    "@Redfish.Settings",
    "SettingsObject",
    "TaskState",
    "Messages",
    "MACAddress",
    "EthernetInterfaces",
    "Oem",
    "BootSourceOverrideTarget",
    "BootSourceOverrideEnabled",
    "Parameters",
    "AllowableValues",
];
const PARTS: u64 = 8;
/// How long all the calls together may take. Each ends by itself much sooner.
const LONGEST: Duration = Duration::from_secs(60);
