//! What a provider implements.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    DataSource, Diagnostic, Model, Resource, Value,
    erased::{AnyDataSource, AnyResource, Erased, Offer, Schema},
};

/// A Terraform provider: its configuration, and what it offers.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The schema of the provider block.
    type Config: Model;
    /// What resources and data sources work with.
    type Client: Send + Sync + 'static;
    /// The prefix of every resource type, such as `baremetal`.
    const NAME: &'static str;
    /// The source address, such as `registry.terraform.io/acme/baremetal`.
    const ADDRESS: &'static str;

    /// What is wrong with a configuration, beyond the attributes' own checks.
    ///
    /// Values may be unknown still.
    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let _ = config;
        Vec::new()
    }

    /// Makes the client from a configuration in which every value is known.
    ///
    /// # Errors
    /// If the configuration cannot work.
    async fn configure(
        &self,
        config: Self::Config,
        stop: CancellationToken,
    ) -> Result<Self::Client, Diagnostic>;

    /// Registers the resources and data sources.
    fn parts(&self, parts: &mut Parts<Self::Client>);

    /// Ends what the client holds open, such as sessions. Called once for each client before the
    /// process ends, with at most one and a half seconds for all.
    async fn shutdown(&self, client: Arc<Self::Client>) {
        let _ = client;
    }
}

/// What a provider offers.
pub struct Parts<C> {
    pub(crate) prefix: &'static str,
    pub(crate) resources: BTreeMap<String, Offer<dyn AnyResource<C>>>,
    pub(crate) data_sources: BTreeMap<String, Offer<dyn AnyDataSource<C>>>,
}

impl<C: Send + Sync + 'static> Parts<C> {
    pub(crate) fn of<P: Provider<Client = C>>(provider: &P) -> Self {
        let mut parts = Self {
            prefix: P::NAME,
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
        };
        provider.parts(&mut parts);
        parts
    }

    /// Offers a resource.
    pub fn resource<R: Resource<C>>(&mut self, resource: R) -> &mut Self {
        let name = format!("{}_{}", self.prefix, R::NAME);
        let schema = Schema::of::<R::Model>(R::VERSION);
        self.resources.insert(
            name,
            Offer {
                schema,
                part: Box::new(Erased(resource)),
            },
        );
        self
    }

    /// Offers a data source.
    pub fn data_source<D: DataSource<C>>(&mut self, data_source: D) -> &mut Self {
        let name = format!("{}_{}", self.prefix, D::NAME);
        let schema = Schema::of::<D::Model>(0);
        self.data_sources.insert(
            name,
            Offer {
                schema,
                part: Box::new(Erased(data_source)),
            },
        );
        self
    }
}

impl<C> std::fmt::Debug for Parts<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("resources", &self.resources.keys())
            .field("data_sources", &self.data_sources.keys())
            .finish_non_exhaustive()
    }
}
