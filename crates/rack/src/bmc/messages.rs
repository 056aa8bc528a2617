//! Errors as Redfish writes them: messages with an id of a registry (DSP0266 section 8.6).

use std::ops::RangeInclusive;

use hyper::{StatusCode, header::WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::http::Reply;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// The last part of its id.
    key: &'static str,
    registry: &'static str,
    severity: &'static str,
    text: String,
    args: Vec<String>,
    resolution: &'static str,
    /// The properties it is about, as JSON pointers into the request.
    related: Vec<String>,
}

impl Message {
    fn base(key: &'static str, text: String, args: &[&str], resolution: &'static str) -> Self {
        Self {
            key,
            registry: BASE_REGISTRY,
            severity: "Critical",
            text,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            resolution,
            related: Vec::new(),
        }
    }

    fn warning(mut self) -> Self {
        self.severity = "Warning";
        self
    }

    /// About the property at this path of the request, `/Boot/BootSourceOverrideTarget`.
    pub(super) fn about(mut self, pointer: &str) -> Self {
        self.related.push(format!("#{pointer}"));
        self
    }

    pub(super) fn no_valid_session() -> Self {
        Self::base(
            "NoValidSession",
            "No valid session or credentials came with the request.".to_owned(),
            &[],
            "Log in and send the request again.",
        )
    }

    pub(super) fn unauthorized(uri: &str) -> Self {
        Self::base(
            "ResourceAtUriUnauthorized",
            format!("Access to {uri} was denied: the user name or the password is wrong."),
            &[uri, "wrong user name or password"],
            "Check the credentials. The account is locked after repeated failures.",
        )
    }

    pub(super) fn session_limit(most: usize) -> Self {
        Self::base(
            "SessionLimitExceeded",
            format!("No session is left: {most} are open."),
            &[],
            "Close a session, or wait for one to time out.",
        )
    }

    pub(super) fn missing(uri: &str) -> Self {
        Self::base(
            "ResourceMissingAtURI",
            format!("There is no resource at {uri}."),
            &[uri],
            "Follow the links of the service.",
        )
    }

    pub(super) fn not_allowed(method: &str) -> Self {
        Self::base(
            "OperationNotAllowed",
            format!("The resource does not take {method}."),
            &[],
            "Use one of the methods of the Allow header.",
        )
    }

    pub(super) fn malformed_json() -> Self {
        Self::base(
            "MalformedJSON",
            "The body of the request is not a JSON object.".to_owned(),
            &[],
            "Correct the body and send the request again.",
        )
    }

    pub(super) fn property_missing(name: &str) -> Self {
        Self::base(
            "PropertyMissing",
            format!("The property {name} is required and missing."),
            &[name],
            "Add the property and send the request again.",
        )
        .warning()
    }

    pub(super) fn property_unknown(name: &str) -> Self {
        Self::base(
            "PropertyUnknown",
            format!("The resource has no property {name}."),
            &[name],
            "Leave the property out.",
        )
        .warning()
    }

    pub(super) fn property_read_only(name: &str) -> Self {
        Self::base(
            "PropertyNotWritable",
            format!("The property {name} is read-only."),
            &[name],
            "Leave the property out.",
        )
        .warning()
    }

    pub(super) fn property_type(name: &str, value: &Value) -> Self {
        let value = short(value);
        Self::base(
            "PropertyValueTypeError",
            format!("The value {value} of the property {name} has the wrong type."),
            &[&value, name],
            "Correct the value.",
        )
        .warning()
    }

    pub(super) fn property_not_in_list(name: &str, value: &Value) -> Self {
        let value = short(value);
        Self::base(
            "PropertyValueNotInList",
            format!("The value {value} of the property {name} is none of the allowed ones."),
            &[&value, name],
            "Choose one of the allowable values.",
        )
        .warning()
    }

    pub(super) fn password_length(length: &RangeInclusive<usize>) -> Self {
        let (least, most) = (length.start().to_string(), length.end().to_string());
        Self::base(
            "PropertyValueFormatError",
            format!("The property Password must have {least} to {most} characters."),
            &["(hidden)", "Password"],
            "Choose another password.",
        )
        .warning()
    }

    pub(super) fn already_exists(kind: &str, name: &str, value: &str) -> Self {
        Self::base(
            "ResourceAlreadyExists",
            format!("There is a {kind} already whose {name} is {value}."),
            &[kind, name, value],
            "Choose another value.",
        )
    }

    pub(super) fn no_privilege() -> Self {
        Self::base(
            "InsufficientPrivilege",
            "The account lacks the privilege for this.".to_owned(),
            &[],
            "Ask with another account.",
        )
    }

    pub(super) fn password_change(account: &str) -> Self {
        Self::base(
            "PasswordChangeRequired",
            format!("The password must be changed first, at {account}."),
            &[account],
            "Change the password with a PATCH of the account.",
        )
    }

    pub(super) fn parameter_missing(action: &str, name: &str) -> Self {
        Self::base(
            "ActionParameterMissing",
            format!("The action {action} needs the parameter {name}."),
            &[action, name],
            "Add the parameter.",
        )
    }

    pub(super) fn parameter_not_in_list(action: &str, name: &str, value: &Value) -> Self {
        let value = short(value);
        Self::base(
            "ActionParameterValueNotInList",
            format!("The value {value} of {name} of the action {action} is none of the allowed."),
            &[&value, name, action],
            "Choose one of the allowable values.",
        )
        .warning()
    }

    pub(super) fn precondition_failed() -> Self {
        Self::base(
            "PreconditionFailed",
            "The ETag does not match: the resource has changed.".to_owned(),
            &[],
            "Read the resource again and use its new ETag.",
        )
    }

    pub(super) fn precondition_required() -> Self {
        Self::base(
            "PreconditionRequired",
            "A change of this resource needs an If-Match header.".to_owned(),
            &[],
            "Read the resource and send its ETag.",
        )
    }

    pub(super) fn query_not_supported() -> Self {
        Self::base(
            "QueryNotSupported",
            "The service does not take this query parameter.".to_owned(),
            &[],
            "Leave the query out.",
        )
        .warning()
    }

    pub(super) fn no_operation() -> Self {
        Self::base(
            "NoOperation",
            "The request holds nothing that could be changed.".to_owned(),
            &[],
            "Name the properties that are to change.",
        )
        .warning()
    }

    pub(super) fn query_value() -> Self {
        Self::base(
            "QueryParameterValueError",
            "The value of a query parameter is wrong or out of range.".to_owned(),
            &[],
            "Correct the query.",
        )
        .warning()
    }

    pub(super) fn internal_error() -> Self {
        Self::base(
            "InternalError",
            "The service failed.".to_owned(),
            &[],
            "Send the request again.",
        )
    }

    pub(super) fn header_invalid(name: &str) -> Self {
        Self::base(
            "HeaderInvalid",
            format!("The value of the header {name} is not supported."),
            &[name],
            "Send 4.0, or leave the header out.",
        )
    }

    pub(super) fn busy(seconds: u32) -> Self {
        let seconds = seconds.to_string();
        Self::base(
            "ServiceTemporarilyUnavailable",
            format!("The service is busy; try again in {seconds} s."),
            &[&seconds],
            "Wait and send the request again.",
        )
    }

    /// One of a maker's own messages.
    pub(super) fn of_maker(registry: &'static str, key: &'static str, text: &str) -> Self {
        Self {
            registry,
            ..Self::base(key, text.to_owned(), &[], "See the maker's documentation.").warning()
        }
    }

    /// The vendor's own: the machine is in that state already, or the reset makes no sense in it.
    pub(super) fn power_state(reset: &str, state: &str) -> Self {
        Self {
            registry: OWN_REGISTRY,
            ..Self::base(
                "ResetNotPossible",
                format!("{reset} is not possible while the power state is {state}."),
                &[reset, state],
                "Read PowerState; if it is what was wanted, nothing is left to do.",
            )
            .warning()
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let mut message = json!({
            "@odata.type": "#Message.v1_1_2.Message",
            "MessageId": format!("{}.{}", self.registry, self.key),
            "Message": self.text,
            "MessageArgs": self.args,
            "MessageSeverity": self.severity,
            "Severity": self.severity,
            "Resolution": self.resolution,
        });
        if !self.related.is_empty() {
            message["RelatedProperties"] = json!(self.related);
        }
        message
    }
}

/// An error response with these messages, the first of which stands for all.
pub(super) fn error(status: StatusCode, messages: &[Message]) -> Reply {
    let (code, text) = messages.first().map_or_else(
        || (format!("{BASE_REGISTRY}.GeneralError"), String::new()),
        |first| {
            let code = format!("{}.{}", first.registry, first.key);
            (code, first.text.clone())
        },
    );
    let list: Vec<Value> = messages.iter().map(Message::to_json).collect();
    let body = json!({
        "error": { "code": code, "message": text, "@Message.ExtendedInfo": list }
    });
    let mut reply = Reply::json(status, &body);
    if status == StatusCode::UNAUTHORIZED {
        reply.set(WWW_AUTHENTICATE, "Basic realm=\"baremetal rack\"");
    }
    reply
}

/// A value of the request, cut: it comes back in a message.
fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(64).collect()
}

const BASE_REGISTRY: &str = "Base.1.18";
const OWN_REGISTRY: &str = "BaremetalRack.1.0";
