//! Calling functions.

use std::collections::BTreeMap;

use super::{Service, find, reply::Reply};
use crate::{
    Attribute, Diagnostic, Path, Provider, Type, Value, convert,
    erased::{Callable, Signature},
    guard::caught,
    path::Step,
    pb, schema,
};

impl<P: Provider> Service<P> {
    pub(super) fn call(
        &self,
        request: &pb::call_function::Request,
    ) -> Result<pb::call_function::Response, Diagnostic> {
        let Callable { signature, part } = find(&self.parts.functions, "function", &request.name)?;
        let answer = arguments(signature, &request.arguments).and_then(|arguments| {
            let result = match arguments {
                Some(arguments) => caught(|| part.call(arguments)).flatten()?,
                None => Value::UNKNOWN,
            };
            convert::dynamic(&signature.result, &result)
        });
        Ok(match answer {
            Ok(result) => pb::call_function::Response {
                result,
                error: None,
            },
            Err(diagnostic) => pb::call_function::Response {
                result: None,
                error: Some(error(signature, diagnostic)),
            },
        })
    }
}

impl Reply for pb::call_function::Response {
    fn failed(diagnostic: Diagnostic) -> Self {
        Self {
            result: None,
            error: Some(pb::FunctionError {
                text: text(&diagnostic, None),
                function_argument: None,
            }),
        }
    }
}

/// The arguments by name; none if one is not known that has to be.
fn arguments(
    signature: &Signature,
    messages: &[pb::DynamicValue],
) -> Result<Option<Value>, Diagnostic> {
    let (single, variadic) = signature.split();
    if messages.len() < single.len() || (variadic.is_none() && messages.len() > single.len()) {
        let (expected, found) = (single.len(), messages.len());
        let detail = format!("The function takes {expected} arguments, found {found}.");
        return Err(Diagnostic::error("Wrong number of arguments", detail));
    }
    let mut arguments = BTreeMap::new();
    let mut known = true;
    for (parameter, message) in single.iter().zip(messages) {
        let path = Path::root(parameter.name);
        let value = argument(&parameter.ty(), message, path)?;
        known &= parameter.later || value.is_known();
        arguments.insert(parameter.name.to_owned(), value);
    }
    if let Some(parameter) = variadic {
        let ty = Signature::element(parameter);
        let mut rest = Vec::new();
        for (index, message) in messages.iter().skip(single.len()).enumerate() {
            let value = argument(&ty, message, Path::root(parameter.name).index(index))?;
            known &= value.is_known();
            rest.push(value);
        }
        arguments.insert(parameter.name.to_owned(), Value::List(rest));
    }
    let arguments = Value::Map(arguments);
    match schema::validate(&signature.parameters, &arguments)
        .into_iter()
        .next()
    {
        Some(wrong) => Err(wrong),
        None => Ok(known.then_some(arguments)),
    }
}

fn argument(ty: &Type, message: &pb::DynamicValue, path: Path) -> Result<Value, Diagnostic> {
    convert::value(ty, Some(message)).map_err(|diagnostic| diagnostic.at(path))
}

/// The error, placed on the argument that its path begins with.
fn error(signature: &Signature, diagnostic: Diagnostic) -> pb::FunctionError {
    let argument = diagnostic.path.as_ref().and_then(|path| {
        let mut steps = path.steps().iter();
        let Some(Step::Attribute(name)) = steps.next() else {
            return None;
        };
        let named = |parameter: &Attribute| parameter.name == name;
        let position = signature.parameters.iter().position(named)?;
        let variadic = signature.variadic && position + 1 == signature.parameters.len();
        match steps.next() {
            Some(Step::Index(index)) if variadic => Some(position + index),
            // The list as a whole is no argument.
            None if variadic => None,
            _ => Some(position),
        }
    });
    pb::FunctionError {
        text: text(&diagnostic, argument),
        function_argument: argument.and_then(|index| i64::try_from(index).ok()),
    }
}

/// The host says which argument it is about, and puts a full stop after the text.
fn text(diagnostic: &Diagnostic, argument: Option<usize>) -> String {
    let Diagnostic {
        summary, detail, ..
    } = diagnostic;
    let generic = summary.starts_with("Invalid value");
    let text = match (summary, detail) {
        (summary, detail) if detail.is_empty() => summary.clone(),
        (_, detail) if generic && argument.is_some() => detail.clone(),
        (summary, detail) => format!("{summary}: {detail}"),
    };
    text.trim_end_matches('.').to_owned()
}
