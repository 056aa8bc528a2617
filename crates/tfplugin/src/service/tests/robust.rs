//! Messages of newer hosts, big ones, and many at once, for every kind of part.

use serde_json::json;
use tokio_stream::StreamExt;
use tonic::{Request, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_prost::ProstCodec;

use super::{
    actions::Poked,
    ephemerals::Session,
    kit::{Kit, Thing},
};
use crate::{
    Type, pb,
    testing::host::{Host, Told, Typed, content, message, told},
};

/// A request of a host that knows more than we do.
#[derive(Clone, PartialEq, prost::Message)]
struct Newer {
    #[prost(string, tag = "1")]
    type_name: String,
    #[prost(message, optional, tag = "2")]
    config: Option<pb::DynamicValue>,
    #[prost(string, tag = "77")]
    unheard_of: String,
    #[prost(fixed64, tag = "20000")]
    number: u64,
}

#[tokio::test]
async fn what_a_newer_host_says_besides_is_ignored() {
    let host = Host::configured(Kit::default()).await;
    let mut client = Grpc::new(host.channel.clone());
    client.ready().await.unwrap();
    let request = Newer {
        type_name: "kit_thing".to_owned(),
        config: message(&Thing::ty(), &json!({ "name": "a b" })),
        unheard_of: "news".to_owned(),
        number: 1,
    };
    let path = PathAndQuery::from_static("/tfplugin6.Provider/ValidateResourceConfig");
    let codec = ProstCodec::<Newer, pb::validate_resource_config::Response>::default();
    let found = client.unary(Request::new(request), path, codec).await;
    let found = told(&found.unwrap().into_inner().diagnostics);
    assert_eq!(found, ["error at name: Invalid value for name"]);
}

#[tokio::test]
async fn forty_megabytes_are_no_problem_for_functions_and_ephemeral_resources() {
    let mut host = Host::configured(Kit::default()).await;
    let big = "x".repeat(40 << 20);
    let text = |text: &str| message(&Type::String, &json!(text)).unwrap();
    let request = pb::call_function::Request {
        name: "join".to_owned(),
        arguments: vec![text("-"), text(&big), text("y")],
    };
    let joined = host.provider.call_function(request).await.unwrap();
    let joined = content(&Type::String, joined.into_inner().result.as_ref());
    assert_eq!(joined.as_str().unwrap().len(), big.len() + 2);

    let request = pb::open_ephemeral_resource::Request {
        type_name: "kit_session".to_owned(),
        config: message(&Session::ty(), &json!({ "user": big })),
        client_capabilities: None,
    };
    let opened = host.provider.open_ephemeral_resource(request).await;
    let opened = opened.unwrap().into_inner();
    assert_eq!(told(&opened.diagnostics), Told::nothing());
    assert!(opened.result.unwrap().msgpack.len() > 80 << 20);
}

#[tokio::test]
async fn actions_run_at_the_same_time_and_one_that_panics_harms_no_other() {
    let kit = Kit::default();
    let waiting = kit.waiting.clone();
    let mut host = Host::configured(kit).await;
    let mut streams = Vec::new();
    for name in ["wait", "panic", "a"] {
        let request = pb::invoke_action::Request {
            action_type: "kit_poke".to_owned(),
            config: message(&Poked::ty(), &json!({ "name": name })),
            client_capabilities: None,
        };
        let events = host.provider.invoke_action(request).await.unwrap();
        streams.push(events.into_inner());
    }
    waiting.notified().await;
    let mut ended = streams.split_off(1);
    for (stream, events) in ended.iter_mut().zip([2, 3]) {
        let events_seen = stream.collect::<Vec<_>>().await;
        assert_eq!(events_seen.len(), events);
        assert!(events_seen.iter().all(Result::is_ok));
    }
    let stop = pb::stop_provider::Request {};
    host.provider.stop_provider(stop).await.unwrap();
    let waited = streams.remove(0).collect::<Vec<_>>().await;
    assert_eq!(waited.len(), 2);
}
