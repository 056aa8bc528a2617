//! What comes in and what goes out.

use std::time::Duration;

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};

/// A request as the BMC received it.
#[derive(Clone, Debug)]
pub(in crate::tests) struct Received {
    pub(in crate::tests) method: Method,
    pub(in crate::tests) path: String,
    pub(in crate::tests) headers: HeaderMap,
    pub(in crate::tests) body: Value,
}

impl Received {
    pub(in crate::tests) fn is(&self, method: &Method, path: &str) -> bool {
        self.method == *method && self.path == path
    }

    pub(in crate::tests) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What the BMC answers.
#[derive(Clone, Debug)]
pub(in crate::tests) enum Answer {
    Reply {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// The connection breaks instead.
    Break,
    /// Nothing, for a long time.
    Hang,
    /// Something that is no resource, after a while.
    Late(Duration),
}

impl Answer {
    pub(in crate::tests) fn json(status: u16, body: &Value) -> Self {
        Self::Reply {
            status,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        }
    }

    pub(in crate::tests) fn status(status: u16) -> Self {
        Self::Reply {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// An error with one message.
    pub(in crate::tests) fn message(status: u16, id: &str) -> Self {
        Self::json(
            status,
            &json!({"error": {"@Message.ExtendedInfo": [{"MessageId": id}]}}),
        )
    }

    pub(in crate::tests) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Reply { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}
