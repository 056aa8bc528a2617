//! Writing a configuration for something that exists.

use super::Service;
use crate::{Diagnostic, Provider, convert, erased::Offer, generate, pb, schema};

impl<P: Provider> Service<P> {
    pub(super) fn generate(
        &self,
        request: &pb::generate_resource_config::Request,
    ) -> Result<pb::generate_resource_config::Response, Diagnostic> {
        let Offer { schema, part } = self.resource(&request.type_name)?;
        let state = convert::value(&schema.ty, request.state.as_ref())?;
        let mut config = generate::config(&schema.attributes, &schema.rules, &state);
        part.generate(&state, &mut config);
        let config = schema::without_write_only(&schema.attributes, config);
        Ok(pb::generate_resource_config::Response {
            config: convert::dynamic(&schema.ty, &config)?,
            diagnostics: Vec::new(),
        })
    }
}
