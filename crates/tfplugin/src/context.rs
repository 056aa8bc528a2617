//! What a resource is given besides its own values.

use std::{fmt, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{Diagnostic, Severity, Value};

/// One call of a resource or a data source: the configured client, the wish to stop, and the
/// things that are not part of the model.
pub struct Context<C> {
    /// What [`Provider::configure`](crate::Provider::configure) made.
    pub client: Arc<C>,
    /// Cancelled when the user interrupts the run. Whatever waits should end then, and report
    /// what exists so far.
    pub stop: CancellationToken,
    /// What the user wrote, with null where a default applies. Write-only attributes exist here
    /// only. Null unless something is created or updated, or a data source is read.
    pub config: Value,
    /// Data that Terraform stores with the resource and shows to nobody.
    pub private: serde_json::Value,
    warnings: Vec<Diagnostic>,
}

impl<C> Context<C> {
    /// A call that nobody stops, with no configuration: for tests of resources.
    pub fn new(client: Arc<C>) -> Self {
        Self {
            client,
            stop: CancellationToken::new(),
            config: Value::Null,
            private: serde_json::Value::Null,
            warnings: Vec::new(),
        }
    }

    /// Tells the user something that does not stop the run.
    pub fn warn(&mut self, diagnostic: Diagnostic) {
        self.warnings.push(Diagnostic {
            severity: Severity::Warning,
            ..diagnostic
        });
    }

    /// The warnings so far.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    pub(crate) fn into_warnings(self) -> Vec<Diagnostic> {
        self.warnings
    }
}

/// The client may hold secrets, so it is not shown.
impl<C> fmt::Debug for Context<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("config", &self.config)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}
