//! Changes that are tasks: accepted at once, made when somebody has asked for the outcome twice.

use hyper::{
    Method, StatusCode,
    header::{LOCATION, RETRY_AFTER},
};
use serde_json::{Value, json};

use crate::{
    Quirk,
    bmc::{
        Bmc,
        exchange::Exchange,
        missing,
        resources::{Resource, collection, link, status},
        show,
    },
    http::{Reply, Request},
};

/// A change that was accepted.
#[derive(Debug)]
pub(in crate::bmc) struct Task {
    /// What is still to be done.
    waiting: Option<(Request, Resource)>,
    outcome: Reply,
    /// How often somebody asked before the task was to be found.
    too_early: u32,
    polls: u32,
}

impl Task {
    fn is_over(&self) -> bool {
        self.polls >= POLLS
    }
}

impl Bmc {
    /// Accepts a change as a task, where this BMC does so.
    pub(super) fn begin_task(&self, exchange: &Exchange) -> Option<Reply> {
        let kinds = [
            Quirk::TaskInBody,
            Quirk::TaskInLocation,
            Quirk::TaskWithRetryAfter,
        ];
        let resource = exchange.resource.clone()?;
        let takes = matches!(resource, Resource::System | Resource::Reset);
        if !exchange.quirks.has_any(&kinds) || !takes {
            return None;
        }
        let task = if exchange.is(&Method::PATCH) {
            Task {
                waiting: Some((exchange.request.clone(), resource)),
                outcome: Reply::empty(StatusCode::OK),
                too_early: 0,
                polls: 0,
            }
        } else {
            // Whether power can change is known at once.
            let outcome = self.serve(
                &exchange.request,
                Some(&resource),
                &exchange.by,
                exchange.now,
            );
            if !outcome.status.is_success() {
                return Some(outcome);
            }
            Task {
                waiting: None,
                outcome,
                too_early: 0,
                polls: 0,
            }
        };
        let mut memory = self.memory();
        memory.tasks.push(task);
        let number = memory.tasks.len();
        let mut reply = if exchange.has(Quirk::TaskInBody) {
            // Some name the task itself, and some its monitor.
            let body = if exchange.facts.registry.starts_with("iLO.") {
                json!({ "TaskMonitor": monitor(number) })
            } else {
                document(number, &memory.tasks[number - 1])
            };
            Reply::json(StatusCode::ACCEPTED, &body)
        } else {
            let mut reply = Reply::empty(StatusCode::ACCEPTED);
            reply.set(LOCATION, monitor(number));
            reply
        };
        if exchange.has(Quirk::TaskWithRetryAfter) {
            reply.set(RETRY_AFTER, 1);
        }
        Some(reply)
    }

    /// A task or its monitor.
    pub(super) fn task_shown(&self, exchange: &Exchange) -> Option<Reply> {
        let (number, monitored) = match exchange.resource {
            Some(Resource::Task(number)) => (number, false),
            Some(Resource::TaskMonitor(number)) => (number, true),
            _ => return None,
        };
        if !exchange.is(&Method::GET) {
            return None;
        }
        let waiting = {
            let mut memory = self.memory();
            let index = number.checked_sub(1);
            let Some(task) = index.and_then(|index| memory.tasks.get_mut(index)) else {
                return Some(missing(&exchange.request));
            };
            if exchange.has(Quirk::JobNotFoundAtFirst) && task.too_early < POLLS {
                task.too_early += 1;
                return Some(missing(&exchange.request));
            }
            task.polls = task.polls.saturating_add(1);
            if task.is_over() {
                task.waiting.take()
            } else {
                None
            }
        };
        let outcome = waiting.map(|(request, resource)| {
            self.serve(&request, Some(&resource), &exchange.by, exchange.now)
        });
        let mut memory = self.memory();
        let task = &mut memory.tasks[number - 1];
        if let Some(outcome) = outcome {
            task.outcome = outcome;
        }
        if !monitored {
            return Some(show(&document(number, task)));
        }
        if task.is_over() {
            return Some(task.outcome.clone());
        }
        let mut reply = Reply::empty(StatusCode::ACCEPTED);
        reply.set(LOCATION, monitor(number));
        if exchange.has(Quirk::TaskWithRetryAfter) {
            reply.set(RETRY_AFTER, 1);
        }
        Some(reply)
    }

    /// The collection of all tasks.
    pub(in crate::bmc) fn tasks(&self) -> Value {
        let members: Vec<String> = (1..=self.memory().tasks.len()).map(uri).collect();
        collection(
            "/redfish/v1/TaskService/Tasks",
            "TaskCollection",
            "Task Collection",
            &members,
        )
    }
}

/// The service that tasks belong to.
pub(in crate::bmc) fn service() -> Value {
    json!({
        "@odata.id": "/redfish/v1/TaskService",
        "@odata.type": "#TaskService.v1_2_1.TaskService",
        "Id": "TaskService",
        "Name": "Task Service",
        "ServiceEnabled": true,
        "CompletedTaskOverWritePolicy": "Oldest",
        "LifeCycleEventOnTaskStateChange": false,
        "Status": status(true),
        "Tasks": link("/redfish/v1/TaskService/Tasks"),
    })
}

fn document(number: usize, task: &Task) -> Value {
    let failed = !task.outcome.status.is_success();
    let state = match (task.is_over(), failed) {
        (false, _) => "Running",
        (true, false) => "Completed",
        (true, true) => "Exception",
    };
    let body: Value = serde_json::from_slice(&task.outcome.body).unwrap_or_default();
    let messages = body["error"]["@Message.ExtendedInfo"].clone();
    json!({
        "@odata.id": uri(number),
        "@odata.type": "#Task.v1_7_4.Task",
        "Id": number.to_string(),
        "Name": format!("Task {number}"),
        "TaskState": state,
        "TaskStatus": if failed { "Critical" } else { "OK" },
        "PercentComplete": if task.is_over() { 100 } else { 50 },
        "Messages": if messages.is_array() { messages } else { json!([]) },
    })
}

fn uri(number: usize) -> String {
    format!("/redfish/v1/TaskService/Tasks/{number}")
}

fn monitor(number: usize) -> String {
    format!("/redfish/v1/TaskService/TaskMonitors/{number}")
}

/// How often a task is looked at until it is over.
const POLLS: u32 = 2;
