//! What a list of resources implements.

use async_trait::async_trait;

use crate::{Context, Diagnostic, Model, Rule, Value};

/// A search for things that exist and could be managed, for `list` blocks of `terraform query`.
#[async_trait]
pub trait ListResource<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// What can be asked for.
    type Model: Model;
    /// The model of the managed resource of the same name, which has an identity.
    type Resource: Model;
    /// The name of that managed resource, without the provider's prefix.
    const NAME: &'static str;

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

    /// Finds them. More than was wanted is cut off, and resources that were not wanted are not
    /// sent, so only what is dear needs to look at `wanted`.
    ///
    /// # Errors
    /// If the search failed.
    async fn list(
        &self,
        cx: &mut Context<C>,
        config: Self::Model,
        wanted: Wanted,
    ) -> Result<Vec<Listed<Self::Resource>>, Diagnostic>;
}

/// How much of it the user wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// At most so many.
    pub limit: Option<usize>,
    /// The whole resource too, and not only what identifies it.
    pub resource: bool,
}

/// One thing that was found.
pub struct Listed<R> {
    pub(crate) name: String,
    pub(crate) identity: Option<Value>,
    pub(crate) resource: Option<R>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<R> Listed<R> {
    /// A whole resource, which says itself what identifies it.
    pub fn resource(name: impl Into<String>, resource: R) -> Self {
        Self {
            name: name.into(),
            identity: None,
            resource: Some(resource),
            diagnostics: Vec::new(),
        }
    }

    /// Only what identifies it: the attributes that are marked `identity`.
    pub fn identity<const N: usize>(
        name: impl Into<String>,
        identity: [(&'static str, Value); N],
    ) -> Self {
        let identity = identity.map(|(name, value)| (name.to_owned(), value));
        Self {
            name: name.into(),
            identity: Some(Value::Map(identity.into())),
            resource: None,
            diagnostics: Vec::new(),
        }
    }

    /// The same, with something to tell the user about it. An error ends the list here.
    #[must_use]
    pub fn with(mut self, diagnostic: Diagnostic) -> Self {
        self.diagnostics.push(diagnostic);
        self
    }
}

/// A resource may hold secrets, so it is not shown.
impl<R> std::fmt::Debug for Listed<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listed")
            .field("name", &self.name)
            .field("identity", &self.identity)
            .field("diagnostics", &self.diagnostics)
            .finish_non_exhaustive()
    }
}
