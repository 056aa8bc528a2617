//! Request bodies: JSON, and a problem document for anything else.

use axum::{
    extract::{FromRequest, Request},
    http::StatusCode,
};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::http::error::ApiError;

/// A request body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| {
                let error = ApiError::invalid(format!("{}.", rejection.body_text()));
                match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => {
                        error.with_status(StatusCode::PAYLOAD_TOO_LARGE)
                    }
                    _ => error.with_status(StatusCode::BAD_REQUEST),
                }
            })?;
        parse(&bytes).map(Self).map_err(ApiError::invalid)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        // serde quotes a value of the wrong type, and that may be a payload.
        let quotes = text.starts_with("invalid type") || text.starts_with("invalid value");
        let reason = match text.rsplit_once(", expected ") {
            Some((_, expected)) if quotes => format!("expected {expected}"),
            _ if quotes => format!("a value of the wrong type at line {line} column {column}"),
            _ => text,
        };
        format!("The body cannot be read: {reason}.")
    })
}

#[cfg(test)]
mod tests {
    use model::BootConfigSpec;
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refuse(text: &str, expected: &str) {
        let error = parse::<BootConfigSpec>(text.as_bytes()).unwrap_err();
        assert_eq!(error, expected);
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said_without_repeating_a_payload() {
        refuse(
            r#"{"kernal": 1}"#,
            "The body cannot be read: unknown field `kernal`, expected one of `method`, `kernel`, \
             `initrds`, `kernel_args`, `ipxe_script`, `ignition`, `user_data`, `user_data_format`, \
             `boot_policy`, `report_boot`, `payload_version` at line 1 column 9.",
        );
        refuse(
            r#"{"ignition": "canary, expected"}"#,
            "The body cannot be read: expected struct Payload at line 1 column 31.",
        );
        refuse(
            "",
            "The body cannot be read: EOF while parsing a value at line 1 column 0.",
        );
    }

    proptest! {
        #[test]
        fn no_body_panics_and_no_error_repeats_a_payload(text in "[a-z,\\[\\]{}0-9 ]{0,20}") {
            let body = format!("{{\"ignition\": \"canary{text}\"}}");
            let error = parse::<BootConfigSpec>(body.as_bytes()).unwrap_err();
            prop_assert!(!error.contains("canary"), "{}", error);
        }
    }
}
