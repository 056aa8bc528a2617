//! Ephemeral resources: open, renew, close.

use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::kit::{Client, Config, Kit, no_spaces};
use crate::{
    Context, Diagnostic, Ephemeral, Model, Opened, Value, pb,
    service::{AfterStop, Service},
    testing::host::{Host, Told, Typed, content, message, told},
};

pub(super) struct Sessions;

/// A session.
#[derive(Model)]
pub(super) struct Session {
    /// Whose it is.
    #[tf(check = no_spaces)]
    user: String,
    /// The key to it.
    #[tf(computed, sensitive)]
    token: Option<String>,
}

#[async_trait]
impl Ephemeral<Client> for Sessions {
    type Model = Session;
    const NAME: &'static str = "session";

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let nobody = config.get("user").as_str() == Some("nobody");
        nobody
            .then(|| Diagnostic::warning("Nobody", ""))
            .into_iter()
            .collect()
    }

    async fn open(
        &self,
        cx: &mut Context<Client>,
        mut config: Session,
    ) -> Result<Opened<Session>, Diagnostic> {
        match &*config.user {
            "stranger" => return Err(Diagnostic::error("Who is that?", "")),
            "panic" => panic!("asked to panic"),
            _ => {}
        }
        cx.private = json!({ "user": config.user });
        config.token = Some(format!("token-{}", config.user));
        if config.user == "short" {
            return Ok(Opened::until(config, at(10)));
        }
        Ok(config.into())
    }

    async fn renew(
        &self,
        cx: &mut Context<Client>,
    ) -> Result<Option<std::time::SystemTime>, Diagnostic> {
        let times = cx.private["times"].as_i64().unwrap_or(0) + 1;
        cx.private["times"] = times.into();
        Ok((times < 2).then(|| at(20)))
    }

    async fn close(&self, cx: &mut Context<Client>) -> Result<(), Diagnostic> {
        assert!(!cx.stop.is_cancelled());
        match cx.private["user"].as_str() {
            Some("short") => Ok(()),
            _ => Err(Diagnostic::error("Still there", "")),
        }
    }
}

fn at(seconds: u64) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::new(seconds, 5)
}

async fn open(host: &mut Host, user: &str) -> pb::open_ephemeral_resource::Response {
    let request = pb::open_ephemeral_resource::Request {
        type_name: "kit_session".to_owned(),
        config: message(&Session::ty(), &json!({ "user": user })),
        client_capabilities: Some(pb::ClientCapabilities {
            deferral_allowed: true,
            write_only_attributes_allowed: true,
        }),
    };
    let opened = host.provider.open_ephemeral_resource(request).await;
    opened.unwrap().into_inner()
}

#[tokio::test]
async fn what_was_opened_is_renewed_until_it_says_no_more_and_closed_even_after_a_stop() {
    let mut host = Host::configured(Kit::default()).await;
    let opened = open(&mut host, "short").await;
    assert_eq!(
        content(&Session::ty(), opened.result.as_ref()),
        json!({ "user": "short", "token": "token-short" })
    );
    let time = |seconds| Some(pb::Timestamp { seconds, nanos: 5 });
    assert_eq!(opened.renew_at, time(10));
    let mut private = opened.private;
    for expected in [time(20), None] {
        let request = pb::renew_ephemeral_resource::Request {
            type_name: "kit_session".to_owned(),
            private,
        };
        let renewed = host.provider.renew_ephemeral_resource(request).await;
        let renewed = renewed.unwrap().into_inner();
        assert_eq!(renewed.renew_at, expected);
        private = renewed.private;
    }
    let stop = pb::stop_provider::Request {};
    host.provider.stop_provider(stop).await.unwrap();
    for (private, expected) in [(private, &[][..]), (None, &["error: Still there"])] {
        let request = pb::close_ephemeral_resource::Request {
            type_name: "kit_session".to_owned(),
            private,
        };
        let closed = host.provider.close_ephemeral_resource(request).await;
        assert_eq!(told(&closed.unwrap().into_inner().diagnostics), expected);
    }
}

#[tokio::test]
async fn a_session_that_is_not_opened_is_an_error() {
    let mut host = Host::configured(Kit::default()).await;
    for (user, expected) in [
        ("stranger", "error: Who is that?"),
        ("panic", "error: The provider panicked"),
    ] {
        let opened = open(&mut host, user).await;
        assert!(opened.result.is_none() && opened.private.is_none());
        assert_eq!(told(&opened.diagnostics), [expected]);
    }
    assert_eq!(open(&mut host, "a").await.renew_at, None);
}

#[tokio::test]
async fn a_session_waits_for_the_configuration_of_the_provider_if_the_host_can_wait() {
    let service = Service::new(Kit::default(), AfterStop::Stopped);
    let mut host = Host::start(service.into()).await;
    let config = json!({ "endpoint": "?" });
    assert_eq!(host.configure(&Config::ty(), config).await, Told::nothing());
    let opened = open(&mut host, "a").await;
    assert_eq!(told(&opened.diagnostics), Told::nothing());
    let deferred = opened.deferred.unwrap().reason();
    assert_eq!(deferred, pb::deferred::Reason::ProviderConfigUnknown);
    let result = content(&Session::ty(), opened.result.as_ref());
    assert_eq!(result, json!("?"));
}

#[tokio::test]
async fn the_configuration_of_a_session_is_validated() {
    let mut host = Host::configured(Kit::default()).await;
    for (user, expected) in [
        (json!("a b"), &["error at user: Invalid value for user"][..]),
        (json!("nobody"), &["warning: Nobody"]),
        (Json::from("?"), &[]),
    ] {
        let request = pb::validate_ephemeral_resource_config::Request {
            type_name: "kit_session".to_owned(),
            config: message(&Session::ty(), &json!({ "user": user })),
        };
        let found = host.provider.validate_ephemeral_resource_config(request);
        let found = found.await.unwrap().into_inner();
        assert_eq!(told(&found.diagnostics), expected);
    }
}
