//! Digests and random text, in hexadecimal.

use std::fmt::Write as _;

use model::Secret;
use ring::{
    digest::{SHA256, digest},
    error::Unspecified,
    rand::{SecureRandom, SystemRandom},
};

/// `bytes` as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a `String` cannot fail.
            let _infallible = write!(text, "{byte:02x}");
            text
        })
}

/// The SHA-256 of `bytes`, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Whether `text` is a SHA-256 as this module writes it.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// 32 random bytes in hexadecimal.
pub(crate) fn random_secret() -> Result<Secret, Unspecified> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(Secret::new(hex(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_text_has_the_digest_that_everybody_knows() {
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), digest);
        assert!(is_sha256(digest));
        assert!(!is_sha256(&digest.to_uppercase()) && !is_sha256(&digest[1..]));
    }

    #[test]
    fn two_random_secrets_differ() {
        let (a, b) = (random_secret().unwrap(), random_secret().unwrap());
        assert!(is_sha256(a.expose()));
        assert_ne!(a, b);
    }
}
