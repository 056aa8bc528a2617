//! What a provider implements.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    Action, DataSource, Diagnostic, Ephemeral, Function, ListResource, Model, Resource, Rule,
    Value,
    erased::{
        AnyAction, AnyDataSource, AnyEphemeral, AnyListResource, AnyResource, Callable, Erased,
        Offer, Schema, Signature,
    },
};

/// A Terraform provider: its configuration, and what it offers.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The schema of the provider block.
    type Config: Model;
    /// What resources and the other parts work with.
    type Client: Send + Sync + 'static;
    /// The prefix of every resource type, such as `baremetal`.
    const NAME: &'static str;
    /// The source address, such as `registry.terraform.io/acme/baremetal`.
    const ADDRESS: &'static str;

    /// Which attributes may be set together.
    fn rules(&self) -> Vec<Rule> {
        Vec::new()
    }

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

    /// Registers what the provider offers.
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
    pub(crate) resources: Offers<dyn AnyResource<C>>,
    pub(crate) data_sources: Offers<dyn AnyDataSource<C>>,
    pub(crate) ephemerals: Offers<dyn AnyEphemeral<C>>,
    pub(crate) lists: Offers<dyn AnyListResource<C>>,
    pub(crate) actions: Offers<dyn AnyAction<C>>,
    pub(crate) functions: BTreeMap<String, Callable>,
}

/// The parts of one kind by their names.
pub(crate) type Offers<T> = BTreeMap<String, Offer<T>>;

impl<C: Send + Sync + 'static> Parts<C> {
    pub(crate) fn of<P: Provider<Client = C>>(provider: &P) -> Self {
        let mut parts = Self {
            prefix: P::NAME,
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            ephemerals: BTreeMap::new(),
            lists: BTreeMap::new(),
            actions: BTreeMap::new(),
            functions: BTreeMap::new(),
        };
        provider.parts(&mut parts);
        parts
    }

    /// Offers a resource.
    pub fn resource<R: Resource<C>>(&mut self, resource: R) -> &mut Self {
        let schema = Schema {
            version: R::VERSION,
            identity_version: R::IDENTITY_VERSION,
            ..Schema::of::<R::Model>(resource.rules())
        };
        let part = Arc::new(Erased(resource));
        let name = self.name(R::NAME);
        self.resources.insert(name, Offer { schema, part });
        self
    }

    /// Offers a data source.
    pub fn data_source<D: DataSource<C>>(&mut self, data_source: D) -> &mut Self {
        let schema = Schema::of::<D::Model>(data_source.rules());
        let part = Arc::new(Erased(data_source));
        let name = self.name(D::NAME);
        self.data_sources.insert(name, Offer { schema, part });
        self
    }

    /// Offers an ephemeral resource.
    pub fn ephemeral<E: Ephemeral<C>>(&mut self, ephemeral: E) -> &mut Self {
        let schema = Schema::of::<E::Model>(ephemeral.rules());
        let part = Arc::new(Erased(ephemeral));
        let name = self.name(E::NAME);
        self.ephemerals.insert(name, Offer { schema, part });
        self
    }

    /// Offers a list of the resources of one type.
    pub fn list_resource<L: ListResource<C>>(&mut self, list: L) -> &mut Self {
        let schema = Schema::of::<L::Model>(list.rules());
        let part = Arc::new(Erased(list));
        let name = self.name(L::NAME);
        self.lists.insert(name, Offer { schema, part });
        self
    }

    /// Offers an action.
    pub fn action<A: Action<C>>(&mut self, action: A) -> &mut Self {
        let schema = Schema::of::<A::Model>(action.rules());
        let part = Arc::new(Erased(action));
        let name = self.name(A::NAME);
        self.actions.insert(name, Offer { schema, part });
        self
    }

    /// Offers a function.
    pub fn function<F: Function>(&mut self, function: F) -> &mut Self {
        let signature = Signature::of::<F>();
        let part = Box::new(Erased(function));
        let name = F::NAME.to_owned();
        self.functions.insert(name, Callable { signature, part });
        self
    }

    fn name(&self, part: &str) -> String {
        format!("{}_{part}", self.prefix)
    }
}

impl<C> std::fmt::Debug for Parts<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("resources", &self.resources.keys())
            .field("data_sources", &self.data_sources.keys())
            .field("ephemerals", &self.ephemerals.keys())
            .field("lists", &self.lists.keys())
            .field("actions", &self.actions.keys())
            .field("functions", &self.functions.keys())
            .finish()
    }
}
