//! What a managed resource implements.

use async_trait::async_trait;

use crate::{Context, Diagnostic, Failed, Model, Plan, Rule, Value};

/// A managed resource, in plain Rust types.
///
/// Terraform may call any method at any time and many at once. Reading and planning change
/// nothing outside.
#[async_trait]
pub trait Resource<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The schema and the state.
    type Model: Model;
    /// The name without the provider's prefix.
    const NAME: &'static str;
    /// Version of the stored form; raise it when [`upgrade`](Self::upgrade) has work to do.
    const VERSION: i64 = 0;
    /// Version of the stored identity; raise it when
    /// [`upgrade_identity`](Self::upgrade_identity) has work to do.
    const IDENTITY_VERSION: i64 = 0;

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

    /// Adjusts what the schema planned for a create or an update.
    fn plan(&self, plan: &mut Plan<'_>) {
        let _ = plan;
    }

    /// Makes what was planned. In `plan`, `None` may mean "fill it in".
    ///
    /// # Errors
    /// With the state of what exists nevertheless, if anything does.
    async fn create(
        &self,
        cx: &mut Context<C>,
        plan: Self::Model,
    ) -> Result<Self::Model, Failed<Self::Model>>;

    /// Reports what is there now; `None` if it is gone.
    ///
    /// # Errors
    /// If that cannot be told; the state stays as it is.
    async fn read(
        &self,
        cx: &mut Context<C>,
        state: Self::Model,
    ) -> Result<Option<Self::Model>, Diagnostic>;

    /// Changes what is there to what was planned.
    ///
    /// # Errors
    /// With the state that was reached; without one it is the prior state.
    async fn update(
        &self,
        cx: &mut Context<C>,
        prior: Self::Model,
        plan: Self::Model,
    ) -> Result<Self::Model, Failed<Self::Model>>;

    /// Removes what is there. That it is gone already is no error.
    ///
    /// # Errors
    /// If it is still there; the state stays as it is.
    async fn delete(&self, cx: &mut Context<C>, state: Self::Model) -> Result<(), Diagnostic>;

    /// Finds what the user wants to manage from now on. Terraform reads it afterwards.
    ///
    /// # Errors
    /// If there is no such thing.
    async fn import(&self, cx: &mut Context<C>, by: ImportBy) -> Result<Self::Model, Diagnostic> {
        let _ = (cx, by);
        let detail = "Resources of this type come into being by creating them.";
        Err(Diagnostic::error(
            "This resource cannot be imported",
            detail,
        ))
    }

    /// Brings a state that version `from` stored to the present form.
    ///
    /// Attributes that are gone may stay in, and new ones may be missing.
    ///
    /// # Errors
    /// If the state is of no known form.
    fn upgrade(
        &self,
        from: i64,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostic> {
        let _ = from;
        Ok(state)
    }

    /// Brings an identity that version `from` stored to the present form.
    ///
    /// # Errors
    /// If the identity is of no known form.
    fn upgrade_identity(
        &self,
        from: i64,
        identity: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostic> {
        let _ = from;
        Ok(identity)
    }

    /// Adjusts the configuration that is generated for something that exists. What cannot be set,
    /// what equals its default and what conflicts is null already.
    fn generate(&self, state: &Value, config: &mut Value) {
        let _ = (state, config);
    }

    /// Takes over a resource of another type, for a `moved` block; `None` if this type never does.
    fn move_from(&self, source: &MoveSource) -> Option<Result<Self::Model, Diagnostic>> {
        let _ = source;
        None
    }
}

/// How the user names what is to be imported.
#[derive(Clone, Debug)]
pub enum ImportBy {
    /// By a text whose form the resource defines.
    Id(String),
    /// By the attributes that are marked `identity`.
    Identity(Value),
}

/// A resource of another type that becomes one of this type.
#[derive(Clone)]
#[non_exhaustive]
pub struct MoveSource {
    /// The source address of its provider, such as `registry.terraform.io/hashicorp/null`.
    pub provider: String,
    /// Its type, with the prefix.
    pub type_name: String,
    /// The version of its stored form.
    pub version: i64,
    /// Its state.
    pub state: serde_json::Value,
}

/// The state may hold secrets, so it is not shown.
impl std::fmt::Debug for MoveSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MoveSource")
            .field("provider", &self.provider)
            .field("type_name", &self.type_name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
