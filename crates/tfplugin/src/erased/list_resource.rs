//! Lists of resources without their model types.

use async_trait::async_trait;

use super::{Erased, decode};
use crate::{AttributeType, Context, Diagnostic, ListResource, Listed, Value, Wanted};

#[async_trait]
pub(crate) trait AnyListResource<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Vec<Diagnostic>;
    async fn list(
        &self,
        cx: &mut Context<C>,
        config: Value,
        wanted: Wanted,
    ) -> Result<Vec<Listed<Value>>, Diagnostic>;
}

#[async_trait]
impl<C: Send + Sync + 'static, L: ListResource<C>> AnyListResource<C> for Erased<L> {
    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        self.0.validate(config)
    }

    async fn list(
        &self,
        cx: &mut Context<C>,
        config: Value,
        wanted: Wanted,
    ) -> Result<Vec<Listed<Value>>, Diagnostic> {
        let found = self.0.list(cx, decode(config)?, wanted).await?;
        let erase = |listed: Listed<L::Resource>| Listed {
            name: listed.name,
            identity: listed.identity,
            resource: listed.resource.map(AttributeType::encode),
            diagnostics: listed.diagnostics,
        };
        Ok(found.into_iter().map(erase).collect())
    }
}
