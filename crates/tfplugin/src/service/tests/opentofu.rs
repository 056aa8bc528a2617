//! OpenTofu's side of the protocol, as far as it differs from Terraform's.
//!
//! It asks for GetProviderSchema and never for GetMetadata, and has neither lists nor actions.
//! Version 1.10 says nothing about what it can do; 1.11 says that it can wait and that it knows
//! write-only attributes. Both judge plans and applies by the rules in `testing`.

use serde_json::{Value as Json, json};

use super::kit::{Kit, Thing};
use crate::{
    Model, Value, codec, pb,
    service::{AfterStop, Service},
    testing::{
        self, apply_problems,
        host::{Host, Told, Typed, message, told},
        plan_problems, propose, state_problems,
    },
};

const OLD: Option<pb::ClientCapabilities> = None;
const NEW: Option<pb::ClientCapabilities> = Some(pb::ClientCapabilities {
    deferral_allowed: true,
    write_only_attributes_allowed: true,
});

/// An OpenTofu that found the provider through `TF_REATTACH_PROVIDERS`.
struct Tofu {
    host: Host,
    capabilities: Option<pb::ClientCapabilities>,
}

impl Tofu {
    async fn start(capabilities: Option<pb::ClientCapabilities>) -> Self {
        let service = Service::new(Kit::default(), AfterStop::Renewed);
        let mut host = Host::start(service.into()).await;
        let request = pb::get_provider_schema::Request {};
        let schemas = host.provider.get_provider_schema(request).await.unwrap();
        assert_eq!(told(&schemas.into_inner().diagnostics), Told::nothing());
        let request = pb::configure_provider::Request {
            terraform_version: "1.11.0".to_owned(),
            config: message(&super::kit::Config::ty(), &json!({})),
            client_capabilities: capabilities,
        };
        let configured = host.provider.configure_provider(request).await.unwrap();
        assert_eq!(told(&configured.into_inner().diagnostics), Told::nothing());
        Self { host, capabilities }
    }

    async fn validate(&mut self, config: &Json) -> Vec<pb::Diagnostic> {
        let request = pb::validate_resource_config::Request {
            type_name: "kit_thing".to_owned(),
            config: message(&Thing::ty(), config),
            client_capabilities: self.capabilities,
        };
        let found = self.host.provider.validate_resource_config(request).await;
        found.unwrap().into_inner().diagnostics
    }

    async fn plan(&mut self, prior: &Value, config: &Value) -> Value {
        let attributes = Thing::attributes();
        let request = pb::plan_resource_change::Request {
            type_name: "kit_thing".to_owned(),
            prior_state: encoded(prior),
            proposed_new_state: encoded(&propose(&attributes, prior, config)),
            config: encoded(config),
            client_capabilities: self.capabilities,
            ..Default::default()
        };
        let planned = self.host.provider.plan_resource_change(request).await;
        let planned = planned.unwrap().into_inner();
        assert_eq!(told(&planned.diagnostics), Told::nothing());
        assert_eq!(planned.deferred, None);
        let replaces = !planned.requires_replace.is_empty();
        let planned = decoded(planned.planned_state.as_ref());
        let problems = plan_problems(&attributes, prior, config, &planned);
        assert_eq!(problems, [""; 0]);
        if replaces && !prior.is_null() {
            return Box::pin(self.plan(&Value::Null, config)).await;
        }
        planned
    }

    async fn apply(&mut self, prior: &Value, planned: &Value, config: &Value) -> Value {
        let request = pb::apply_resource_change::Request {
            type_name: "kit_thing".to_owned(),
            prior_state: encoded(prior),
            planned_state: encoded(planned),
            config: encoded(config),
            ..Default::default()
        };
        let applied = self.host.provider.apply_resource_change(request).await;
        let applied = applied.unwrap().into_inner();
        assert_eq!(told(&applied.diagnostics), Told::nothing());
        let applied = decoded(applied.new_state.as_ref());
        let problems = apply_problems(&Thing::attributes(), planned, &applied);
        assert_eq!(problems, [""; 0]);
        applied
    }

    /// Without `current_identity`, which 1.10 and 1.11 do not know.
    async fn read(&mut self, state: &Value) -> Value {
        let request = pb::read_resource::Request {
            type_name: "kit_thing".to_owned(),
            current_state: encoded(state),
            client_capabilities: self.capabilities,
            ..Default::default()
        };
        let read = self.host.provider.read_resource(request).await.unwrap();
        let read = read.into_inner();
        assert_eq!(told(&read.diagnostics), Told::nothing());
        let read = decoded(read.new_state.as_ref());
        assert_eq!(state_problems(&Thing::attributes(), &read), [""; 0]);
        read
    }
}

fn encoded(value: &Value) -> Option<pb::DynamicValue> {
    let msgpack = codec::encode(&Thing::ty(), value).unwrap();
    Some(pb::DynamicValue {
        msgpack,
        json: Vec::new(),
    })
}

fn decoded(message: Option<&pb::DynamicValue>) -> Value {
    codec::decode(&Thing::ty(), &message.unwrap().msgpack).unwrap()
}

#[tokio::test]
async fn the_life_of_a_thing_breaks_no_rule_of_the_host() {
    for capabilities in [OLD, NEW] {
        let mut tofu = Tofu::start(capabilities).await;
        let mut prior = Value::Null;
        for config in [
            json!({ "name": "a", "mac": "aa", "parts": [{ "size": 1 }] }),
            json!({ "name": "a", "mac": "AA", "parts": [{ "size": 2 }, { "size": 3 }] }),
            json!({ "name": "a", "labels": { "k": "v" } }),
            // Another name is another thing.
            json!({ "name": "b", "ports": [2, 1] }),
        ] {
            assert_eq!(told(&tofu.validate(&config).await), Told::nothing());
            let config = testing::value(&Thing::ty(), &config);
            let planned = tofu.plan(&prior, &config).await;
            let replaced = planned.get("name") != prior.get("name");
            let before = if replaced { &Value::Null } else { &prior };
            let applied = tofu.apply(before, &planned, &config).await;
            let read = tofu.read(&applied).await;
            assert!(read == applied);
            // Nothing is left to do.
            assert!(tofu.plan(&read, &config).await == read);
            prior = read;
        }
    }
}

#[tokio::test]
async fn an_opentofu_that_would_store_a_write_only_value_is_told_which_one_does_not() {
    let config = json!({ "name": "a", "secret": "canary", "parts": [{ "size": 1, "key": "k" }] });
    let mut tofu = Tofu::start(OLD).await;
    let found = tofu.validate(&config).await;
    let expected = [
        "error at parts[0].key: parts[0].key is write-only",
        "error at secret: secret is write-only",
    ];
    let mut told_found = told(&found);
    told_found.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(told_found, expected);
    assert!(
        found[0].detail.contains("OpenTofu 1.11"),
        "{}",
        found[0].detail
    );

    let mut tofu = Tofu::start(NEW).await;
    assert_eq!(told(&tofu.validate(&config).await), Told::nothing());
    let config = testing::value(&Thing::ty(), &config);
    let planned = tofu.plan(&Value::Null, &config).await;
    let applied = tofu.apply(&Value::Null, &planned, &config).await;
    assert_eq!(testing::shown(applied.get("seen")), json!(true));
}

#[tokio::test]
async fn a_second_run_in_the_same_process_starts_afresh() {
    let mut tofu = Tofu::start(NEW).await;
    let stop = pb::stop_provider::Request {};
    tofu.host.provider.stop_provider(stop).await.unwrap();
    let config = testing::value(&Thing::ty(), &json!({ "name": "a", "behave": "hurry" }));
    let planned = tofu.plan(&Value::Null, &config).await;
    tofu.apply(&Value::Null, &planned, &config).await;
}
