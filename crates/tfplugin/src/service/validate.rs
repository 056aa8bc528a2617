//! Is what the user wrote acceptable? Values may still be unknown.

use super::{Service, find};
use crate::{
    Diagnostic, Provider, Value, convert,
    erased::{Offer, Schema},
    pb, schema,
};

impl<P: Provider> Service<P> {
    pub(super) fn validate_provider(
        &self,
        request: &pb::validate_provider_config::Request,
    ) -> Result<pb::validate_provider_config::Response, Diagnostic> {
        let validate = |config: &Value| self.provider.validate(config);
        let diagnostics = found(&self.config, request.config.as_ref(), validate)?;
        Ok(pb::validate_provider_config::Response { diagnostics })
    }

    pub(super) fn validate_resource(
        &self,
        request: &pb::validate_resource_config::Request,
    ) -> Result<pb::validate_resource_config::Response, Diagnostic> {
        let Offer { schema, part } = self.resource(&request.type_name)?;
        let host = request.client_capabilities;
        let allowed = host.is_some_and(|host| host.write_only_attributes_allowed);
        let diagnostics = found(schema, request.config.as_ref(), |config| {
            let mut found = part.validate(config);
            if !allowed {
                found.extend(schema::refuse_write_only(&schema.attributes, config));
            }
            found
        })?;
        Ok(pb::validate_resource_config::Response { diagnostics })
    }

    pub(super) fn validate_data_source(
        &self,
        request: &pb::validate_data_resource_config::Request,
    ) -> Result<pb::validate_data_resource_config::Response, Diagnostic> {
        let Offer { schema, part } =
            find(&self.parts.data_sources, "data source", &request.type_name)?;
        let diagnostics = found(schema, request.config.as_ref(), |config| {
            part.validate(config)
        })?;
        Ok(pb::validate_data_resource_config::Response { diagnostics })
    }

    pub(super) fn validate_ephemeral(
        &self,
        request: &pb::validate_ephemeral_resource_config::Request,
    ) -> Result<pb::validate_ephemeral_resource_config::Response, Diagnostic> {
        let Offer { schema, part } = self.ephemeral(&request.type_name)?;
        let diagnostics = found(schema, request.config.as_ref(), |config| {
            part.validate(config)
        })?;
        Ok(pb::validate_ephemeral_resource_config::Response { diagnostics })
    }

    pub(super) fn validate_list(
        &self,
        request: &pb::validate_list_resource_config::Request,
    ) -> Result<pb::validate_list_resource_config::Response, Diagnostic> {
        let Offer { schema, part } = find(&self.parts.lists, "list resource", &request.type_name)?;
        let diagnostics = found(schema, request.config.as_ref(), |config| {
            part.validate(config)
        })?;
        Ok(pb::validate_list_resource_config::Response { diagnostics })
    }

    pub(super) fn validate_action(
        &self,
        request: &pb::validate_action_config::Request,
    ) -> Result<pb::validate_action_config::Response, Diagnostic> {
        let Offer { schema, part } = find(&self.parts.actions, "action", &request.type_name)?;
        let diagnostics = found(schema, request.config.as_ref(), |config| {
            part.validate(config)
        })?;
        Ok(pb::validate_action_config::Response { diagnostics })
    }
}

/// What the attributes' checks and the part have to say.
fn found(
    schema: &Schema,
    config: Option<&pb::DynamicValue>,
    validate: impl FnOnce(&Value) -> Vec<Diagnostic>,
) -> Result<Vec<pb::Diagnostic>, Diagnostic> {
    let config = convert::value(&schema.ty, config)?;
    let mut found = schema::validate(&schema.attributes, &config);
    found.extend(schema.rules.iter().flat_map(|rule| rule.check(&config)));
    found.extend(validate(&config));
    Ok(convert::diagnostics(found))
}
