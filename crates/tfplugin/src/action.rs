//! What an action implements.

use async_trait::async_trait;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::{Context, Diagnostic, Model, Rule, Value};

/// Something to do that leaves no state behind, such as a power cycle.
#[async_trait]
pub trait Action<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The configuration. Nothing in it is computed.
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

    /// Says before the apply whether it could be done; changes nothing. Not called while the
    /// provider is not configured. Values may be unknown still.
    ///
    /// # Errors
    /// If it could not; the plan stops.
    async fn plan(&self, cx: &mut Context<C>, config: &Value) -> Result<(), Diagnostic> {
        let _ = (cx, config);
        Ok(())
    }

    /// Does it.
    ///
    /// # Errors
    /// If it could not be done, or only in part.
    async fn invoke(
        &self,
        cx: &mut Context<C>,
        config: Self::Model,
        progress: &Progress,
    ) -> Result<(), Diagnostic>;
}

/// Tells the user how far an action has come.
#[derive(Clone, Debug)]
pub struct Progress(UnboundedSender<String>);

impl Progress {
    /// A progress and the messages it is told.
    pub fn new() -> (Self, UnboundedReceiver<String>) {
        let (messages, told) = mpsc::unbounded_channel();
        (Self(messages), told)
    }

    /// Shows a message, at once and on a line of its own.
    pub fn tell(&self, message: impl Into<String>) {
        // Nobody may be listening any more.
        drop(self.0.send(message.into()));
    }
}
