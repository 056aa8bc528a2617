//! Upgrade and move.

use serde_json::{Value as Json, json};

use super::{
    Answered,
    kit::{Kit, Thing},
};
use crate::{
    pb,
    testing::host::{Host, Typed, content, told},
};

async fn upgrade(host: &mut Host, version: i64, raw_state: pb::RawState) -> Answered {
    let request = pb::upgrade_resource_state::Request {
        type_name: "kit_thing".to_owned(),
        version,
        raw_state: Some(raw_state),
    };
    let response = host
        .provider
        .upgrade_resource_state(request)
        .await
        .unwrap()
        .into_inner();
    Answered {
        state: content(&Thing::ty(), response.upgraded_state.as_ref()),
        told: told(&response.diagnostics),
    }
}

pub(super) fn stored(state: &Json) -> pb::RawState {
    pb::RawState {
        json: state.to_string().into_bytes(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_state_of_this_version_only_loses_what_the_schema_lost() {
    let mut host = Host::configured(Kit::default()).await;
    let state = stored(&json!({ "id": "id-a", "name": "a", "gone": { "x": 1 } }));
    let answered = upgrade(&mut host, 2, state).await;
    assert_eq!(answered, (json!({ "id": "id-a", "name": "a" }), &[][..]));
}

#[tokio::test]
async fn a_state_of_another_version_is_upgraded_by_the_resource() {
    let mut host = Host::configured(Kit::default()).await;
    let state = stored(&json!({ "id": "id-a", "title": "a" }));
    let answered = upgrade(&mut host, 1, state.clone()).await;
    assert_eq!(answered, (json!({ "id": "id-a", "name": "a" }), &[][..]));
    let answered = upgrade(&mut host, 0, state).await;
    assert_eq!(answered, (Json::Null, &["error: Too old"][..]));
}

#[tokio::test]
async fn an_unreadable_state_is_an_error_that_does_not_quote_it() {
    let mut host = Host::configured(Kit::default()).await;
    let broken = pb::RawState {
        json: b"{canary".to_vec(),
        ..Default::default()
    };
    for version in [1, 2] {
        let request = pb::upgrade_resource_state::Request {
            type_name: "kit_thing".to_owned(),
            version,
            raw_state: Some(broken.clone()),
        };
        let response = host
            .provider
            .upgrade_resource_state(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(response.diagnostics.len(), 1);
        assert!(!format!("{response:?}").contains("canary"));
    }
    let answered = upgrade(&mut host, 2, pb::RawState::default()).await;
    assert_eq!(answered, (Json::Null, &["error: Unreadable state"][..]));
    let answered = upgrade(&mut host, 2, stored(&json!({ "name": ["canary"] }))).await;
    assert_eq!(
        answered,
        (Json::Null, &["error at name: Invalid value for name"][..])
    );
}

#[tokio::test]
async fn a_resource_of_another_type_moves_if_the_resource_takes_it() {
    let mut host = Host::configured(Kit::default()).await;
    for (from, expected, found) in [
        ("old_thing", json!({ "id": "id-x", "name": "x" }), &[][..]),
        (
            "other",
            Json::Null,
            &["error: Unsupported move between resource types"],
        ),
    ] {
        let request = pb::move_resource_state::Request {
            source_type_name: from.to_owned(),
            source_state: Some(stored(&json!({ "id": "x" }))),
            target_type_name: "kit_thing".to_owned(),
            ..Default::default()
        };
        let response = host
            .provider
            .move_resource_state(request)
            .await
            .unwrap()
            .into_inner();
        let state = content(&Thing::ty(), response.target_state.as_ref());
        assert_eq!(
            Answered {
                state,
                told: told(&response.diagnostics)
            },
            (expected, found)
        );
    }
}
