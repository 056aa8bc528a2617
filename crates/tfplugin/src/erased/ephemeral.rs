//! Ephemeral resources without their model types.

use std::time::SystemTime;

use async_trait::async_trait;

use super::{Erased, decode};
use crate::{AttributeType, Context, Diagnostic, Ephemeral, Opened, Value};

#[async_trait]
pub(crate) trait AnyEphemeral<C>: Send + Sync {
    fn validate(&self, config: &Value) -> Vec<Diagnostic>;
    async fn open(&self, cx: &mut Context<C>, config: Value) -> Result<Opened<Value>, Diagnostic>;
    async fn renew(&self, cx: &mut Context<C>) -> Result<Option<SystemTime>, Diagnostic>;
    async fn close(&self, cx: &mut Context<C>) -> Result<(), Diagnostic>;
}

#[async_trait]
impl<C: Send + Sync + 'static, E: Ephemeral<C>> AnyEphemeral<C> for Erased<E> {
    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        self.0.validate(config)
    }

    async fn open(&self, cx: &mut Context<C>, config: Value) -> Result<Opened<Value>, Diagnostic> {
        let opened = self.0.open(cx, decode(config)?).await?;
        Ok(Opened {
            result: opened.result.encode(),
            renew_at: opened.renew_at,
        })
    }

    async fn renew(&self, cx: &mut Context<C>) -> Result<Option<SystemTime>, Diagnostic> {
        self.0.renew(cx).await
    }

    async fn close(&self, cx: &mut Context<C>) -> Result<(), Diagnostic> {
        self.0.close(cx).await
    }
}
