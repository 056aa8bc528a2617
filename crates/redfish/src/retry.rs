//! Whether to send a request again, and when: by what its failure means, never by its status alone.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use crate::{error::Error, wire::Reply};

/// What sending a request twice means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A GET: nothing.
    Read,
    /// A PATCH: nothing once it is known that the first had no effect.
    Change,
    /// A POST of an action: it may happen twice, so its caller looks before sending it again.
    Action,
}

/// How long things take. Tests have other values than BMCs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// The first delay before trying again; each further one is twice as long.
    pub(crate) first_delay: Duration,
    /// The longest delay, unless the BMC asks for more.
    pub(crate) longest_delay: Duration,
    /// How long a busy BMC is waited for, for each configured retry.
    pub(crate) busy_budget: Duration,
    /// The longest that one `Retry-After` is obeyed.
    pub(crate) longest_retry_after: Duration,
    /// Before a request is repeated that was refused for its credentials without a reason.
    pub(crate) unauthorized_pause: Duration,
    /// How often a power state is looked at.
    pub(crate) power_poll: Duration,
    /// When a reset that shows no effect is sent again.
    pub(crate) resend_after: Duration,
    /// Between two looks at a change that should show at once.
    pub(crate) verify_pause: Duration,
    /// How long a server in its self-test is waited for.
    pub(crate) post_budget: Duration,
    /// How long a task is followed.
    pub(crate) task_budget: Duration,
}

impl Timing {
    /// For BMCs as they are.
    pub(crate) const REAL: Self = Self {
        first_delay: Duration::from_secs(1),
        longest_delay: Duration::from_secs(15),
        busy_budget: Duration::from_secs(40),
        longest_retry_after: Duration::from_secs(60),
        unauthorized_pause: Duration::from_secs(3),
        power_poll: Duration::from_secs(3),
        resend_after: Duration::from_secs(60),
        verify_pause: Duration::from_secs(1),
        post_budget: Duration::from_secs(300),
        task_budget: Duration::from_secs(120),
    };
}

/// The attempts at one request so far.
#[derive(Debug)]
pub(crate) struct Attempts {
    kind: Kind,
    timing: Timing,
    max_retries: u32,
    made: u32,
    waited: Duration,
}

impl Attempts {
    pub(crate) const fn new(kind: Kind, timing: Timing, max_retries: u32) -> Self {
        Self {
            kind,
            timing,
            max_retries,
            made: 0,
            waited: Duration::ZERO,
        }
    }

    /// How long to wait before the next attempt; `None` if this outcome is the last.
    pub(crate) fn next(&mut self, outcome: &Result<Reply, Error>) -> Option<Duration> {
        let problem = match outcome {
            Ok(reply) => reply.problem(),
            Err(error) => Some(error.clone()),
        };
        let delay = self.delay(&problem?)?;
        self.made += 1;
        self.waited += delay;
        Some(jittered(delay))
    }

    fn delay(&self, problem: &Error) -> Option<Duration> {
        let backoff = self
            .timing
            .first_delay
            .saturating_mul(1 << self.made.min(16));
        let backoff = backoff.min(self.timing.longest_delay);
        let read = self.kind == Kind::Read;
        let within = |most: u32| (self.made < most.min(self.max_retries)).then_some(backoff);
        match problem {
            // Nothing was sent, so nothing can happen twice.
            Error::Unreachable { sent: false, .. } => within(u32::MAX),
            Error::Unreachable { sent: true, .. } if read => within(u32::MAX),
            Error::Timeout { .. } if read => within(1),
            Error::Rejected { status: 500, .. } if read => within(2),
            Error::Busy {
                status,
                retry_after,
                messages,
                ..
            } => {
                let refused_unread = matches!(status, 408 | 425 | 429);
                let again = match self.kind {
                    Kind::Read => true,
                    Kind::Change => {
                        refused_unread
                            || messages.says_busy()
                            || (*status == 503 && retry_after.is_some())
                    }
                    Kind::Action => refused_unread,
                };
                let asked = retry_after.map(|asked| asked.min(self.timing.longest_retry_after));
                let delay = asked.unwrap_or_default().max(backoff);
                (again && self.waited + delay <= self.busy_budget(*status)).then_some(delay)
            }
            _ => None,
        }
    }

    /// A 400 that says busy is a server in its self-test, which takes minutes.
    fn busy_budget(&self, status: u16) -> Duration {
        if self.max_retries == 0 {
            Duration::ZERO
        } else if status < 408 {
            self.timing.post_budget
        } else {
            self.timing.busy_budget.saturating_mul(self.max_retries)
        }
    }
}

/// Up to a quarter longer, so that a rack of BMCs is not asked in step.
fn jittered(delay: Duration) -> Duration {
    let random = RandomState::new().hash_one(0) % 256;
    delay + delay.mul_f64(f64::from(u8::try_from(random).unwrap_or(0)) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Messages;

    fn unreachable(sent: bool) -> Error {
        Error::Unreachable {
            endpoint: String::new(),
            cause: String::new(),
            sent,
        }
    }

    fn busy(status: u16, retry_after: Option<u64>, says_busy: bool) -> Error {
        let id = if says_busy {
            "V.1.UnableToModifyDuringSystemPOST"
        } else {
            ""
        };
        let body = serde_json::json!({"@Message.ExtendedInfo": [{"MessageId": id}]});
        Error::Busy {
            endpoint: String::new(),
            request: String::new(),
            status,
            retry_after: retry_after.map(Duration::from_secs),
            messages: Messages::read(&body, &[]),
        }
    }

    /// The number of retries, and the seconds waited for.
    #[track_caller]
    fn check(kind: Kind, error: Error, expected: (u32, u64)) {
        let mut attempts = Attempts::new(kind, Timing::REAL, 3);
        let label = format!("{kind:?} {error:?}");
        let outcome = Err(error);
        while let Some(delay) = attempts.next(&outcome) {
            assert!(delay <= Duration::from_secs(75), "{label}");
        }
        assert_eq!(
            (attempts.made, attempts.waited.as_secs()),
            expected,
            "{label}"
        );
    }

    #[test]
    fn a_request_is_repeated_by_what_its_failure_means() {
        let timeout = || Error::Timeout {
            what: String::new(),
            after: Duration::ZERO,
        };
        for kind in [Kind::Read, Kind::Change, Kind::Action] {
            check(kind, unreachable(false), (3, 7));
            check(kind, Error::Stopped, (0, 0));
        }
        check(Kind::Read, unreachable(true), (3, 7));
        check(Kind::Change, unreachable(true), (0, 0));
        check(Kind::Action, unreachable(true), (0, 0));
        check(Kind::Read, timeout(), (1, 1));
        check(Kind::Change, timeout(), (0, 0));
        check(Kind::Action, timeout(), (0, 0));
        check(Kind::Change, busy(503, None, false), (0, 0));
        check(Kind::Change, busy(503, Some(30), false), (4, 120));
        check(Kind::Change, busy(400, None, true), (23, 300));
        check(Kind::Action, busy(400, None, true), (0, 0));
        check(Kind::Action, busy(503, Some(1), false), (0, 0));
        check(Kind::Action, busy(429, Some(60), false), (2, 120));
        check(Kind::Read, busy(503, Some(600), false), (2, 120));
        let limit = Error::SessionLimit {
            endpoint: String::new(),
            messages: Messages::default(),
        };
        check(Kind::Read, limit, (0, 0));
    }

    #[test]
    fn no_retries_means_none() {
        let mut attempts = Attempts::new(Kind::Read, Timing::REAL, 0);
        assert_eq!(attempts.next(&Err(unreachable(false))), None);
        assert_eq!(attempts.next(&Err(busy(503, Some(0), false))), None);
    }
}
