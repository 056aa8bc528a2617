//! What identifies a resource: import by it, its versions, and that it stays.

use serde_json::{Value as Json, json};

use super::{
    kit::{Kit, Thing},
    stored::stored,
};
use crate::{
    Type, pb,
    testing::host::{Host, Told, Typed, content, message, told},
};

fn ty() -> Type {
    Type::Object([("name".to_owned(), Type::String)].into())
}

fn identity(name: &str) -> Option<pb::ResourceIdentityData> {
    let identity_data = message(&ty(), &json!({ "name": name }));
    Some(pb::ResourceIdentityData { identity_data })
}

async fn import(
    host: &mut Host,
    id: &str,
    identity: Option<pb::ResourceIdentityData>,
) -> pb::import_resource_state::Response {
    let request = pb::import_resource_state::Request {
        type_name: "kit_thing".to_owned(),
        id: id.to_owned(),
        identity,
        client_capabilities: None,
    };
    let imported = host.provider.import_resource_state(request).await;
    imported.unwrap().into_inner()
}

#[tokio::test]
async fn a_thing_is_imported_by_id_or_by_identity() {
    let mut host = Host::configured(Kit::default()).await;
    for (id, by) in [("a", None), ("", identity("a"))] {
        let response = import(&mut host, id, by).await;
        assert_eq!(told(&response.diagnostics), Told::nothing());
        let imported = &response.imported_resources[0];
        let state = content(&Thing::ty(), imported.state.as_ref());
        assert_eq!(state, json!({ "id": "id-a", "name": "a" }));
        assert_eq!(imported.identity, identity("a"));
    }
    let response = import(&mut host, "nothing", None).await;
    assert_eq!(told(&response.diagnostics), ["error: No such thing"]);
}

const CHANGED: [&str; 1] = ["error at name: Unexpected identity change"];

#[tokio::test]
async fn an_import_by_identity_finds_that_one_or_none() {
    let mut host = Host::configured(Kit::default()).await;
    let response = import(&mut host, "", identity("liar")).await;
    assert_eq!(told(&response.diagnostics), CHANGED);
    assert!(response.imported_resources.is_empty());
}

#[tokio::test]
async fn a_read_that_finds_another_resource_is_an_error_and_the_state_stays() {
    let mut host = Host::configured(Kit::default()).await;
    let state = json!({ "id": "id-a", "name": "a", "behave": "renamed" });
    for (current_identity, expected, name) in [
        (identity("a"), &CHANGED[..], "a"),
        // Of a state from before there were identities.
        (None, &[], "other"),
    ] {
        let request = pb::read_resource::Request {
            type_name: "kit_thing".to_owned(),
            current_state: message(&Thing::ty(), &state),
            current_identity,
            ..Default::default()
        };
        let read = host.provider.read_resource(request).await.unwrap();
        let read = read.into_inner();
        assert_eq!(told(&read.diagnostics), expected);
        let state = content(&Thing::ty(), read.new_state.as_ref());
        assert_eq!(state["name"], name);
        assert_eq!(read.new_identity, identity(name));
    }
}

#[tokio::test]
async fn the_identity_of_a_thing_that_stays_is_planned_and_applied_as_it_was() {
    let mut host = Host::configured(Kit::default()).await;
    let prior = json!({ "id": "id-a", "name": "a" });
    let config = json!({ "name": "a", "behave": "more" });
    let request = pb::plan_resource_change::Request {
        type_name: "kit_thing".to_owned(),
        prior_state: message(&Thing::ty(), &prior),
        proposed_new_state: message(&Thing::ty(), &config),
        config: message(&Thing::ty(), &config),
        prior_identity: identity("a"),
        ..Default::default()
    };
    let planned = host.provider.plan_resource_change(request.clone()).await;
    let planned = planned.unwrap().into_inner();
    assert_eq!(planned.planned_identity, identity("a"));
    let applied = pb::apply_resource_change::Request {
        type_name: "kit_thing".to_owned(),
        prior_state: request.prior_state.clone(),
        planned_state: planned.planned_state,
        config: request.config.clone(),
        planned_identity: planned.planned_identity,
        ..Default::default()
    };
    let applied = host.provider.apply_resource_change(applied).await.unwrap();
    assert_eq!(applied.into_inner().new_identity, identity("a"));

    // Another name is another thing, so it is replaced, and that is planned.
    let config = json!({ "name": "b" });
    let request = pb::plan_resource_change::Request {
        proposed_new_state: message(&Thing::ty(), &config),
        config: message(&Thing::ty(), &config),
        ..request
    };
    let planned = host.provider.plan_resource_change(request).await.unwrap();
    let planned = planned.into_inner();
    assert_eq!(told(&planned.diagnostics), Told::nothing());
    assert_eq!(planned.planned_identity, identity("b"));
}

#[tokio::test]
async fn the_identity_of_a_thing_is_its_name() {
    let mut host = Host::configured(Kit::default()).await;
    let request = pb::get_resource_identity_schemas::Request {};
    let response = host.provider.get_resource_identity_schemas(request).await;
    let schemas = response.unwrap().into_inner().identity_schemas;
    let schema = &schemas["kit_thing"];
    assert_eq!(schema.version, 1);
    let [name] = &schema.identity_attributes[..] else {
        panic!("one attribute expected")
    };
    assert!(name.name == "name" && name.required_for_import && name.r#type == b"\"string\"");
}

#[tokio::test]
async fn an_identity_of_another_version_is_upgraded_by_the_resource() {
    let mut host = Host::configured(Kit::default()).await;
    for (version, raw, expected, found) in [
        (1, json!({ "name": "a" }), identity("a"), &[][..]),
        (0, json!({ "title": "a" }), identity("a"), &[]),
        (2, json!({ "name": "a" }), None, &["error: Too new"]),
        (1, Json::from("a"), None, &["error: Invalid value"]),
    ] {
        let request = pb::upgrade_resource_identity::Request {
            type_name: "kit_thing".to_owned(),
            version,
            raw_identity: Some(stored(&raw)),
        };
        let upgraded = host.provider.upgrade_resource_identity(request).await;
        let upgraded = upgraded.unwrap().into_inner();
        assert_eq!(told(&upgraded.diagnostics), found);
        assert_eq!(upgraded.upgraded_identity, expected);
    }
}
