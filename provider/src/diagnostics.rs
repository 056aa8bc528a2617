//! Errors of the agent and of BMCs as Terraform diagnostics: the fact, the values, the way out.

use std::time::Duration;

pub(crate) use tfplugin::capitalized as sentence;
use tfplugin::{Diagnostic, Failed, Path};

use crate::client::ApiError;

/// The diagnostic of a BMC's error. `subject` says which server or BMC, and what was tried.
pub(crate) fn redfish(subject: &str, error: &redfish::Error) -> Diagnostic {
    let mut advice = error.advice();
    match error {
        redfish::Error::PasswordChangeRequired { username, .. } => advice.push_str(&format!(
            " A baremetal_bmc_account for {username:?} with password_wo does it: give it the \
             connection as an object, and let the baremetal_bmc depend on it."
        )),
        redfish::Error::AuthRejected { .. } => advice.push_str(
            " If a baremetal_bmc_account has changed the password, in an apply that was cut short \
             too, put the new one under its name in the provider's credentials: what was done is \
             recognised.",
        ),
        _ => {}
    }
    Diagnostic::error(
        sentence(subject),
        format!("{}.\n\n{advice}", sentence(&error.to_string())),
    )
}

impl From<ApiError> for Diagnostic {
    fn from(error: ApiError) -> Self {
        agent(&error)
    }
}

impl<M> From<ApiError> for Failed<M> {
    fn from(error: ApiError) -> Self {
        Diagnostic::from(error).into()
    }
}

fn agent(error: &ApiError) -> Diagnostic {
    match error {
        ApiError::Problem(problem) => {
            Diagnostic::error(problem.title.clone(), problem.detail.clone())
        }
        ApiError::Unauthorized { endpoint } => Diagnostic::error(
            "The agent does not know the token",
            format!(
                "The agent at {endpoint} refuses the token. Set agent.token, or \
                 BAREMETAL_AGENT_TOKEN in the environment, to what is in the file that \
                 control.token_file names on the agent's host. If it is, another agent answers at \
                 this address."
            ),
        ),
        ApiError::NotConfigured => Diagnostic::error(
            "No agent is configured",
            "This needs the boot agent of the site. Set agent in the provider block (or \
             BAREMETAL_AGENT_ENDPOINTS and BAREMETAL_AGENT_TOKEN), or embedded_agent for one that \
             runs inside Terraform.",
        ),
        ApiError::Unreachable { endpoints, cause } => Diagnostic::error(
            "The agent does not answer",
            format!(
                "No agent answers at {endpoints}: {cause}. Check that baremetal-agent runs there \
                 and that control.listen, a firewall or a proxy is not in the way."
            ),
        ),
        ApiError::Decode { endpoint, cause } => Diagnostic::error(
            "The agent's answer cannot be read",
            format!(
                "What answers at {endpoint} is not a baremetal-agent of this version: {cause}. \
                 Check the address; if it is right, upgrade agent and provider together."
            ),
        ),
        ApiError::Embedded(cause) => Diagnostic::error(
            "The embedded agent does not start",
            format!(
                "{}. Check embedded_agent in the provider block.",
                sentence(cause)
            ),
        ),
        ApiError::Stopped => stopped("waiting for the agent"),
    }
}

/// The diagnostic of a call that Terraform stopped.
pub(crate) fn stopped(during: &str) -> Diagnostic {
    Diagnostic::error(
        "Interrupted",
        format!("Terraform was stopped while {during}. Apply again to go on from there."),
    )
}

/// Whether an error says nothing against what is known: nobody answers, or whoever answers cannot
/// be trusted with a question.
pub(crate) fn is_unseen(error: &redfish::Error) -> bool {
    error.is_unreachable() || matches!(error, redfish::Error::Tls { .. })
}

/// The diagnostic of a BMC or an agent that takes longer than a `timeouts` attribute allows.
pub(crate) fn too_late(who: &str, operation: &str, limit: Duration) -> Diagnostic {
    Diagnostic::error(
        format!("{who} did not answer in time"),
        format!(
            "It was not done within {} s. See that it can be reached, or raise \
             timeouts.{operation}.",
            limit.as_secs_f64().ceil()
        ),
    )
}

/// The same diagnostic as a warning: what it says is true, but nothing is lost.
pub(crate) fn kept(error: Diagnostic, what: &str) -> Diagnostic {
    Diagnostic::warning(
        error.summary,
        format!(
            "{}\n\nThe state of {what} is kept as it was last seen.",
            error.detail
        ),
    )
}

/// An error at one attribute.
pub(crate) fn at(attribute: &str, summary: &str, detail: impl Into<String>) -> Diagnostic {
    Diagnostic::error(summary, detail).at(Path::root(attribute))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_with_a_capital_and_a_url_stays_as_it_is() {
        assert_eq!(sentence("no route to host"), "No route to host");
        assert_eq!(sentence("https://a refuses"), "https://a refuses");
        assert_eq!(sentence(""), "");
    }
}
