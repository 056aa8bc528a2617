//! The body of a reply: bounded while it comes, and in what it becomes.

use reqwest::{
    Response, StatusCode,
    header::{self, HeaderMap},
};
use serde_json::Value;

/// A body.
pub(super) struct Body {
    /// What it holds, or why that cannot be read.
    pub(super) json: Result<Value, String>,
    /// Its beginning, for a person to read.
    pub(super) start: String,
}

/// Why there is no body.
pub(super) enum Failure {
    /// The connection broke.
    Broken(reqwest::Error),
    /// It has no end.
    TooLong,
}

/// Reads a body as far as it may go.
pub(super) async fn read(mut response: Response) -> Result<Body, Failure> {
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::Broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BODY {
            return Err(Failure::TooLong);
        }
    }
    Ok(Body {
        json: decode(status, response.headers(), &bytes),
        start: String::from_utf8_lossy(&bytes[..bytes.len().min(START)]).into_owned(),
    })
}

fn decode(status: StatusCode, headers: &HeaderMap, bytes: &[u8]) -> Result<Value, String> {
    if bytes.is_empty() {
        return Err(format!("it is empty, with status {}", status.as_u16()));
    }
    let encoding = headers.get(header::CONTENT_ENCODING);
    if let Some(encoding) = encoding.and_then(|value| value.to_str().ok())
        && !encoding.eq_ignore_ascii_case("identity")
    {
        let shown: String = encoding.chars().take(32).collect();
        return Err(format!(
            "it is compressed ({shown}), though nobody asked for that"
        ));
    }
    // In memory a value takes many times its bytes.
    let values = bytes.iter().filter(|byte| b",[{".contains(byte)).count();
    if values > MAX_VALUES {
        return Err(format!("it holds more than {MAX_VALUES} values"));
    }
    let read = match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(text),
        // An asset tag in some older encoding costs only its own letters.
        Err(_) => serde_json::from_str(&String::from_utf8_lossy(bytes)),
    };
    read.map_err(|error| format!("it is not JSON: {error}"))
}

/// No resource is as large as this.
pub(super) const MAX_BODY: usize = 8 << 20;
const MAX_VALUES: usize = 1 << 18;
/// As much as may be shown, and some white space.
const START: usize = 4096;

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<Value, &str>) {
        let found = decode(StatusCode::OK, &HeaderMap::new(), bytes);
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn what_is_no_json_says_why() {
        check(b"", Err("it is empty, with status 200"));
        check(
            b"<html>",
            Err("it is not JSON: expected value at line 1 column 1"),
        );
        check(
            b"{\"a\": 1e999}",
            Err("it is not JSON: number out of range at line 1 column 11"),
        );
        let deep = "[".repeat(10_000);
        check(
            deep.as_bytes(),
            Err("it is not JSON: recursion limit exceeded at line 1 column 128"),
        );
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        check(many.as_bytes(), Err("it holds more than 262144 values"));
        check(b"{\"a\": 1, \"a\": 2}", Ok(json!({"a": 2})));
    }

    #[test]
    fn a_letter_of_another_encoding_costs_only_itself() {
        check(
            b"{\"a\": \"Gr\xfc\xdfe\"}",
            Ok(json!({"a": "Gr\u{fffd}\u{fffd}e"})),
        );
    }

    #[test]
    fn nothing_is_unpacked() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let found = decode(StatusCode::OK, &headers, b"\x1f\x8b");
        let expected = "it is compressed (gzip), though nobody asked for that";
        assert_eq!(found, Err(expected.to_owned()));
    }
}
