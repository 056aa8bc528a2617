//! The rack's own HTTP API: what a person in the aisle can see and do.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /machines` | every machine with its BMC's counters and its console |
//! | `GET /machines/{name}` | one machine |
//! | `POST /machines/{name}/faults` | sets its faults; what the body leaves out is off |
//! | `POST /machines/{name}/quirks` | gives its BMC the quirks whose ids the body lists, and no others |
//! | `POST /machines/{name}/pull-plug` | takes its power away |
//! | `POST /machines/{name}/wipe-disk` | empties its disk |

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    Faults, MachineHandle, Quirk,
    http::{Reply, Request, Service},
};

/// The API of a rack.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) machines: Vec<MachineHandle>,
}

impl Control {
    fn respond(&self, request: &Request) -> Reply {
        let path = request.path.trim_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        let found = |name: &str| {
            let machine = self.machines.iter().find(|machine| machine.name() == name);
            machine.ok_or_else(|| {
                problem(
                    StatusCode::NOT_FOUND,
                    &format!("there is no machine {name:?}"),
                )
            })
        };
        let result = match (&request.method, parts.as_slice()) {
            (&Method::GET, ["machines"]) => {
                let all: Vec<Value> = self.machines.iter().map(describe).collect();
                Ok(Reply::json(StatusCode::OK, &json!(all)))
            }
            (&Method::GET, ["machines", name]) => {
                found(name).map(|machine| Reply::json(StatusCode::OK, &describe(machine)))
            }
            (&Method::POST, ["machines", name, "faults"]) => {
                found(name).map(|machine| set_faults(machine, &request.body))
            }
            (&Method::POST, ["machines", name, "quirks"]) => {
                found(name).map(|machine| set_quirks(machine, &request.body))
            }
            (&Method::POST, ["machines", name, "pull-plug"]) => found(name).map(|machine| {
                machine.force_power_off();
                Reply::empty(StatusCode::NO_CONTENT)
            }),
            (&Method::POST, ["machines", name, "wipe-disk"]) => found(name).map(|machine| {
                machine.wipe_disk();
                Reply::empty(StatusCode::NO_CONTENT)
            }),
            _ => Err(problem(StatusCode::NOT_FOUND, "there is nothing here")),
        };
        result.unwrap_or_else(|reply| reply)
    }
}

impl Service for Control {
    async fn answer(&self, request: Request) -> Option<Reply> {
        Some(self.respond(&request))
    }
}

fn set_faults(machine: &MachineHandle, body: &[u8]) -> Reply {
    match serde_json::from_slice::<Faults>(body) {
        Ok(faults) => {
            machine.set_faults(faults);
            Reply::json(StatusCode::OK, &describe(machine))
        }
        Err(error) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn set_quirks(machine: &MachineHandle, body: &[u8]) -> Reply {
    match serde_json::from_slice::<Vec<Quirk>>(body) {
        Ok(quirks) => {
            machine.set_quirks(quirks);
            Reply::json(StatusCode::OK, &describe(machine))
        }
        Err(error) => problem(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn describe(machine: &MachineHandle) -> Value {
    let mut value = json!(machine.snapshot());
    value["bmc"] = json!(machine.bmc_counters());
    value["bmc_endpoint"] = json!(machine.bmc_endpoint());
    value
}

fn problem(status: StatusCode, detail: &str) -> Reply {
    Reply::json(status, &json!({ "detail": detail }))
}
