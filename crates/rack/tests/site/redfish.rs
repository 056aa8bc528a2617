//! What only shows over a connection: TLS, broken connections, lost responses.

use std::{net::Ipv4Addr, time::Duration};

use model::PowerState;
use rack::{Faults, Phase};
use serde_json::{Value, json};

use super::fixture::{LONG, Site, reqwest_tls};

const ROOT: &str = "/redfish/v1/";
const SYSTEM: &str = "/redfish/v1/Systems/1";

#[tokio::test]
async fn a_bmc_answers_over_tls_to_whoever_trusts_the_racks_authority() {
    let site = Site::start(Ipv4Addr::new(127, 81, 1, 1), |_as_it_is| {}).await;
    let (status, root) = site.redfish("GET", ROOT, &Value::Null).await;
    assert_eq!((status, &root["RedfishVersion"]), (200, &json!("1.18.0")));
    let (status, system) = site.redfish("GET", SYSTEM, &Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(system["UUID"], json!(site.machine().uuid()));
    let by_name = format!("https://localhost:{}{ROOT}", site.machine().bmc_port());
    let response = reqwest_tls(&site.rack).get(by_name).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let other = Site::start(Ipv4Addr::new(127, 81, 2, 1), |_as_it_is| {}).await;
    let url = format!("{}{ROOT}", site.machine().bmc_endpoint());
    assert!(reqwest_tls(&other.rack).get(url).send().await.is_err());
    let fingerprints: Vec<&str> = site
        .rack
        .machines()
        .iter()
        .map(|machine| machine.fingerprint_sha256())
        .collect();
    assert_eq!(fingerprints.len(), 2);
    assert!(fingerprints[0].len() == 64 && fingerprints[0] != fingerprints[1]);
}

#[tokio::test]
async fn power_takes_its_time_and_shows_it() {
    let site = Site::start(Ipv4Addr::new(127, 81, 3, 1), |config| {
        config.power_delay = Duration::from_millis(300);
    })
    .await;
    assert_eq!(site.reset("On").await, 204);
    assert_eq!(site.machine().power_state(), PowerState::PoweringOn);
    assert_eq!(site.reset("On").await, 409);
    let machine = site.machine();
    let on = machine.wait_until(LONG, |seen| seen.power_state == PowerState::On);
    on.await.unwrap();
    let stuck = machine.wait_until(LONG, |seen| seen.phase == Phase::NoBootDevice);
    assert_eq!(stuck.await.unwrap().boots, 1);
    // Nothing runs that would shut down.
    assert_eq!(site.reset("GracefulShutdown").await, 204);
    assert_eq!(machine.power_state(), PowerState::On);
    assert_eq!(site.reset("PowerCycle").await, 204);
    assert_eq!(machine.power_state(), PowerState::PoweringOff);
    let again = machine.wait_until(LONG, |seen| seen.boots == 2);
    again.await.unwrap();
    assert_eq!(site.reset("ForceOff").await, 204);
    let off = machine.wait_until(LONG, |seen| seen.power_state == PowerState::Off);
    assert_eq!(off.await.unwrap().phase, Phase::Off);
    assert_eq!(site.reset("ForceOff").await, 409);
}

#[tokio::test]
async fn a_bmc_that_is_down_breaks_connections_and_comes_back_with_its_state() {
    let site = Site::start(Ipv4Addr::new(127, 81, 4, 1), |_as_it_is| {}).await;
    let client = reqwest_tls(&site.rack);
    let url = format!("{}{ROOT}", site.machine().bmc_endpoint());
    assert!(client.get(&url).send().await.is_ok());
    let down = Faults {
        bmc_down: true,
        ..Faults::default()
    };
    site.machine().set_faults(down);
    assert!(client.get(&url).send().await.is_err());
    site.machine().set_faults(Faults::default());
    assert!(client.get(&url).send().await.is_ok());
}

#[tokio::test]
async fn a_change_whose_response_is_lost_was_made() {
    let site = Site::start(Ipv4Addr::new(127, 81, 5, 1), |_as_it_is| {}).await;
    let client = reqwest_tls(&site.rack);
    site.machine().set_faults(Faults {
        lose_responses: 2,
        ..Faults::default()
    });
    let send = |method: &str, path: &str, body: Value| {
        client
            .request(
                method.parse().unwrap(),
                format!("{}{path}", site.machine().bmc_endpoint()),
            )
            .basic_auth("admin", Some("rack-password"))
            .json(&body)
            .send()
    };
    assert!(
        send("PATCH", SYSTEM, json!({ "AssetTag": "rack 7" }))
            .await
            .is_err()
    );
    let reset = format!("{SYSTEM}/Actions/ComputerSystem.Reset");
    assert!(
        send("POST", &reset, json!({ "ResetType": "On" }))
            .await
            .is_err()
    );
    assert_eq!(site.machine().asset_tag(), "rack 7");
    assert_eq!(
        send("POST", &reset, json!({ "ResetType": "On" }))
            .await
            .unwrap()
            .status(),
        409
    );
    assert_eq!(site.machine().bmc_counters().resets["On"], 2);
}

#[tokio::test]
async fn the_racks_own_api_shows_machines_and_makes_things_go_wrong() {
    let site = Site::start(Ipv4Addr::new(127, 81, 6, 1), |_as_it_is| {}).await;
    let client = reqwest_tls(&site.rack);
    let url = format!("{}/machines", site.rack.control_url());
    let machines: Value = client.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(machines[0]["name"], "site-m1");
    assert_eq!(machines[1]["power_state"], "Off");
    assert_eq!(machines[1]["bmc"]["sessions_opened"], 0);
    let faults = format!("{url}/site-m1/faults");
    let set = client
        .post(&faults)
        .json(&json!({ "no_dhcp": true }))
        .send();
    assert_eq!(set.await.unwrap().status(), 200);
    assert!(site.machine().snapshot().faults.no_dhcp);
    let set = client
        .post(&faults)
        .json(&json!({ "no_such_fault": true }))
        .send();
    assert_eq!(set.await.unwrap().status(), 400);
    assert_eq!(site.reset("On").await, 204);
    let on = |seen: &rack::Snapshot| seen.power_state == PowerState::On;
    site.machine().wait_until(LONG, on).await.unwrap();
    let pull = client.post(format!("{url}/site-m1/pull-plug")).send();
    assert_eq!(pull.await.unwrap().status(), 204);
    assert_eq!(site.machine().power_state(), PowerState::Off);
    let missing = client.get(format!("{url}/site-m9")).send();
    assert_eq!(missing.await.unwrap().status(), 404);
}
