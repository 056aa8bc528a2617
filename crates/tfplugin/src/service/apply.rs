//! Carrying a plan out: create, update or delete, by which side is null.
//!
//! Whatever goes wrong, what exists stays in the state: a resource that Terraform forgets is one
//! that nobody removes.

use super::{Service, not_configured, private, storable};
use crate::{
    Context, Diagnostic, Provider, Value, convert,
    erased::{AnyResource, Offer, Outcome},
    guard::guard,
    pb,
};

impl<P: Provider> Service<P> {
    pub(super) async fn apply(
        &self,
        request: pb::apply_resource_change::Request,
    ) -> Result<pb::apply_resource_change::Response, Diagnostic> {
        // The answer if nothing can be tried.
        let mut response = pb::apply_resource_change::Response {
            new_state: request.prior_state.clone(),
            private: request.planned_private.clone(),
            new_identity: request.planned_identity.clone(),
            ..Default::default()
        };
        match guard(self.carry_out(&request, &mut response))
            .await
            .flatten()
        {
            Ok(()) => {}
            Err(diagnostic) => response.diagnostics.push(convert::diagnostic(diagnostic)),
        }
        Ok(response)
    }

    async fn carry_out(
        &self,
        request: &pb::apply_resource_change::Request,
        response: &mut pb::apply_resource_change::Response,
    ) -> Result<(), Diagnostic> {
        let Offer { schema, part } = self.resource(&request.type_name)?;
        let prior = convert::value(&schema.ty, request.prior_state.as_ref())?;
        let planned = convert::value(&schema.ty, request.planned_state.as_ref())?;
        let mut cx = self
            .context(&request.planned_private)
            .ok_or_else(not_configured)?;
        cx.config = convert::value(&schema.ty, request.config.as_ref())?;
        let spelling = planned.clone();
        let outcome = match (prior.is_null(), planned.is_null()) {
            (true, true) => Outcome {
                state: None,
                diagnostics: Vec::new(),
            },
            (true, false) => create(&**part, &mut cx, planned).await,
            (false, true) => delete(&**part, &mut cx, prior).await,
            (false, false) => update(&**part, &mut cx, prior, planned).await,
        };
        response.private = private(&cx.private);
        response.diagnostics = convert::diagnostics(cx.into_warnings());
        response
            .diagnostics
            .extend(convert::diagnostics(outcome.diagnostics));
        let state = outcome
            .state
            .map_or(Value::Null, |state| storable(schema, &spelling, state));
        response.new_state = convert::dynamic(&schema.ty, &state)?;
        response.new_identity = convert::identity(&schema.attributes, &state)?;
        Ok(())
    }
}

/// After a panic nobody knows what exists, so the plan is recorded as far as it was known: the
/// next apply destroys it and tries again.
async fn create<C>(resource: &dyn AnyResource<C>, cx: &mut Context<C>, planned: Value) -> Outcome {
    match guard(resource.create(cx, planned.clone())).await {
        Ok(outcome) => outcome,
        Err(panic) => {
            let known = planned.known_part();
            let state = resource.accepts(&known).then_some(known);
            Outcome {
                state,
                diagnostics: vec![panic],
            }
        }
    }
}

async fn update<C>(
    resource: &dyn AnyResource<C>,
    cx: &mut Context<C>,
    prior: Value,
    planned: Value,
) -> Outcome {
    let updated = guard(resource.update(cx, prior.clone(), planned)).await;
    let Outcome { state, diagnostics } = updated.unwrap_or_else(Outcome::from);
    Outcome {
        state: state.or(Some(prior)),
        diagnostics,
    }
}

async fn delete<C>(resource: &dyn AnyResource<C>, cx: &mut Context<C>, prior: Value) -> Outcome {
    match guard(resource.delete(cx, prior.clone())).await.flatten() {
        Ok(()) => Outcome {
            state: None,
            diagnostics: Vec::new(),
        },
        Err(diagnostic) => Outcome {
            state: Some(prior),
            diagnostics: vec![diagnostic],
        },
    }
}
