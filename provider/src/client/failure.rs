//! Why the agent's API was not reached, in words.

use std::{error::Error, fmt::Write as _, io};

/// An error and its causes on one line, and what they mean if one side speaks TLS and the other does
/// not. reqwest's own text names the URL, which holds no secret.
pub(super) fn describe(endpoint: &str, error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let (mut no_tls, mut no_http) = (false, false);
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a `String` cannot fail.
        let _infallible = write!(text, ": {cause}");
        no_tls |= matches!(unwrapped(cause), Some(rustls::Error::InvalidMessage(_)));
        // hyper does not give its kinds of errors a type.
        no_http |= cause.to_string().contains(NO_HTTP);
        source = cause.source();
    }
    let hint = match endpoint.split_once("://") {
        Some(("https", rest)) if no_tls => {
            format!(" (what answers there speaks no TLS; is it http://{rest}?)")
        }
        Some(("http", rest)) if no_http => {
            format!(" (what answers there speaks no plain HTTP; is it https://{rest}?)")
        }
        _ => String::new(),
    };
    text + &hint
}

/// The TLS layer's error in others. `io::Error` hides what it wraps from `source`.
fn unwrapped<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => unwrapped(wrapped),
        None => error.downcast_ref(),
    }
}

const NO_HTTP: &str = "invalid HTTP version";

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// What is said of somebody who answers everything so.
    async fn said(scheme: &str, answer: &'static [u8]) -> String {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("{scheme}://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = [0; 2048];
            let _request = stream.read(&mut read).await.unwrap();
            stream.write_all(answer).await.unwrap();
        });
        let error = reqwest::Client::new().get(&endpoint).send().await;
        serving.await.unwrap();
        describe(&endpoint, &error.unwrap_err()).replace(&endpoint, "ENDPOINT")
    }

    #[tokio::test]
    async fn a_scheme_that_the_agent_does_not_speak_is_named() {
        // An alert (RFC 8446 section 6): that is how TLS answers plain text.
        let alert = b"\x15\x03\x03\x00\x02\x02\x46";
        let plain = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let said_of_tls = said("http", alert).await;
        assert!(
            said_of_tls.contains("speaks no plain HTTP; is it https://127.0.0.1:"),
            "{said_of_tls}"
        );
        let said_of_plain = said("https", plain).await;
        assert!(
            said_of_plain.contains("speaks no TLS; is it http://127.0.0.1:"),
            "{said_of_plain}"
        );
        let said_of_neither = said("http", b"").await;
        assert!(!said_of_neither.contains("is it"), "{said_of_neither}");
    }
}
