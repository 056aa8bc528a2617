//! Configurations that are generated for what exists.

use serde_json::{Value as Json, json};

use super::kit::{Kit, Thing};
use crate::{
    Model, conflicts, generate, pb,
    testing::{
        self,
        host::{Host, Told, Typed, content, message, told},
    },
};

async fn generated(host: &mut Host, state: Json) -> Json {
    let request = pb::generate_resource_config::Request {
        type_name: "kit_thing".to_owned(),
        state: message(&Thing::ty(), &state),
    };
    let generated = host.provider.generate_resource_config(request).await;
    let generated = generated.unwrap().into_inner();
    assert_eq!(told(&generated.diagnostics), Told::nothing());
    content(&Thing::ty(), generated.config.as_ref())
}

#[tokio::test]
async fn a_generated_configuration_is_what_the_user_could_have_written() {
    let mut host = Host::configured(Kit::default()).await;
    let state = json!({
        "id": "id-a", "name": "a", "mac": "aa", "ports": [1], "seen": true, "behave": "x",
        "parts": [{ "size": 1 }],
    });
    let expected = json!({ "name": "a", "mac": "aa", "behave": "x", "parts": [{ "size": 1 }] });
    assert_eq!(generated(&mut host, state).await, expected);
    // The resource has the last word, but not about write-only values.
    let state = json!({ "id": "id-a", "name": "a", "behave": "generate" });
    assert_eq!(generated(&mut host, state).await, json!({ "name": "a" }));
    assert_eq!(generated(&mut host, Json::Null).await, Json::Null);
}

#[derive(Model)]
struct Disk {
    #[tf(default = 10)]
    size: i64,
    #[tf(optional, computed)]
    device: Option<String>,
    #[tf(optional, computed)]
    serial: Option<String>,
    #[tf(computed)]
    health: Option<String>,
    parts: Option<std::collections::BTreeMap<String, Part>>,
}

#[derive(Model)]
struct Part {
    #[tf(default = true)]
    boot: bool,
    #[tf(computed)]
    label: Option<String>,
}

#[test]
fn what_is_the_default_or_conflicts_is_left_out() {
    let rules = [conflicts(["device", "serial"])];
    for (state, expected) in [
        (
            json!({ "size": 10, "device": "x", "serial": "s", "health": "OK" }),
            json!({ "device": "x" }),
        ),
        (
            json!({ "size": 11, "serial": "s", "parts": { "a": { "boot": true, "label": "l" }, "b": { "boot": false } } }),
            json!({ "size": 11, "serial": "s", "parts": { "a": {}, "b": { "boot": false } } }),
        ),
    ] {
        let state = testing::value(&Disk::ty(), &state);
        let config = generate::config(&Disk::attributes(), &rules, &state);
        assert_eq!(testing::shown(&config), expected);
    }
}
