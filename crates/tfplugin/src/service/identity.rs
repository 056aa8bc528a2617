//! What identifies a resource stays the same for as long as it is the same resource.

use crate::{Diagnostic, Path, Value, convert, erased::Schema, pb};

/// An error if `state` is not of the resource that the host knows by its identity.
///
/// A host knows none of a resource from before it had one, and a state may not know all of it yet.
pub(super) fn same(
    schema: &Schema,
    known: Option<&pb::ResourceIdentityData>,
    state: &Value,
) -> Result<(), Diagnostic> {
    let Some(ty) = convert::identity_type(&schema.attributes) else {
        return Ok(());
    };
    let value = |identity: Option<&pb::ResourceIdentityData>| {
        convert::value(
            &ty,
            identity.and_then(|identity| identity.identity_data.as_ref()),
        )
    };
    let known = value(known)?;
    let found = value(convert::identity(&schema.attributes, state)?.as_ref())?;
    let names = schema
        .attributes
        .iter()
        .filter(|attribute| attribute.identity);
    let mut names = names.map(|attribute| attribute.name);
    let changed = names.find(|name| {
        let (known, found) = (known.get(name), found.get(name));
        !known.is_null() && !found.is_null() && known != found
    });
    match changed {
        None => Ok(()),
        Some(name) => Err(Diagnostic::error(
            "Unexpected identity change",
            format!(
                "The provider found another resource than the one that Terraform knows: its \
                 `{name}`, which identifies it, is another one. This is a mistake in the \
                 provider, please report it."
            ),
        )
        .at(Path::root(name))),
    }
}
