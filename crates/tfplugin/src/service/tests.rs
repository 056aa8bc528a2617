//! The service as a host sees it, through the generated client.

mod actions;
mod changes;
mod ephemerals;
mod functions;
mod generated;
mod identity;
mod kit;
mod later;
mod life;
mod lists;
mod opentofu;
mod robust;
mod stored;

use serde_json::{Value as Json, json};

use self::kit::{Config, Kit, Looked, Thing};
use crate::{
    pb,
    testing::host::{Host, Told, Typed, message, told},
};

/// What a call about a thing was answered with.
#[derive(Debug, PartialEq)]
struct Answered {
    state: Json,
    told: Vec<Told>,
}

impl PartialEq<(Json, &[&str])> for Answered {
    fn eq(&self, (state, told): &(Json, &[&str])) -> bool {
        self.state == *state
            && self.told.iter().zip(*told).all(|(a, b)| a == b)
            && self.told.len() == told.len()
    }
}

#[tokio::test]
async fn a_nested_attribute_has_a_nested_type_and_no_type() {
    let mut host = Host::configured(Kit::default()).await;
    let request = pb::get_provider_schema::Request {};
    let schemas = host
        .provider
        .get_provider_schema(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(told(&schemas.diagnostics), Told::nothing());

    let thing = &schemas.resource_schemas["kit_thing"];
    assert_eq!(thing.version, 2);
    let block = thing.block.as_ref().unwrap();
    assert_eq!(block.description, "A thing.");
    let attribute = |name: &str| {
        block
            .attributes
            .iter()
            .find(|attribute| attribute.name == name)
            .unwrap()
    };
    let parts = attribute("parts");
    assert_eq!(parts.r#type, b"");
    let nested = parts.nested_type.as_ref().unwrap();
    assert_eq!(nested.nesting(), pb::schema::object::NestingMode::List);
    assert_eq!(nested.attributes.len(), 2);
    let name = attribute("name");
    assert_eq!(name.r#type, b"\"string\"");
    assert!(name.required && !name.optional && !name.computed && name.nested_type.is_none());
    assert_eq!(name.description_kind(), pb::StringKind::Markdown);
    assert!(attribute("secret").write_only && attribute("secret").sensitive);

    assert_eq!(
        schemas.data_source_schemas.keys().collect::<Vec<_>>(),
        ["kit_looked"]
    );
    let session = &schemas.ephemeral_resource_schemas["kit_session"];
    assert_eq!(session.block.as_ref().unwrap().attributes.len(), 2);
    assert!(schemas.list_resource_schemas.contains_key("kit_thing"));
    assert!(schemas.action_schemas["kit_poke"].schema.is_some());
    let capabilities = schemas.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    assert!(capabilities.move_resource_state && capabilities.generate_resource_config);
}

#[tokio::test]
async fn the_metadata_names_what_the_schemas_have() {
    let mut host = Host::configured(Kit::default()).await;
    let request = pb::get_metadata::Request {};
    let metadata = host
        .provider
        .get_metadata(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(metadata.resources[0].type_name, "kit_thing");
    assert_eq!(metadata.data_sources[0].type_name, "kit_looked");
    assert_eq!(metadata.ephemeral_resources[0].type_name, "kit_session");
    assert_eq!(metadata.list_resources[0].type_name, "kit_thing");
    assert_eq!(metadata.actions[0].type_name, "kit_poke");
    let functions = metadata.functions.iter().map(|function| &*function.name);
    assert_eq!(functions.collect::<Vec<_>>(), ["join", "known"]);
}

async fn validate(host: &mut Host, config: Json, write_only_allowed: bool) -> Vec<Told> {
    let request = pb::validate_resource_config::Request {
        type_name: "kit_thing".to_owned(),
        config: message(&Thing::ty(), &config),
        client_capabilities: Some(pb::ClientCapabilities {
            deferral_allowed: false,
            write_only_attributes_allowed: write_only_allowed,
        }),
    };
    let response = host
        .provider
        .validate_resource_config(request)
        .await
        .unwrap();
    told(&response.into_inner().diagnostics)
}

#[tokio::test]
async fn checks_point_at_the_attribute_they_are_about() {
    let mut host = Host::configured(Kit::default()).await;
    let bad = json!({
        "name": "a b",
        "parts": [{ "size": 1 }, { "size": -1 }],
        "labels": { "k": "not lower" },
        "ports": [1, -5],
    });
    let expected = [
        "error at labels[\"k\"]: Invalid value for labels[\"k\"]",
        "error at name: Invalid value for name",
        "error at parts[1].size: Invalid value for parts[1].size",
        "error at ports: Invalid value for ports",
        "error: Both labels and parts",
    ];
    let mut found = validate(&mut host, bad, true).await;
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, expected);
    let unknown = json!({ "name": "?", "parts": "?", "ports": ["?"] });
    assert_eq!(validate(&mut host, unknown, true).await, Told::nothing());
}

#[tokio::test]
async fn a_null_in_a_list_set_or_map_is_found_before_anything_is_changed() {
    let mut host = Host::configured(Kit::default()).await;
    let cases = [
        (json!({ "parts": [null] }), "parts[0]"),
        (json!({ "labels": { "k": null } }), "labels[\"k\"]"),
        (json!({ "ports": [null, 1] }), "ports"),
    ];
    for (mut config, place) in cases {
        config["name"] = json!("a");
        let expected = [format!("error at {place}: Invalid value for {place}")];
        let expected = expected.each_ref().map(String::as_str);
        assert_eq!(validate(&mut host, config, true).await, expected);
    }
}

#[tokio::test]
async fn a_host_that_would_store_a_write_only_value_is_told_so() {
    let mut host = Host::configured(Kit::default()).await;
    let config = json!({ "name": "a", "secret": "canary" });
    assert_eq!(
        validate(&mut host, config.clone(), true).await,
        Told::nothing()
    );
    let refused = ["error at secret: secret is write-only"];
    assert_eq!(validate(&mut host, config, false).await, refused);
}

#[tokio::test]
async fn the_configuration_of_the_provider_and_of_data_sources_is_validated() {
    let mut host = Host::configured(Kit::default()).await;
    let request = pb::validate_provider_config::Request {
        config: message(&Config::ty(), &json!({ "endpoint": "nowhere" })),
    };
    let response = host
        .provider
        .validate_provider_config(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        told(&response.diagnostics),
        ["error at endpoint: No such endpoint"]
    );
    let request = pb::validate_data_resource_config::Request {
        type_name: "kit_looked".to_owned(),
        config: message(&Looked::ty(), &json!({ "name": "a b" })),
    };
    let response = host
        .provider
        .validate_data_resource_config(request)
        .await
        .unwrap();
    let found = told(&response.into_inner().diagnostics);
    assert_eq!(found, ["error at name: Invalid value for name"]);
}

#[tokio::test]
async fn a_value_that_the_schema_does_not_have_is_an_error_and_not_the_end() {
    let mut host = Host::configured(Kit::default()).await;
    let request = pb::validate_resource_config::Request {
        type_name: "kit_thing".to_owned(),
        config: Some(pb::DynamicValue {
            msgpack: b"\xa6canary".to_vec(),
            json: Vec::new(),
        }),
        client_capabilities: None,
    };
    let response = host
        .provider
        .validate_resource_config(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(told(&response.diagnostics), ["error: Invalid value"]);
    let expected = "Expected an object, found something else.";
    assert_eq!(response.diagnostics[0].detail, expected);
    let request = pb::validate_resource_config::Request {
        type_name: "kit_gone".to_owned(),
        ..Default::default()
    };
    let response = host
        .provider
        .validate_resource_config(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        told(&response.diagnostics),
        ["error: Unknown resource type"]
    );
}
