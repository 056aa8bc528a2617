//! Upgrade, move, import and identity.

use serde_json::{Value as Json, json};

use super::{
    Answered,
    kit::{Kit, Thing},
};
use crate::{
    Type, pb,
    testing::host::{Host, Typed, content, message, told},
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

fn stored(state: &Json) -> pb::RawState {
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

#[tokio::test]
async fn a_thing_is_imported_by_id_or_by_identity() {
    let identity = Type::Object([("name".to_owned(), Type::String)].into());
    let by_identity = pb::ResourceIdentityData {
        identity_data: message(&identity, &json!({ "name": "a" })),
    };
    let mut host = Host::configured(Kit::default()).await;
    for (id, identity) in [("a", None), ("", Some(by_identity))] {
        let request = pb::import_resource_state::Request {
            type_name: "kit_thing".to_owned(),
            id: id.to_owned(),
            identity,
            client_capabilities: None,
        };
        let response = host
            .provider
            .import_resource_state(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(told(&response.diagnostics), [""; 0]);
        let imported = &response.imported_resources[0];
        let state = content(&Thing::ty(), imported.state.as_ref());
        assert_eq!(state, json!({ "id": "id-a", "name": "a" }));
        assert!(imported.identity.is_some());
    }
    let request = pb::import_resource_state::Request {
        type_name: "kit_thing".to_owned(),
        id: "nothing".to_owned(),
        ..Default::default()
    };
    let response = host
        .provider
        .import_resource_state(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(told(&response.diagnostics), ["error: No such thing"]);
}

#[tokio::test]
async fn the_identity_of_a_thing_is_its_name() {
    let mut host = Host::configured(Kit::default()).await;
    let request = pb::get_resource_identity_schemas::Request {};
    let response = host
        .provider
        .get_resource_identity_schemas(request)
        .await
        .unwrap();
    let schema = &response.get_ref().identity_schemas["kit_thing"];
    let [name] = &schema.identity_attributes[..] else {
        panic!("one attribute expected")
    };
    assert!(name.name == "name" && name.required_for_import && name.r#type == b"\"string\"");

    let request = pb::upgrade_resource_identity::Request {
        type_name: "kit_thing".to_owned(),
        version: 0,
        raw_identity: Some(stored(&json!({ "name": "a" }))),
    };
    let response = host
        .provider
        .upgrade_resource_identity(request)
        .await
        .unwrap()
        .into_inner();
    let identity = response.upgraded_identity.unwrap().identity_data.unwrap();
    assert_eq!(identity.msgpack, b"\x81\xa4name\xa1a");
}
