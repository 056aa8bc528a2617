//! The gRPC server: the provider, and the two services that every plugin has.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, codegen::BoxStream, transport::Server};

use super::listener::Connection;
use crate::{
    Provider,
    go_plugin::{
        Empty, StdioData,
        grpc_controller_server::{GrpcController, GrpcControllerServer},
        grpc_stdio_server::{GrpcStdio, GrpcStdioServer},
    },
    pb::provider_server::ProviderServer,
    service::Service,
};

/// Why the process comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The host asked for it.
    Host,
    /// SIGTERM, or Ctrl-C in debug mode.
    Signal,
    /// The host is gone.
    Abandoned,
}

/// The wish that the process ends; the first reason counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    token: CancellationToken,
    reason: Arc<OnceLock<End>>,
}

impl Ending {
    pub(crate) fn end(&self, reason: End) {
        let reason = self.reason.get_or_init(|| reason);
        tracing::debug!(?reason, "ending");
        self.token.cancel();
    }

    pub(crate) async fn ended(&self) -> End {
        self.token.cancelled().await;
        self.reason.get().copied().unwrap_or(End::Host)
    }
}

/// Serves the connections until the end, and then until the last call is answered.
pub(crate) async fn serve<P: Provider>(
    service: Arc<Service<P>>,
    incoming: ReceiverStream<io::Result<Connection>>,
    ending: Ending,
) -> Result<(), tonic::transport::Error> {
    let provider = ProviderServer::from_arc(Arc::clone(&service))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    let plugin = Plugin(ending.clone());
    let end = async move {
        ending.ended().await;
        service.stop();
    };
    Server::builder()
        .add_service(provider)
        .add_service(GrpcControllerServer::new(plugin.clone()))
        .add_service(GrpcStdioServer::new(plugin))
        .serve_with_incoming_shutdown(incoming, end)
        .await
}

#[derive(Clone)]
struct Plugin(Ending);

#[tonic::async_trait]
impl GrpcController for Plugin {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.0.end(End::Host);
        Ok(Response::new(Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcStdio for Plugin {
    /// Stays open and carries nothing: what we print goes through the pipes of the process.
    async fn stream_stdio(
        &self,
        _: Request<Empty>,
    ) -> Result<Response<BoxStream<StdioData>>, Status> {
        let (open, nothing) = mpsc::channel(1);
        let ending = self.0.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = ending.ended() => {}
                () = open.closed() => {}
            }
            drop(open);
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(nothing))))
    }
}

/// The limit that go-plugin's hosts have.
const MESSAGE_LIMIT: usize = 256 << 20;
