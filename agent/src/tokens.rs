//! Boot tokens: what lets one boot of one server fetch its secrets, once, and report.
//!
//! A token is random text that exists on the server alone; the store has its SHA-256. It is bound
//! to the boot it was minted for and to the address that the server had then.
//!
//! This narrows the window in which a secret can be fetched by somebody else. It attests nothing.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use model::{MacAddr, Secret, ServerId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    digest,
    store::{self, Expect, Op, Store, Table, Versioned},
};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// Fetching the Ignition config.
    Ignition,
    /// Fetching the user data.
    UserData,
    /// Reporting that the server is up.
    Report,
}

impl Purpose {
    /// How long a token is good. A report comes after an installation, which takes its time.
    const fn lifetime(self) -> SignedDuration {
        match self {
            Self::Ignition | Self::UserData => SignedDuration::from_hours(1),
            Self::Report => SignedDuration::from_hours(24),
        }
    }
}

/// Whom a token is minted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// The server.
    pub server_id: ServerId,
    /// The boot.
    pub boot: Uuid,
    /// The address of the interface it boots from.
    pub mac: MacAddr,
    /// The address that the server is leased.
    pub address: Ipv4Addr,
}

/// What is stored of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// Whom it was minted for.
    #[serde(flatten)]
    pub grant: Grant,
    /// What for.
    pub purpose: Purpose,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it was used up.
    pub consumed_at: Option<Timestamp>,
}

impl Token {
    /// When it was minted, and when it ends.
    fn times(&self) -> (Timestamp, Timestamp) {
        let minted_at = self.expires_at.saturating_sub(self.purpose.lifetime());
        (minted_at.unwrap_or(Timestamp::MIN), self.expires_at)
    }
}

/// A token that was presented, and where it is in the store.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    /// The SHA-256 of its text. It may be logged.
    pub hash: String,
    /// What it is.
    pub token: Token,
}

/// Why a token opens nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such token, or it is too old, or it is for something else.
    #[error("there is no such token")]
    Unknown,
    /// It was presented from another address.
    #[error("the token was minted for another address")]
    Elsewhere(Box<Presented>),
    /// It was used up.
    #[error("the token was used up")]
    Consumed(Box<Presented>),
    /// The machine has no randomness.
    #[error("there is no randomness to mint a token from")]
    NoRandomness,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Mints a token. What the server has no more use for is removed.
pub(crate) fn mint(
    store: &Store,
    grant: Grant,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Secret, Error> {
    let text = digest::random_secret().map_err(|_says_nothing| Error::NoRandomness)?;
    let hash = hash(text.expose());
    let expires_at = now
        .saturating_add(purpose.lifetime())
        .unwrap_or(Timestamp::MAX);
    let token = Token {
        grant,
        purpose,
        expires_at,
        consumed_at: None,
    };
    let mut ops = sweep(store, grant.server_id, now)?;
    ops.push(Op::put(
        Table::Tokens,
        hash.as_str(),
        &token,
        Expect::Absent,
    )?);
    let index = format!("{}/{hash}", grant.server_id);
    ops.push(Op::put(
        Table::TokensOf,
        index,
        &expires_at,
        Expect::Absent,
    )?);
    store.commit(ops)?;
    Ok(text)
}

/// Removes the tokens of a server that are too old, and of too many those that were minted first:
/// what a server was given last is what it is about to use, however soon that ends.
fn sweep(store: &Store, server: ServerId, now: Timestamp) -> Result<Vec<Op>, store::Error> {
    let prefix = format!("{server}/");
    let mut tokens = Vec::new();
    for (key, _) in store.list_under::<Timestamp>(Table::TokensOf, &prefix)? {
        let hash = key.strip_prefix(&prefix).unwrap_or(&key);
        let token = store.get::<Token>(Table::Tokens, hash)?;
        tokens.push((token.map(|token| token.value.times()), key));
    }
    // One that is not there any more comes first.
    tokens.sort();
    let surplus = tokens.len().saturating_sub(TOKENS_PER_SERVER - 1);
    let gone = tokens.iter().enumerate().filter(|(index, (times, _))| {
        *index < surplus || times.is_none_or(|(_, expires_at)| expires_at <= now)
    });
    Ok(gone
        .flat_map(|(_, (_, key))| delete(&prefix, key))
        .collect())
}

/// The operations that remove every token of a server.
pub(crate) fn delete_all(store: &Store, server: ServerId) -> Result<Vec<Op>, store::Error> {
    let prefix = format!("{server}/");
    let tokens = store.list_under::<Timestamp>(Table::TokensOf, &prefix)?;
    Ok(tokens
        .iter()
        .flat_map(|(key, _)| delete(&prefix, key))
        .collect())
}

fn delete(prefix: &str, key: &str) -> [Op; 2] {
    let hash = key.strip_prefix(prefix).unwrap_or(key);
    [
        Op::delete(Table::Tokens, hash, Expect::Any),
        Op::delete(Table::TokensOf, key, Expect::Any),
    ]
}

/// The token with the text `text`, presented from `address`, if it is good for `purpose`.
pub(crate) fn present(
    store: &Store,
    text: &str,
    purpose: Purpose,
    address: Ipv4Addr,
    now: Timestamp,
) -> Result<Presented, Error> {
    let hash = hash(text);
    let found = store
        .get::<Token>(Table::Tokens, &hash)?
        .map(|token| token.value);
    let Some(token) = found.filter(|token| token.purpose == purpose && token.expires_at > now)
    else {
        return Err(Error::Unknown);
    };
    let elsewhere = token.grant.address != address;
    let consumed = token.consumed_at.is_some();
    let presented = Presented { hash, token };
    if elsewhere {
        return Err(Error::Elsewhere(Box::new(presented)));
    }
    if consumed {
        return Err(Error::Consumed(Box::new(presented)));
    }
    Ok(presented)
}

/// Uses a token up. Whether this was the one call that did.
pub(crate) fn consume(store: &Store, hash: &str, now: Timestamp) -> Result<bool, store::Error> {
    loop {
        let found: Option<Versioned<Token>> = store.get(Table::Tokens, hash)?;
        let Some(mut found) = found.filter(|found| found.value.consumed_at.is_none()) else {
            return Ok(false);
        };
        found.value.consumed_at = Some(now);
        let expect = Expect::Version(found.version);
        match store.commit(vec![Op::put(Table::Tokens, hash, &found.value, expect)?]) {
            Err(error) if error.is_conflict() => {}
            outcome => return outcome.map(|()| true),
        }
    }
}

fn hash(text: &str) -> String {
    digest::sha256(text.as_bytes())
}

/// The length of the text of a token.
pub(crate) const TEXT_LENGTH: usize = 64;

/// How many tokens one server may have. Each of its scripts mints up to three, and a server that
/// fetches its script over and over must not fill the disk.
const TOKENS_PER_SERVER: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, at, server_id, uuid};

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 10);

    fn grant() -> Grant {
        Grant {
            server_id: server_id(1),
            boot: uuid(1),
            mac: fixture::mac(1),
            address: ADDRESS,
        }
    }

    #[track_caller]
    fn check(outcome: Result<Presented, Error>, expected: &str) {
        let outcome = outcome.map_or_else(|error| error.to_string(), |_| "good".to_owned());
        assert_eq!(outcome, expected);
    }

    #[test]
    fn a_token_is_good_once_from_one_address_for_one_purpose_and_an_hour() {
        let (_dir, store) = fixture::store();
        let token = mint(&store, grant(), Purpose::Ignition, at(0)).unwrap();
        let elsewhere = Ipv4Addr::new(10, 0, 0, 11);
        let cases = [
            (Purpose::Ignition, ADDRESS, 0, "good"),
            (Purpose::Ignition, ADDRESS, 3599, "good"),
            (Purpose::Ignition, ADDRESS, 3600, "there is no such token"),
            (Purpose::UserData, ADDRESS, 0, "there is no such token"),
            (
                Purpose::Ignition,
                elsewhere,
                0,
                "the token was minted for another address",
            ),
        ];
        for (purpose, address, seconds, expected) in cases {
            check(
                present(&store, token.expose(), purpose, address, at(seconds)),
                expected,
            );
        }
        let nothing = present(&store, "", Purpose::Ignition, ADDRESS, at(0));
        check(nothing, "there is no such token");
        let hash = hash(token.expose());
        assert!(consume(&store, &hash, at(1)).unwrap());
        assert!(!consume(&store, &hash, at(2)).unwrap());
        check(
            present(&store, token.expose(), Purpose::Ignition, ADDRESS, at(2)),
            "the token was used up",
        );
    }

    #[test]
    fn of_many_that_use_a_token_up_at_once_one_does() {
        let (_dir, store) = fixture::store();
        let token = mint(&store, grant(), Purpose::Ignition, at(0)).unwrap();
        let hash = &hash(token.expose());
        let winners: usize = std::thread::scope(|scope| {
            let consume = || usize::from(consume(&store, hash, at(1)).unwrap());
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(consume)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(winners, 1);
    }

    #[test]
    fn a_server_has_a_bounded_number_of_tokens_and_none_when_it_is_disarmed() {
        let (_dir, store) = fixture::store();
        let count = |table| match table {
            Table::Tokens => store.list::<Token>(table).unwrap().len(),
            _ => store.list::<Timestamp>(table).unwrap().len(),
        };
        let mut last = Secret::new("");
        for second in 0..100 {
            last = mint(&store, grant(), Purpose::Report, at(second)).unwrap();
        }
        assert_eq!((count(Table::Tokens), count(Table::TokensOf)), (64, 64));
        check(
            present(&store, last.expose(), Purpose::Report, ADDRESS, at(100)),
            "good",
        );
        mint(&store, grant(), Purpose::Report, at(200_000)).unwrap();
        assert_eq!((count(Table::Tokens), count(Table::TokensOf)), (1, 1));
        store
            .commit(delete_all(&store, server_id(1)).unwrap())
            .unwrap();
        assert_eq!((count(Table::Tokens), count(Table::TokensOf)), (0, 0));
    }

    #[test]
    fn a_server_that_boots_over_and_over_has_every_token_of_its_last_script() {
        let (_dir, store) = fixture::store();
        for second in 0..100 {
            let minted = [Purpose::Ignition, Purpose::UserData, Purpose::Report]
                .map(|purpose| (mint(&store, grant(), purpose, at(second)).unwrap(), purpose));
            for (token, purpose) in &minted {
                let outcome = present(&store, token.expose(), *purpose, ADDRESS, at(second));
                check(outcome, "good");
            }
        }
    }

    #[test]
    fn the_text_of_a_token_is_not_in_the_store() {
        let (dir, store) = fixture::store();
        let token = mint(&store, grant(), Purpose::Ignition, at(0)).unwrap();
        let bytes = std::fs::read(dir.path().join("store")).unwrap();
        let text = token.expose().as_bytes();
        assert!(!bytes.windows(text.len()).any(|window| window == text));
    }
}
