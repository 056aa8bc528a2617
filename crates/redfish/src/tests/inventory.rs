//! What a system is made of, and in which order it boots.

use axum::http::Method;
use serde_json::{Value, json};

use super::fake_bmc::{Answer, FakeBmc, SETTINGS, SYSTEM};
use crate::{Drive, Error, Ordered, StorageController};

fn link(path: &str) -> Value {
    json!({"@odata.id": path})
}

fn order(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|entry| (*entry).to_owned()).collect()
}

#[tokio::test]
async fn storage_is_read_by_controller_and_what_is_broken_is_left_out() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        machine.system()["Storage"] = link("/s");
        let mut add = |path: &str, body: Value| machine.resources.insert(path.to_owned(), body);
        add(
            "/s",
            json!({"Members": [link("/s/1"), link("/s/2"), link("/gone")]}),
        );
        add(
            "/s/1",
            json!({"Id": "RAID.1", "StorageControllers": [{"Model": "C900"}],
                "Drives": [link("/d/1"), link("/d/gone")]}),
        );
        // An object in the place of a link to a collection.
        add(
            "/s/2",
            json!({"Id": "AHCI.1", "Controllers": {}, "Drives": null}),
        );
        add(
            "/d/1",
            json!({"Id": "Disk.0", "Model": "X1", "SerialNumber": " S1 ", "MediaType": "SSD",
                "CapacityBytes": 480_103_981_056_u64, "Protocol": "SATA"}),
        );
    });
    let bmc = fake.bmc();
    let system = bmc.system(SYSTEM).await.unwrap();
    let found = bmc.inventory(&system).await.unwrap();
    let drive = Drive {
        id: Some("Disk.0".to_owned()),
        model: Some("X1".to_owned()),
        serial_number: Some("S1".to_owned()),
        capacity_bytes: Some(480_103_981_056),
        media_type: Some("SSD".to_owned()),
        protocol: Some("SATA".to_owned()),
    };
    let expected = [
        StorageController {
            id: Some("RAID.1".to_owned()),
            model: Some("C900".to_owned()),
            drives: vec![drive],
        },
        StorageController {
            id: Some("AHCI.1".to_owned()),
            ..StorageController::default()
        },
    ];
    assert_eq!(found.storage, expected);
    assert_eq!(found.serial_number.as_deref(), Some("SN-0001"));
}

#[tokio::test]
async fn what_a_sparse_system_leaves_out_is_found_where_it_is() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let system = machine.system();
        for name in ["SerialNumber", "MemorySummary", "ProcessorSummary"] {
            system[name] = Value::Null;
        }
        system["Links"]["Chassis"] = json!([link("/gone"), link("/c/1")]);
        system["Memory"] = link("/m");
        system["Processors"] = link("/p");
        system["SimpleStorage"] = link("/ss");
        let mut add = |path: &str, body: Value| machine.resources.insert(path.to_owned(), body);
        add("/c/1", json!({"SerialNumber": "CH-7", "SKU": "K1"}));
        add("/m", json!({"Members": [link("/m/1"), link("/m/2")]}));
        add("/m/1", json!({"CapacityMiB": 16384}));
        add("/m/2", json!({"CapacityMiB": 16384}));
        add(
            "/p",
            json!({"Members": [link("/p/1"), link("/p/2"), link("/p/3")]}),
        );
        add(
            "/p/1",
            json!({"ProcessorType": "CPU", "TotalCores": 72, "Model": "G1"}),
        );
        add(
            "/p/2",
            json!({"ProcessorType": "CPU", "Status": {"State": "Absent"}}),
        );
        add("/p/3", json!({"ProcessorType": "GPU", "TotalCores": 9000}));
        add("/ss", json!({"Members": [link("/ss/1")]}));
        let devices = json!([{"Name": "Bay 1", "CapacityBytes": 1000}]);
        add("/ss/1", json!({"Id": "1", "Devices": devices}));
    });
    let bmc = fake.bmc();
    let system = bmc.system(SYSTEM).await.unwrap();
    let found = bmc.inventory(&system).await.unwrap();
    assert_eq!(found.serial_number.as_deref(), Some("CH-7"));
    assert_eq!(found.sku.as_deref(), Some("K1"));
    assert_eq!(found.part_number.as_deref(), Some("PN-1"));
    assert_eq!(found.memory_mib, Some(32768));
    assert_eq!(
        (found.processor_count, found.processor_cores),
        (Some(1), Some(72))
    );
    assert_eq!(found.processor_model.as_deref(), Some("G1"));
    let drive = &found.storage[0].drives[0];
    assert_eq!(
        (drive.id.as_deref(), drive.capacity_bytes),
        (Some("Bay 1"), Some(1000))
    );
}

#[tokio::test]
async fn a_boot_order_is_written_once_with_the_entries_that_were_not_named() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let wanted = order(&["Boot0002"]);
    for _ in 0..2 {
        assert_eq!(
            bmc.set_boot_order(SYSTEM, &wanted).await.unwrap(),
            Ordered::Shown
        );
    }
    let expected = json!({"Boot": {"BootOrder": ["Boot0002", "Boot0001"]}});
    assert_eq!(fake.patches(SYSTEM), [expected]);
}

#[tokio::test]
async fn a_boot_order_that_a_bmc_does_not_take_is_an_error_that_says_so() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let error = bmc.set_boot_order(SYSTEM, &order(&["Boot0009"])).await;
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("Boot0009") && text.contains("Boot0001, Boot0002"),
        "{text}"
    );
    assert!(fake.patches(SYSTEM).is_empty());

    // Accepted and ignored: what it shows is its own business.
    fake.rule(|_, request| {
        request
            .is(&Method::PATCH, SYSTEM)
            .then(|| Answer::status(200))
    });
    let error = bmc.set_boot_order(SYSTEM, &order(&["Boot0002"])).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::NotSupported { .. }), "{error:?}");
    assert!(
        error.to_string().contains("still shows Boot0001, Boot0002"),
        "{error}"
    );

    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        let read_only = || Answer::message(400, "Base.1.8.PropertyNotWritable");
        request.is(&Method::PATCH, SYSTEM).then(read_only)
    });
    let wanted = order(&["Boot0002"]);
    let error = fake.bmc().set_boot_order(SYSTEM, &wanted).await;
    assert!(
        matches!(error, Err(Error::NotSupported { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_boot_order_that_only_the_settings_take_is_pending_until_the_next_start() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        machine.system()["@Redfish.Settings"] = json!({"SettingsObject": link(SETTINGS)});
        machine
            .resources
            .insert(SETTINGS.to_owned(), json!({"Boot": {}}));
    });
    fake.rule(|_, request| {
        let read_only = || Answer::message(400, "Base.1.8.PropertyNotWritable");
        request.is(&Method::PATCH, SYSTEM).then(read_only)
    });
    let bmc = fake.bmc();
    let wanted = order(&["Boot0002", "Boot0001"]);
    for _ in 0..2 {
        assert_eq!(
            bmc.set_boot_order(SYSTEM, &wanted).await.unwrap(),
            Ordered::Pending
        );
    }
    assert_eq!(fake.patches(SETTINGS).len(), 1);
}

#[tokio::test]
async fn a_managers_own_addresses_are_read() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let manager = machine.resources.get_mut("/redfish/v1/Managers/bmc");
        manager.unwrap()["EthernetInterfaces"] = link("/e");
        let mut add = |path: &str, body: Value| machine.resources.insert(path.to_owned(), body);
        add("/e", json!({"Members": [link("/e/usb0"), link("/e/1")]}));
        add(
            "/e/usb0",
            json!({"Id": "usb0", "MACAddress": "70:B5:E8:00:00:10"}),
        );
        add(
            "/e/1",
            json!({"Id": "1", "MACAddress": "70:B5:E8:00:00:11"}),
        );
    });
    let bmc = fake.bmc();
    let manager = bmc.manager_at("/redfish/v1/Managers/bmc").await.unwrap();
    let macs = bmc.manager_macs(&manager).await.unwrap();
    let macs: Vec<_> = macs.iter().map(ToString::to_string).collect();
    assert_eq!(macs, ["70:b5:e8:00:00:11"]);
    let manager = crate::Manager::default();
    assert!(bmc.manager_macs(&manager).await.unwrap().is_empty());
}
