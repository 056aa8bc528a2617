//! Following what a BMC does after it said "accepted".

use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::Instant;

use crate::{error::Error, lane::Lane, messages::Messages, origin::Origin, wire::Reply};

/// Waits for the task of a 202 reply. A reply that names none is taken as done: the caller looks at
/// the resource anyway.
pub(crate) async fn follow(lane: &Lane<'_>, accepted: &Reply) -> Result<(), Error> {
    let Some(monitor) = monitor(accepted) else {
        return Ok(());
    };
    let began = Instant::now();
    let budget = lane.inner.timing.task_budget;
    let mut wait = accepted.retry_after();
    let mut seen = false;
    let mut missing = 0;
    loop {
        let delay = wait
            .unwrap_or_default()
            .clamp(lane.inner.timing.verify_pause, LONGEST_WAIT);
        lane.pause(delay).await?;
        let reply = lane.look(&monitor).await?;
        wait = reply.retry_after();
        let state = state(&reply);
        if let Some(failure) = state.as_deref().filter(|state| FAILED.contains(state)) {
            let ended = format!("the task ended as {failure}");
            let mut error = failed(accepted, reply);
            if let Error::Rejected { messages, .. } = &mut error
                && messages.is_empty()
            {
                *messages = Messages::plain(&ended, &[]);
            }
            return Err(error);
        }
        let done = match (reply.status, state.as_deref()) {
            (StatusCode::ACCEPTED, _) => false,
            (status, Some(state)) if status.is_success() => !RUNNING.contains(&state),
            // Finished tasks disappear, and some firmware needs a while to find a new one.
            (StatusCode::NOT_FOUND, _) if !seen && missing < MAX_MISSING => {
                missing += 1;
                let later = lane.inner.timing.verify_pause.saturating_mul(1 << missing);
                wait = wait.max(Some(later));
                continue;
            }
            (StatusCode::NOT_FOUND | StatusCode::GONE, _) => true,
            // A monitor ends with the reply that the change itself would have had.
            (status, None) if status.is_client_error() => return Err(failed(accepted, reply)),
            _ => true,
        };
        seen = true;
        if done {
            return Ok(());
        }
        if began.elapsed() >= budget {
            tracing::warn!(
                bmc = lane.inner.wire.origin.as_str(),
                monitor,
                "left a task running"
            );
            return Ok(());
        }
    }
}

/// The failure of what was accepted, as the task tells it.
fn failed(accepted: &Reply, task: Reply) -> Error {
    Error::Rejected {
        endpoint: accepted.endpoint.clone(),
        request: accepted.request.clone(),
        status: task.status.as_u16(),
        messages: task.messages,
    }
}

/// Where to look: the places in the order in which firmware is known to use them.
fn monitor(reply: &Reply) -> Option<String> {
    let doc = reply.doc();
    let in_body = |name: &str| doc.and_then(|doc| doc.link(name));
    let found = reply.location().or_else(|| in_body("TaskMonitor"));
    let job = reply.messages.job().filter(|uri| uri.starts_with('/'));
    found
        .or_else(|| doc?.as_link())
        .or_else(|| job.map(str::to_owned))
        .map(|link| Origin::path_of(&link))
}

fn state(reply: &Reply) -> Option<String> {
    let doc = reply.doc()?;
    doc.word("TaskState")
        .or_else(|| doc.word("JobState"))
        .map(str::to_owned)
}

const RUNNING: [&str; 9] = [
    "New",
    "Starting",
    "Running",
    "Pending",
    "Stopping",
    "Suspended",
    "Service",
    "Scheduled",
    "Interrupted",
];
const FAILED: [&str; 6] = [
    "Exception",
    "Killed",
    "Cancelled",
    "Failed",
    "CompletedWithErrors",
    "Invalid",
];
/// How often a task is looked for that was never seen, a while longer each time.
const MAX_MISSING: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_secs(30);
