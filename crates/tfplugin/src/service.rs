//! The provider's gRPC service: each call is decode, do, encode.

mod rpc;
mod schemas;

mod validate;

mod apply;
mod change;
mod generate;
mod stored;

mod action;
mod data_source;
mod ephemeral;
mod function;
mod list_resource;

mod identity;
mod reply;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::{
    Context, Diagnostic, Parts, Provider, Value, convert,
    erased::{self, AnyResource, Offer, Schema},
    pb, schema,
};

/// What happens to the wish to stop once everything has heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterStop {
    /// It stays: the process serves one run.
    Stopped,
    /// The next call starts afresh: the process serves one run after another.
    Renewed,
}

/// A provider behind the protocol.
pub(crate) struct Service<P: Provider> {
    provider: P,
    config: Schema,
    parts: Parts<P::Client>,
    after_stop: AfterStop,
    stop: Mutex<CancellationToken>,
    clients: Mutex<Clients<P::Client>>,
}

/// What the configurations came to.
struct Clients<C> {
    /// Of the last configuration; none while that is not known.
    current: Option<Arc<C>>,
    /// Of every configuration.
    all: Vec<Arc<C>>,
}

impl<P: Provider> Service<P> {
    pub(crate) fn new(provider: P, after_stop: AfterStop) -> Self {
        Self {
            config: Schema::of::<P::Config>(provider.rules()),
            parts: Parts::of(&provider),
            provider,
            after_stop,
            stop: Mutex::default(),
            clients: Mutex::new(Clients {
                current: None,
                all: Vec::new(),
            }),
        }
    }

    /// Tells every call to come to an end.
    pub(crate) fn stop(&self) {
        let mut stop = lock(&self.stop);
        stop.cancel();
        if self.after_stop == AfterStop::Renewed {
            *stop = CancellationToken::new();
        }
    }

    /// Ends what the clients hold open.
    pub(crate) async fn shutdown(&self) {
        let clients = std::mem::take(&mut lock(&self.clients).all);
        for client in clients {
            self.provider.shutdown(client).await;
        }
    }

    async fn configure(
        &self,
        request: pb::configure_provider::Request,
    ) -> Result<pb::configure_provider::Response, Diagnostic> {
        let config = convert::value(&self.config.ty, request.config.as_ref())?;
        if !config.is_known() {
            tracing::info!("configuration not known yet");
            lock(&self.clients).current = None;
            return Ok(pb::configure_provider::Response::default());
        }
        let stop = lock(&self.stop).child_token();
        let client = self
            .provider
            .configure(erased::decode(config)?, stop)
            .await?;
        let client = Arc::new(client);
        let mut clients = lock(&self.clients);
        clients.current = Some(Arc::clone(&client));
        clients.all.push(client);
        Ok(pb::configure_provider::Response::default())
    }

    /// The context of a call; none while the provider is not configured.
    fn context(&self, private: &[u8]) -> Option<Context<P::Client>> {
        let client = lock(&self.clients).current.clone()?;
        let mut cx = Context::new(client);
        cx.stop = lock(&self.stop).child_token();
        cx.private = serde_json::from_slice(private).unwrap_or_default();
        Some(cx)
    }

    /// The context of a call, or that the call has to wait until the provider is configured, if the
    /// host understands that.
    ///
    /// Only what cannot be answered without a client waits: a host may say that it understands, and
    /// yet make an error of it, as OpenTofu does.
    fn ready(
        &self,
        host: Option<pb::ClientCapabilities>,
    ) -> Result<Result<Context<P::Client>, pb::Deferred>, Diagnostic> {
        match self.context(&[]) {
            Some(cx) => Ok(Ok(cx)),
            None if host.is_some_and(|host| host.deferral_allowed) => Ok(Err(pb::Deferred {
                reason: pb::deferred::Reason::ProviderConfigUnknown.into(),
            })),
            None => Err(not_configured()),
        }
    }

    fn resource(&self, name: &str) -> Result<&Offer<dyn AnyResource<P::Client>>, Diagnostic> {
        find(&self.parts.resources, "resource", name)
    }
}

fn find<'a, T>(
    parts: &'a BTreeMap<String, T>,
    kind: &str,
    name: &str,
) -> Result<&'a T, Diagnostic> {
    parts.get(name).ok_or_else(|| {
        let detail = format!("This version of the provider has no {kind} {name}.");
        Diagnostic::error(format!("Unknown {kind} type"), detail)
    })
}

/// The error of a call that needs the client before there is one.
fn not_configured() -> Diagnostic {
    Diagnostic::error(
        "The provider is not configured",
        "Its configuration depends on values that are known only after an apply. Apply those \
         first, for example with -target.",
    )
}

/// What the mutexes hold is replaced as a whole, so a panic leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a resource keeps to itself, as bytes for the host to store.
fn private(data: &serde_json::Value) -> Vec<u8> {
    if data.is_null() {
        Vec::new()
    } else {
        data.to_string().into_bytes()
    }
}

/// The state without write-only values and in the spelling of `old`, for the host to store.
fn storable(schema: &Schema, old: &Value, state: Value) -> Value {
    let state = schema::without_write_only(&schema.attributes, state);
    crate::plan::spelling::keep(&schema.attributes, old, state)
}
