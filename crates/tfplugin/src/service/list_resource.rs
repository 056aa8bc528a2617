//! Finding resources that exist, as a stream of events.

use tonic::codegen::{BoxStream, tokio_stream};

use super::{Service, find, not_configured, storable};
use crate::{
    Diagnostic, Listed, Provider, Severity, Value, Wanted, convert,
    erased::{Offer, Schema},
    guard::guard,
    pb::{self, list_resource::Event},
};

impl<P: Provider> Service<P> {
    /// What was found, or what went wrong: an error is the last event.
    pub(super) async fn list(&self, request: pb::list_resource::Request) -> BoxStream<Event> {
        let mut events = Vec::new();
        if let Err(failed) = guard(self.found(&request, &mut events)).await.flatten() {
            events.push(Event {
                diagnostic: vec![convert::diagnostic(failed)],
                ..Default::default()
            });
        }
        Box::pin(tokio_stream::iter(events.into_iter().map(Ok)))
    }

    async fn found(
        &self,
        request: &pb::list_resource::Request,
        events: &mut Vec<Event>,
    ) -> Result<(), Diagnostic> {
        let Offer { schema, part } = find(&self.parts.lists, "list resource", &request.type_name)?;
        let listed = &self.resource(&request.type_name)?.schema;
        let config = convert::value(&schema.ty, request.config.as_ref())?;
        let mut cx = self.context(&[]).ok_or_else(not_configured)?;
        cx.config = config.clone();
        let limit = usize::try_from(request.limit).ok();
        let wanted = Wanted {
            limit: limit.filter(|limit| *limit > 0),
            resource: request.include_resource_object,
        };
        let found = part.list(&mut cx, config, wanted).await?;
        // A host may not understand an event without an identity, so warnings go with the first.
        let mut warnings = convert::diagnostics(cx.into_warnings());
        for item in found.into_iter().take(wanted.limit.unwrap_or(usize::MAX)) {
            let mut event = event(listed, wanted, item)?;
            event.diagnostic.splice(0..0, std::mem::take(&mut warnings));
            events.push(event);
        }
        if !warnings.is_empty() {
            events.push(Event {
                diagnostic: warnings,
                ..Default::default()
            });
        }
        Ok(())
    }
}

fn event(schema: &Schema, wanted: Wanted, item: Listed<Value>) -> Result<Event, Diagnostic> {
    let Listed {
        name,
        identity,
        resource,
        mut diagnostics,
    } = item;
    let resource = resource.map(|resource| storable(schema, &Value::Null, resource));
    let source = identity.as_ref().or(resource.as_ref());
    let identity = convert::identity(&schema.attributes, source.unwrap_or(&Value::Null))?;
    let failed = diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error);
    if identity.is_none() && !failed {
        let detail = format!(
            "What was found as {name:?} has no complete identity. This is a mistake in the \
             provider, please report it."
        );
        return Err(Diagnostic::error("Incomplete list", detail));
    }
    let resource_object = match (wanted.resource, resource) {
        (true, Some(resource)) => convert::dynamic(&schema.ty, &resource)?,
        (true, None) => {
            let detail = format!("Only the identity of {name:?} is known.");
            diagnostics.push(Diagnostic::warning("Incomplete list", detail));
            None
        }
        (false, _) => None,
    };
    Ok(Event {
        identity,
        display_name: name,
        resource_object,
        diagnostic: convert::diagnostics(diagnostics),
    })
}
