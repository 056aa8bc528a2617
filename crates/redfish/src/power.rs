//! Switching a server on and off.
//!
//! A reset is not idempotent: sent twice, it restarts a server twice. So the state is read before
//! each reset and after each doubt, and a reset that was sent counts as sent until the server had
//! time to show it.

mod reset;
mod restart;

pub use restart::Restart;

use std::time::{Duration, Instant};

use model::PowerState;

use self::reset::{Sent, Wanted};
use crate::{
    bmc::{Bmc, Inner},
    error::Error,
    lane::Lane,
    quirks::Hints,
    system::System,
};

/// What power state to bring a server to, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// On.
    On,
    /// Off, at once.
    ForceOff,
    /// Off: the operating system is asked, and if it is not off after `timeout`, or cannot be
    /// asked, the power is cut.
    Graceful {
        /// How long the operating system has.
        timeout: Duration,
    },
}

impl Bmc {
    /// Brings a server to a power state and waits until the BMC reports it. If it is there already,
    /// nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if the state is not observed by `deadline`; what was sent may still take
    /// effect.
    pub async fn set_power(
        &self,
        uri: &str,
        power: Power,
        deadline: Instant,
    ) -> Result<PowerState, Error> {
        let began = Instant::now();
        let mut drive = Drive::new(&self.inner, uri);
        let result = tokio::time::timeout_at(deadline.into(), drive.run(power)).await;
        result.unwrap_or_else(|_elapsed| {
            let goal = if power == Power::On { "On" } else { "Off" };
            Err(timed_out(&drive, goal, began))
        })
    }
}

fn timed_out(drive: &Drive<'_>, goal: &str, began: Instant) -> Error {
    let seen = drive.seen.as_deref().unwrap_or("in no known state");
    let endpoint = drive.inner.wire.endpoint();
    Error::Timeout {
        what: format!(
            "{} of {endpoint} did not become {goal}, it was last seen {seen},",
            drive.uri
        ),
        after: began.elapsed(),
    }
}

/// One server on its way to a power state.
struct Drive<'a> {
    inner: &'a Inner,
    uri: &'a str,
    /// The state as the BMC last spelled it.
    seen: Option<String>,
    previous: Option<String>,
    /// Whether a reset was sent.
    touched: bool,
}

impl<'a> Drive<'a> {
    const fn new(inner: &'a Inner, uri: &'a str) -> Self {
        Self {
            inner,
            uri,
            seen: None,
            previous: None,
            touched: false,
        }
    }

    async fn run(&mut self, power: Power) -> Result<PowerState, Error> {
        if let Power::Graceful { timeout } = power
            && let Some(state) = self
                .toward(Wanted::OffSoft, Instant::now().checked_add(timeout))
                .await?
        {
            return Ok(state);
        }
        let wanted = if power == Power::On {
            Wanted::On
        } else {
            Wanted::OffHard
        };
        loop {
            if let Some(state) = self.toward(wanted, None).await? {
                return Ok(state);
            }
        }
    }

    /// The state once it is reached, `None` if it is not by `limit` or cannot be with this intent.
    async fn toward(
        &mut self,
        wanted: Wanted,
        limit: Option<Instant>,
    ) -> Result<Option<PowerState>, Error> {
        let mut sent = Sent::new(self.inner.timing);
        loop {
            if limit.is_some_and(|limit| Instant::now() >= limit) {
                return Ok(None);
            }
            let due = sent.is_due();
            let lane = if due {
                self.inner.exclusive().await?
            } else {
                self.inner.shared()
            };
            let Some(system) = self.look(&lane).await? else {
                drop(lane);
                self.inner.wire.pause(self.inner.timing.power_poll).await?;
                continue;
            };
            if wanted.is_reached_by(system.power_state) {
                return Ok(system.power_state);
            }
            if due && sent.may_follow(wanted, system.power_state) {
                let again = self.reset(&lane, wanted, &system, &mut sent).await?;
                match again {
                    Next::Look => continue,
                    Next::Wait => {}
                    Next::GiveUp => return Ok(None),
                }
            }
            drop(lane);
            let mut pause = self.inner.timing.power_poll;
            if let Some(limit) = limit {
                pause = pause.min(limit.saturating_duration_since(Instant::now()));
            }
            self.inner.wire.pause(pause).await?;
        }
    }

    /// Reads the system. Once something was sent, the BMC may be out of its mind for a while.
    async fn look(&mut self, lane: &Lane<'_>) -> Result<Option<System>, Error> {
        match lane.get(self.uri).await {
            Ok(document) => {
                let system = System::read(self.uri, document);
                self.previous = self.seen.take();
                self.seen.clone_from(&system.power_state_raw);
                Ok(Some(system))
            }
            Err(error) if self.touched && is_passing(&error) => {
                tracing::debug!(bmc = self.inner.wire.origin.as_str(), %error, "still waiting");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn reset(
        &mut self,
        lane: &Lane<'_>,
        wanted: Wanted,
        system: &System,
        sent: &mut Sent,
    ) -> Result<Next, Error> {
        let hints = Hints::of(&*lane.root().await?, Some(system));
        let action = reset::Action::of(lane, system, &hints).await?;
        let Some(kind) = action.choose(wanted, sent) else {
            if wanted.has_another_way() {
                return Ok(Next::GiveUp);
            }
            return Err(Error::NotSupported {
                endpoint: self.inner.wire.endpoint(),
                what: format!(
                    "switching {} {}; it offers {}",
                    self.uri,
                    wanted.goal(),
                    action.offered()
                ),
            });
        };
        // A button does the opposite when the state is not what it seems.
        let steady = self.seen.is_some() && self.seen == self.previous;
        if reset::is_toggle(&kind) && !steady {
            return Ok(Next::Wait);
        }
        let bmc = self.inner.wire.origin.as_str();
        tracing::info!(bmc, system = self.uri, reset = kind, "reset");
        self.touched = true;
        let result = lane
            .post(&action.target, &serde_json::json!({"ResetType": kind}))
            .await;
        let error = match result.and_then(crate::wire::Reply::check) {
            Ok(_accepted) => {
                sent.accepted(kind);
                return Ok(Next::Wait);
            }
            Err(error) => error,
        };
        tracing::debug!(bmc, system = self.uri, reset = kind, %error, "reset was not confirmed");
        match error {
            error if error.is_outcome_unknown() => sent.accepted(kind),
            Error::Busy {
                status: 502 | 504, ..
            } => sent.accepted(kind),
            // It is there already, it is on its way, or it is not ready: the state will tell.
            Error::Conflict { .. } | Error::Busy { .. } => sent.put_off(),
            Error::NotSupported { .. } => sent.refused(kind),
            Error::Rejected {
                status: 400,
                ref messages,
                ..
            } if messages.find(reset::UNKNOWN_KIND).is_some() => {
                sent.refused(kind);
            }
            // Cutting the power is agreed to, if asking does not work.
            Error::Rejected { .. } if wanted.has_another_way() => return Ok(Next::GiveUp),
            error => return Err(error),
        }
        Ok(Next::Look)
    }
}

enum Next {
    /// Read the state at once.
    Look,
    /// Give it time.
    Wait,
    /// This intent cannot be had.
    GiveUp,
}

/// Whether an error may be the consequence of what was sent, and pass.
const fn is_passing(error: &Error) -> bool {
    error.is_unreachable() || matches!(error, Error::NotFound { .. } | Error::Decode { .. })
}
