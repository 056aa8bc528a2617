//! The cases, one for each row.

mod boot;
mod documents;
mod login;
mod places;
mod power;
mod tags;

use futures_util::future::BoxFuture;
use rack::{Profile, Quirk};

use crate::bench::{Bench, Outcome};

pub(crate) type Check = fn(Bench) -> BoxFuture<'static, Outcome>;

/// How one row is tried.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) profile: Profile,
    /// What the BMC misbehaves in: the row's own way, and others that it shows with.
    pub(crate) quirks: &'static [Quirk],
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Effect { operation: Check },
    Always { naive: Check, client: Check },
}

pub(crate) fn all() -> Vec<Case> {
    let all = [
        login::CASES,
        documents::CASES,
        tags::CASES,
        boot::CASES,
        power::CASES,
        places::CASES,
    ];
    all.concat()
}

/// A check: its body may use `?` and ends well if it ends.
macro_rules! check {
    (|$bench:ident| $body:block) => {
        |$bench: $crate::bench::Bench| -> futures_util::future::BoxFuture<'static, $crate::bench::Outcome> {
            Box::pin(async move {
                $body
                #[allow(unreachable_code, reason = "some bodies end with an error")]
                Ok(())
            })
        }
    };
}

/// A row that every client of ours copes with.
macro_rules! always {
    ($id:literal, [$($quirk:ident),+], |$naive:ident| $strict:block, |$client:ident| $ours:block) => {
        $crate::cases::Case {
            id: $id,
            profile: rack::Profile::Standard,
            quirks: &[$(rack::Quirk::$quirk),+],
            kind: $crate::cases::Kind::Always {
                naive: $crate::cases::check!(|$naive| $strict),
                client: $crate::cases::check!(|$client| $ours),
            },
        }
    };
}

/// A row with effects on the BMCs of a maker.
macro_rules! effect {
    ($id:literal, $profile:ident, [$($quirk:ident),+], |$bench:ident| $body:block) => {
        $crate::cases::Case {
            id: $id,
            profile: rack::Profile::$profile,
            quirks: &[$(rack::Quirk::$quirk),+],
            kind: $crate::cases::Kind::Effect {
                operation: $crate::cases::check!(|$bench| $body),
            },
        }
    };
}

pub(crate) use {always, check, effect};
