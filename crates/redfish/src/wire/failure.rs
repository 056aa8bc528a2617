//! What a request that got no reply means.

use std::{error::Error as _, io};

use crate::{error::Error, tls::Refusal};

/// The class of a failure.
pub(crate) fn classify(endpoint: String, request: &str, error: &reqwest::Error) -> Error {
    if let Some(tls) = tls_error(error) {
        let refusal = refusal(tls);
        return Error::Tls {
            endpoint,
            cause: refusal.map_or_else(|| tls.to_string(), |refusal| refusal.reason.clone()),
            fingerprint: refusal.map(|refusal| refusal.fingerprint.clone()),
        };
    }
    let http = sources(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    if http.is_some_and(hyper::Error::is_parse_too_large) {
        return Error::Decode {
            endpoint,
            request: request.to_owned(),
            cause: "its header is too long".to_owned(),
        };
    }
    let cause = if http.is_some_and(hyper::Error::is_parse) {
        // It may be left over from the request before, so a new connection is worth a try.
        format!("its answer is not HTTP: {}", root_cause(error))
    } else if error.is_connect() && error.is_timeout() {
        "no connection in time".to_owned()
    } else {
        root_cause(error)
    };
    Error::Unreachable {
        endpoint,
        cause,
        sent: !error.is_connect(),
    }
}

/// The deepest cause: the layers above it say the same in more words, and name the URL.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let text = cause.to_string();
    // Some causes end with the address of a page for programmers.
    let end = text.find(": https://docs.rs/").unwrap_or(text.len());
    text[..end].to_owned()
}

fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// The TLS layer's error in the chain. `io::Error` hides what it wraps from `source`.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref() {
            return Some(tls);
        }
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn refusal(error: &rustls::Error) -> Option<&Refusal> {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            other.0.downcast_ref::<Refusal>()
        }
        _ => None,
    }
}
