//! Restarting a BMC and waiting until it is back.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{bmc::Bmc, error::Error, lane::Lane, lenient::Doc, reset_once, wire::Reply};

/// How a BMC is to restart. If it does not offer that, it restarts in the other way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManagerReset {
    /// It ends what it does first.
    #[default]
    Graceful,
    /// At once.
    Force,
}

impl ManagerReset {
    /// What to send, best first; `None` names no type.
    fn candidates(self, offered: Option<&[String]>) -> Vec<Option<String>> {
        let order = match self {
            Self::Graceful => ["GracefulRestart", "ForceRestart"],
            Self::Force => ["ForceRestart", "GracefulRestart"],
        };
        let Some(offered) = offered else {
            // One that lists nothing takes a request without a type, or the common ones.
            return [None]
                .into_iter()
                .chain(order.map(|kind| Some(kind.to_owned())))
                .collect();
        };
        let spelled = |kind: &str| {
            offered
                .iter()
                .find(|known| known.eq_ignore_ascii_case(kind))
        };
        order
            .into_iter()
            .filter_map(|kind| spelled(kind).cloned().map(Some))
            .collect()
    }
}

impl Bmc {
    /// Restarts the BMC, once, and waits until it answers again: its root, and twice a request that
    /// needs a login. Every session of it is gone then, whoever's it was.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if the restart was sent, or may have been, and the BMC was not seen back:
    /// not by `deadline`, or it refuses the login twice, or the caller stopped. After any other error
    /// nothing was sent, or the BMC refused it; [`Error::NotSupported`] if it has no such action.
    pub async fn reset_manager(
        &self,
        wanted: ManagerReset,
        deadline: Instant,
    ) -> Result<(), Error> {
        let began = Instant::now();
        let course = Course::default();
        let work = async {
            let uri = self.send_manager_reset(wanted, &course).await?;
            // What it refuses while it starts is no mood, and each refusal of a login counts.
            self.inner
                .learned(|learned| learned.credentials_worked = false);
            self.until_gone().await?;
            self.until_back(&uri, &course).await
        };
        let done = tokio::time::timeout_at(deadline.into(), work).await;
        let sent = course.sent.load(Ordering::Relaxed);
        let bmc = self.endpoint();
        // A timeout of what came before must not look like one of the restart.
        let unsent = |cause: String| Error::Unreachable {
            endpoint: bmc.to_owned(),
            cause,
            sent: false,
        };
        let why = match done {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(Error::Timeout { what, .. })) if !sent => return Err(unsent(what)),
            Ok(Err(error)) if !sent => return Err(error),
            Err(_elapsed) if !sent => {
                return Err(unsent("no time was left to send its restart".to_owned()));
            }
            Ok(Err(error)) => format!(": {error}"),
            Err(_elapsed) => course.last(),
        };
        Err(Error::Timeout {
            what: format!("{bmc} was not back after its restart{why}"),
            after: began.elapsed(),
        })
    }

    /// Sends the restart and returns the manager's resource. A reply that is lost is what a restart
    /// looks like from outside.
    async fn send_manager_reset(
        &self,
        wanted: ManagerReset,
        course: &Course,
    ) -> Result<String, Error> {
        let refuses = |what: String| Error::NotSupported {
            endpoint: self.endpoint().to_owned(),
            what,
        };
        let manager = self.manager(None).await?;
        let manager = manager.ok_or_else(|| refuses("restarting: it lists no manager".into()))?;
        let lane = self.inner.exclusive().await?;
        let action = Doc::new(&manager.raw).get("Actions").get("#Manager.Reset");
        let Some(target) = action.word("target") else {
            return Err(refuses(format!(
                "restarting: {} has no reset action",
                manager.uri
            )));
        };
        let offered = reset_once::offered(&lane, action).await?;
        let mut refused = refuses(format!(
            "a restart: it offers {}",
            offered.as_deref().unwrap_or_default().join(", ")
        ));
        for kind in wanted.candidates(offered.as_deref()) {
            let body = kind
                .as_ref()
                .map_or_else(|| json!({}), |kind| json!({"ResetType": kind}));
            tracing::info!(bmc = self.endpoint(), ?kind, "restarting the BMC");
            course.sent.store(true, Ordering::Relaxed);
            let error = match post(&lane, target, &body).await {
                Ok(()) => return Ok(manager.uri),
                Err(error) if error.is_outcome_unknown() => return Ok(manager.uri),
                Err(Error::Stopped) => return Err(Error::Stopped),
                Err(error) => error,
            };
            course.sent.store(false, Ordering::Relaxed);
            match error {
                error @ (Error::Rejected { status: 400, .. } | Error::NotSupported { .. }) => {
                    refused = error;
                }
                error => return Err(error),
            }
        }
        Err(refused)
    }

    /// Waits until the restart shows: it does not answer, or has forgotten its session. One that
    /// shows neither for long was faster than anybody looked.
    async fn until_gone(&self) -> Result<(), Error> {
        let timing = self.inner.timing;
        let began = Instant::now();
        while began.elapsed() < timing.resend_after {
            let gone = if self.inner.has_session().await {
                self.keep_session().await.map(|open| !open)
            } else {
                self.service_root().await.map(|_here| false)
            };
            match gone {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(Error::Stopped) => return Err(Error::Stopped),
                Err(_away) => return Ok(()),
            }
            self.inner.wire.pause(timing.verify_pause).await?;
        }
        Ok(())
    }

    /// Waits until it answers. It may refuse everything while it starts. A login that it refuses is
    /// tried once more, later: nobody changed the password, and accounts are locked after few.
    async fn until_back(&self, uri: &str, course: &Course) -> Result<(), Error> {
        let pause: Duration = self.inner.timing.power_poll;
        let mut seen = 0;
        let mut began_anew = false;
        while seen < TIMES {
            let lane = self.inner.shared();
            let here = match lane.read_root().await {
                Ok(_root) => lane.get(uri).await.map(drop),
                Err(error) => Err(error),
            };
            match here {
                Ok(()) => seen += 1,
                Err(error) if error_ends_it(&error, began_anew) => return Err(error),
                Err(error) => {
                    tracing::debug!(bmc = self.endpoint(), %error, "still restarting");
                    seen = 0;
                    if is_kept(&error) {
                        began_anew = true;
                        self.inner
                            .wire
                            .pause(self.inner.timing.resend_after)
                            .await?;
                        self.inner.start_anew().await;
                    }
                    course.note(&error);
                }
            }
            if seen < TIMES {
                self.inner.wire.pause(pause).await?;
            }
        }
        Ok(())
    }
}

async fn post(lane: &Lane<'_>, target: &str, body: &Value) -> Result<(), Error> {
    let reply = lane.post(target, body).await;
    reply.and_then(Reply::check).map(drop)
}

const fn error_ends_it(error: &Error, began_anew: bool) -> bool {
    matches!(error, Error::Stopped) || (began_anew && is_kept(error))
}

/// Whether the handle gives this answer to every request from then on.
const fn is_kept(error: &Error) -> bool {
    matches!(
        error,
        Error::AuthRejected { .. }
            | Error::PasswordChangeRequired { .. }
            | Error::SessionLimit { .. }
    )
}

/// How far a restart has come.
#[derive(Default)]
struct Course {
    /// It was sent, or may have been.
    sent: AtomicBool,
    /// Why the BMC did not seem to be back when it was last looked at.
    last: Mutex<String>,
}

impl Course {
    fn note(&self, error: &Error) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = format!(": {error}");
    }

    fn last(&self) -> String {
        let last = self.last.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A BMC that is starting up may answer once and be gone again.
const TIMES: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: ManagerReset, offered: Option<&[&str]>, expected: &[Option<&str>]) {
        let offered: Option<Vec<String>> =
            offered.map(|kinds| kinds.iter().map(|&kind| kind.to_owned()).collect());
        let found = wanted.candidates(offered.as_deref());
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        assert_eq!(found, expected, "{wanted:?} {offered:?}");
    }

    #[test]
    fn what_is_wanted_is_sent_if_it_is_offered_and_the_other_if_not() {
        let both = ["GracefulRestart", "ForceRestart"];
        check(ManagerReset::Graceful, Some(&both), &both.map(Some));
        check(
            ManagerReset::Force,
            Some(&["GracefulRestart"]),
            &[Some("GracefulRestart")],
        );
        check(
            ManagerReset::Graceful,
            Some(&["forcerestart", "ResetToDefaults"]),
            &[Some("forcerestart")],
        );
        check(ManagerReset::Force, Some(&["ResetToDefaults"]), &[]);
        check(
            ManagerReset::Graceful,
            None,
            &[None, Some("GracefulRestart"), Some("ForceRestart")],
        );
    }
}
