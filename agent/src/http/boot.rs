//! The boot service: what servers on the provisioning network may ask for.
//!
//! Nothing here changes more than how far a boot has come, and that only for the server whose
//! leased address asks. `X-Forwarded-For` and its kin are never looked at: anybody can write them.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts, rejection::PathRejection},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower_http::timeout::RequestBodyTimeoutLayer;
use tracing::error;

use super::{Site, files, report, script, secrets, serve::Peer};
use crate::{render, seal, store, tokens};

/// The router of the boot service.
pub(crate) fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/ipxe", get(script::any))
        .route("/ipxe/{mac}", get(script::of_mac))
        .route("/images/{sha256}", get(files::image))
        .route("/loaders/{file}", get(files::loader))
        .route("/ignition/{token}", get(secrets::ignition))
        .route("/config/{token}", get(secrets::user_data))
        .route("/config/{token}/user-data", get(secrets::user_data))
        .route("/config/{token}/meta-data", get(secrets::meta_data))
        .route("/config/{token}/vendor-data", get(secrets::vendor_data))
        .route("/bootstate", post(report::report_by_header))
        .route("/bootstate/{token}", post(report::report))
        .fallback(|| async { Refusal::missing("page") })
        .method_not_allowed_fallback(|| async { Refusal::Method })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .with_state(site)
}

/// Why a server does not get what it asks for. It is told in one line of text, which iPXE shows.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// There is no such thing, for this server.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The request is not from the address that the server is leased.
    #[error("this is not for your address")]
    Forbidden,
    /// The request makes no sense.
    #[error("{0}")]
    Bad(&'static str),
    /// The method does not go with the path.
    #[error("this cannot be asked with this method")]
    Method,
    /// It was fetched before.
    #[error("this was fetched before, and it can be fetched once")]
    Gone,
    /// The document cannot be made.
    #[error(transparent)]
    Render(#[from] render::Error),
    /// The agent itself failed.
    #[error("the agent failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    pub(super) const fn missing(what: &'static str) -> Self {
        Self::Missing(what)
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Gone => StatusCode::GONE,
            Self::Render(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if self.status().is_server_error() {
            error!(error = crate::error_chain(&self), "boot request failed");
        }
        (self.status(), text(format!("{self}\n"))).into_response()
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<seal::Error> for Refusal {
    fn from(error: seal::Error) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<tokens::Error> for Refusal {
    fn from(error: tokens::Error) -> Self {
        match error {
            tokens::Error::Unknown => Self::Missing("token"),
            tokens::Error::Elsewhere(_) => Self::Forbidden,
            tokens::Error::Consumed(_) => Self::Gone,
            tokens::Error::NoRandomness | tokens::Error::Store(_) => {
                Self::Internal(Box::new(error))
            }
        }
    }
}

impl From<PathRejection> for Refusal {
    fn from(_: PathRejection) -> Self {
        Self::Missing("page")
    }
}

/// The IPv4 address that a request came from.
pub(super) struct Source(pub(super) Ipv4Addr);

impl<S: Sync> FromRequestParts<S> for Source {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let peer = parts
            .extensions
            .get::<Peer>()
            .map(|peer| peer.0.ip().to_canonical());
        match peer {
            Some(std::net::IpAddr::V4(address)) => Ok(Self(address)),
            Some(std::net::IpAddr::V6(_)) | None => Err(Refusal::Forbidden),
        }
    }
}

/// Text as a response body with its type.
pub(super) fn text(text: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}

/// How large a report may be.
const BODY_MAX: usize = 64 * 1024;

/// How long a server may take for the next piece of its report.
const BODY_PAUSE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
