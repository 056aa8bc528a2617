//! Reading what firmware really sends.

use axum::http::Method;
use model::PowerState;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::fake_bmc::{Answer, FakeBmc, SYSTEM, system};
use crate::{BootTarget, IndicatorLed, System, reply::Document};

fn read(value: Value) -> System {
    System::read(SYSTEM, Document { value, etag: None })
}

#[test]
fn a_good_system_is_read_whole() {
    let system = read(system());
    assert_eq!(system.uri, SYSTEM);
    assert_eq!(
        system.uuid.unwrap().to_string(),
        "4c4c4544-0042-3510-8057-b7c04f4b4d32"
    );
    assert_eq!(system.serial_number.as_deref(), Some("SN-0001"));
    assert_eq!(
        (system.sku.as_deref(), system.host_name.as_deref()),
        (None, None)
    );
    assert_eq!(system.power_state, Some(PowerState::Off));
    assert_eq!(system.memory_mib, Some(524_800));
    assert_eq!(
        (system.processor_count, system.processor_cores),
        (Some(2), Some(64))
    );
    assert_eq!(system.health.as_deref(), Some("OK"));
    assert_eq!(system.indicator_led, Some(IndicatorLed::Off));
    assert_eq!(system.boot.target, Some(BootTarget::None));
    assert_eq!(system.boot.boot_order, ["Boot0001", "Boot0002"]);
    assert!(system.is_host() && !system.boot.is_overridden());
}

#[test]
fn each_oddity_costs_only_its_own_field() {
    let with = |name: &str, value: Value| {
        let mut system = system();
        system[name] = value;
        read(system)
    };
    for placeholder in ["", "STATIC:3:0", "00000000-0000-0000-0000-000000000000"] {
        let system = with("UUID", json!(placeholder));
        assert_eq!(system.uuid, None, "{placeholder}");
        assert_eq!(system.model.as_deref(), Some("C1000"));
    }
    assert_eq!(with("Model", json!("")).model, None);
    assert_eq!(
        with("SerialNumber", json!("          ")).serial_number,
        None
    );
    assert_eq!(with("MemorySummary", json!("512")).memory_mib, None);
    assert_eq!(
        with("MemorySummary", json!({"TotalSystemMemoryGiB": 0})).memory_mib,
        None
    );
    assert_eq!(with("Status", json!(null)).health, None);
    assert_eq!(with("Boot", json!([])).boot.target, None);
    assert!(!with("Actions", json!({})).is_host());
    let system = with("LastResetTime", json!("0000-00-00T00:00:00+00:00"));
    assert_eq!(
        system.last_reset_time.as_deref(),
        Some("0000-00-00T00:00:00+00:00")
    );
}

#[test]
fn a_word_that_is_not_in_the_schema_is_kept() {
    let mut value = system();
    value["PowerState"] = json!("Standby");
    value["Boot"]["BootSourceOverrideTarget"] = json!("UsbCd");
    value["IndicatorLED"] = json!("Strobe");
    let system = read(value);
    assert_eq!(
        (system.power_state, system.power_state_raw.as_deref()),
        (None, Some("Standby"))
    );
    assert_eq!(system.boot.target.unwrap().to_string(), "UsbCd");
    assert_eq!(system.indicator_led.unwrap().to_string(), "Strobe");
}

#[test]
fn power_states_are_read_in_any_case_and_a_reset_is_on_its_way() {
    let check = |word: &str, expected: Option<PowerState>| {
        let mut value = system();
        value["PowerState"] = json!(word);
        assert_eq!(read(value).power_state, expected, "{word}");
    };
    check("ON", Some(PowerState::On));
    check("PoweringOff", Some(PowerState::PoweringOff));
    check("Reset", Some(PowerState::PoweringOn));
    check("Sleep", None);
}

#[test]
fn the_old_light_does_not_outshine_the_new_one() {
    let mut value = system();
    value["IndicatorLED"] = json!("Lit");
    value["LocationIndicatorActive"] = json!(false);
    assert_eq!(read(value).indicator_led, Some(IndicatorLed::Off));
}

#[tokio::test]
async fn systems_are_listed_hosts_first_and_a_bad_member_is_left_out() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let board = json!({"Id": "Board_0"});
        machine
            .resources
            .insert("/redfish/v1/Systems/Board_0".to_owned(), board);
        let members = json!([
            {"@odata.id": "/redfish/v1/Systems/Board_0"},
            {"@odata.id": "/redfish/v1/Systems/gone"},
            {"name": "no link"},
            null,
            {"@odata.id": "https://elsewhere.example/redfish/v1/Systems/1"},
        ]);
        machine.resources.insert(
            "/redfish/v1/Systems".to_owned(),
            json!({"Members": members}),
        );
    });
    let systems = fake.bmc().systems().await.unwrap();
    let ids: Vec<_> = systems
        .iter()
        .filter_map(|system| system.id.as_deref())
        .collect();
    assert_eq!(ids, ["1", "Board_0"]);
}

#[tokio::test]
async fn a_collection_may_have_pages_or_nothing() {
    let fake = FakeBmc::start().await;
    let page = |link: &str, next: &str| json!({"Members": {"@odata.id": link}, "Members@odata.nextLink": next});
    fake.with(|machine| {
        let path = "/redfish/v1/Systems".to_owned();
        machine
            .resources
            .insert(path, page("/redfish/v1/Systems/gone", "/redfish/v1/more"));
        // The second page points to itself.
        machine.resources.insert(
            "/redfish/v1/more".to_owned(),
            page(SYSTEM, "/redfish/v1/more"),
        );
    });
    let bmc = fake.bmc();
    assert_eq!(bmc.systems().await.unwrap().len(), 1);
    fake.with(|machine| {
        machine
            .resources
            .insert("/redfish/v1/Systems".to_owned(), json!({"Members": null}));
    });
    assert!(bmc.systems().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_root_without_links_has_its_systems_in_the_usual_place() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        machine
            .resources
            .insert("/redfish/v1/".to_owned(), json!({}))
    });
    assert_eq!(fake.bmc().systems().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_manager_is_the_one_that_looks_like_a_bmc() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let fabric = json!({"Id": "Fabric_0", "ManagerType": "Service"});
        machine
            .resources
            .insert("/redfish/v1/Managers/A".to_owned(), fabric);
        let members = json!([
            {"@odata.id": "/redfish/v1/Managers/A"}, {"@odata.id": "/redfish/v1/Managers/bmc"}
        ]);
        machine.resources.insert(
            "/redfish/v1/Managers".to_owned(),
            json!({"Members": members}),
        );
    });
    let bmc = fake.bmc();
    let system = bmc.system(SYSTEM).await.unwrap();
    for of in [Some(&system), None] {
        let manager = bmc.manager(of).await.unwrap().unwrap();
        assert_eq!(manager.id.as_deref(), Some("bmc"));
        assert_eq!(manager.firmware_version.as_deref(), Some("2.10"));
    }
}

#[tokio::test]
async fn a_bmc_without_managers_has_none() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        machine
            .resources
            .retain(|path, _| !path.contains("Managers"))
    });
    assert_eq!(fake.bmc().manager(None).await.unwrap(), None);
}

#[tokio::test]
async fn interfaces_are_read_with_their_speed() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let system = bmc.system(SYSTEM).await.unwrap();
    let nics = bmc.mac_addresses(&system).await.unwrap();
    assert_eq!(nics.len(), 1);
    assert_eq!(nics[0].mac.to_string(), "70:b5:e8:00:00:01");
    assert_eq!(
        (nics[0].id.as_str(), nics[0].speed_mbps),
        ("NIC.1", Some(25_000))
    );
    assert_eq!(nics[0].link.as_deref(), Some("LinkUp"));
}

#[tokio::test]
async fn without_interfaces_the_adapters_of_the_chassis_are_asked() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let link = |path: &str| json!({"@odata.id": path});
        machine.system()["Links"]["Chassis"] = json!([link("/c/1")]);
        let mut add = |path: &str, body: Value| machine.resources.insert(path.to_owned(), body);
        add(
            "/redfish/v1/Systems/1/EthernetInterfaces",
            json!({"Members": []}),
        );
        add("/c/1", json!({"NetworkAdapters": link("/c/1/a")}));
        add(
            "/c/1/a",
            json!({"Members": [link("/c/1/a/1"), link("/c/1/a/2")]}),
        );
        add(
            "/c/1/a/1",
            json!({"NetworkDeviceFunctions": link("/c/1/a/1/f")}),
        );
        add("/c/1/a/1/f", json!({"Members": [link("/c/1/a/1/f/1")]}));
        let ethernet = json!({"PermanentMACAddress": "70:B5:E8:00:00:02"});
        add("/c/1/a/1/f/1", json!({"Id": "f1", "Ethernet": ethernet}));
        // This one has functions without addresses, and ports with.
        add(
            "/c/1/a/2",
            json!({"NetworkDeviceFunctions": link("/gone"), "Ports": link("/c/1/p")}),
        );
        add("/c/1/p", json!({"Members": [link("/c/1/p/1")]}));
        add(
            "/c/1/p/1",
            json!({"Id": "p1", "AssociatedNetworkAddresses": ["70B5E8000003"]}),
        );
    });
    let bmc = fake.bmc();
    let system = bmc.system(SYSTEM).await.unwrap();
    let nics = bmc.mac_addresses(&system).await.unwrap();
    let found: Vec<_> = nics
        .iter()
        .map(|nic| (nic.id.as_str(), nic.mac.to_string()))
        .collect();
    let expected = [
        ("f1", "70:b5:e8:00:00:02".to_owned()),
        ("p1", "70:b5:e8:00:00:03".to_owned()),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_collection_is_expanded_where_that_works_and_not_asked_twice_where_not() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let root = machine.resources.get_mut("/redfish/v1/").unwrap();
        root["ProtocolFeaturesSupported"] = json!({"ExpandQuery": {"NoLinks": true}});
    });
    let path = "/redfish/v1/Systems/1/EthernetInterfaces";
    let expanded = format!("{path}?$expand=.($levels=1)");
    let bmc = fake.bmc();
    let system = bmc.system(SYSTEM).await.unwrap();
    // This BMC lists the feature and does not have it.
    for _ in 0..2 {
        assert_eq!(bmc.mac_addresses(&system).await.unwrap().len(), 1);
    }
    assert_eq!(fake.received(&Method::GET, &expanded).len(), 1);

    fake.rule(|_, request| {
        let member = json!({"@odata.id": "/n", "@odata.type": "#E.E", "Id": "n",
            "MACAddress": "70:b5:e8:00:00:09"});
        request
            .path
            .contains("$expand")
            .then(|| Answer::json(200, &json!({"Members": [member]})))
    });
    let bmc = fake.bmc();
    assert_eq!(bmc.mac_addresses(&system).await.unwrap()[0].id, "n");
    assert!(fake.received(&Method::GET, "/n").is_empty());
}

/// Any JSON.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("On")),
        Just(json!({"@odata.id": "/x"})),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[A-Za-z@.]{0,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Puts `new` in the place of the node with this number, counted modulo their number.
fn replace(value: &mut Value, number: usize, new: Value) {
    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(object) => object.values().map(count).sum(),
            _ => 0,
        }
    }
    fn nth(value: &mut Value, mut number: usize) -> Option<&mut Value> {
        if number == 0 {
            return Some(value);
        }
        number -= 1;
        let children: Vec<&mut Value> = match value {
            Value::Array(items) => items.iter_mut().collect(),
            Value::Object(object) => object.values_mut().collect(),
            _ => return None,
        };
        for child in children {
            let size = count(child);
            if number < size {
                return nth(child, number);
            }
            number -= size;
        }
        None
    }
    // Node 0 is the whole: only the envelope is mandatory.
    let number = 1 + number % (count(value) - 1);
    if let Some(node) = nth(value, number) {
        *node = new;
    }
}

proptest! {
    #[test]
    fn no_change_of_a_system_keeps_it_from_being_read(
        changes in prop::collection::vec((any::<usize>(), any_json()), 1..6)
    ) {
        let mut value = system();
        for (number, new) in changes {
            if value.as_object().is_some_and(|object| !object.is_empty()) {
                replace(&mut value, number, new);
            }
        }
        let system = read(value.clone());
        prop_assert_eq!(&system.raw, &value);
        let _settings = system.settings_uri();
        let _host = system.is_host();
    }
}
