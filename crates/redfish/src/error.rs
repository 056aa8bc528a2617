//! What can go wrong with a BMC, by what one can do about it.

use std::time::Duration;

use crate::messages::Messages;

/// Why a BMC did not do, or did not say, what was asked.
///
/// Its text states the fact with its values; [`Error::advice`] is the way out. Neither ever holds a
/// password or a token. It is `Clone` because one rejected login answers every waiting request.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The endpoint, the trust settings or a request's parameters make no sense.
    #[error("{what}")]
    InvalidConfig {
        /// What is wrong, and with which value.
        what: String,
    },
    /// No connection, or it broke.
    #[error("{endpoint} cannot be reached: {cause}")]
    Unreachable {
        /// The BMC.
        endpoint: String,
        /// What the network said.
        cause: String,
        /// Whether the BMC may have received the request, and done it.
        sent: bool,
    },
    /// The TLS handshake failed.
    #[error("no secure connection to {endpoint}: {cause}{}", presented(.fingerprint.as_ref()))]
    Tls {
        /// The BMC.
        endpoint: String,
        /// Why.
        cause: String,
        /// SHA-256 of the certificate that the BMC presented, if it came that far.
        fingerprint: Option<String>,
    },
    /// The BMC knows no such user, or the password is wrong.
    #[error("{endpoint} rejects the login of user {username:?}{}", said(messages))]
    AuthRejected {
        /// The BMC.
        endpoint: String,
        /// Whose login.
        username: String,
        /// What the BMC said.
        messages: Messages,
    },
    /// The BMC wants a new password before it does anything else.
    #[error("{endpoint} demands a new password for user {username:?}")]
    PasswordChangeRequired {
        /// The BMC.
        endpoint: String,
        /// Whose password.
        username: String,
        /// The account's resource, as the BMC names it.
        account: Option<String>,
    },
    /// The BMC has no session left, and takes no Basic authentication instead.
    #[error("{endpoint} has no free session{}", said(messages))]
    SessionLimit {
        /// The BMC.
        endpoint: String,
        /// What the BMC said.
        messages: Messages,
    },
    /// The resource does not exist.
    #[error("{endpoint} has no {path}")]
    NotFound {
        /// The BMC.
        endpoint: String,
        /// The resource.
        path: String,
    },
    /// The BMC cannot do this.
    #[error("{endpoint} does not support {what}")]
    NotSupported {
        /// The BMC.
        endpoint: String,
        /// What, and what it supports instead if it says so.
        what: String,
    },
    /// The BMC insists on an ETag, and takes none that it gave.
    #[error("{endpoint} answered {status} to {request} with every ETag it was offered")]
    Precondition {
        /// The BMC.
        endpoint: String,
        /// Method and path.
        request: String,
        /// The last status, 412 or 428.
        status: u16,
    },
    /// The resource is in a state that forbids this.
    #[error("{endpoint} answered 409 to {request}{}", said(messages))]
    Conflict {
        /// The BMC.
        endpoint: String,
        /// Method and path.
        request: String,
        /// What the BMC said.
        messages: Messages,
    },
    /// The BMC may do it later.
    #[error(
        "{endpoint} is busy: it answered {status} to {request}{}",
        said(messages)
    )]
    Busy {
        /// The BMC.
        endpoint: String,
        /// Method and path.
        request: String,
        /// The status.
        status: u16,
        /// How long the BMC asked to wait.
        retry_after: Option<Duration>,
        /// What the BMC said.
        messages: Messages,
    },
    /// The BMC refuses the request.
    #[error("{endpoint} answered {status} to {request}{}", said(messages))]
    Rejected {
        /// The BMC.
        endpoint: String,
        /// Method and path.
        request: String,
        /// The status.
        status: u16,
        /// What the BMC said.
        messages: Messages,
    },
    /// The BMC's answer is not Redfish.
    #[error("the answer of {endpoint} to {request} cannot be read: {cause}")]
    Decode {
        /// The BMC.
        endpoint: String,
        /// Method and path.
        request: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The BMC redirects to where its credentials must not go.
    #[error("{endpoint} redirects {request} to {location}, which is not followed")]
    Redirected {
        /// The BMC.
        endpoint: String,
        /// Method and path.
        request: String,
        /// Where to.
        location: String,
    },
    /// Something did not happen in time.
    #[error("{what} within {} s", .after.as_secs_f64().ceil())]
    Timeout {
        /// What did not happen, with the last thing seen.
        what: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The caller stopped.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// Whether the BMC may be fine and only does not answer now, so that what is known of it still
    /// stands.
    pub const fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Busy { .. } | Self::Timeout { .. } => true,
            Self::Rejected { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether the request may have been done although no answer came.
    pub(crate) const fn is_outcome_unknown(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { sent: true, .. } | Self::Timeout { .. }
        )
    }

    /// What the operator can do.
    pub fn advice(&self) -> String {
        match self {
            Self::Rejected {
                messages, status, ..
            } => rejected_advice(messages, *status),
            Self::Tls {
                cause, fingerprint, ..
            } => tls_advice(cause, fingerprint.as_deref()),
            Self::Conflict { messages, .. } | Self::Busy { messages, .. } => {
                let mut advice = "The BMC or the server is in the middle of something: a start-up \
                                  self-test, a firmware or a configuration job. Apply again when \
                                  it has finished."
                    .to_owned();
                append(&mut advice, messages);
                advice
            }
            Self::PasswordChangeRequired { account, .. } => format!(
                "Set a new password for {} on the BMC itself, then give it here. Nothing else \
                 works with this account until then.",
                account.as_deref().unwrap_or("this account")
            ),
            _ => self.fixed_advice().to_owned(),
        }
    }

    const fn fixed_advice(&self) -> &'static str {
        match self {
            Self::InvalidConfig { .. } => "Correct the value.",
            Self::Unreachable { .. } => {
                "Check the address and the port, that the BMC is up (it has its own power and may \
                 be restarting), and that no firewall is in between. Proxies from the environment \
                 are not used for BMCs."
            }
            Self::AuthRejected { .. } => {
                "Correct the username or the password. No further login is tried in this run, \
                 because BMCs lock accounts after a few failures; if the password is right, the \
                 account may be locked already, so wait ten minutes before the next run. A BMC on \
                 which Basic authentication is switched off says the same to it."
            }
            Self::SessionLimit { .. } => {
                "Close sessions on the BMC (its web pages count too), wait for old ones to expire \
                 (often 30 minutes), or enable Basic authentication."
            }
            Self::NotFound { .. } => {
                "The resource may have been renamed by a firmware update, or belong to another \
                 BMC. Compare with the list of systems that the BMC reports."
            }
            Self::NotSupported { .. } => {
                "Choose something that the BMC supports, or update its firmware."
            }
            Self::Precondition { .. } => {
                "Another client may be changing the same resource all the time. If not, the BMC's \
                 firmware mishandles ETags; update it."
            }
            Self::Decode { .. } => {
                "Check that the address and the port are those of a BMC with Redfish switched on, \
                 not of its web server or of another device."
            }
            Self::Redirected { .. } => {
                "Give the address that the BMC redirects to as its endpoint, if it is the same \
                 BMC. Credentials are never sent to an address that a reply names."
            }
            Self::Timeout { .. } => {
                "The request may still take effect. Look at the server's console, then apply \
                 again; a longer timeout helps if it is only slow."
            }
            Self::Stopped => "Apply again to go on from there.",
            Self::Tls { .. }
            | Self::Rejected { .. }
            | Self::Conflict { .. }
            | Self::Busy { .. }
            | Self::PasswordChangeRequired { .. } => "",
        }
    }
}

fn rejected_advice(messages: &Messages, status: u16) -> String {
    let mut advice = match status {
        403 => {
            "The account lacks the privilege for this; give it an operator's or an \
                administrator's role on the BMC."
        }
        500.. => "The BMC failed internally. If it keeps doing so, restart the BMC.",
        _ => "Correct what the BMC complains of.",
    }
    .to_owned();
    append(&mut advice, messages);
    advice
}

fn append(advice: &mut String, messages: &Messages) {
    for resolution in messages.resolutions() {
        advice.push_str(" The BMC advises: ");
        advice.push_str(resolution);
    }
}

fn tls_advice(cause: &str, fingerprint: Option<&str>) -> String {
    fingerprint.map_or_else(
        || {
            format!(
                "The handshake ended before a certificate came ({cause}). Either this port does \
                 not speak TLS, or only versions before TLS 1.2 or ciphers without forward \
                 secrecy, which are not supported: update the BMC's firmware."
            )
        },
        |fingerprint| {
            format!(
                "Compare the fingerprint with the one that the BMC shows on its own console or \
                 web page. If it is the same, pin it with tls = {{ fingerprint_sha256 = \
                 \"{fingerprint}\" }}. If the certificate is signed by your own authority, give \
                 that one's certificate as ca_pem instead."
            )
        },
    )
}

fn presented(fingerprint: Option<&String>) -> String {
    fingerprint.map_or_else(String::new, |fingerprint| {
        format!("; its certificate has the SHA-256 fingerprint {fingerprint}")
    })
}

fn said(messages: &Messages) -> String {
    if messages.is_empty() {
        String::new()
    } else {
        format!(": {messages}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rejection_shows_what_the_bmc_said_and_advises() {
        let body = json!({"error": {"@Message.ExtendedInfo": [{
            "MessageId": "Base.1.8.PropertyValueNotInList",
            "Message": "The value Foo is not in the list.",
            "Resolution": "Choose another.",
        }]}});
        let error = Error::Rejected {
            endpoint: "https://10.0.0.5".to_owned(),
            request: "PATCH /redfish/v1/Systems/1".to_owned(),
            status: 400,
            messages: Messages::read(&body, &[]),
        };
        assert_eq!(
            error.to_string(),
            "https://10.0.0.5 answered 400 to PATCH /redfish/v1/Systems/1: The value Foo is not \
             in the list (Base.1.8.PropertyValueNotInList)"
        );
        let advice = "Correct what the BMC complains of. The BMC advises: Choose another.";
        assert_eq!(error.advice(), advice);
        assert!(!error.is_unreachable());
    }

    #[test]
    fn a_result_is_small() {
        assert!(size_of::<Error>() <= 128, "{}", size_of::<Error>());
    }
}
