//! What there is to configure.

use super::Service;
use crate::{Provider, convert, pb};

const CAPABILITIES: pb::ServerCapabilities = pb::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: false,
};

impl<P: Provider> Service<P> {
    pub(super) fn metadata(&self) -> pb::get_metadata::Response {
        use pb::get_metadata::{DataSourceMetadata, ResourceMetadata};
        let resources = self.parts.resources.keys().cloned();
        let data_sources = self.parts.data_sources.keys().cloned();
        pb::get_metadata::Response {
            server_capabilities: Some(CAPABILITIES),
            resources: resources
                .map(|type_name| ResourceMetadata { type_name })
                .collect(),
            data_sources: data_sources
                .map(|type_name| DataSourceMetadata { type_name })
                .collect(),
            ..Default::default()
        }
    }

    pub(super) fn schemas(&self) -> pb::get_provider_schema::Response {
        let resources = self.parts.resources.iter();
        let data_sources = self.parts.data_sources.iter();
        pb::get_provider_schema::Response {
            provider: Some(convert::schema(&self.config)),
            resource_schemas: resources
                .map(|(name, offer)| (name.clone(), convert::schema(&offer.schema)))
                .collect(),
            data_source_schemas: data_sources
                .map(|(name, offer)| (name.clone(), convert::schema(&offer.schema)))
                .collect(),
            server_capabilities: Some(CAPABILITIES),
            ..Default::default()
        }
    }

    pub(super) fn identity_schemas(&self) -> pb::get_resource_identity_schemas::Response {
        let identity_schemas = self.parts.resources.iter().filter_map(|(name, offer)| {
            let schema = convert::identity_schema(&offer.schema.attributes)?;
            Some((name.clone(), schema))
        });
        pb::get_resource_identity_schemas::Response {
            identity_schemas: identity_schemas.collect(),
            diagnostics: Vec::new(),
        }
    }
}
