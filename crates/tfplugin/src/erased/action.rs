//! Actions without their model types.

use async_trait::async_trait;

use super::{Erased, decode};
use crate::{Action, Context, Diagnostic, Progress, Value};

#[async_trait]
pub(crate) trait AnyAction<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Vec<Diagnostic>;
    async fn plan(&self, cx: &mut Context<C>, config: &Value) -> Result<(), Diagnostic>;
    async fn invoke(
        &self,
        cx: &mut Context<C>,
        config: Value,
        progress: &Progress,
    ) -> Result<(), Diagnostic>;
}

#[async_trait]
impl<C: Send + Sync + 'static, A: Action<C>> AnyAction<C> for Erased<A> {
    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        self.0.validate(config)
    }

    async fn plan(&self, cx: &mut Context<C>, config: &Value) -> Result<(), Diagnostic> {
        self.0.plan(cx, config).await
    }

    async fn invoke(
        &self,
        cx: &mut Context<C>,
        config: Value,
        progress: &Progress,
    ) -> Result<(), Diagnostic> {
        self.0.invoke(cx, decode(config)?, progress).await
    }
}
