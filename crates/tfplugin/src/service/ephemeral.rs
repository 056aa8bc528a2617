//! The life of an ephemeral resource: open, renew, close.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use super::{Service, find, not_configured, private};
use crate::{
    Diagnostic, Provider, Value, convert,
    erased::{AnyEphemeral, Offer},
    pb,
    plan::spelling,
};

impl<P: Provider> Service<P> {
    pub(super) fn ephemeral(
        &self,
        name: &str,
    ) -> Result<&Offer<dyn AnyEphemeral<P::Client>>, Diagnostic> {
        find(&self.parts.ephemerals, "ephemeral resource", name)
    }

    pub(super) async fn open(
        &self,
        request: pb::open_ephemeral_resource::Request,
    ) -> Result<pb::open_ephemeral_resource::Response, Diagnostic> {
        let Offer { schema, part } = self.ephemeral(&request.type_name)?;
        let config = convert::value(&schema.ty, request.config.as_ref())?;
        let mut cx = match self.ready(request.client_capabilities)? {
            Ok(cx) => cx,
            Err(deferred) => {
                return Ok(pb::open_ephemeral_resource::Response {
                    result: convert::dynamic(&schema.ty, &Value::UNKNOWN)?,
                    deferred: Some(deferred),
                    ..Default::default()
                });
            }
        };
        cx.config = config.clone();
        let opened = part.open(&mut cx, config).await?;
        let result = spelling::keep(&schema.attributes, &cx.config, opened.result);
        Ok(pb::open_ephemeral_resource::Response {
            result: convert::dynamic(&schema.ty, &result)?,
            renew_at: opened.renew_at.map(timestamp),
            private: Some(private(&cx.private)),
            diagnostics: convert::diagnostics(cx.into_warnings()),
            deferred: None,
        })
    }

    pub(super) async fn renew(
        &self,
        request: pb::renew_ephemeral_resource::Request,
    ) -> Result<pb::renew_ephemeral_resource::Response, Diagnostic> {
        let Offer { part, .. } = self.ephemeral(&request.type_name)?;
        let known = request.private.unwrap_or_default();
        let mut cx = self.context(&known).ok_or_else(not_configured)?;
        let renew_at = part.renew(&mut cx).await?;
        Ok(pb::renew_ephemeral_resource::Response {
            renew_at: renew_at.map(timestamp),
            private: Some(private(&cx.private)),
            diagnostics: convert::diagnostics(cx.into_warnings()),
        })
    }

    pub(super) async fn close(
        &self,
        request: pb::close_ephemeral_resource::Request,
    ) -> Result<pb::close_ephemeral_resource::Response, Diagnostic> {
        let Offer { part, .. } = self.ephemeral(&request.type_name)?;
        let known = request.private.unwrap_or_default();
        let mut cx = self.context(&known).ok_or_else(not_configured)?;
        // What was opened is closed, even when the user interrupts the run.
        cx.stop = CancellationToken::new();
        part.close(&mut cx).await?;
        Ok(pb::close_ephemeral_resource::Response {
            diagnostics: convert::diagnostics(cx.into_warnings()),
        })
    }
}

/// A time before 1970 is long past, however long.
fn timestamp(time: SystemTime) -> pb::Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    pb::Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_nanos()).unwrap_or_default(),
    }
}
