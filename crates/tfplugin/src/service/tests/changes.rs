//! Read, plan, create, update, delete, and what each of them does when it fails.

use serde_json::{Value as Json, json};

use super::{
    Answered,
    kit::{Config, Kit, Looked, Thing},
};
use crate::{
    pb,
    testing::host::{Host, Told, Typed, content, message, told},
};

pub(super) async fn apply(host: &mut Host, prior: Json, planned: Json, config: Json) -> Answered {
    let response = apply_raw(host, prior, planned, config).await;
    Answered {
        state: content(&Thing::ty(), response.new_state.as_ref()),
        told: told(&response.diagnostics),
    }
}

async fn apply_raw(
    host: &mut Host,
    prior: Json,
    planned: Json,
    config: Json,
) -> pb::apply_resource_change::Response {
    let ty = Thing::ty();
    let request = pb::apply_resource_change::Request {
        type_name: "kit_thing".to_owned(),
        prior_state: message(&ty, &prior),
        planned_state: message(&ty, &planned),
        config: message(&ty, &config),
        planned_private: br#"{"times":4}"#.to_vec(),
        ..Default::default()
    };
    host.provider
        .apply_resource_change(request)
        .await
        .unwrap()
        .into_inner()
}

async fn read(host: &mut Host, state: Json) -> Answered {
    let ty = Thing::ty();
    let request = pb::read_resource::Request {
        type_name: "kit_thing".to_owned(),
        current_state: message(&ty, &state),
        private: br#"{"times":4}"#.to_vec(),
        ..Default::default()
    };
    let response = host
        .provider
        .read_resource(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(response.private, br#"{"times":4}"#);
    Answered {
        state: content(&ty, response.new_state.as_ref()),
        told: told(&response.diagnostics),
    }
}

pub(super) async fn plan(
    host: &mut Host,
    prior: Json,
    config: Json,
) -> pb::plan_resource_change::Response {
    let ty = Thing::ty();
    let request = pb::plan_resource_change::Request {
        type_name: "kit_thing".to_owned(),
        prior_state: message(&ty, &prior),
        proposed_new_state: message(&ty, &config),
        config: message(&ty, &config),
        prior_private: b"{}".to_vec(),
        ..Default::default()
    };
    host.provider
        .plan_resource_change(request)
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test]
async fn creating_sees_the_write_only_value_and_stores_it_nowhere() {
    let mut host = Host::configured(Kit::default()).await;
    let planned = json!({ "id": "?", "name": "a", "seen": "?", "mac": "aa" });
    let config = json!({ "name": "a", "secret": "canary", "mac": "aa" });
    let response = apply_raw(&mut host, Json::Null, planned, config).await;
    let state = content(&Thing::ty(), response.new_state.as_ref());
    assert_eq!(
        state,
        json!({ "id": "id-a", "name": "a", "seen": true, "mac": "aa" })
    );
    assert_eq!(response.private, br#"{"times":5}"#);
    let identity = response.new_identity.unwrap().identity_data.unwrap();
    assert_eq!(identity.msgpack, b"\x81\xa4name\xa1a");
}

#[tokio::test]
async fn a_failed_create_leaves_what_it_says_it_leaves() {
    let mut host = Host::configured(Kit::default()).await;
    for (behave, left) in [
        ("fail", Json::Null),
        (
            "fail half way",
            json!({ "id": "id-a", "name": "a", "seen": false }),
        ),
        // Nobody knows what a panic leaves, so the plan is recorded.
        ("panic", json!({ "name": "a" })),
    ] {
        let planned = json!({ "id": "?", "name": "a", "seen": "?", "behave": behave });
        let config = json!({ "name": "a", "behave": behave });
        let answered = apply(&mut host, Json::Null, planned, config).await;
        let mut left = left;
        if let Json::Object(left) = &mut left {
            left.insert("behave".to_owned(), behave.into());
        }
        let error = if behave == "panic" {
            "error: The provider panicked"
        } else {
            "error: It failed"
        };
        assert_eq!(answered, (left, &[error][..]));
    }
}

#[tokio::test]
async fn a_failed_update_leaves_the_prior_state_or_what_it_says_it_leaves() {
    let mut host = Host::configured(Kit::default()).await;
    let prior = json!({ "id": "id-a", "name": "a", "mac": "aa" });
    for (behave, left) in [
        ("fail", prior.clone()),
        (
            "fail half way",
            json!({
                "id": "id-a", "name": "a", "mac": "bb", "seen": false, "behave": "fail half way"
            }),
        ),
        ("panic", prior.clone()),
    ] {
        let planned = json!({
            "id": "id-a", "name": "a", "mac": "bb", "seen": "?", "behave": behave
        });
        let config = json!({ "name": "a", "mac": "bb", "behave": behave });
        let answered = apply(&mut host, prior.clone(), planned, config).await;
        let error = if behave == "panic" {
            "error: The provider panicked"
        } else {
            "error: It failed"
        };
        assert_eq!(answered, (left, &[error][..]));
    }
}

#[tokio::test]
async fn a_failed_delete_leaves_the_state() {
    let mut host = Host::configured(Kit::default()).await;
    let state = json!({ "id": "id-a", "name": "a" });
    let answered = apply(&mut host, state, Json::Null, Json::Null).await;
    assert_eq!(answered, (Json::Null, &[][..]));
    for (behave, error) in [
        ("fail", "error: It failed"),
        ("panic", "error: The provider panicked"),
    ] {
        let state = json!({ "id": "id-a", "name": "a", "behave": behave });
        let answered = apply(&mut host, state.clone(), Json::Null, Json::Null).await;
        assert_eq!(answered, (state, &[error][..]));
    }
}

#[tokio::test]
async fn a_warning_is_a_warning_however_it_was_made() {
    let mut host = Host::configured(Kit::default()).await;
    let thing = json!({ "name": "a", "behave": "warn" });
    let answered = apply(&mut host, Json::Null, thing.clone(), thing).await;
    assert_eq!(answered.told, ["warning: Careful"]);
}

#[tokio::test]
async fn whatever_goes_wrong_in_reading_the_state_stays() {
    let mut host = Host::configured(Kit::default()).await;
    for (behave, error) in [
        ("fail", "error: It failed"),
        ("panic", "error: The provider panicked"),
    ] {
        let state = json!({ "id": "id-a", "name": "a", "mac": "aa", "behave": behave });
        let answered = read(&mut host, state.clone()).await;
        assert_eq!(answered, (state, &[error][..]));
    }
    let state = json!({ "id": "id-a", "name": "a", "mac": "aA" });
    assert_eq!(read(&mut host, state.clone()).await, (state, &[][..]));
    let state = json!({ "id": "id-a", "name": "a", "behave": "gone" });
    assert_eq!(read(&mut host, state).await, (Json::Null, &[][..]));
}

#[tokio::test]
async fn without_a_configuration_the_state_stays_and_nothing_changes() {
    let service = crate::service::Service::new(Kit::default(), crate::service::AfterStop::Stopped);
    let mut host = Host::start(service.into()).await;
    assert_eq!(
        host.configure(&Config::ty(), json!({ "endpoint": "?" }))
            .await,
        Told::nothing()
    );
    let state = json!({ "id": "id-a", "name": "a" });
    let answered = read(&mut host, state.clone()).await;
    assert_eq!(
        answered,
        (state.clone(), &["warning: Resource not refreshed"][..])
    );
    let planned = json!({ "id": "id-a", "name": "a", "mac": "aa" });
    let answered = apply(&mut host, state.clone(), planned, json!({ "name": "a" })).await;
    assert_eq!(
        answered,
        (state, &["error: The provider is not configured"][..])
    );
    let request = pb::read_data_source::Request {
        type_name: "kit_looked".to_owned(),
        config: message(&Looked::ty(), &json!({ "name": "a" })),
        ..Default::default()
    };
    let response = host
        .provider
        .read_data_source(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        told(&response.diagnostics),
        ["error: The provider is not configured"]
    );
    // Planning needs no client.
    let response = plan(&mut host, Json::Null, json!({ "name": "a" })).await;
    assert_eq!(told(&response.diagnostics), Told::nothing());
}

#[tokio::test]
async fn a_refused_configuration_is_an_error() {
    let mut host = Host::configured(Kit::default()).await;
    let told = host
        .configure(&Config::ty(), json!({ "endpoint": "refuse" }))
        .await;
    assert_eq!(told, ["error: Refused"]);
    let told = host
        .configure(&Config::ty(), json!({ "endpoint": "panic" }))
        .await;
    assert_eq!(told, ["error: The provider panicked"]);
}

#[tokio::test]
async fn the_resource_has_the_last_word_about_the_plan_but_not_about_write_only_values() {
    let mut host = Host::configured(Kit::default()).await;
    let prior = json!({ "id": "id-a", "name": "b" });
    let config = json!({ "name": "a", "behave": "plan warning", "secret": "canary" });
    let response = plan(&mut host, prior, config).await;
    assert_eq!(told(&response.diagnostics), ["warning: Slow"]);
    let planned = content(&Thing::ty(), response.planned_state.as_ref());
    let expected = json!({ "id": "id-a", "name": "a", "seen": "?", "behave": "plan warning" });
    assert_eq!(planned, expected);
    // Sorted, and each of them once.
    let replace: Vec<_> = response
        .requires_replace
        .iter()
        .map(|path| path.steps.len())
        .collect();
    assert_eq!(replace, [1, 1]);
    assert_eq!(response.planned_private, b"{}");
    let response = plan(
        &mut host,
        Json::Null,
        json!({ "name": "a", "behave": "plan panic" }),
    )
    .await;
    assert_eq!(
        told(&response.diagnostics),
        ["error: The provider panicked"]
    );
}

#[tokio::test]
async fn destroying_is_planned_as_null() {
    let mut host = Host::configured(Kit::default()).await;
    let response = plan(&mut host, json!({ "id": "id-a", "name": "a" }), Json::Null).await;
    assert_eq!(
        content(&Thing::ty(), response.planned_state.as_ref()),
        Json::Null
    );
}

#[tokio::test]
async fn a_data_source_answers() {
    let mut host = Host::configured(Kit::default()).await;
    for (name, expected, found) in [
        ("a", json!({ "name": "a", "id": "id-a" }), &[][..]),
        ("missing", Json::Null, &["error at name: No such thing"]),
    ] {
        let request = pb::read_data_source::Request {
            type_name: "kit_looked".to_owned(),
            config: message(&Looked::ty(), &json!({ "name": name })),
            ..Default::default()
        };
        let response = host
            .provider
            .read_data_source(request)
            .await
            .unwrap()
            .into_inner();
        let state = content(&Looked::ty(), response.state.as_ref());
        assert_eq!(
            Answered {
                state,
                told: told(&response.diagnostics)
            },
            (expected, found)
        );
    }
}
