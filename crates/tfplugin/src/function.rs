//! What a function of the provider implements.

use crate::{AttributeType, DecodeError, Diagnostic, Model, Path, Shape, Value};

/// A function that configurations call as `provider::<provider>::<name>(…)`.
///
/// It is pure: the same arguments give the same result, nothing outside is read or changed, and
/// there is no client, because Terraform calls it before anything is configured.
pub trait Function: Send + Sync + 'static {
    /// The parameters: each field is one, in this order, and its doc comment describes it. The
    /// comment of the struct describes the function.
    ///
    /// An `Option` may be null and a [`Later`] not known yet. `#[tf(check = …)]` is honoured, the
    /// other options mean nothing here.
    type Arguments: Model;
    /// What it returns.
    type Output: AttributeType;
    /// The name, without any prefix.
    const NAME: &'static str;
    /// What it does, in a few words.
    const SUMMARY: &'static str;
    /// Whether the last parameter, which is a `Vec`, takes all the arguments that are left.
    const VARIADIC: bool = false;

    /// Calls it.
    ///
    /// # Errors
    /// If the arguments have no result. The path names the argument that is at fault:
    /// `Path::root("cidr")`, or `Path::root("rest").index(2)` of a variadic one.
    fn call(&self, arguments: Self::Arguments) -> Result<Self::Output, Diagnostic>;
}

/// A value that may not be known yet: an argument or the result of a [`Function`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Later<T> {
    /// It is known.
    Known(T),
    /// It is known only after the apply.
    Unknown,
}

impl<T: AttributeType> AttributeType for Later<T> {
    const OPTIONAL: bool = T::OPTIONAL;
    const LATER: bool = true;

    fn shape() -> Shape {
        T::shape()
    }

    fn decode(value: Value, path: &Path) -> Result<Self, DecodeError> {
        if value.is_known() {
            T::decode(value, path).map(Self::Known)
        } else {
            Ok(Self::Unknown)
        }
    }

    fn encode(self) -> Value {
        match self {
            Self::Known(value) => value.encode(),
            Self::Unknown => Value::UNKNOWN,
        }
    }
}
