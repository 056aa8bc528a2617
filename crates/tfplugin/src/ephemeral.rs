//! What an ephemeral resource implements.

use std::time::SystemTime;

use async_trait::async_trait;

use crate::{Context, Diagnostic, Model, Rule, Value};

/// Something that exists for one run and is never stored, such as a session or a token.
#[async_trait]
pub trait Ephemeral<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The configuration and the result.
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

    /// Makes it: `config` with the computed attributes filled in.
    ///
    /// What [`renew`](Self::renew) and [`close`](Self::close) need to know goes into
    /// [`Context::private`]; they get nothing else.
    ///
    /// # Errors
    /// If there is none; then it is not closed either.
    async fn open(
        &self,
        cx: &mut Context<C>,
        config: Self::Model,
    ) -> Result<Opened<Self::Model>, Diagnostic>;

    /// Prolongs it, at the time that [`open`](Self::open) or the last renewal named. Returns when
    /// to do so again, if ever.
    ///
    /// # Errors
    /// If it ended, or will.
    async fn renew(&self, cx: &mut Context<C>) -> Result<Option<SystemTime>, Diagnostic> {
        let _ = cx;
        Ok(None)
    }

    /// Ends it. This happens even when the run was interrupted, so [`Context::stop`] is not
    /// cancelled for it.
    ///
    /// # Errors
    /// If it still exists.
    async fn close(&self, cx: &mut Context<C>) -> Result<(), Diagnostic> {
        let _ = cx;
        Ok(())
    }
}

/// What opening an ephemeral resource came to.
#[derive(Debug)]
pub struct Opened<M> {
    /// The configuration with the computed attributes filled in.
    pub result: M,
    /// When it has to be renewed, if ever.
    pub renew_at: Option<SystemTime>,
}

impl<M> Opened<M> {
    /// A result that has to be renewed at this time.
    pub fn until(result: M, renew_at: SystemTime) -> Self {
        Self {
            result,
            renew_at: Some(renew_at),
        }
    }
}

/// A result that lasts for the run.
impl<M> From<M> for Opened<M> {
    fn from(result: M) -> Self {
        Self {
            result,
            renew_at: None,
        }
    }
}
