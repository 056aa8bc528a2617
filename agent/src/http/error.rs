//! Errors of the control API as problem documents: the only place that picks a status.

mod objects;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::{
    BootConfigState, Claim, ClaimPhase,
    api::{Problem, ProblemCode},
};
use tracing::error;

use crate::{
    boot_configs,
    claims::{self, Asker},
    seal, servers, store,
};

/// An error of the control API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError(Problem);

impl ApiError {
    pub(super) fn new(
        code: ProblemCode,
        title: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self(Problem {
            status: status(code).as_u16(),
            code,
            title: title.into(),
            detail: detail.into(),
        })
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status.as_u16();
        self
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(
            ProblemCode::InvalidRequest,
            "The request cannot be understood",
            detail,
        )
    }

    fn not_found(what: &str, detail: impl Into<String>) -> Self {
        Self::new(
            ProblemCode::NotFound,
            format!("{what} does not exist"),
            detail,
        )
    }

    /// The agent's own failure. The cause is the operator's to see, and goes to the log.
    pub(super) fn internal(cause: &dyn std::error::Error) -> Self {
        error!(error = crate::error_chain(cause), "control request failed");
        Self::new(
            ProblemCode::Internal,
            "The agent failed",
            "The agent's log says why. Nothing was changed.",
        )
    }
}

const fn status(code: ProblemCode) -> StatusCode {
    match code {
        ProblemCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ProblemCode::InvalidRequest => StatusCode::UNPROCESSABLE_ENTITY,
        ProblemCode::NotFound => StatusCode::NOT_FOUND,
        ProblemCode::AlreadyClaimed
        | ProblemCode::Unclaimable
        | ProblemCode::NoMatch
        | ProblemCode::ServerClaimed
        | ProblemCode::NotReady
        | ProblemCode::NotHolder
        | ProblemCode::MacConflict
        | ProblemCode::AlreadyRegistered
        | ProblemCode::SubnetConflict
        | ProblemCode::SubnetInUse
        | ProblemCode::SubnetInFile
        | ProblemCode::UnknownSubnet
        | ProblemCode::AddressConflict => StatusCode::CONFLICT,
        ProblemCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self.0)).into_response();
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, media_type);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<seal::Error> for ApiError {
    fn from(error: seal::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<servers::Error> for ApiError {
    fn from(error: servers::Error) -> Self {
        match error {
            servers::Error::NotFound(id) => no_server(id),
            servers::Error::MacConflict { mac, other } => Self::new(
                ProblemCode::MacConflict,
                "The MAC address belongs to another server",
                format!(
                    "{mac} is registered as a boot address of server {other}. Remove it there, or \
                     correct boot_mac_addresses here."
                ),
            ),
            servers::Error::Registered {
                id,
                endpoint,
                registrar,
            } => Self::new(
                ProblemCode::AlreadyRegistered,
                "The server is registered already",
                format!(
                    "Server {id} behind {endpoint} is registered by another resource, of {}. \
                     Remove one of the two; if the first is in no state any more, import it by \
                     its id.",
                    registrar.holder
                ),
            ),
            servers::Error::NotUnicast { mac } => Self::invalid(format!(
                "{mac} is no address of one network interface. Correct boot_mac_addresses."
            )),
            servers::Error::Claimed(claim) => Self::new(
                ProblemCode::ServerClaimed,
                "The server is claimed",
                format!("{} Release the claim first.", held_by(&claim)),
            ),
            servers::Error::Store(error) => error.into(),
        }
    }
}

impl From<boot_configs::Error> for ApiError {
    fn from(error: boot_configs::Error) -> Self {
        match error {
            boot_configs::Error::NotFound(id) => no_boot_config(id),
            boot_configs::Error::Invalid(invalid) => {
                let text = invalid.to_string();
                Self::new(
                    ProblemCode::InvalidRequest,
                    "The boot config cannot boot anything",
                    sentence(&text),
                )
            }
            boot_configs::Error::Seal(error) => error.into(),
            boot_configs::Error::Store(error) => error.into(),
        }
    }
}

impl From<claims::Error> for ApiError {
    fn from(error: claims::Error) -> Self {
        use claims::Error as E;
        match error {
            E::NotOneTarget | E::EmptySelector | E::Hostname(_) | E::NoHolder => {
                Self::invalid(sentence(&error.to_string()))
            }
            E::NoServer(id) => no_server(id),
            E::NoBootConfig(id) => no_boot_config(id),
            E::NoClaim(id) => Self::not_found("The claim", format!("Server {id} is not claimed.")),
            E::AlreadyClaimed { claim, asker } => already_claimed(&claim, asker),
            E::Unclaimable(id) => Self::new(
                ProblemCode::Unclaimable,
                "Server is unclaimable",
                format!(
                    "Server {id} is cordoned: it was registered with unclaimable = true. Claim \
                     another server, or lift the cordon where the server is registered."
                ),
            ),
            E::NoMatch(counts) => Self::new(
                ProblemCode::NoMatch,
                "No free server matches the selector",
                format!("{counts}. Release a claim, register more servers, or widen the selector."),
            ),
            E::NotHolder(claim) => Self::new(
                ProblemCode::NotHolder,
                "The claim is not the one that was meant",
                format!(
                    "{} That is claim {}, a later one.",
                    held_by(&claim),
                    claim.uid
                ),
            ),
            E::NothingToArm(id) => Self::new(
                ProblemCode::NotReady,
                "The claim has no boot config",
                format!("The claim of server {id} names none. Set boot_config_id, then arm it."),
            ),
            E::NotReady { id, state, reasons } => not_ready(id, state, &reasons),
            E::Seal(error) => error.into(),
            E::Store(error) => error.into(),
        }
    }
}

fn no_server(id: model::ServerId) -> ApiError {
    let detail = format!("Server {id} is not registered with this agent. Register it first.");
    ApiError::not_found("The server", detail)
}

fn no_boot_config(id: uuid::Uuid) -> ApiError {
    let detail = format!("Boot config {id} was not published to this agent. Publish it first.");
    ApiError::not_found("The boot config", detail)
}

fn not_ready(id: uuid::Uuid, state: BootConfigState, reasons: &[String]) -> ApiError {
    let way_out = match state {
        BootConfigState::Error => "Correct the image, and publish the boot config again.",
        BootConfigState::Pending | BootConfigState::Ready => "Ask again when it is there.",
    };
    ApiError::new(
        ProblemCode::NotReady,
        "The boot config is not ready",
        format!("Boot config {id}: {}. {way_out}", reasons.join("; ")),
    )
}

fn already_claimed(claim: &Claim, asker: Asker) -> ApiError {
    let way_out = match asker {
        Asker::Other => "Release that claim, or claim another server.".to_owned(),
        Asker::Holder => format!(
            "That is you: import the claim by server id, {}, or release it.",
            claim.server_id
        ),
        Asker::SameRun => "Another claim of this same configuration holds it; each server can \
                           have one claim."
            .to_owned(),
    };
    ApiError::new(
        ProblemCode::AlreadyClaimed,
        "Server is already claimed",
        format!("{} {way_out}", held_by(claim)),
    )
}

fn held_by(claim: &Claim) -> String {
    let Claim {
        server_id,
        holder,
        claimed_at,
        phase,
        ..
    } = claim;
    let unfinished = match phase {
        ClaimPhase::Reserved => ", and what it was claimed for is not finished",
        ClaimPhase::Settled => "",
    };
    format!("Server {server_id} is held by {holder} since {claimed_at:.0}{unfinished}.")
}

/// `text`, which is an error's, as a sentence. What begins with a name or a value begins with it as
/// it is.
fn sentence(text: &str) -> String {
    let (word, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
    let mut letters = word.chars();
    let word = match letters.next() {
        Some(first) if word.chars().all(char::is_alphabetic) => {
            first.to_uppercase().chain(letters).collect()
        }
        _ => word.to_owned(),
    };
    format!("{word}{rest}.")
}
