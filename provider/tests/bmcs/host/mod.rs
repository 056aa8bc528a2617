//! The host's side: the provider as a process, spoken to as Terraform does, and Terraform's rules.

pub(crate) mod codec;
pub(crate) mod rules;
pub(crate) mod workspace;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

use self::{
    pb::{provider_client::ProviderClient, schema::Attribute},
    plugin::grpc_controller_client::GrpcControllerClient,
};

#[rustfmt::skip]
#[path = "../../../../crates/tfplugin/src/gen/tfplugin6.rs"]
#[allow(
    clippy::all, clippy::allow_attributes_without_reason, clippy::too_many_lines,
    dead_code, missing_docs, unnameable_types, unreachable_pub, unused_qualifications,
    reason = "generated"
)]
pub(crate) mod pb;

#[rustfmt::skip]
#[path = "../../../../crates/tfplugin/src/gen/plugin.rs"]
#[allow(
    clippy::all, clippy::allow_attributes_without_reason, clippy::too_many_lines,
    dead_code, missing_docs, unnameable_types, unreachable_pub, unused_qualifications,
    reason = "generated"
)]
mod plugin;

/// A running provider. It ends with the value.
pub(crate) struct Host {
    child: Child,
    client: ProviderClient<Channel>,
    controller: GrpcControllerClient<Channel>,
    schemas: std::collections::HashMap<String, pb::Schema>,
    _directory: TempDir,
}

/// What a call came to: its value with what the provider keeps beside it, and the errors and
/// warnings as text.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) value: Value,
    pub(crate) private: Vec<u8>,
    pub(crate) errors: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Answer {
    fn of(value: Option<&pb::DynamicValue>, diagnostics: &[pb::Diagnostic]) -> Self {
        let told = |severity| {
            let of = diagnostics
                .iter()
                .filter(move |one| one.severity() == severity);
            of.map(|one| format!("{}: {}", one.summary, one.detail))
                .collect()
        };
        Self {
            value: value.map_or(Value::Null, |value| codec::decode(&value.msgpack)),
            private: Vec::new(),
            errors: told(pb::diagnostic::Severity::Error),
            warnings: told(pb::diagnostic::Severity::Warning),
        }
    }

    fn with(self, private: Vec<u8>) -> Self {
        Self { private, ..self }
    }
}

impl Host {
    /// Starts the provider and configures it with this block.
    pub(crate) async fn start(config: &Value) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let started = tokio::task::spawn_blocking(move || spawn(&path));
        let (child, socket) = started.await.unwrap();
        let connect = tower::service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let peer = Endpoint::from_static("http://localhost");
        let channel = peer.connect_with_connector(connect).await.unwrap();
        let controller = GrpcControllerClient::new(channel.clone());
        let mut client = ProviderClient::new(channel)
            .max_decoding_message_size(64 << 20)
            .max_encoding_message_size(64 << 20);
        let schema = client.get_provider_schema(pb::get_provider_schema::Request {});
        let schema = schema.await.unwrap().into_inner();
        let attributes = schema.provider.unwrap().block.unwrap().attributes;
        let request = pb::configure_provider::Request {
            terraform_version: "1.11.4".to_owned(),
            config: message(&rules::completed(&attributes, config)),
            client_capabilities: None,
        };
        let answer = client.configure_provider(request).await.unwrap();
        let answer = Answer::of(None, &answer.into_inner().diagnostics);
        assert!(answer.errors.is_empty(), "{answer:?}");
        Self {
            child,
            client,
            controller,
            schemas: schema.resource_schemas,
            _directory: directory,
        }
    }

    /// The attributes of a resource.
    pub(crate) fn attributes(&self, name: &str) -> &[Attribute] {
        &self.schemas[name].block.as_ref().unwrap().attributes
    }

    pub(crate) async fn validate(&mut self, name: &str, config: &Value) -> Answer {
        let request = pb::validate_resource_config::Request {
            type_name: name.to_owned(),
            config: message(config),
            client_capabilities: Some(pb::ClientCapabilities {
                write_only_attributes_allowed: true,
                ..Default::default()
            }),
        };
        let response = self.client.validate_resource_config(request).await;
        Answer::of(None, &response.unwrap().into_inner().diagnostics)
    }

    /// Plans a change of a resource. Whether it needs a new resource is the second answer.
    pub(crate) async fn plan(
        &mut self,
        name: &str,
        prior: &Value,
        config: &Value,
    ) -> (Answer, bool) {
        self.plan_with(name, (prior, &[]), config).await
    }

    /// The same, with what the provider kept beside the prior state.
    pub(crate) async fn plan_with(
        &mut self,
        name: &str,
        (prior, private): (&Value, &[u8]),
        config: &Value,
    ) -> (Answer, bool) {
        let proposed = rules::proposed(self.attributes(name), prior, config);
        let request = pb::plan_resource_change::Request {
            type_name: name.to_owned(),
            prior_state: message(prior),
            proposed_new_state: message(&proposed),
            config: message(config),
            prior_private: private.to_vec(),
            ..Default::default()
        };
        let response = self.client.plan_resource_change(request).await;
        let response = response.unwrap().into_inner();
        let answer = Answer::of(response.planned_state.as_ref(), &response.diagnostics);
        let answer = answer.with(response.planned_private);
        (answer, !response.requires_replace.is_empty())
    }

    pub(crate) async fn apply(
        &mut self,
        name: &str,
        prior: &Value,
        planned: &Value,
        config: &Value,
    ) -> Answer {
        self.apply_with(name, prior, (planned, &[]), config).await
    }

    /// The same, with what the provider planned beside the state.
    pub(crate) async fn apply_with(
        &mut self,
        name: &str,
        prior: &Value,
        (planned, private): (&Value, &[u8]),
        config: &Value,
    ) -> Answer {
        let request = pb::apply_resource_change::Request {
            type_name: name.to_owned(),
            prior_state: message(prior),
            planned_state: message(planned),
            config: message(config),
            planned_private: private.to_vec(),
            ..Default::default()
        };
        let response = self.client.apply_resource_change(request).await;
        let response = response.unwrap().into_inner();
        let answer = Answer::of(response.new_state.as_ref(), &response.diagnostics);
        answer.with(response.private)
    }

    pub(crate) async fn read(&mut self, name: &str, state: &Value) -> Answer {
        self.read_with(name, (state, &[])).await
    }

    /// The same, with what the provider kept beside the state.
    pub(crate) async fn read_with(
        &mut self,
        name: &str,
        (state, private): (&Value, &[u8]),
    ) -> Answer {
        let request = pb::read_resource::Request {
            type_name: name.to_owned(),
            current_state: message(state),
            private: private.to_vec(),
            ..Default::default()
        };
        let response = self.client.read_resource(request).await;
        let response = response.unwrap().into_inner();
        let answer = Answer::of(response.new_state.as_ref(), &response.diagnostics);
        answer.with(response.private)
    }

    /// Ends the provider as Terraform does, which tells it to. It is killed if it does not.
    pub(crate) async fn end(mut self) {
        // The call may break with the process.
        let _ended = self.controller.shutdown(plugin::Empty {}).await;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the provider does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The provider block of these tests: nothing is repeated, so that nothing is waited for.
pub(crate) fn provider_block() -> Value {
    json!({
        "credentials": {"default": {"username": "u", "password": "p"}},
        "redfish": {"max_retries": 0, "request_timeout": "2s"},
    })
}

/// Starts the provider, and says where it listens.
fn spawn(directory: &std::path::Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_terraform-provider-baremetal"))
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_PROTOCOL_VERSIONS", "6")
        .env("PLUGIN_UNIX_SOCKET_DIR", directory)
        .env_remove("PLUGIN_CLIENT_CERT")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = child.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut line).unwrap();
    let socket = line.split('|').nth(3).unwrap().to_owned();
    (child, socket)
}

fn message(value: &Value) -> Option<pb::DynamicValue> {
    Some(pb::DynamicValue {
        msgpack: codec::encode(value),
        json: Vec::new(),
    })
}

/// Much longer than the two seconds that Terraform has, because many share the processors here.
const PATIENCE: Duration = Duration::from_secs(30);
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
