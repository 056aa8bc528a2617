//! Looking something up.

use super::{Service, find};
use crate::{Diagnostic, Provider, Value, convert, erased::Offer, pb, plan::spelling};

impl<P: Provider> Service<P> {
    pub(super) async fn read_data(
        &self,
        request: pb::read_data_source::Request,
    ) -> Result<pb::read_data_source::Response, Diagnostic> {
        let Offer { schema, part } =
            find(&self.parts.data_sources, "data source", &request.type_name)?;
        let config = convert::value(&schema.ty, request.config.as_ref())?;
        let mut cx = match self.ready(request.client_capabilities)? {
            Ok(cx) => cx,
            Err(deferred) => {
                return Ok(pb::read_data_source::Response {
                    state: convert::dynamic(&schema.ty, &Value::UNKNOWN)?,
                    deferred: Some(deferred),
                    ..Default::default()
                });
            }
        };
        cx.config = config.clone();
        let state = part.read(&mut cx, config).await?;
        let state = spelling::keep(&schema.attributes, &cx.config, state);
        Ok(pb::read_data_source::Response {
            state: convert::dynamic(&schema.ty, &state)?,
            diagnostics: convert::diagnostics(cx.into_warnings()),
            deferred: None,
        })
    }
}
