//! What Terraform keeps beside a resource's state for the provider alone, and never shows.

use model::BmcConnection;
use serde_json::{Value, json};
use tfplugin::Context;

use crate::client::Client;

/// Keeps a value under a name.
pub(crate) fn keep(cx: &mut Context<Client>, name: &str, value: Value) {
    if !cx.private.is_object() {
        cx.private = json!({});
    }
    cx.private[name] = value;
}

/// Tells the BMC's handle what is kept of how it takes credentials.
pub(crate) async fn recall_basic(cx: &Context<Client>, connection: &BmcConnection) {
    if cx.private.get(BASIC).and_then(Value::as_str) != Some(connection.endpoint.as_str()) {
        return;
    }
    // Whoever uses the handle says why there is none.
    if let Ok(bmc) = cx.client.bmcs.bmc(connection).await {
        bmc.expect_basic();
    }
}

/// Asks the BMC whether it takes Basic, and keeps the answer. It is kept with the endpoint, since
/// another BMC may answer otherwise.
pub(crate) async fn learn_basic(cx: &mut Context<Client>, connection: &BmcConnection) {
    if !cx.client.bmcs.is_auto() {
        return;
    }
    if let Ok(bmc) = cx.client.bmcs.bmc(connection).await
        && let Err(error) = bmc.ask_for_basic().await
    {
        tracing::debug!(bmc = bmc.endpoint(), %error, "it is not known whether it takes Basic");
    }
    note_basic(cx, connection).await;
}

/// Keeps what the run has learned of it.
pub(crate) async fn note_basic(cx: &mut Context<Client>, connection: &BmcConnection) {
    let Ok(bmc) = cx.client.bmcs.bmc(connection).await else {
        return;
    };
    match bmc.advertises_basic() {
        Some(true) => keep(cx, BASIC, json!(connection.endpoint)),
        Some(false) => {
            if let Some(kept) = cx.private.as_object_mut() {
                kept.remove(BASIC);
            }
        }
        None => {}
    }
}

/// The endpoint of a BMC that said that it takes Basic.
const BASIC: &str = "basic";
