//! How Rust types become Terraform values and back.

#[cfg(test)]
mod tests;
mod types;

use crate::{Attribute, DecodeError, Path, Shape, Value};

/// A Rust type that an attribute can have.
///
/// Implemented here for the plain types, and by `#[derive(Model)]` for structs. A provider may
/// implement it for its own types, such as an enum that is a string to Terraform.
pub trait AttributeType: Sized + Send + Sync + 'static {
    /// Whether null is a value of the type, so that an attribute of it is not required.
    const OPTIONAL: bool = false;

    /// Whether a value that is not known yet is one of the type; see [`Later`](crate::Later).
    const LATER: bool = false;

    /// What Terraform is told about the type.
    fn shape() -> Shape;

    /// Reads a value.
    ///
    /// # Errors
    /// If the value is not one of the type. The error must not contain the value.
    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError>;

    /// The value for Terraform.
    fn encode(self) -> Value;
}

/// A struct that is the schema, the documentation and the state at once; derive it.
pub trait Model: AttributeType {
    /// The description, Markdown.
    const DOC: &'static str;

    /// The attributes, one for each field.
    fn attributes() -> Vec<Attribute>;
}

/// What the derive macro refuses.
///
/// A computed value is not known in a plan, so it has to be an `Option`:
/// ```compile_fail
/// #[derive(tfplugin::Model)]
/// struct Wrong {
///     #[tf(computed)]
///     id: String,
/// }
/// ```
/// Only what is computed can be kept:
/// ```compile_fail
/// #[derive(tfplugin::Model)]
/// struct Wrong {
///     #[tf(keep)]
///     id: Option<String>,
/// }
/// ```
/// What is not stored cannot be computed:
/// ```compile_fail
/// #[derive(tfplugin::Model)]
/// struct Wrong {
///     #[tf(write_only, computed)]
///     id: Option<String>,
/// }
/// ```
/// There is no such option:
/// ```compile_fail
/// #[derive(tfplugin::Model)]
/// struct Wrong {
///     #[tf(forget)]
///     id: Option<String>,
/// }
/// ```
/// Everything else:
/// ```
/// #[derive(tfplugin::Model)]
/// struct Right {
///     #[tf(computed, keep)]
///     id: Option<String>,
///     #[tf(default = "On")]
///     power: String,
/// }
/// ```
#[cfg(doctest)]
struct Derive;
