//! Tests of the control API over loopback.

mod objects;
mod problems;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    claims,
    fixture::{server_id, spec, uuid},
    testing::{TestAgent, boot_config, client, path_of},
};

const SCRIPT: &str = "#!ipxe\nshell\n";

/// A claim request of holder `holder` for server 1.
fn request(uid: u128, holder: &str) -> Value {
    let mut request = claims::tests::request(uid, Some(server_id(1)));
    request.holder.name = holder.to_owned();
    serde_json::to_value(request).unwrap()
}

fn claim_path(action: &str) -> String {
    format!("/v1/claims/{}{action}", server_id(1))
}

/// The claim that `request(1, "a")` makes.
fn reserved() -> Value {
    json!({
        "uid": "00000000-0000-0000-0000-000000000001",
        "server_id": "4c4c4544-0000-0000-0000-000000000001",
        "holder": { "name": "a", "workspace": "default" },
        "run": "00000000-0000-0000-0000-000000000001",
        "claimed_at": "<time>",
        "phase": "reserved",
        "boot_config_id": null,
        "hostname": null,
        "boot": null,
        "selector": null,
        "trigger": null,
        "boot_pending": false,
        "recorded": false,
    })
}

async fn registered() -> TestAgent {
    let agent = TestAgent::start().await;
    let server = serde_json::to_value(spec(&[1])).unwrap();
    agent
        .grant(Method::PUT, &path_of(server_id(1)), server)
        .await;
    agent
}

/// Replaces what differs from run to run.
fn normal(mut value: Value, times: &[&str]) -> Value {
    for time in times {
        let found = value.pointer_mut(time).unwrap();
        assert!(
            found.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(),
            "{found}"
        );
        *found = json!("<time>");
    }
    value
}

#[tokio::test]
async fn an_agent_says_who_it_is_to_whoever_has_the_token() {
    let agent = TestAgent::start().await;
    let (status, answer) = agent.ask(Method::GET, "/v1/agent", Value::Null).await;
    let expected = json!({
        "version": env!("CARGO_PKG_VERSION"), "boot_url": agent.boot, "subnets": [],
        "features": [],
    });
    assert_eq!((status, answer), (200, expected));
    for path in ["/v1/agent", "/v1/servers", "/nothing"] {
        let client = client(std::net::Ipv4Addr::LOCALHOST);
        let request = client
            .get(format!("{}{path}", agent.control))
            .bearer_auth("wrong");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        let problem: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(
            problem,
            json!({
                "status": 401,
                "code": "unauthorized",
                "title": "The API token is missing or wrong",
                "detail": "Send the token in the file that the agent names control.token_file, as \
                           a bearer token.",
            })
        );
    }
}

#[tokio::test]
async fn a_server_is_registered_found_and_removed() {
    let agent = registered().await;
    let path = path_of(server_id(1));
    let expected = json!({
        "id": "4c4c4544-0000-0000-0000-000000000001",
        "spec": {
            "bmc": {
                "endpoint": "https://192.0.2.5", "credentials": "rack1", "tls": { "insecure": false },
            },
            "system_uri": "/redfish/v1/Systems/1",
            "boot_mac_addresses": ["52:54:00:00:00:01"],
            "labels": { "rack": "r1" },
            "hardware": {
                "manufacturer": null, "model": null, "serial_number": null, "memory_mib": null,
                "processor_cores": null,
            },
            "unclaimable": false,
        },
        "state": "available",
        "holder": null,
        "registered_at": "<time>",
    });
    let found = agent.grant(Method::GET, &path, Value::Null).await;
    assert_eq!(normal(found, &["/registered_at"]), expected);
    agent
        .grant(Method::POST, "/v1/claims", request(1, "a"))
        .await;
    let list = agent.grant(Method::GET, "/v1/servers", Value::Null).await;
    assert_eq!(list[0]["state"], "reserved");
    assert_eq!(
        list[0]["holder"],
        json!({ "name": "a", "workspace": "default" })
    );
    let (status, problem) = agent.ask(Method::DELETE, &path, Value::Null).await;
    assert_eq!((status, &problem["code"]), (409, &json!("server_claimed")));
    let release = format!("{}?uid={}", claim_path(""), uuid(1));
    let released = agent.ask(Method::DELETE, &release, Value::Null);
    assert_eq!(released.await, (204, Value::Null));
    assert_eq!(
        agent.ask(Method::DELETE, &path, Value::Null).await,
        (204, Value::Null)
    );
    let (status, problem) = agent.ask(Method::GET, &path, Value::Null).await;
    assert_eq!(status, 404);
    assert_eq!(
        problem,
        json!({
            "status": 404,
            "code": "not_found",
            "title": "The server does not exist",
            "detail": "Server 4c4c4544-0000-0000-0000-000000000001 is not registered with this \
                       agent. Register it first.",
        })
    );
}

#[tokio::test]
async fn a_mac_address_of_another_server_is_a_conflict_that_names_it() {
    let agent = registered().await;
    let other = serde_json::to_value(spec(&[1])).unwrap();
    let (status, problem) = agent.ask(Method::PUT, &path_of(server_id(2)), other).await;
    assert_eq!(status, 409);
    assert_eq!(
        problem,
        json!({
            "status": 409,
            "code": "mac_conflict",
            "title": "The MAC address belongs to another server",
            "detail": "52:54:00:00:00:01 is registered as a boot address of server \
                       4c4c4544-0000-0000-0000-000000000001. Remove it there, or correct \
                       boot_mac_addresses here.",
        })
    );
}

#[tokio::test]
async fn a_claim_goes_from_reserved_to_settled_to_released() {
    let agent = registered().await;
    agent
        .grant(
            Method::PUT,
            &boot_config(7),
            json!({ "ipxe_script": SCRIPT }),
        )
        .await;
    let made = agent
        .grant(Method::POST, "/v1/claims", request(1, "a"))
        .await;
    let mut expected = reserved();
    assert_eq!(normal(made, &["/claimed_at"]), expected);
    let uid = json!({ "uid": uuid(1) });
    let change = json!({ "uid": uuid(1), "boot_config_id": uuid(7), "hostname": "n1" });
    agent.grant(Method::PATCH, &claim_path(""), change).await;
    let arm = json!({ "uid": uuid(1), "generation": 1, "trigger": "t" });
    let armed = agent.grant(Method::POST, &claim_path("/arm"), arm).await;
    expected["boot_config_id"] = json!(uuid(7));
    expected["hostname"] = json!("n1");
    expected["trigger"] = json!("t");
    // Whoever knows its name has it on record.
    expected["recorded"] = json!(true);
    expected["boot"] = json!({
        "id": armed["boot"]["id"],
        "generation": 1,
        "boot_config_id": uuid(7),
        "revision": agent.ready(7).await["revision"],
        "boot_policy": "once",
        "stages": [{ "stage": "armed", "at": "<time>" }],
        "address": null,
    });
    assert_eq!(
        normal(armed, &["/claimed_at", "/boot/stages/0/at"]),
        expected
    );
    let settled = agent
        .grant(Method::POST, &claim_path("/settle"), uid.clone())
        .await;
    assert_eq!(settled["phase"], "settled");
    let disarmed = agent.grant(Method::POST, &claim_path("/disarm"), uid).await;
    assert_eq!(disarmed["boot"], Value::Null);
}

#[tokio::test]
async fn what_a_claim_holds_is_free_when_it_is_released() {
    let agent = registered().await;
    let script = json!({ "ipxe_script": SCRIPT });
    agent.grant(Method::PUT, &boot_config(7), script).await;
    let mut claim = request(1, "a");
    claim["boot_config_id"] = json!(uuid(7));
    agent.grant(Method::POST, "/v1/claims", claim).await;
    let config = boot_config(7);
    let removed = agent.ask(Method::DELETE, &config, Value::Null);
    assert_eq!(removed.await, (204, Value::Null));
    let kept = agent.grant(Method::GET, &config, Value::Null).await;
    assert_eq!(kept["removed"], true, "for as long as the claim uses it");
    let path = format!("{}?uid={}", claim_path(""), uuid(2));
    let (status, problem) = agent.ask(Method::DELETE, &path, Value::Null).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_holder")));
    let path = format!("{}?uid={}", claim_path(""), uuid(1));
    assert_eq!(agent.ask(Method::DELETE, &path, Value::Null).await.0, 204);
    assert_eq!(
        agent.ask(Method::GET, &claim_path(""), Value::Null).await.0,
        404
    );
    assert_eq!(
        agent.ask(Method::GET, &boot_config(7), Value::Null).await.0,
        404
    );
}
