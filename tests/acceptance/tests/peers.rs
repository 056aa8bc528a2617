//! The same journey against the simulated rack, an emulator that others wrote, and mockups in files.
//!
//! What the others cannot do is not part of their journey, and is said beside it.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{
    Site,
    emulator::{self, Emulator},
    journey::Peer,
    mockup::Mockup,
};
use serde_json::{Value, json};

/// The environment of a provider that has these credentials.
fn environment(site: &Site, username: &str, password: &str) -> Vec<(String, String)> {
    let mut environment = site.environment();
    for (name, value) in [("USERNAME", username), ("PASSWORD", password)] {
        let name = format!("BAREMETAL_CREDENTIALS_DEFAULT_{name}");
        environment.retain(|(known, _)| *known != name);
        environment.push((name, value.to_owned()));
    }
    environment
}

fn bmc(port: u16, scheme: &str, tls: Value) -> Value {
    json!({"address": "127.0.0.1", "port": port, "scheme": scheme, "credentials": "default",
        "tls": tls})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_rack_goes_all_the_way() {
    let site = Site::start("peer", 1).await;
    let machine = site.machine(0);
    let fingerprint = machine.fingerprint_sha256();
    let peer = Peer {
        bmc: bmc(
            machine.bmc_port(),
            "https",
            json!({"fingerprint_sha256": fingerprint}),
        ),
        import_query: format!("fingerprint_sha256={fingerprint}"),
        uuid: machine.uuid().to_string(),
        seen: json!({"manufacturer": "Contoso", "serial_number": machine.serial(),
            "health": "OK", "power_state": "Off"}),
        switches: true,
        changes: vec![
            json!({"indicator_led": "Lit"}),
            json!({"indicator_led": "Off", "asset_tag": "A-1"}),
        ],
    };
    peer.check(site.environment());
    let counters = machine.bmc_counters();
    assert_eq!((counters.sessions_live, counters.sessions_most), (0, 1));
    assert_eq!((counters.login_failures, counters.lockouts), (0, 0));
}

/// The emulator has neither sessions, tasks, tags, asset tags nor a place for what its power changes
/// are doing; its only serial number is that of the chassis; with its fake driver nothing boots. It
/// reads an override that was set once as continuous.
async fn emulated(tls: bool) {
    let site = Site::start(if tls { "sushy-tls" } else { "sushy" }, 0).await;
    let emulator = Emulator::start(tls);
    let (scheme, trust, import_query) = match &emulator.fingerprint_sha256 {
        Some(pin) => (
            "https",
            json!({"fingerprint_sha256": pin}),
            format!("scheme=https&fingerprint_sha256={pin}"),
        ),
        None => (
            "http",
            json!({"insecure": true}),
            "scheme=http&insecure=true".to_owned(),
        ),
    };
    let peer = Peer {
        bmc: bmc(emulator.port, scheme, trust),
        import_query,
        uuid: emulator::UUID.to_owned(),
        seen: json!({"manufacturer": "Sushy Emulator", "boot_mac_addresses": [emulator::MAC],
            "serial_number": "437XR1138R2", "power_state": "Off", "indicator_led": "Lit"}),
        // It takes up to eleven seconds for each change, so once is enough.
        switches: !tls,
        changes: vec![json!({"indicator_led": "Off"})],
    };
    peer.check(environment(&site, emulator::USERNAME, emulator::PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emulator_of_others_goes_as_far_in_the_clear() {
    emulated(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emulator_of_others_goes_as_far_over_tls() {
    emulated(true).await;
}

/// A mockup's server does nothing: a reset is taken and has no effect, so its power is not changed.
async fn mocked(name: &str, uuid: &str, seen: Value, changes: Vec<Value>) {
    let site = Site::start(name, 0).await;
    let mockup = Mockup::start(name);
    let peer = Peer {
        bmc: bmc(mockup.port, "http", json!({"insecure": true})),
        import_query: "scheme=http&insecure=true".to_owned(),
        uuid: uuid.to_owned(),
        seen,
        switches: false,
        changes,
    };
    peer.check(site.environment());
    let resets = mockup.changes();
    let reset = |line: &&String| line.contains("Reset");
    assert_eq!(resets.iter().find(reset), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mockup_of_a_rackmount_server_is_managed() {
    let seen = json!({"manufacturer": "Contoso", "model": "3500", "sku": "8675309",
        "serial_number": "R1138R2", "memory_mib": 96 * 1024, "health": "OK",
        "boot_mac_addresses": ["12:44:6a:3b:04:11", "aa:bb:cc:dd:ee:00"], "power_state": "On"});
    let changes = vec![
        json!({"asset_tag": "B-2"}),
        json!({"asset_tag": "B-3", "indicator_led": "Lit"}),
    ];
    let uuid = "38947555-7742-3448-3784-823347823834";
    mocked("rackmount", uuid, seen, changes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mockup_that_leaves_out_what_it_may_is_managed() {
    let seen = json!({"manufacturer": "Fabrikam", "serial_number": "FB200-0042", "sku": null,
        "memory_mib": null, "boot_mac_addresses": ["02:aa:bb:00:00:42"], "power_state": "On",
        "asset_tag": ""});
    let changes = vec![
        json!({"indicator_led": "Lit"}),
        json!({"indicator_led": "Off"}),
    ];
    let uuid = "0042fb00-1c3d-11ee-8000-aabbcc000042";
    mocked("blade", uuid, seen, changes).await;
}
