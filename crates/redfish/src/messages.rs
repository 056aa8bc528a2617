//! The messages in a BMC's reply (DSP0266 "Error responses"), wherever this BMC puts them.

use std::fmt;

use serde_json::Value;

use crate::{lenient::Doc, quirks, shown};

/// One message of a BMC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its id as sent, such as `Base.1.8.PropertyNotWritable`.
    pub id: String,
    /// What it says.
    pub text: String,
    /// How bad the BMC finds it: `OK`, `Warning` or `Critical`.
    pub severity: Option<String>,
    /// What the BMC advises.
    pub resolution: Option<String>,
    /// The properties it is about, such as `#/Boot/BootSourceOverrideTarget`.
    pub related_properties: Vec<String>,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Message {
    /// The last part of the id: `PropertyNotWritable`. The version between is never compared.
    pub fn key(&self) -> &str {
        self.id.rsplit('.').next().unwrap_or_default()
    }

    fn is_one_of(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.key().eq_ignore_ascii_case(key))
    }

    fn is_failure(&self) -> bool {
        if self.is_one_of(BENIGN) || self.is_one_of(quirks::BENIGN) {
            return false;
        }
        match self.severity.as_deref() {
            Some(severity) if severity.eq_ignore_ascii_case("OK") => false,
            Some(severity) if severity.eq_ignore_ascii_case("Critical") => true,
            _ => [READ_ONLY, quirks::READ_ONLY, FAILURES, BUSY, quirks::BUSY]
                .iter()
                .any(|keys| self.is_one_of(keys)),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.trim_end_matches('.');
        match (text.is_empty(), self.id.is_empty()) {
            (false, false) => write!(f, "{text} ({})", self.id),
            (false, true) => f.write_str(text),
            (true, _) if self.args.is_empty() => f.write_str(&self.id),
            (true, _) => write!(f, "{}({})", self.id, self.args.join(", ")),
        }
    }
}

/// The messages of one reply, the worst first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages(Vec<Message>);

impl Messages {
    /// Reads them from a body. `hide` is text that must not be shown: a BMC may echo a password.
    pub(crate) fn read(body: &Value, hide: &[&str]) -> Self {
        let doc = Doc::new(body);
        let error = doc.get("error");
        let mut found = Vec::new();
        for place in [error, doc] {
            annotations(place, 0, &mut found);
        }
        // Firmware from before DSP0266 1.0 has them here.
        found.extend(doc.items("Messages"));
        let mut messages: Vec<_> = found
            .into_iter()
            .take(MOST_READ)
            .filter_map(|doc| read(doc, hide))
            .collect();
        if messages.is_empty() && error.has("message") {
            messages.extend(read_error(error, hide));
        }
        messages.truncate(MOST);
        messages.sort_by_key(|message| !message.is_failure());
        Self(messages)
    }

    /// A text that came instead of messages.
    pub(crate) fn plain(text: &str, hide: &[&str]) -> Self {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = shown::text(&text, hide, LONGEST_PLAIN);
        if text.is_empty() {
            return Self::default();
        }
        Self(vec![Message {
            text,
            ..Message::default()
        }])
    }

    /// The messages.
    pub fn iter(&self) -> impl Iterator<Item = &Message> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first with one of these keys.
    pub(crate) fn find(&self, keys: &[&str]) -> Option<&Message> {
        self.0.iter().find(|message| message.is_one_of(keys))
    }

    /// Whether one says that something was not done, whatever the status code says.
    pub(crate) fn has_failure(&self) -> bool {
        self.0.iter().any(Message::is_failure)
    }

    /// Whether the BMC says that it may work later.
    pub(crate) fn says_busy(&self) -> bool {
        self.find(BUSY)
            .or_else(|| self.find(quirks::BUSY))
            .is_some()
    }

    /// Whether the BMC says that no session is free.
    pub(crate) fn says_session_limit(&self) -> bool {
        self.find(SESSION_LIMIT)
            .or_else(|| self.find(quirks::SESSION_LIMIT))
            .is_some()
    }

    /// Whether the BMC says that this resource does not take the property.
    pub(crate) fn says_read_only(&self) -> bool {
        self.find(READ_ONLY)
            .or_else(|| self.find(quirks::READ_ONLY))
            .is_some()
    }

    /// Whether the BMC says that it does not know the user or the password.
    pub(crate) fn says_bad_login(&self) -> bool {
        self.find(BAD_LOGIN)
            .or_else(|| self.find(quirks::BAD_LOGIN))
            .is_some()
    }

    /// The task that a message names.
    pub(crate) fn job(&self) -> Option<&str> {
        let message = self.find(quirks::JOB)?;
        message.args.first().map(String::as_str)
    }

    /// The message that asks for a new password.
    pub(crate) fn password_change(&self) -> Option<&Message> {
        self.find(&["PasswordChangeRequired"])
    }

    /// What the BMC advises.
    pub(crate) fn resolutions(&self) -> Vec<&str> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .filter_map(|message| message.resolution.as_deref())
            .collect();
        all.dedup();
        all
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, message) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{message}")?;
        }
        Ok(())
    }
}

/// The messages about an object, and about properties in it.
fn annotations<'a>(place: Doc<'a>, depth: usize, found: &mut Vec<Doc<'a>>) {
    found.extend(place.items("@Message.ExtendedInfo"));
    for name in place.names() {
        if found.len() >= MOST_READ {
            return;
        }
        if name.ends_with("@Message.ExtendedInfo") {
            if !name.starts_with('@') {
                found.extend(place.items(name));
            }
        } else if depth < DEEPEST && place.get(name).raw().is_object() && name != "error" {
            annotations(place.get(name), depth + 1, found);
        }
    }
}

fn read(doc: Doc<'_>, hide: &[&str]) -> Option<Message> {
    let shown = |name: &str| doc.word(name).map(|text| hidden(text.to_owned(), hide));
    let all = |name: &str| {
        let words = doc.words(name).into_iter().take(MOST);
        words.map(|word| hidden(word, hide)).collect()
    };
    let message = Message {
        id: shown("MessageId")
            .or_else(|| shown("MessageID"))
            .unwrap_or_default(),
        text: shown("Message").unwrap_or_default(),
        severity: shown("MessageSeverity").or_else(|| shown("Severity")),
        resolution: shown("Resolution").filter(|text| !text.eq_ignore_ascii_case("None")),
        related_properties: all("RelatedProperties"),
        args: all("MessageArgs"),
    };
    (!message.id.is_empty() || !message.text.is_empty()).then_some(message)
}

/// The envelope's own code and message, for a BMC that sends nothing else.
fn read_error(error: Doc<'_>, hide: &[&str]) -> Option<Message> {
    let shown = |name: &str| hidden(error.word(name).unwrap_or_default().to_owned(), hide);
    let message = Message {
        id: shown("code"),
        text: shown("message"),
        ..Message::default()
    };
    (!message.text.is_empty()).then_some(message)
}

fn hidden(text: String, hide: &[&str]) -> String {
    shown::text(&text, hide, LONGEST)
}

/// They come with an `error` object and mean that it worked.
const BENIGN: &[&str] = &[
    "Success",
    "Created",
    "NoOperation",
    "ResetRequired",
    "ResetInProgress",
    "AccountModified",
];

/// The resource, or the BMC, does not take the property.
const READ_ONLY: &[&str] = &["PropertyNotWritable", "PropertyReadOnly", "PropertyUnknown"];

/// The base registry calls these warnings; nothing was done all the same.
const FAILURES: &[&str] = &[
    "ActionNotSupported",
    "ActionParameterNotSupported",
    "ActionParameterUnknown",
    "ActionParameterValueNotInList",
    "GeneralError",
    "InsufficientPrivilege",
    "InternalError",
    "PropertyMissing",
    "PropertyValueConflict",
    "PropertyValueError",
    "PropertyValueFormatError",
    "PropertyValueIncorrect",
    "PropertyValueNotInList",
    "PropertyValueTypeError",
];

/// The same request may work in a while.
const BUSY: &[&str] = &["ServiceTemporarilyUnavailable", "ResourceInUse"];

const SESSION_LIMIT: &[&str] = &["SessionLimitExceeded", "CreateLimitReachedForResource"];

const BAD_LOGIN: &[&str] = &["ResourceAtUriUnauthorized"];

/// More than this says nothing new.
const MOST: usize = 16;
/// A failure may stand behind what is not one, but not so far.
const MOST_READ: usize = 256;
/// So deep in a body stand the properties that messages are about.
const DEEPEST: usize = 2;
const LONGEST: usize = 2048;
const LONGEST_PLAIN: usize = 512;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(body: Value, expected: &str) {
        assert_eq!(
            Messages::read(&body, &["hunter2"]).to_string(),
            expected,
            "{body}"
        );
    }

    #[test]
    fn messages_are_found_wherever_a_bmc_puts_them() {
        let info = json!({"MessageId": "Base.1.8.PropertyNotWritable", "Message": "Read only."});
        let text = "Read only (Base.1.8.PropertyNotWritable)";
        check(json!({"error": {"@Message.ExtendedInfo": [info]}}), text);
        check(json!({"error": {"@Message.ExtendedInfo": info}}), text);
        check(json!({"@Message.ExtendedInfo": [info]}), text);
        check(json!({"AssetTag@Message.ExtendedInfo": [info]}), text);
        check(
            json!({"Boot": {"BootSourceOverrideMode@Message.ExtendedInfo": [info]}}),
            text,
        );
        check(
            json!({"error": {"@Message.ExtendedInfo": [{"MessageId": "Vendor.2.8.X", "MessageArgs": ["a", "b"]}]}}),
            "Vendor.2.8.X(a, b)",
        );
        check(
            json!({"Messages": [{"MessageID": "Vendor.0.10.Y"}]}),
            "Vendor.0.10.Y",
        );
        check(
            json!({"error": {"code": "Base.1.0.E", "message": "No"}}),
            "No (Base.1.0.E)",
        );
        check(json!({"error": "no"}), "");
        check(json!([1, null]), "");
    }

    #[test]
    fn a_password_that_a_bmc_echoes_is_hidden() {
        check(
            json!({"error": {"@Message.ExtendedInfo": [
                {"MessageId": "hunter2", "Message": "The value hunter2 is wrong.", "MessageArgs": ["hunter2"]}
            ]}}),
            "The value (hidden) is wrong ((hidden))",
        );
        let plain = Messages::plain("<p>Password\n  hunter2</p>", &["hunter2"]);
        assert_eq!(plain.to_string(), "<p>Password (hidden)</p>");
    }

    #[test]
    fn success_in_an_error_object_is_no_failure_and_a_warning_may_be_one() {
        let one = |id: &str, severity: &str| {
            let info = json!({"MessageId": id, "MessageSeverity": severity});
            Messages::read(&json!({"error": {"@Message.ExtendedInfo": [info]}}), &[]).has_failure()
        };
        assert!(!one("Vendor.0.10.Success", ""));
        assert!(!one("Vendor.2.8.SystemResetRequired", "Warning"));
        assert!(!one("Vendor.1.0.Anything", "OK"));
        assert!(!one("Vendor.1.0.Anything", "Warning"));
        assert!(one("Vendor.1.0.Anything", "Critical"));
        assert!(one("Base.1.4.PropertyNotWritable", "Warning"));
    }
}
