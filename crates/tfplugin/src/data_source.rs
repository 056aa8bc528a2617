//! What a data source implements.

use async_trait::async_trait;

use crate::{Context, Diagnostic, Model, Rule, Value};

/// Something to look up, in plain Rust types.
#[async_trait]
pub trait DataSource<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The question and the answer.
    type Model: Model;
    /// The name without the provider's prefix.
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

    /// Answers: `config` with the computed attributes filled in.
    ///
    /// # Errors
    /// If there is no answer.
    async fn read(
        &self,
        cx: &mut Context<C>,
        config: Self::Model,
    ) -> Result<Self::Model, Diagnostic>;
}
