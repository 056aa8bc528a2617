//! The host's side of the protocol, in the same process: the generated client over a real socket.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::{net::UnixStream, task::JoinHandle};
use tonic::transport::{Channel, Endpoint as Peer};

use super::{shown, value};
use crate::{
    Provider, Type, codec,
    go_plugin::{grpc_controller_client::GrpcControllerClient, grpc_stdio_client::GrpcStdioClient},
    pb::{self, provider_client::ProviderClient},
    plugin::{
        listener::{Connections, Endpoint},
        services::{self, Ending},
    },
    service::{AfterStop, Service},
};

/// A running provider and a connection to it.
pub(crate) struct Host {
    pub(crate) provider: ProviderClient<Channel>,
    pub(crate) channel: Channel,
    pub(crate) controller: GrpcControllerClient<Channel>,
    pub(crate) stdio: GrpcStdioClient<Channel>,
    pub(crate) server: JoinHandle<Result<(), tonic::transport::Error>>,
    _endpoint: Endpoint,
    _directory: TempDir,
}

impl Host {
    pub(crate) async fn start<P: Provider>(service: Arc<Service<P>>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (endpoint, listener) = Endpoint::bind(directory.path()).unwrap();
        let (_, incoming) = Connections::accept(listener, None);
        let server = tokio::spawn(services::serve(service, incoming, Ending::default()));
        let socket = endpoint.path().to_owned();
        let connect = tower::service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let peer = Peer::from_static("http://localhost");
        let channel = peer.connect_with_connector(connect).await.unwrap();
        Self {
            provider: ProviderClient::new(channel.clone())
                .max_decoding_message_size(256 << 20)
                .max_encoding_message_size(256 << 20),
            controller: GrpcControllerClient::new(channel.clone()),
            stdio: GrpcStdioClient::new(channel.clone()),
            channel,
            server,
            _endpoint: endpoint,
            _directory: directory,
        }
    }

    /// A provider that was configured with nothing set.
    pub(crate) async fn configured<P: Provider>(provider: P) -> Self {
        let mut host = Self::start(Arc::new(Service::new(provider, AfterStop::Stopped))).await;
        assert_eq!(
            host.configure(&P::Config::ty(), serde_json::json!({}))
                .await,
            Told::nothing()
        );
        host
    }

    pub(crate) async fn configure(&mut self, ty: &Type, config: Json) -> Vec<Told> {
        let request = pb::configure_provider::Request {
            terraform_version: "1.11.4".to_owned(),
            config: message(ty, &config),
            client_capabilities: None,
        };
        let response = self
            .provider
            .configure_provider(request)
            .await
            .unwrap()
            .into_inner();
        told(&response.diagnostics)
    }
}

/// A diagnostic in few words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told(pub(crate) String);

impl Told {
    pub(crate) fn nothing() -> Vec<Self> {
        Vec::new()
    }
}

impl PartialEq<&str> for Told {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

/// "error at disks[0].size: the summary"
pub(crate) fn told(diagnostics: &[pb::Diagnostic]) -> Vec<Told> {
    use pb::attribute_path::step::Selector;
    let one = |diagnostic: &pb::Diagnostic| {
        let severity = match diagnostic.severity() {
            pb::diagnostic::Severity::Error => "error",
            pb::diagnostic::Severity::Warning => "warning",
            pb::diagnostic::Severity::Invalid => "invalid",
        };
        let path = diagnostic.attribute.iter().flat_map(|path| &path.steps);
        let path: String = path
            .map(|step| match step.selector.as_ref().unwrap() {
                Selector::AttributeName(name) => format!(".{name}"),
                Selector::ElementKeyString(key) => format!("[{key:?}]"),
                Selector::ElementKeyInt(index) => format!("[{index}]"),
            })
            .collect();
        let at = if path.is_empty() {
            path
        } else {
            format!(" at {}", &path[1..])
        };
        Told(format!("{severity}{at}: {}", diagnostic.summary))
    };
    diagnostics.iter().map(one).collect()
}

pub(crate) fn message(ty: &Type, json: &Json) -> Option<pb::DynamicValue> {
    let msgpack = codec::encode(ty, &value(ty, json)).unwrap();
    Some(pb::DynamicValue {
        msgpack,
        json: Vec::new(),
    })
}

/// What the message says, as JSON; null if there is none.
pub(crate) fn content(ty: &Type, message: Option<&pb::DynamicValue>) -> Json {
    message.map_or(Json::Null, |message| {
        shown(&codec::decode(ty, &message.msgpack).unwrap())
    })
}

/// The type of a model's values.
pub(crate) trait Typed {
    fn ty() -> Type;
}

impl<M: crate::Model> Typed for M {
    fn ty() -> Type {
        crate::schema::object(&M::attributes())
    }
}
