//! Planning an action, and doing it while the user watches.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::UnboundedReceiverStream};
use tonic::codegen::{BoxStream, tokio_stream};

use super::{Service, find, not_configured};
use crate::{
    Context, Diagnostic, Progress, Provider, Value, convert,
    erased::{AnyAction, Offer},
    guard::guard,
    pb::{
        self,
        invoke_action::{
            Event,
            event::{Completed, Progress as Told, Type},
        },
    },
};

impl<P: Provider> Service<P> {
    pub(super) async fn plan_action(
        &self,
        request: pb::plan_action::Request,
    ) -> Result<pb::plan_action::Response, Diagnostic> {
        let Offer { schema, part } = find(&self.parts.actions, "action", &request.action_type)?;
        let config = convert::value(&schema.ty, request.config.as_ref())?;
        // Nothing can be asked without a client, and nothing has to be.
        let Some(mut cx) = self.context(&[]) else {
            return Ok(pb::plan_action::Response::default());
        };
        cx.config = config.clone();
        part.plan(&mut cx, &config).await?;
        Ok(pb::plan_action::Response {
            diagnostics: convert::diagnostics(cx.into_warnings()),
            deferred: None,
        })
    }

    /// Progress, and at the end what came of it.
    pub(super) async fn invoke(&self, request: pb::invoke_action::Request) -> BoxStream<Event> {
        let (part, cx, config) = match guard(async { self.prepare(&request) }).await.flatten() {
            Ok(prepared) => prepared,
            Err(failed) => {
                let event = completed(vec![failed]);
                return Box::pin(tokio_stream::once(Ok(event)));
            }
        };
        let (events, stream) = mpsc::unbounded_channel();
        // A task of its own: when the host hangs up, the action is told to stop, but what it is in
        // the middle of is not torn apart.
        tokio::spawn(carry_out(part, cx, config, events));
        Box::pin(UnboundedReceiverStream::new(stream).map(Ok))
    }

    fn prepare(
        &self,
        request: &pb::invoke_action::Request,
    ) -> Result<Invocation<P::Client>, Diagnostic> {
        let Offer { schema, part } = find(&self.parts.actions, "action", &request.action_type)?;
        let config = convert::value(&schema.ty, request.config.as_ref())?;
        let mut cx = self.context(&[]).ok_or_else(not_configured)?;
        cx.config = config.clone();
        Ok((Arc::clone(part), cx, config))
    }
}

type Invocation<C> = (Arc<dyn AnyAction<C>>, Context<C>, Value);

async fn carry_out<C: Send + Sync + 'static>(
    part: Arc<dyn AnyAction<C>>,
    mut cx: Context<C>,
    config: Value,
    events: mpsc::UnboundedSender<Event>,
) {
    let (progress, mut told) = Progress::new();
    let stop = cx.stop.clone();
    let action = async {
        let invoked = guard(part.invoke(&mut cx, config, &progress))
            .await
            .flatten();
        drop(progress);
        invoked
    };
    let report = async {
        loop {
            tokio::select! {
                message = told.recv() => {
                    let Some(message) = message else { break };
                    drop(events.send(Event { r#type: Some(Type::Progress(Told { message })) }));
                }
                () = events.closed(), if !stop.is_cancelled() => stop.cancel(),
            }
        }
    };
    let (invoked, ()) = tokio::join!(action, report);
    let mut diagnostics = cx.into_warnings();
    diagnostics.extend(invoked.err());
    drop(events.send(completed(diagnostics)));
}

fn completed(diagnostics: Vec<Diagnostic>) -> Event {
    let diagnostics = convert::diagnostics(diagnostics);
    Event {
        r#type: Some(Type::Completed(Completed { diagnostics })),
    }
}
