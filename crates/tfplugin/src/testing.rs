//! What a host insists on, for the tests of resources; with the feature `testing`.
//!
//! A property test of a resource makes a configuration, plans it with [`plan`], lets the resource
//! create or update what was planned, and asks [`apply_problems`] about the outcome. All functions
//! work on values of the model's schema, [`Model::attributes`](crate::Model::attributes).

mod propose;
mod refined;
mod rules;

pub use propose::{Planned, plan, propose};
pub use rules::{apply_problems, plan_problems, state_problems};

#[cfg(test)]
pub(crate) mod host;
#[cfg(test)]
mod notation;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use notation::{shown, value};
