//! Reading a resource and planning a change of it.

use super::{Service, identity, private, storable};
use crate::{
    Diagnostic, Plan, Provider, Value, convert, erased::Offer, guard::guard, pb, plan::engine,
    schema,
};

impl<P: Provider> Service<P> {
    /// Whatever goes wrong, the state stays: unreachable is not gone.
    pub(super) async fn read(
        &self,
        request: pb::read_resource::Request,
    ) -> Result<pb::read_resource::Response, Diagnostic> {
        let mut response = pb::read_resource::Response {
            new_state: request.current_state.clone(),
            private: request.private.clone(),
            new_identity: request.current_identity.clone(),
            ..Default::default()
        };
        match guard(self.read_present(&request, &mut response))
            .await
            .flatten()
        {
            Ok(()) => {}
            Err(diagnostic) => response.diagnostics.push(convert::diagnostic(diagnostic)),
        }
        Ok(response)
    }

    async fn read_present(
        &self,
        request: &pb::read_resource::Request,
        response: &mut pb::read_resource::Response,
    ) -> Result<(), Diagnostic> {
        let Offer { schema, part } = self.resource(&request.type_name)?;
        let Some(mut cx) = self.context(&request.private) else {
            let unread = Diagnostic::warning(
                "Resource not refreshed",
                format!(
                    "The provider is not configured: its configuration depends on values that are \
                     known only after an apply. The recorded state of this {} is used.",
                    request.type_name
                ),
            );
            response.diagnostics.push(convert::diagnostic(unread));
            return Ok(());
        };
        let recorded = convert::value(&schema.ty, request.current_state.as_ref())?;
        let read = guard(part.read(&mut cx, recorded.clone())).await.flatten();
        response.private = private(&cx.private);
        response.diagnostics = convert::diagnostics(cx.into_warnings());
        let present = read?.map_or(Value::Null, |present| storable(schema, &recorded, present));
        identity::same(schema, request.current_identity.as_ref(), &present)?;
        response.new_state = convert::dynamic(&schema.ty, &present)?;
        response.new_identity = convert::identity(&schema.attributes, &present)?;
        Ok(())
    }

    pub(super) fn plan(
        &self,
        request: pb::plan_resource_change::Request,
    ) -> Result<pb::plan_resource_change::Response, Diagnostic> {
        let Offer { schema, part } = self.resource(&request.type_name)?;
        let proposed = convert::value(&schema.ty, request.proposed_new_state.as_ref())?;
        if proposed.is_null() {
            return Ok(pb::plan_resource_change::Response {
                planned_state: convert::dynamic(&schema.ty, &Value::Null)?,
                planned_private: request.prior_private,
                planned_identity: request.prior_identity,
                ..Default::default()
            });
        }
        let prior = convert::value(&schema.ty, request.prior_state.as_ref())?;
        let config = convert::value(&schema.ty, request.config.as_ref())?;
        let (mut planned, mut replace) =
            engine::plan(&schema.attributes, &config, &prior, proposed);
        let mut diagnostics = Vec::new();
        part.plan(&mut Plan {
            config: &config,
            prior: &prior,
            planned: &mut planned,
            replace: &mut replace,
            diagnostics: &mut diagnostics,
        });
        let planned = schema::without_write_only(&schema.attributes, planned);
        replace.sort();
        replace.dedup();
        if replace.is_empty() && !prior.is_null() {
            identity::same(schema, request.prior_identity.as_ref(), &planned)?;
        }
        let identity = convert::identity(&schema.attributes, &planned)?;
        Ok(pb::plan_resource_change::Response {
            planned_state: convert::dynamic(&schema.ty, &planned)?,
            requires_replace: replace.iter().map(convert::path).collect(),
            planned_private: request.prior_private,
            planned_identity: identity.or(request.prior_identity),
            diagnostics: convert::diagnostics(diagnostics),
            ..Default::default()
        })
    }
}
