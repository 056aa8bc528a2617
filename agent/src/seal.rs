//! Sealing: payloads on disk are encrypted, with a key that is not in the store.
//!
//! ChaCha20-Poly1305 with a random nonce. What a text is sealed *as* is authenticated with it, so
//! that one sealed text cannot be put in the place of another.

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::Secret;
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};
use serde::{Deserialize, Serialize};

use crate::{
    private_file,
    store::{self, Expect, Op, Store, Table},
};

/// A sealed text: its nonce and what it became, base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sealed(String);

/// Why something cannot be sealed or opened. It never holds any part of the text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The key's file does not give one.
    #[error("the key that payloads are sealed with cannot be used")]
    File(#[source] private_file::Error),
    /// The file is not there, and the store has payloads that were sealed with what it held.
    #[error(
        "the key {} that the payloads in the store were sealed with is not there; put it back, or \
         remove the store and apply again",
        path.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error(
        "{} holds no key, which is 64 hexadecimal digits; put the right one back, or remove the \
         file to have one made for a new store",
        path.display()
    )]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The key is not the one that this store was sealed with.
    #[error(
        "the key in {} is not the one that the payloads in the store were sealed with; put that \
         key back, or remove the store and apply again",
        path.display()
    )]
    WrongKey {
        /// The file.
        path: PathBuf,
    },
    /// A sealed text was damaged, or sealed as something else or with another key.
    #[error("the sealed {what} cannot be opened; it was damaged or sealed with another key")]
    Open {
        /// What it was sealed as.
        what: String,
    },
    /// The machine has no randomness.
    #[error("there is no randomness to seal with")]
    NoRandomness,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What seals and opens.
pub(crate) struct Sealer {
    key: LessSafeKey,
    random: SystemRandom,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(hidden)")
    }
}

impl Sealer {
    /// The sealer with the key in the file `path`, which is made if it is not there. The key must
    /// be the one that `store` has been sealed with so far.
    pub(crate) fn load(path: &Path, store: &Store) -> Result<Self, Error> {
        let proof = store.get::<Sealed>(Table::Meta, PROOF)?;
        // A new key would open nothing, and look as if it were the old one.
        if proof.is_some() && !path.try_exists().unwrap_or(true) {
            return Err(Error::Lost {
                path: path.to_owned(),
            });
        }
        let text = private_file::read_or_create(path).map_err(Error::File)?;
        let sealer = Self::new(&text).ok_or_else(|| Error::NotAKey {
            path: path.to_owned(),
        })?;
        match proof {
            Some(proof) => {
                sealer
                    .open(PROOF, &proof.value)
                    .map_err(|_wrong| Error::WrongKey {
                        path: path.to_owned(),
                    })?;
            }
            None => {
                let proof = sealer.seal(PROOF, &Secret::new(PROOF))?;
                store.commit(vec![Op::put(Table::Meta, PROOF, &proof, Expect::Absent)?])?;
            }
        }
        Ok(sealer)
    }

    fn new(text: &Secret) -> Option<Self> {
        let digits = text.expose().as_bytes();
        if digits.len() != 2 * CHACHA20_POLY1305.key_len() {
            return None;
        }
        let mut key = Vec::with_capacity(digits.len() / 2);
        for pair in digits.chunks_exact(2) {
            let pair = std::str::from_utf8(pair).ok()?;
            key.push(u8::from_str_radix(pair, 16).ok()?);
        }
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key).ok()?;
        Some(Self {
            key: LessSafeKey::new(key),
            random: SystemRandom::new(),
        })
    }

    /// Seals `text` as `what`.
    pub(crate) fn seal(&self, what: &str, text: &Secret) -> Result<Sealed, Error> {
        let mut nonce = [0; NONCE_LEN];
        self.random
            .fill(&mut nonce)
            .map_err(|_says_nothing| Error::NoRandomness)?;
        let mut sealed = text.expose().as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(what.as_bytes()),
                &mut sealed,
            )
            .map_err(|_too_long| Error::NoRandomness)?;
        Ok(Sealed(STANDARD.encode([&nonce[..], &sealed].concat())))
    }

    /// Opens what was sealed as `what`.
    pub(crate) fn open(&self, what: &str, sealed: &Sealed) -> Result<Secret, Error> {
        let opened = || {
            let mut bytes = STANDARD.decode(&sealed.0).ok()?;
            let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let aad = Aad::from(what.as_bytes());
            let text = self.key.open_in_place(nonce, aad, text).ok()?;
            Some(Secret::new(std::str::from_utf8(text).ok()?))
        };
        opened().ok_or_else(|| Error::Open {
            what: what.to_owned(),
        })
    }
}

/// Sealed as itself into the store, so that a wrong key is found at the start and not by a server.
const PROOF: &str = "seal proof";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer(digit: char) -> Sealer {
        Sealer::new(&Secret::new(digit.to_string().repeat(64))).unwrap()
    }

    #[test]
    fn a_sealed_text_opens_only_as_what_it_was_with_the_key_it_was() {
        let text = Secret::new("canary");
        let sealed = sealer('1').seal("x/ignition", &text).unwrap();
        assert!(!serde_json::to_string(&sealed).unwrap().contains("canary"));
        assert_eq!(sealer('1').open("x/ignition", &sealed).unwrap(), text);
        for (sealer, what) in [(sealer('2'), "x/ignition"), (sealer('1'), "x/user_data")] {
            let error = sealer.open(what, &sealed).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "the sealed {what} cannot be opened; it was damaged or sealed with another key"
                )
            );
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_the_same_way() {
        let seal = || sealer('1').seal("x", &Secret::new("a")).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_key_that_is_not_the_stores_is_found_at_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        Sealer::load(&dir.path().join("a"), &store).unwrap();
        Sealer::load(&dir.path().join("a"), &store).unwrap();
        let other = dir.path().join("b");
        let error = Sealer::load(&other, &store).unwrap_err();
        assert!(matches!(error, Error::Lost { .. }), "{error}");
        assert!(!other.exists());
        private_file::read_or_create(&other).unwrap();
        let error = Sealer::load(&other, &store).unwrap_err();
        assert!(matches!(error, Error::WrongKey { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn nothing_that_is_stored_panics(text in "[A-Za-z0-9+/]{0,64}={0,2}") {
            prop_assert!(sealer('1').open("x", &Sealed(text)).is_err());
        }
    }
}
