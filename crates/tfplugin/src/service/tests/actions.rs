//! Actions and their progress.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio_stream::StreamExt;

use super::kit::{Client, Config, Kit, no_spaces};
use crate::{
    Action, Context, Diagnostic, Model, Path, Progress, Value, pb,
    service::{AfterStop, Service},
    testing::host::{Host, Told, Typed, message, told},
};

pub(super) struct Poke;

/// Pokes a thing.
#[derive(Model)]
pub(super) struct Poked {
    /// Which one.
    #[tf(check = no_spaces)]
    name: String,
}

#[async_trait]
impl Action<Client> for Poke {
    type Model = Poked;
    const NAME: &'static str = "poke";

    async fn plan(&self, _: &mut Context<Client>, config: &Value) -> Result<(), Diagnostic> {
        match config.get("name").as_str() {
            Some("missing") => Err(Diagnostic::error("No such thing", "").at(Path::root("name"))),
            Some("panic") => panic!("asked to panic"),
            _ => Ok(()),
        }
    }

    async fn invoke(
        &self,
        cx: &mut Context<Client>,
        config: Poked,
        progress: &Progress,
    ) -> Result<(), Diagnostic> {
        progress.tell(format!("poking {}", config.name));
        match &*config.name {
            "panic" => panic!("asked to panic"),
            "fail" => Err(Diagnostic::error("It does not move", "")),
            "wait" => {
                cx.client.waiting.notify_one();
                cx.stop.cancelled().await;
                cx.client.stopped.notify_one();
                Err(Diagnostic::error("Stopped", ""))
            }
            _ => {
                cx.warn(Diagnostic::warning("It moved", ""));
                progress.tell("done");
                Ok(())
            }
        }
    }
}

fn request(name: &str) -> pb::invoke_action::Request {
    pb::invoke_action::Request {
        action_type: "kit_poke".to_owned(),
        config: message(&Poked::ty(), &json!({ "name": name })),
        client_capabilities: None,
    }
}

/// The progress, and what came of it.
async fn invoke(host: &mut Host, name: &str) -> (Vec<String>, Vec<Told>) {
    use pb::invoke_action::event::Type;
    let events = host.provider.invoke_action(request(name)).await.unwrap();
    let events: Vec<_> = events.into_inner().collect().await;
    let mut progress = Vec::new();
    let mut completed = Vec::new();
    for event in events {
        match event.unwrap().r#type.unwrap() {
            Type::Progress(told) => progress.push(told.message),
            Type::Completed(event) => completed.push(told(&event.diagnostics)),
        }
    }
    let [completed] = <[_; 1]>::try_from(completed).unwrap();
    (progress, completed)
}

async fn plan(host: &mut Host, name: Json, deferral_allowed: bool) -> pb::plan_action::Response {
    let request = pb::plan_action::Request {
        action_type: "kit_poke".to_owned(),
        config: message(&Poked::ty(), &json!({ "name": name })),
        client_capabilities: Some(pb::ClientCapabilities {
            deferral_allowed,
            ..Default::default()
        }),
    };
    let planned = host.provider.plan_action(request).await;
    planned.unwrap().into_inner()
}

#[tokio::test]
async fn an_action_tells_its_progress_and_then_what_came_of_it() {
    let mut host = Host::configured(Kit::default()).await;
    for (name, progress, expected) in [
        ("a", &["poking a", "done"][..], "warning: It moved"),
        ("fail", &["poking fail"], "error: It does not move"),
        ("panic", &["poking panic"], "error: The provider panicked"),
    ] {
        let (found, completed) = invoke(&mut host, name).await;
        assert_eq!(found, progress);
        assert_eq!(completed, [expected]);
    }
    let unknown = pb::invoke_action::Request::default();
    let mut events = host
        .provider
        .invoke_action(unknown)
        .await
        .unwrap()
        .into_inner();
    let event = events.next().await.unwrap().unwrap().r#type.unwrap();
    let pb::invoke_action::event::Type::Completed(completed) = event else {
        panic!("no such action")
    };
    assert_eq!(told(&completed.diagnostics), ["error: Unknown action type"]);
}

#[tokio::test]
async fn an_action_that_cannot_be_done_is_an_error_of_the_plan() {
    let mut host = Host::configured(Kit::default()).await;
    for (name, expected) in [
        ("a", &[][..]),
        ("?", &[]),
        ("missing", &["error at name: No such thing"]),
        ("panic", &["error: The provider panicked"]),
    ] {
        let planned = plan(&mut host, name.into(), false).await;
        assert_eq!(told(&planned.diagnostics), expected);
    }
}

#[tokio::test]
async fn without_a_configuration_an_action_is_planned_blindly_and_not_done() {
    let service = Service::new(Kit::default(), AfterStop::Stopped);
    let mut host = Host::start(service.into()).await;
    host.configure(&Config::ty(), json!({ "endpoint": "?" }))
        .await;
    for allowed in [false, true] {
        let planned = plan(&mut host, json!("missing"), allowed).await;
        assert_eq!(told(&planned.diagnostics), Told::nothing());
        assert_eq!(planned.deferred, None);
    }
    let (_, completed) = invoke(&mut host, "a").await;
    assert_eq!(completed, ["error: The provider is not configured"]);
}

#[tokio::test]
async fn an_action_hears_of_the_wish_to_stop_and_of_a_host_that_hangs_up() {
    let kit = Kit::default();
    let (waiting, stopped) = (kit.waiting.clone(), kit.stopped.clone());
    let mut host = Host::configured(kit).await;
    let mut events = host
        .provider
        .invoke_action(request("wait"))
        .await
        .unwrap()
        .into_inner();
    events.next().await.unwrap().unwrap();
    waiting.notified().await;
    drop(events);
    stopped.notified().await;

    let mut stopper = host.provider.clone();
    let stop = async {
        waiting.notified().await;
        let request = pb::stop_provider::Request {};
        stopper.stop_provider(request).await.unwrap();
    };
    let ((_, completed), ()) = tokio::join!(invoke(&mut host, "wait"), stop);
    assert_eq!(completed, ["error: Stopped"]);
}

#[tokio::test]
async fn the_configuration_of_an_action_is_validated() {
    let mut host = Host::configured(Kit::default()).await;
    let request = pb::validate_action_config::Request {
        type_name: "kit_poke".to_owned(),
        config: message(&Poked::ty(), &json!({ "name": "a b" })),
    };
    let found = host.provider.validate_action_config(request).await;
    let found = told(&found.unwrap().into_inner().diagnostics);
    assert_eq!(found, ["error at name: Invalid value for name"]);
}
