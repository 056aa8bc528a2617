//! The derive macro of tfplugin.

mod field;
mod model;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Makes a struct a Terraform object.
///
/// Each field is an attribute; its doc comment is the description. An `Option` is optional unless
/// it is computed, everything else is required. `#[tf(…)]` says more:
///
/// | option | meaning |
/// | --- | --- |
/// | `computed` | the provider sets it; with `optional`, the user may |
/// | `optional` | the user may set it, although it is computed |
/// | `default = expr` | what it is if the user does not set it; implies `optional` and `computed` |
/// | `sensitive` | Terraform does not show it |
/// | `write_only` | never stored; see `Context::config` |
/// | `replace` | a change of it needs a new resource |
/// | `replace_if = f` | `f(prior, planned)` decides whether a change needs a new resource |
/// | `keep` | once computed, it stays as it is when the resource changes |
/// | `identity` | part of what identifies the resource for good |
/// | `check = f` | `f(value)` says what is wrong with a known value |
/// | `check_each = f` | the same for each element of a list, set or map |
/// | `same = f` | `f(old, new)` decides whether another spelling is no change |
/// | `same_each = f` | the same for each element of a list, set or map |
///
/// A computed attribute without a default has to be an `Option`: in a plan it is `None`.
#[proc_macro_derive(Model, attributes(tf))]
pub fn model(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    model::expand(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}
