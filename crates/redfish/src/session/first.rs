//! Basic for the first request of a handle: one that stays the only one needs no session then, and
//! costs one round trip in place of three.
//!
//! A BMC that does not say that it takes Basic is not offered the password so: one that has Basic
//! switched off does not look at it, and one that keeps quiet about it cannot tell a wrong password
//! from that. Either would cost a second attempt, and accounts are locked after few.

use reqwest::{StatusCode, header::HeaderMap, header::WWW_AUTHENTICATE};

use super::State;
use crate::{
    bmc::{Authentication, Bmc, Inner},
    error::Error,
    service_root::SYSTEMS,
    wire::{Authorization, Reply},
};

impl Bmc {
    /// Whether this BMC is known to say that it takes Basic.
    pub fn advertises_basic(&self) -> Option<bool> {
        self.inner.learned(|learned| learned.advertises_basic)
    }

    /// Takes over what [`ask_for_basic`](Self::ask_for_basic) found earlier, if nothing newer is
    /// known. With [`Authentication::Auto`] the first request carries the credentials then.
    pub fn expect_basic(&self) {
        self.inner
            .learned(|learned| *learned.advertises_basic.get_or_insert(true));
    }

    /// Asks for something without credentials, which is no failed login, and notes whether the BMC
    /// offers Basic for it (RFC 9110 section 11.6.1). Nothing is known after any other answer than a
    /// refusal.
    ///
    /// # Errors
    ///
    /// If the BMC does not answer.
    pub async fn ask_for_basic(&self) -> Result<Option<bool>, Error> {
        let reply = self.inner.shared().look_anonymously(SYSTEMS).await?;
        if reply.is(StatusCode::UNAUTHORIZED) {
            let offered = offers_basic(&reply.headers);
            self.inner
                .learned(|learned| learned.advertises_basic = Some(offered));
        }
        Ok(self.advertises_basic())
    }
}

impl Inner {
    /// What goes with a request that proves the credentials by itself, in place of a login.
    pub(super) fn by_itself(&self, state: &State) -> Option<Authorization> {
        if !matches!(state, State::Fresh) {
            return None;
        }
        match self.authentication {
            Authentication::Session => None,
            Authentication::Basic => Some(Authorization::Basic),
            Authentication::Auto => {
                let known = self.learned(|learned| learned.advertises_basic == Some(true));
                // A session that somebody left behind is worth a login.
                (known && !self.has_left_behind()).then_some(Authorization::Lone)
            }
        }
    }

    /// What the answer to such a request proves, if anything.
    pub(super) fn proven(&self, sent: &Authorization, reply: &Reply) -> Option<State> {
        let lone = matches!(sent, Authorization::Lone);
        if reply.is(StatusCode::UNAUTHORIZED) {
            if lone && !offers_basic(&reply.headers) {
                // Basic was switched off since, so nobody has looked at the password.
                self.learned(|learned| learned.advertises_basic = Some(false));
                return None;
            }
            return Some(State::Rejected(self.rejected(reply.messages.clone())));
        }
        if !reply.status.is_success() && reply.messages.says_bad_login() {
            return Some(State::Rejected(self.rejected(reply.messages.clone())));
        }
        if lone
            && reply.is(StatusCode::FORBIDDEN)
            && let Some(error) = self.password_change(reply)
        {
            return Some(State::Rejected(error));
        }
        let proven = reply.status.is_success() || reply.status.is_client_error();
        proven.then_some(if lone { State::Proven } else { State::Basic })
    }
}

/// Whether one of the challenges is for Basic (RFC 9110 section 11.6.1). They may share a header,
/// and their parameters may hold commas in quotes.
pub(super) fn offers_basic(headers: &HeaderMap) -> bool {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            let mut quoted = false;
            let mut parts = value.split(|letter| {
                quoted ^= letter == '"';
                letter == ',' && !quoted
            });
            parts.any(|part| {
                let scheme = part.split_whitespace().next().unwrap_or_default();
                scheme.eq_ignore_ascii_case("basic")
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_offered_by_a_challenge_of_its_name_only() {
        let cases: [(&[&str], bool); 9] = [
            (&[], false),
            (&["Basic realm=\"Redfish\""], true),
            (&["BASIC"], true),
            (&["Negotiate", "basic realm=x"], true),
            (&["Digest realm=\"a\", qop=auth, Basic realm=\"b\""], true),
            (&["Digest realm=\"a, Basic b\""], false),
            (&["Basically"], false),
            (&["X-Auth basic"], false),
            (&[""], false),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
            }
            assert_eq!(offers_basic(&headers), expected, "{values:?}");
        }
    }
}
