//! What there is to configure.

use std::collections::{BTreeMap, HashMap};

use super::Service;
use crate::{Provider, convert, pb, provider::Offers};

const CAPABILITIES: pb::ServerCapabilities = pb::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: true,
};

impl<P: Provider> Service<P> {
    pub(super) fn metadata(&self) -> pb::get_metadata::Response {
        use pb::get_metadata::{
            ActionMetadata, DataSourceMetadata, EphemeralMetadata, FunctionMetadata,
            ListResourceMetadata, ResourceMetadata,
        };
        let parts = &self.parts;
        pb::get_metadata::Response {
            server_capabilities: Some(CAPABILITIES),
            diagnostics: Vec::new(),
            resources: names(&parts.resources, |type_name| ResourceMetadata { type_name }),
            data_sources: names(&parts.data_sources, |type_name| DataSourceMetadata {
                type_name,
            }),
            ephemeral_resources: names(&parts.ephemerals, |type_name| EphemeralMetadata {
                type_name,
            }),
            list_resources: names(&parts.lists, |type_name| ListResourceMetadata { type_name }),
            actions: names(&parts.actions, |type_name| ActionMetadata { type_name }),
            functions: names(&parts.functions, |name| FunctionMetadata { name }),
        }
    }

    pub(super) fn schemas(&self) -> pb::get_provider_schema::Response {
        let parts = &self.parts;
        let actions = schemas(&parts.actions).into_iter();
        let action_schema = |schema| pb::ActionSchema {
            schema: Some(schema),
        };
        pb::get_provider_schema::Response {
            provider: Some(convert::schema(&self.config)),
            provider_meta: None,
            resource_schemas: schemas(&parts.resources),
            data_source_schemas: schemas(&parts.data_sources),
            ephemeral_resource_schemas: schemas(&parts.ephemerals),
            list_resource_schemas: schemas(&parts.lists),
            action_schemas: actions
                .map(|(name, schema)| (name, action_schema(schema)))
                .collect(),
            functions: self.functions().functions,
            server_capabilities: Some(CAPABILITIES),
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn functions(&self) -> pb::get_functions::Response {
        let functions = self.parts.functions.iter();
        pb::get_functions::Response {
            functions: functions
                .map(|(name, function)| (name.clone(), convert::function(&function.signature)))
                .collect(),
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn identity_schemas(&self) -> pb::get_resource_identity_schemas::Response {
        let identity_schemas = self.parts.resources.iter().filter_map(|(name, offer)| {
            let schema = convert::identity_schema(&offer.schema)?;
            Some((name.clone(), schema))
        });
        pb::get_resource_identity_schemas::Response {
            identity_schemas: identity_schemas.collect(),
            diagnostics: Vec::new(),
        }
    }
}

fn names<T, M>(parts: &BTreeMap<String, T>, message: impl Fn(String) -> M) -> Vec<M> {
    parts.keys().cloned().map(message).collect()
}

fn schemas<T: ?Sized>(parts: &Offers<T>) -> HashMap<String, pb::Schema> {
    let parts = parts.iter();
    parts
        .map(|(name, offer)| (name.clone(), convert::schema(&offer.schema)))
        .collect()
}
