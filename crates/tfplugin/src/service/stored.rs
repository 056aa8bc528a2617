//! What was stored earlier, or is to be stored from now on: upgrade, move, import.

use serde_json::Value as Json;

use super::{Service, identity, private, storable};
use crate::{
    Diagnostic, ImportBy, MoveSource, Provider, Value, codec, convert,
    erased::{Offer, Schema},
    pb,
};

impl<P: Provider> Service<P> {
    pub(super) fn upgrade_state(
        &self,
        request: &pb::upgrade_resource_state::Request,
    ) -> Result<pb::upgrade_resource_state::Response, Diagnostic> {
        let Offer { schema, part } = self.resource(&request.type_name)?;
        let stored = json(request.raw_state.as_ref())?;
        let state = if request.version == schema.version {
            codec::decode_json(&schema.ty, stored)?
        } else {
            let from = request.version;
            tracing::info!(
                resource = request.type_name,
                from,
                to = schema.version,
                "upgrading"
            );
            let upgraded = part.upgrade(from, parse(stored)?)?;
            codec::decode_json_value(&schema.ty, &upgraded)?
        };
        Ok(pb::upgrade_resource_state::Response {
            upgraded_state: convert::dynamic(&schema.ty, &state)?,
            diagnostics: Vec::new(),
        })
    }

    pub(super) fn upgrade_identity(
        &self,
        request: &pb::upgrade_resource_identity::Request,
    ) -> Result<pb::upgrade_resource_identity::Response, Diagnostic> {
        let Offer { schema, part } = self.resource(&request.type_name)?;
        let Some(ty) = convert::identity_type(&schema.attributes) else {
            let detail = format!("{} has no identity in this version.", request.type_name);
            return Err(Diagnostic::error("No resource identity", detail));
        };
        let stored = json(request.raw_identity.as_ref())?;
        let identity = if request.version == schema.identity_version {
            codec::decode_json(&ty, stored)?
        } else {
            let upgraded = part.upgrade_identity(request.version, parse(stored)?)?;
            codec::decode_json_value(&ty, &upgraded)?
        };
        let identity_data = convert::dynamic(&ty, &identity)?;
        Ok(pb::upgrade_resource_identity::Response {
            upgraded_identity: Some(pb::ResourceIdentityData { identity_data }),
            diagnostics: Vec::new(),
        })
    }

    pub(super) fn move_state(
        &self,
        request: pb::move_resource_state::Request,
    ) -> Result<pb::move_resource_state::Response, Diagnostic> {
        let Offer { schema, part } = self.resource(&request.target_type_name)?;
        let source = MoveSource {
            state: parse(json(request.source_state.as_ref())?)?,
            provider: request.source_provider_address,
            type_name: request.source_type_name,
            version: request.source_schema_version,
        };
        let moved = part.move_from(&source).unwrap_or_else(|| {
            let (from, to) = (&source.type_name, &request.target_type_name);
            let detail = format!("A resource of type {from} cannot become one of type {to}.");
            Err(Diagnostic::error(
                "Unsupported move between resource types",
                detail,
            ))
        })?;
        let state = storable(schema, &Value::Null, moved);
        Ok(pb::move_resource_state::Response {
            target_state: convert::dynamic(&schema.ty, &state)?,
            target_identity: convert::identity(&schema.attributes, &state)?,
            ..Default::default()
        })
    }

    pub(super) async fn import(
        &self,
        request: pb::import_resource_state::Request,
    ) -> Result<pb::import_resource_state::Response, Diagnostic> {
        let Offer { schema, part } = self.resource(&request.type_name)?;
        let mut cx = match self.ready(request.client_capabilities)? {
            Ok(cx) => cx,
            Err(deferred) => return import_later(schema, request, deferred),
        };
        let asked = request.identity.as_ref();
        let by = match (asked, convert::identity_type(&schema.attributes)) {
            (Some(_), Some(ty)) if request.id.is_empty() => {
                let asked = asked.and_then(|asked| asked.identity_data.as_ref());
                ImportBy::Identity(convert::value(&ty, asked)?)
            }
            _ => ImportBy::Id(request.id),
        };
        let state = storable(schema, &Value::Null, part.import(&mut cx, by).await?);
        identity::same(schema, asked, &state)?;
        let imported = pb::import_resource_state::ImportedResource {
            type_name: request.type_name,
            state: convert::dynamic(&schema.ty, &state)?,
            private: private(&cx.private),
            identity: convert::identity(&schema.attributes, &state)?.or(request.identity),
        };
        Ok(pb::import_resource_state::Response {
            imported_resources: vec![imported],
            diagnostics: convert::diagnostics(cx.into_warnings()),
            deferred: None,
        })
    }
}

fn import_later(
    schema: &Schema,
    request: pb::import_resource_state::Request,
    deferred: pb::Deferred,
) -> Result<pb::import_resource_state::Response, Diagnostic> {
    let imported = pb::import_resource_state::ImportedResource {
        type_name: request.type_name,
        state: convert::dynamic(&schema.ty, &Value::UNKNOWN)?,
        private: Vec::new(),
        identity: request.identity,
    };
    Ok(pb::import_resource_state::Response {
        imported_resources: vec![imported],
        diagnostics: Vec::new(),
        deferred: Some(deferred),
    })
}

fn json(stored: Option<&pb::RawState>) -> Result<&[u8], Diagnostic> {
    match stored {
        Some(stored) if !stored.json.is_empty() => Ok(&stored.json),
        _ => Err(Diagnostic::error(
            "Unreadable state",
            "The stored state is not JSON: it was written by Terraform 0.11 or earlier.",
        )),
    }
}

fn parse(json: &[u8]) -> Result<Json, Diagnostic> {
    match serde_json::from_slice(json) {
        Ok(json) => Ok(json),
        // The error's text may quote the state.
        Err(error) => Err(Diagnostic::error(
            "Unreadable state",
            format!(
                "The stored state is not JSON at byte {} of line {}.",
                error.column(),
                error.line()
            ),
        )),
    }
}
