//! The restart of a BMC: what it may be called, and how long it is away then.

use std::{sync::Arc, time::Duration};

use hyper::StatusCode;
use serde_json::Value;

use super::{
    Bmc, habits,
    messages::{Message, error},
    object,
};
use crate::{
    http::{Reply, Request},
    machine::Machine,
};

impl Bmc {
    /// A restarted BMC has forgotten its sessions, and is away for a while.
    pub(super) fn reset_manager(&self, request: &Request) -> Reply {
        let body = match object(request) {
            Ok(body) => body,
            Err(reply) => return reply,
        };
        let value = body.get("ResetType");
        let resets = self.manager_resets();
        let known = match value.and_then(Value::as_str) {
            Some(kind) => resets.iter().any(|known| known == kind),
            None => value.is_none() && resets.is_empty(),
        };
        if !known {
            let value = value.cloned().unwrap_or_default();
            let message = Message::parameter_not_in_list("Manager.Reset", "ResetType", &value);
            return error(StatusCode::BAD_REQUEST, &[message]);
        }
        let kind = value.and_then(Value::as_str).unwrap_or("none").to_owned();
        let mut access = self.access();
        *access.counters.manager_resets.entry(kind).or_default() += 1;
        access.close_all();
        drop(access);
        if !self.restart.is_zero() {
            tokio::spawn(go_away(Arc::clone(&self.machine), self.restart));
        }
        Reply::empty(StatusCode::NO_CONTENT)
    }

    /// What a restart of the BMC may be called.
    pub(super) fn manager_resets(&self) -> Vec<String> {
        let quirks = self.quirks();
        habits::manager_resets(&quirks).unwrap_or_else(|| self.manager_resets.clone())
    }
}

/// Takes the BMC away for as long as it restarts, once its last reply is out.
async fn go_away(machine: Arc<Machine>, restart: Duration) {
    tokio::time::sleep(LAST_REPLY).await;
    machine.change(|state| state.bmc_away = true);
    tokio::time::sleep(restart).await;
    machine.change(|state| state.bmc_away = false);
}

/// How long the reply to a restart takes to get out.
const LAST_REPLY: Duration = Duration::from_millis(50);
