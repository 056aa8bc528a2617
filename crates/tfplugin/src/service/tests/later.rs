//! What happens while the provider's configuration is not known, on hosts that can wait.

use serde_json::json;

use super::{
    changes::plan,
    kit::{Config, Kit, Looked, Thing},
};
use crate::{
    codec, pb,
    service::{AfterStop, Service},
    testing::host::{Host, Told, Typed, content, message, told},
};

const PATIENT: Option<pb::ClientCapabilities> = Some(pb::ClientCapabilities {
    deferral_allowed: true,
    write_only_attributes_allowed: true,
});
const LATER: Option<pb::Deferred> = Some(pb::Deferred {
    reason: pb::deferred::Reason::ProviderConfigUnknown as i32,
});

async fn unconfigured() -> Host {
    let service = Service::new(Kit::default(), AfterStop::Renewed);
    let mut host = Host::start(service.into()).await;
    // Known once, in another run of the same process.
    assert_eq!(
        host.configure(&Config::ty(), json!({})).await,
        Told::nothing()
    );
    let unknown = json!({ "endpoint": "?" });
    assert_eq!(
        host.configure(&Config::ty(), unknown).await,
        Told::nothing()
    );
    host
}

#[tokio::test]
async fn a_read_and_a_plan_need_no_client_and_are_not_put_off() {
    let mut host = unconfigured().await;
    let state = json!({ "id": "id-a", "name": "a" });
    let request = pb::read_resource::Request {
        type_name: "kit_thing".to_owned(),
        current_state: message(&Thing::ty(), &state),
        client_capabilities: PATIENT,
        ..Default::default()
    };
    let read = host
        .provider
        .read_resource(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read.deferred, None);
    assert_eq!(told(&read.diagnostics), ["warning: Resource not refreshed"]);
    assert_eq!(content(&Thing::ty(), read.new_state.as_ref()), state);

    let config = message(&Thing::ty(), &json!({ "name": "a" }));
    for (config, proposed) in [(config.clone(), config), (None, None)] {
        let request = pb::plan_resource_change::Request {
            type_name: "kit_thing".to_owned(),
            proposed_new_state: proposed,
            config,
            client_capabilities: PATIENT,
            ..Default::default()
        };
        let planned = host.provider.plan_resource_change(request).await.unwrap();
        let planned = planned.into_inner();
        assert_eq!(
            (planned.deferred, told(&planned.diagnostics)),
            (None, Told::nothing())
        );
    }
}

#[tokio::test]
async fn an_import_and_a_data_source_are_put_off_with_nothing_known() {
    let mut host = unconfigured().await;
    let request = pb::import_resource_state::Request {
        type_name: "kit_thing".to_owned(),
        id: "a".to_owned(),
        client_capabilities: PATIENT,
        identity: None,
    };
    let response = host.provider.import_resource_state(request).await.unwrap();
    let response = response.into_inner();
    assert_eq!(
        (response.deferred, told(&response.diagnostics)),
        (LATER, Told::nothing())
    );
    let imported = &response.imported_resources[0];
    assert_eq!(content(&Thing::ty(), imported.state.as_ref()), json!("?"));

    let request = pb::read_data_source::Request {
        type_name: "kit_looked".to_owned(),
        config: message(&Looked::ty(), &json!({ "name": "a" })),
        client_capabilities: PATIENT,
        provider_meta: None,
    };
    let read = host
        .provider
        .read_data_source(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (read.deferred, told(&read.diagnostics)),
        (LATER, Told::nothing())
    );
    assert_eq!(content(&Looked::ty(), read.state.as_ref()), json!("?"));
}

#[tokio::test]
async fn a_provider_that_is_configured_puts_nothing_off() {
    let mut host = Host::configured(Kit::default()).await;
    let request = pb::read_data_source::Request {
        type_name: "kit_looked".to_owned(),
        config: message(&Looked::ty(), &json!({ "name": "a" })),
        client_capabilities: PATIENT,
        provider_meta: None,
    };
    let read = host
        .provider
        .read_data_source(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read.deferred, None);
    let planned = plan(&mut host, json!(null), json!({ "name": "a" })).await;
    assert_eq!(planned.deferred, None);
}

#[tokio::test]
async fn what_is_known_about_an_unknown_value_survives_a_plan() {
    let mut host = Host::configured(Kit::default()).await;
    let ty = Thing::ty();
    // Not null, and begins with "srv-".
    let refined = crate::Value::Unknown(b"\x82\x01\xc2\x02\xa4srv-".to_vec());
    let crate::Value::Map(mut config) = crate::testing::value(&ty, &json!({ "mac": "?" })) else {
        panic!("an object")
    };
    config.insert("name".to_owned(), refined.clone());
    let msgpack = codec::encode(&ty, &crate::Value::Map(config)).unwrap();
    let config = Some(pb::DynamicValue {
        msgpack,
        json: Vec::new(),
    });
    let request = pb::plan_resource_change::Request {
        type_name: "kit_thing".to_owned(),
        proposed_new_state: config.clone(),
        config,
        ..Default::default()
    };
    let planned = host.provider.plan_resource_change(request).await.unwrap();
    let planned = planned.into_inner().planned_state.unwrap();
    let planned = codec::decode(&ty, &planned.msgpack).unwrap();
    assert!(*planned.get("name") == refined);
    assert!(*planned.get("mac") == crate::Value::UNKNOWN);
}
