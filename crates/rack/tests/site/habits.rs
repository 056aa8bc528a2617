//! Profiles and quirks over a connection: how they are chosen, and what takes time.

use std::net::Ipv4Addr;

use model::PowerState;
use rack::{Profile, Quirk};
use serde_json::{Value, json};

use super::fixture::{LONG, Site, reqwest_tls};

const SYSTEM: &str = "/redfish/v1/Systems/1";

#[tokio::test]
async fn quirks_are_switched_at_the_racks_own_api_and_by_a_test() {
    let site = Site::start(Ipv4Addr::new(127, 81, 30, 1), |_as_it_is| {}).await;
    let client = reqwest_tls(&site.rack);
    let url = format!("{}/machines/site-m1/quirks", site.rack.control_url());
    let set = async |ids: Value| client.post(&url).json(&ids).send().await.unwrap();
    let reply = set(json!(["no-sessions", "usb-cd"])).await;
    assert_eq!(reply.status(), 200);
    let machine: Value = reply.json().await.unwrap();
    assert_eq!(machine["quirks"], json!(["usb-cd", "no-sessions"]));
    assert_eq!(machine["profile"], "standard");
    let (_, root) = site.redfish("GET", "/redfish/v1/", &Value::Null).await;
    assert!(root["Links"].is_null());
    let refused = set(json!(["no-such-quirk"])).await;
    assert_eq!(refused.status(), 400);
    let text = refused.text().await.unwrap();
    assert!(text.contains("no-such-quirk"), "{text}");
    site.machine().set_quirks([]);
    assert!(site.machine().quirks().is_empty());
    let (_, root) = site.redfish("GET", "/redfish/v1/", &Value::Null).await;
    assert!(root["Links"].is_object());
}

#[tokio::test]
async fn a_machine_of_a_maker_is_one_from_the_start() {
    let site = Site::start(Ipv4Addr::new(127, 81, 31, 1), |config| {
        let machine = config.machines[0].clone();
        config.machines[0] = machine.with_profile(Profile::DellIdrac9);
    })
    .await;
    assert_eq!(site.machine().profile(), Profile::DellIdrac9);
    let path = "/redfish/v1/Systems/System.Embedded.1";
    let (status, system) = site.redfish("GET", path, &Value::Null).await;
    assert_eq!(
        (status, &system["SKU"]),
        (200, &json!(site.machine().serial()))
    );
    assert_eq!(system["UUID"], json!(site.machine().uuid()));
    // "DELL", as SMBIOS has the first four bytes.
    let uuid = site.machine().uuid().swapped().to_string();
    assert!(uuid.starts_with("44454c4c"), "{uuid}");
    assert_eq!(site.redfish("GET", SYSTEM, &Value::Null).await.0, 404);
}

#[tokio::test]
async fn slow_power_says_nothing_of_itself_and_transitional_power_does() {
    for (address, quirk, meanwhile) in [
        (32, Quirk::SlowPower, "Off"),
        (33, Quirk::TransitionalPowerStates, "PoweringOn"),
    ] {
        let site = Site::start(Ipv4Addr::new(127, 81, address, 1), |config| {
            config.machines[0].quirks.extend([quirk]);
        })
        .await;
        assert_eq!(site.reset("On").await, 204);
        let (_, system) = site.redfish("GET", SYSTEM, &Value::Null).await;
        assert_eq!(system["PowerState"], meanwhile);
        let on = |seen: &rack::Snapshot| seen.power_state == PowerState::On;
        site.machine().wait_until(LONG, on).await.unwrap();
        let (_, system) = site.redfish("GET", SYSTEM, &Value::Null).await;
        assert_eq!(system["PowerState"], "On");
    }
}

#[tokio::test]
async fn a_job_costs_a_restart() {
    let site = Site::start(Ipv4Addr::new(127, 81, 34, 1), |config| {
        config.machines[0]
            .quirks
            .extend([Quirk::ModeRewriteQueuesAJob]);
    })
    .await;
    let body = json!({ "Boot": { "BootSourceOverrideMode": "UEFI" } });
    assert_eq!(site.redfish("PATCH", SYSTEM, &body).await.0, 200);
    assert_eq!(site.machine().bmc_counters().jobs, 1);
    assert_eq!(site.reset("On").await, 204);
    let on = |seen: &rack::Snapshot| seen.power_state == PowerState::On;
    site.machine().wait_until(LONG, on).await.unwrap();
    assert_eq!(site.machine().boots(), 2);
}
