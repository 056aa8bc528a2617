//! The API token.

use axum::http::{HeaderMap, header};
use model::Secret;
use ring::{
    digest::{SHA256, digest},
    hmac,
};

/// The API token, as its digest.
pub(crate) struct ApiToken {
    key: hmac::Key,
    tag: hmac::Tag,
}

impl ApiToken {
    /// The API token with the text `token`.
    pub(crate) fn new(token: &Secret) -> Self {
        let digest = digest(&SHA256, token.expose().as_bytes());
        // Verifying a tag is ring's comparison in constant time. What is compared is a digest of
        // fixed length, so not even the length of the token shows.
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"api token");
        let tag = hmac::sign(&key, digest.as_ref());
        Self { key, tag }
    }

    /// Whether a request carries the token.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|token| {
            let digest = digest(&SHA256, token.as_bytes());
            hmac::verify(&self.key, digest.as_ref(), self.tag.as_ref()).is_ok()
        })
    }
}

/// The bearer token of a request (RFC 6750 section 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_admitted() {
        let token = ApiToken::new(&Secret::new("abc"));
        let check = |value: &str, expected| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(token.admits(&headers), expected, "{value}");
        };
        check("Bearer abc", true);
        check("bearer  abc", true);
        for bad in [
            "Bearer ab",
            "Bearer abcd",
            "Bearer ",
            "Bearer",
            "Basic abc",
            "abc",
            "",
        ] {
            check(bad, false);
        }
        assert!(!token.admits(&HeaderMap::new()));
    }
}
