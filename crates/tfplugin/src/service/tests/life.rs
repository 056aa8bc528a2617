//! Many calls at once, big ones, the wish to stop, and the end.

use std::sync::{Arc, atomic::Ordering};

use serde_json::{Value as Json, json};
use tokio_stream::StreamExt;

use super::{
    changes::apply,
    kit::{Config, Kit},
};
use crate::{
    go_plugin, pb,
    service::{AfterStop, Service},
    testing::host::{Host, Typed},
};

async fn wait_and_stop(after_stop: AfterStop) -> Host {
    let kit = Kit::default();
    let waiting = Arc::clone(&kit.waiting);
    let mut host = Host::start(Arc::new(Service::new(kit, after_stop))).await;
    host.configure(&Config::ty(), json!({})).await;
    let mut stopper = host.provider.clone();
    let stop = async {
        waiting.notified().await;
        stopper
            .stop_provider(pb::stop_provider::Request {})
            .await
            .unwrap();
    };
    let thing = json!({ "name": "a", "behave": "wait" });
    let (answered, ()) = tokio::join!(apply(&mut host, Json::Null, thing.clone(), thing), stop);
    let left = json!({ "id": "id-a", "name": "a", "seen": false, "behave": "wait" });
    assert_eq!(answered, (left, &["error: Stopped"][..]));
    host
}

#[tokio::test]
async fn the_wish_to_stop_reaches_a_call_that_waits_and_every_later_one() {
    let mut host = wait_and_stop(AfterStop::Stopped).await;
    // This would wait for ever if it were not stopped already.
    let thing = json!({ "name": "b", "behave": "wait" });
    let answered = apply(&mut host, Json::Null, thing.clone(), thing).await;
    assert_eq!(answered.told, ["error: Stopped"]);
}

#[tokio::test]
async fn in_debug_mode_the_next_run_is_not_stopped() {
    let mut host = wait_and_stop(AfterStop::Renewed).await;
    let thing = json!({ "name": "b", "behave": "hurry" });
    let answered = apply(&mut host, Json::Null, thing.clone(), thing).await;
    assert_eq!(answered.told, [""; 0]);
}

#[tokio::test]
async fn calls_run_at_the_same_time() {
    let mut host = Host::configured(Kit::default()).await;
    let mut calls = tokio::task::JoinSet::new();
    let thing = json!({ "name": "a", "behave": "meet" });
    for _ in 0..2 {
        let mut provider = host.provider.clone();
        let planned_state = crate::testing::host::message(&super::kit::Thing::ty(), &thing);
        calls.spawn(async move {
            let request = pb::apply_resource_change::Request {
                type_name: "kit_thing".to_owned(),
                planned_state,
                ..Default::default()
            };
            provider
                .apply_resource_change(request)
                .await
                .unwrap()
                .into_inner()
                .diagnostics
                .len()
        });
    }
    assert_eq!(calls.join_all().await, [0, 0]);
    host.controller.shutdown(go_plugin::Empty {}).await.unwrap();
}

#[tokio::test]
async fn forty_megabytes_are_no_problem() {
    let mut host = Host::configured(Kit::default()).await;
    let thing = json!({ "name": "a", "labels": { "big": "x".repeat(40 << 20) } });
    let answered = apply(&mut host, Json::Null, thing.clone(), thing).await;
    assert_eq!(answered.told, [""; 0]);
    assert_eq!(
        answered.state["labels"]["big"].as_str().unwrap().len(),
        40 << 20
    );
}

#[tokio::test]
async fn the_host_ends_the_server_and_with_it_the_open_stream() {
    let kit = Kit::default();
    let shutdowns = Arc::clone(&kit.shutdowns);
    let service = Arc::new(Service::new(kit, AfterStop::Stopped));
    let mut host = Host::start(Arc::clone(&service)).await;
    host.configure(&Config::ty(), json!({})).await;
    let mut output = host
        .stdio
        .stream_stdio(go_plugin::Empty {})
        .await
        .unwrap()
        .into_inner();
    host.controller.shutdown(go_plugin::Empty {}).await.unwrap();
    assert!(output.next().await.is_none());
    host.server.await.unwrap().unwrap();
    assert_eq!(shutdowns.load(Ordering::Relaxed), 0);
    service.shutdown().await;
    service.shutdown().await;
    assert_eq!(shutdowns.load(Ordering::Relaxed), 1);
}
