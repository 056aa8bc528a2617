//! Functions without their types.

use super::{Erased, decode};
use crate::{Attribute, AttributeType, Diagnostic, Function, Model, Type, Value};

/// What Terraform is told about a function.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) summary: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) parameters: Vec<Attribute>,
    /// Whether the last parameter takes all the arguments that are left.
    pub(crate) variadic: bool,
    pub(crate) result: Type,
}

impl Signature {
    pub(crate) fn of<F: Function>() -> Self {
        Self {
            summary: F::SUMMARY,
            doc: F::Arguments::DOC,
            parameters: F::Arguments::attributes(),
            variadic: F::VARIADIC,
            result: Attribute::new("", "", F::Output::shape()).ty(),
        }
    }

    /// The parameters that take one argument each, and the one that takes those that are left.
    pub(crate) fn split(&self) -> (&[Attribute], Option<&Attribute>) {
        match self.parameters.split_last() {
            Some((last, others)) if self.variadic => (others, Some(last)),
            _ => (&self.parameters, None),
        }
    }

    /// The type of each argument for the variadic parameter.
    pub(crate) fn element(variadic: &Attribute) -> Type {
        match variadic.ty() {
            Type::List(element) => *element,
            other => other,
        }
    }
}

/// A function with its signature, which is made once.
pub(crate) struct Callable {
    pub(crate) signature: Signature,
    pub(crate) part: Box<dyn AnyFunction>,
}

pub(crate) trait AnyFunction: Send + Sync {
    fn call(&self, arguments: Value) -> Result<Value, Diagnostic>;
}

impl<F: Function> AnyFunction for Erased<F> {
    fn call(&self, arguments: Value) -> Result<Value, Diagnostic> {
        self.0.call(decode(arguments)?).map(AttributeType::encode)
    }
}
