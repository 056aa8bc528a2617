//! Tests of subnets, reservations, leases, images, endpoints and events over the API.

use axum::{Router, routing::get};

use super::*;
use crate::{digest, fixture, testing::upstream};

fn path(kind: &str, id: u128) -> String {
    format!("/v1/{kind}/{}", uuid(id))
}

fn subnet() -> Value {
    json!({ "subnet": "10.0.0.0/24", "pools": ["10.0.0.10-10.0.0.19"], "router": "10.0.0.1" })
}

fn reservation(subnet: u128, address: &str) -> Value {
    json!({ "subnet_id": uuid(subnet), "mac": "52:54:00:00:00:01", "address": address })
}

#[tokio::test]
async fn a_subnet_and_a_reservation_live_as_long_as_they_are_wanted() {
    let agent = TestAgent::start().await;
    let made = agent
        .grant(Method::PUT, &path("subnets", 1), subnet())
        .await;
    let expected = json!({
        "id": uuid(1),
        "spec": {
            "subnet": "10.0.0.0/24", "pools": ["10.0.0.10-10.0.0.19"], "router": "10.0.0.1",
            "dns": [], "ntp": [], "domain": null, "lease_seconds": 600,
        },
        "source": "api",
    });
    assert_eq!(made, expected);
    let reserved = reservation(1, "10.0.0.50");
    agent
        .grant(Method::PUT, &path("reservations", 2), reserved)
        .await;
    let (status, problem) = agent
        .ask(Method::DELETE, &path("subnets", 1), Value::Null)
        .await;
    assert_eq!((status, &problem["code"]), (409, &json!("subnet_in_use")));

    let agent = TestAgent::start_in(agent.stop().await, |_| {}).await;
    let subnets = agent.grant(Method::GET, "/v1/subnets", Value::Null).await;
    assert_eq!(subnets, json!([expected]));
    let info = agent.grant(Method::GET, "/v1/agent", Value::Null).await;
    assert_eq!(info["subnets"], json!(["10.0.0.0/24"]));
    let found = agent
        .grant(Method::GET, "/v1/reservations", Value::Null)
        .await;
    assert_eq!(found[0]["spec"]["address"], "10.0.0.50");
    for path in [path("reservations", 2), path("subnets", 1)] {
        agent.grant(Method::DELETE, &path, Value::Null).await;
        let (status, _) = agent.ask(Method::GET, &path, Value::Null).await;
        assert_eq!(status, 404);
    }
}

#[tokio::test]
async fn what_cannot_be_is_a_problem_with_the_names_of_both() {
    let agent = TestAgent::start().await;
    agent
        .grant(Method::PUT, &path("subnets", 1), subnet())
        .await;
    let small = json!({ "subnet": "10.0.0.0/25", "pools": [] });
    let slanted = json!({ "subnet": "10.1.0.1/24", "pools": [] });
    let cases = [
        (
            path("subnets", 2),
            small,
            409,
            "subnet_conflict",
            "10.0.0.0/24",
        ),
        (
            path("subnets", 2),
            slanted,
            422,
            "invalid_request",
            "write the network, 10.1.0.0/24",
        ),
        (
            path("reservations", 2),
            reservation(9, "10.0.0.50"),
            409,
            "unknown_subnet",
            "no subnet",
        ),
        (
            path("reservations", 2),
            reservation(1, "10.7.0.50"),
            409,
            "address_conflict",
            "10.7.0.50 is not in 10.0.0.0/24",
        ),
        (
            path("images", 2),
            json!({ "url": "ftp://a/b", "sha256": "ab" }),
            422,
            "invalid_request",
            "ftp://a/b",
        ),
    ];
    for (path, body, status, code, part) in cases {
        let (found, problem) = agent.ask(Method::PUT, &path, body).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)));
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{detail}");
    }
    for query in ["leases?subnet=x", "events?limit=-1", "events?sever=1"] {
        let (status, _) = agent
            .ask(Method::GET, &format!("/v1/{query}"), Value::Null)
            .await;
        assert_eq!(status, 422, "{query}");
    }
}

/// Waits until a pinned image is not pending any more.
async fn settled(agent: &TestAgent, id: u128) -> Value {
    loop {
        let found = agent
            .grant(Method::GET, &path("images", id), Value::Null)
            .await;
        if found["state"] != "pending" {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_pinned_image_is_fetched_and_one_that_cannot_be_says_why() {
    let agent = TestAgent::start().await;
    let url = upstream(Router::new().route("/kernel", get(|| async { "kernel" }))).await;
    let sha256 = digest::sha256(b"kernel");
    let image = json!({ "url": format!("{url}/kernel"), "sha256": sha256 });
    agent
        .grant(Method::PUT, &path("images", 1), image.clone())
        .await;
    let found = normal(settled(&agent, 1).await, &["/fetched_at"]);
    let expected = json!({
        "id": uuid(1), "spec": image, "state": "ready", "reason": null, "size_bytes": 6,
        "fetched_at": "<time>",
    });
    assert_eq!(found, expected);

    let missing = json!({ "url": format!("{url}/none"), "sha256": digest::sha256(b"none") });
    agent.grant(Method::PUT, &path("images", 2), missing).await;
    let found = settled(&agent, 2).await;
    assert_eq!(found["state"], "error");
    assert!(found["reason"].as_str().unwrap().contains("404"), "{found}");
    let all = agent.grant(Method::GET, "/v1/images", Value::Null).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    agent
        .grant(Method::DELETE, &path("images", 2), Value::Null)
        .await;
    let (status, _) = agent
        .ask(Method::GET, &path("images", 2), Value::Null)
        .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn events_tell_what_a_boot_did_and_what_was_tried_with_its_secrets() {
    let agent = TestAgent::start().await;
    agent
        .plan(&json!({
            "ipxe_script": "#!ipxe\nkernel {{ ignition_url }}\n",
            "ignition": fixture::ignition("canary"),
        }))
        .await;
    let script = agent.script().await;
    let url = script
        .split_whitespace()
        .find(|word| word.contains("/ignition/"))
        .unwrap();
    assert_eq!(agent.fetch(url).await.0, 200);
    agent.reached(model::Stage::Config).await;
    assert_eq!(agent.fetch(url).await.0, 410);
    let events = agent
        .grant(
            Method::GET,
            &format!("/v1/events?server={}", server_id(1)),
            Value::Null,
        )
        .await;
    let words = |event: &Value| match &event["stage"] {
        Value::String(stage) => stage.clone(),
        _ => event["kind"].as_str().unwrap().to_owned(),
    };
    let told: Vec<_> = events.as_array().unwrap().iter().map(words).collect();
    assert_eq!(told, ["armed", "script", "config", "secret_replayed"]);
    assert!(!events.to_string().contains("canary"));
    let last = agent
        .grant(Method::GET, "/v1/events?limit=1", Value::Null)
        .await;
    assert_eq!(last.as_array().unwrap().len(), 1);
}
