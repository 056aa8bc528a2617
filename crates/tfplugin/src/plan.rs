//! Planning: from what the user wrote and what there is, to what there will be.

pub(crate) mod engine;
pub(crate) mod spelling;
#[cfg(test)]
mod tests;

use crate::{Diagnostic, Path, Severity, Value};

/// A planned change of one resource, for [`Resource::plan`](crate::Resource::plan) to adjust.
///
/// The schema's part is done: defaults are filled in, and if anything changes, what the provider
/// computes is unknown or kept.
#[derive(Debug)]
pub struct Plan<'a> {
    /// What the user wrote.
    pub config: &'a Value,
    /// The state before the change; null on create.
    pub prior: &'a Value,
    /// The state after the change. Terraform insists on what the user set, so only computed
    /// attributes may differ from the configuration.
    pub planned: &'a mut Value,
    /// The attributes whose change needs a new resource.
    pub replace: &'a mut Vec<Path>,
    /// What the user is told; an error stops the plan.
    pub diagnostics: &'a mut Vec<Diagnostic>,
}

impl Plan<'_> {
    /// Whether the resource is to be created.
    pub fn is_create(&self) -> bool {
        self.prior.is_null()
    }

    /// Whether the resource exists and something about it changes.
    pub fn is_update(&self) -> bool {
        !self.prior.is_null() && *self.planned != *self.prior
    }

    /// Whether the attribute will have, or may have, another value than before.
    pub fn changed(&self, attribute: &str) -> bool {
        self.planned.get(attribute) != self.prior.get(attribute)
    }

    /// Plans a value.
    pub fn set(&mut self, attribute: &str, value: Value) {
        if let Value::Map(attributes) = self.planned {
            attributes.insert(attribute.to_owned(), value);
        }
    }

    /// Tells the user something that does not stop the plan.
    pub fn warn(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(Diagnostic {
            severity: Severity::Warning,
            ..diagnostic
        });
    }

    /// Plans that the value is known only after the apply.
    pub fn unknown(&mut self, attribute: &str) {
        self.set(attribute, Value::UNKNOWN);
    }

    /// Plans that the value stays as it was.
    pub fn keep(&mut self, attribute: &str) {
        let prior = self.prior.get(attribute).clone();
        self.set(attribute, prior);
    }
}
