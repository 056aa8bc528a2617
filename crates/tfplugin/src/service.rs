//! The provider's gRPC service: each call is decode, do, encode.
//!
//! Calls of parts that a provider cannot offer (functions, ephemeral resources, lists, actions)
//! are answered "unimplemented" by the generated code, and their schemas are empty.

mod apply;
mod change;
mod reply;
mod schemas;
mod stored;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use tonic::Request;

use self::reply::{Answer, reply};
use crate::{
    Context, Diagnostic, Parts, Provider, Value, convert,
    erased::{self, AnyDataSource, AnyResource, Offer, Schema},
    pb::{self, provider_server},
    schema,
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
    clients: Mutex<Vec<Arc<P::Client>>>,
}

impl<P: Provider> Service<P> {
    pub(crate) fn new(provider: P, after_stop: AfterStop) -> Self {
        Self {
            config: Schema::of::<P::Config>(0),
            parts: Parts::of(&provider),
            provider,
            after_stop,
            stop: Mutex::default(),
            clients: Mutex::default(),
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
        let clients = std::mem::take(&mut *lock(&self.clients));
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
            return Ok(pb::configure_provider::Response::default());
        }
        let stop = lock(&self.stop).child_token();
        let client = self
            .provider
            .configure(erased::decode(config)?, stop)
            .await?;
        lock(&self.clients).push(Arc::new(client));
        Ok(pb::configure_provider::Response::default())
    }

    /// The context of a call; none while the provider is not configured.
    fn context(&self, private: &[u8]) -> Option<Context<P::Client>> {
        let client = lock(&self.clients).last().cloned()?;
        let mut cx = Context::new(client);
        cx.stop = lock(&self.stop).child_token();
        cx.private = serde_json::from_slice(private).unwrap_or_default();
        Some(cx)
    }

    fn resource(&self, name: &str) -> Result<&Offer<dyn AnyResource<P::Client>>, Diagnostic> {
        self.parts
            .resources
            .get(name)
            .ok_or_else(|| unknown_type("resource", name))
    }

    fn data_source(&self, name: &str) -> Result<&Offer<dyn AnyDataSource<P::Client>>, Diagnostic> {
        self.parts
            .data_sources
            .get(name)
            .ok_or_else(|| unknown_type("data source", name))
    }

    fn validate_provider(
        &self,
        request: &pb::validate_provider_config::Request,
    ) -> Result<pb::validate_provider_config::Response, Diagnostic> {
        let config = convert::value(&self.config.ty, request.config.as_ref())?;
        let mut found = schema::validate(&self.config.attributes, &config);
        found.extend(self.provider.validate(&config));
        let diagnostics = convert::diagnostics(found);
        Ok(pb::validate_provider_config::Response { diagnostics })
    }

    fn validate_resource(
        &self,
        request: &pb::validate_resource_config::Request,
    ) -> Result<pb::validate_resource_config::Response, Diagnostic> {
        let Offer { schema, part } = self.resource(&request.type_name)?;
        let config = convert::value(&schema.ty, request.config.as_ref())?;
        let mut found = schema::validate(&schema.attributes, &config);
        found.extend(part.validate(&config));
        let host = request.client_capabilities;
        if !host.is_some_and(|host| host.write_only_attributes_allowed) {
            found.extend(schema::refuse_write_only(&schema.attributes, &config));
        }
        let diagnostics = convert::diagnostics(found);
        Ok(pb::validate_resource_config::Response { diagnostics })
    }

    fn validate_data_source(
        &self,
        request: &pb::validate_data_resource_config::Request,
    ) -> Result<pb::validate_data_resource_config::Response, Diagnostic> {
        let Offer { schema, part } = self.data_source(&request.type_name)?;
        let config = convert::value(&schema.ty, request.config.as_ref())?;
        let mut found = schema::validate(&schema.attributes, &config);
        found.extend(part.validate(&config));
        let diagnostics = convert::diagnostics(found);
        Ok(pb::validate_data_resource_config::Response { diagnostics })
    }

    async fn read_data(
        &self,
        request: pb::read_data_source::Request,
    ) -> Result<pb::read_data_source::Response, Diagnostic> {
        let Offer { schema, part } = self.data_source(&request.type_name)?;
        let config = convert::value(&schema.ty, request.config.as_ref())?;
        let mut cx = self.context(&[]).ok_or_else(not_configured)?;
        cx.config = config.clone();
        let state = part.read(&mut cx, config).await?;
        let state = crate::plan::spelling::keep(&schema.attributes, &cx.config, state);
        Ok(pb::read_data_source::Response {
            state: convert::dynamic(&schema.ty, &state)?,
            diagnostics: convert::diagnostics(cx.into_warnings()),
            deferred: None,
        })
    }
}

#[tonic::async_trait]
impl<P: Provider> provider_server::Provider for Service<P> {
    async fn get_metadata(
        &self,
        _: Request<pb::get_metadata::Request>,
    ) -> Answer<pb::get_metadata::Response> {
        reply("GetMetadata", async { Ok(self.metadata()) }).await
    }

    async fn get_provider_schema(
        &self,
        _: Request<pb::get_provider_schema::Request>,
    ) -> Answer<pb::get_provider_schema::Response> {
        reply("GetProviderSchema", async { Ok(self.schemas()) }).await
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<pb::get_resource_identity_schemas::Request>,
    ) -> Answer<pb::get_resource_identity_schemas::Response> {
        reply("GetResourceIdentitySchemas", async {
            Ok(self.identity_schemas())
        })
        .await
    }

    async fn get_functions(
        &self,
        _: Request<pb::get_functions::Request>,
    ) -> Answer<pb::get_functions::Response> {
        reply("GetFunctions", async {
            Ok(pb::get_functions::Response::default())
        })
        .await
    }

    async fn validate_provider_config(
        &self,
        request: Request<pb::validate_provider_config::Request>,
    ) -> Answer<pb::validate_provider_config::Response> {
        reply("ValidateProviderConfig", async {
            self.validate_provider(request.get_ref())
        })
        .await
    }

    async fn validate_resource_config(
        &self,
        request: Request<pb::validate_resource_config::Request>,
    ) -> Answer<pb::validate_resource_config::Response> {
        reply("ValidateResourceConfig", async {
            self.validate_resource(request.get_ref())
        })
        .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<pb::validate_data_resource_config::Request>,
    ) -> Answer<pb::validate_data_resource_config::Response> {
        let validate = async { self.validate_data_source(request.get_ref()) };
        reply("ValidateDataResourceConfig", validate).await
    }

    async fn configure_provider(
        &self,
        request: Request<pb::configure_provider::Request>,
    ) -> Answer<pb::configure_provider::Response> {
        reply("ConfigureProvider", self.configure(request.into_inner())).await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<pb::upgrade_resource_state::Request>,
    ) -> Answer<pb::upgrade_resource_state::Response> {
        reply("UpgradeResourceState", async {
            self.upgrade_state(request.get_ref())
        })
        .await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<pb::upgrade_resource_identity::Request>,
    ) -> Answer<pb::upgrade_resource_identity::Response> {
        reply("UpgradeResourceIdentity", async {
            self.upgrade_identity(request.get_ref())
        })
        .await
    }

    async fn move_resource_state(
        &self,
        request: Request<pb::move_resource_state::Request>,
    ) -> Answer<pb::move_resource_state::Response> {
        reply("MoveResourceState", async {
            self.move_state(request.into_inner())
        })
        .await
    }

    async fn read_resource(
        &self,
        request: Request<pb::read_resource::Request>,
    ) -> Answer<pb::read_resource::Response> {
        reply("ReadResource", self.read(request.into_inner())).await
    }

    async fn plan_resource_change(
        &self,
        request: Request<pb::plan_resource_change::Request>,
    ) -> Answer<pb::plan_resource_change::Response> {
        reply("PlanResourceChange", async {
            self.plan(request.into_inner())
        })
        .await
    }

    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Answer<pb::apply_resource_change::Response> {
        reply("ApplyResourceChange", self.apply(request.into_inner())).await
    }

    async fn import_resource_state(
        &self,
        request: Request<pb::import_resource_state::Request>,
    ) -> Answer<pb::import_resource_state::Response> {
        reply("ImportResourceState", self.import(request.into_inner())).await
    }

    async fn read_data_source(
        &self,
        request: Request<pb::read_data_source::Request>,
    ) -> Answer<pb::read_data_source::Response> {
        reply("ReadDataSource", self.read_data(request.into_inner())).await
    }

    async fn stop_provider(
        &self,
        _: Request<pb::stop_provider::Request>,
    ) -> Answer<pb::stop_provider::Response> {
        tracing::info!("asked to stop");
        self.stop();
        Ok(tonic::Response::new(pb::stop_provider::Response::default()))
    }
}

/// The error of a call that needs the client before there is one.
fn not_configured() -> Diagnostic {
    Diagnostic::error(
        "The provider is not configured",
        "Its configuration depends on values that are known only after an apply. Apply those \
         first, for example with -target.",
    )
}

fn unknown_type(kind: &str, name: &str) -> Diagnostic {
    let detail = format!("This version of the provider has no {kind} {name}.");
    Diagnostic::error(format!("Unknown {kind} type"), detail)
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
