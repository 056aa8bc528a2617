//! Between the protocol's messages and our types; nothing else names both.

use crate::{
    Attribute, Diagnostic, Nesting, Path, Severity, Shape, Type, Value,
    codec::{self, EncodeError},
    erased::{Schema, Signature},
    path::Step,
    pb,
};

/// The value in a message; a missing one is null.
pub(crate) fn value(ty: &Type, message: Option<&pb::DynamicValue>) -> Result<Value, Diagnostic> {
    let Some(message) = message else {
        return Ok(Value::Null);
    };
    let decoded = if message.msgpack.is_empty() && !message.json.is_empty() {
        codec::decode_json(ty, &message.json)
    } else {
        codec::decode(ty, &message.msgpack)
    };
    Ok(decoded?)
}

/// The message for a value.
pub(crate) fn dynamic(ty: &Type, value: &Value) -> Result<Option<pb::DynamicValue>, Diagnostic> {
    let msgpack = codec::encode(ty, value)?;
    Ok(Some(pb::DynamicValue {
        msgpack,
        json: Vec::new(),
    }))
}

impl From<EncodeError> for Diagnostic {
    fn from(error: EncodeError) -> Self {
        let detail = format!("{error}. This is a mistake in the provider, please report it.");
        Self::error("The provider made an invalid value", detail)
    }
}

/// The messages for diagnostics.
pub(crate) fn diagnostics(
    diagnostics: impl IntoIterator<Item = Diagnostic>,
) -> Vec<pb::Diagnostic> {
    diagnostics.into_iter().map(diagnostic).collect()
}

/// The message for a diagnostic.
pub(crate) fn diagnostic(diagnostic: Diagnostic) -> pb::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => pb::diagnostic::Severity::Error,
        Severity::Warning => pb::diagnostic::Severity::Warning,
    };
    pb::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary,
        detail: diagnostic.detail,
        attribute: diagnostic.path.as_ref().map(path),
    }
}

/// The message for a path.
pub(crate) fn path(path: &Path) -> pb::AttributePath {
    use pb::attribute_path::{Step as Message, step::Selector};
    let steps = path.steps().iter().map(|step| {
        let selector = match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => {
                Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX))
            }
        };
        Message {
            selector: Some(selector),
        }
    });
    pb::AttributePath {
        steps: steps.collect(),
    }
}

/// The message for a schema.
pub(crate) fn schema(schema: &Schema) -> pb::Schema {
    pb::Schema {
        version: schema.version,
        block: Some(pb::schema::Block {
            version: schema.version,
            attributes: schema.attributes.iter().map(attribute).collect(),
            description: schema.doc.to_owned(),
            description_kind: pb::StringKind::Markdown.into(),
            ..Default::default()
        }),
    }
}

fn attribute(attribute: &Attribute) -> pb::schema::Attribute {
    // A host refuses a schema that says both.
    let (ty, nested_type) = match &attribute.shape {
        Shape::Plain(ty) => (type_json(ty), None),
        Shape::Nested(nesting, inner) => (Vec::new(), Some(nested(*nesting, inner))),
    };
    pb::schema::Attribute {
        name: attribute.name.to_owned(),
        r#type: ty,
        nested_type,
        description: attribute.doc.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
        required: attribute.required,
        optional: attribute.optional,
        computed: attribute.computed,
        sensitive: attribute.sensitive,
        write_only: attribute.write_only,
        ..Default::default()
    }
}

fn nested(nesting: Nesting, attributes: &[Attribute]) -> pb::schema::Object {
    use pb::schema::object::NestingMode;
    let nesting = match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pb::schema::Object {
        attributes: attributes.iter().map(attribute).collect(),
        nesting: nesting.into(),
    }
}

fn type_json(ty: &Type) -> Vec<u8> {
    ty.to_json().to_string().into_bytes()
}

/// The message for a function.
pub(crate) fn function(signature: &Signature) -> pb::Function {
    let (single, variadic) = signature.split();
    let parameter = |parameter: &Attribute, ty: &Type| pb::function::Parameter {
        name: parameter.name.to_owned(),
        r#type: type_json(ty),
        allow_null_value: parameter.optional,
        allow_unknown_values: parameter.later,
        description: parameter.doc.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
    };
    pb::Function {
        parameters: single
            .iter()
            .map(|single| parameter(single, &single.ty()))
            .collect(),
        variadic_parameter: variadic
            .map(|variadic| parameter(variadic, &Signature::element(variadic))),
        r#return: Some(pb::function::Return {
            r#type: type_json(&signature.result),
        }),
        summary: signature.summary.to_owned(),
        description: signature.doc.to_owned(),
        description_kind: pb::StringKind::Markdown.into(),
        deprecation_message: String::new(),
    }
}

/// The message for the attributes that identify a resource; none if there are no such.
pub(crate) fn identity_schema(schema: &Schema) -> Option<pb::ResourceIdentitySchema> {
    let identity_attributes: Vec<_> = schema
        .attributes
        .iter()
        .filter(|attribute| attribute.identity)
        .map(
            |attribute| pb::resource_identity_schema::IdentityAttribute {
                name: attribute.name.to_owned(),
                r#type: type_json(&attribute.ty()),
                required_for_import: true,
                optional_for_import: false,
                description: attribute.doc.to_owned(),
            },
        )
        .collect();
    let any = !identity_attributes.is_empty();
    any.then_some(pb::ResourceIdentitySchema {
        version: schema.identity_version,
        identity_attributes,
    })
}

/// The type of the identity of a resource.
pub(crate) fn identity_type(attributes: &[Attribute]) -> Option<Type> {
    let identity = attributes.iter().filter(|attribute| attribute.identity);
    let types: std::collections::BTreeMap<_, _> = identity
        .map(|attribute| (attribute.name.to_owned(), attribute.ty()))
        .collect();
    (!types.is_empty()).then_some(Type::Object(types))
}

/// The identity within a state, if the resource has one and all of it is known.
pub(crate) fn identity(
    attributes: &[Attribute],
    state: &Value,
) -> Result<Option<pb::ResourceIdentityData>, Diagnostic> {
    let Some(ty) = identity_type(attributes) else {
        return Ok(None);
    };
    let identity = attributes.iter().filter(|attribute| attribute.identity);
    let known = identity.clone().all(|attribute| {
        let value = state.get(attribute.name);
        value.is_known() && !value.is_null()
    });
    if !known {
        return Ok(None);
    }
    let values = identity
        .map(|attribute| (attribute.name.to_owned(), state.get(attribute.name).clone()))
        .collect();
    Ok(Some(pb::ResourceIdentityData {
        identity_data: dynamic(&ty, &Value::Map(values))?,
    }))
}
