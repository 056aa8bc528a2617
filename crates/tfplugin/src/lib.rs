//! Terraform plugin protocol 6: everything a provider needs that is not about its subject.
//!
//! A provider implements [`Provider`] and, for each part it offers, [`Resource`], [`DataSource`],
//! [`Function`], [`Ephemeral`], [`ListResource`] or [`Action`] in plain Rust types, and hands
//! itself to [`run`]. One struct with `#[derive(Model)]` is the schema, the documentation
//! and the state of a resource at once; create, read, update and delete see only that struct.
//! [`Value`] trees, in which things may be unknown, appear only where Terraform needs them: in
//! planning and validation.
//!
//! From the outside in: `plugin` is the process (handshake, TLS, signals, log), `service` answers
//! the calls, `convert` and `codec` turn messages into values, `plan` does what the schema says
//! about a change, and the traits are what is left for the provider to say.

// The derive macro names this crate.
extern crate self as tfplugin;

mod provider;
mod resource;

mod action;
mod context;
mod data_source;
mod diagnostic;
mod ephemeral;
mod function;
mod list_resource;
mod path;

mod model;
mod rule;
mod schema;
mod timeouts;

mod number;
mod types;
mod value;

mod generate;
mod plan;

mod codec;
mod convert;
mod erased;
mod guard;
mod plugin;
mod service;

pub mod docs;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use async_trait::async_trait;
pub use tfplugin_derive::Model;
pub use tokio_util::sync::CancellationToken;

pub use action::{Action, Progress};
pub use codec::DecodeError;
pub use context::Context;
pub use data_source::DataSource;
pub use diagnostic::{Diagnostic, Failed, Severity, capitalized};
pub use ephemeral::{Ephemeral, Opened};
pub use function::{Function, Later};
pub use list_resource::{ListResource, Listed, Wanted};
pub use model::{AttributeType, Model};
pub use number::{NotANumber, Number};
pub use path::Path;
pub use plan::Plan;
pub use plugin::run;
pub use provider::{Parts, Provider};
pub use resource::{ImportBy, MoveSource, Resource};
pub use rule::{Rule, at_least_one_of, conflicts, exactly_one_of, required_together};
pub use schema::{Attribute, Check, Nesting, Same, Shape};
pub use timeouts::{Timeouts, is_duration, parse_duration};
pub use types::Type;
pub use value::Value;

#[rustfmt::skip]
#[path = "gen/tfplugin6.rs"]
#[allow(
    clippy::all, clippy::allow_attributes_without_reason, clippy::too_many_lines,
    dead_code, missing_docs, unnameable_types, unreachable_pub, unused_qualifications,
    reason = "generated; the client half is for the tests"
)]
mod pb;

#[rustfmt::skip]
#[path = "gen/plugin.rs"]
#[allow(
    clippy::all, clippy::allow_attributes_without_reason, clippy::too_many_lines,
    dead_code, missing_docs, unnameable_types, unreachable_pub, unused_qualifications,
    reason = "generated; the client half is for the tests"
)]
mod go_plugin;
