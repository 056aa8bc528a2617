//! One reset, sent once: a restart that somebody asked for, and not a state to reach.
//!
//! A reset cannot be taken back and is not the same twice. So it is sent once, and if its reply is
//! lost, what the BMC shows tells whether it was done; if that shows nothing, nobody knows, and it
//! is not sent again.

use std::time::Instant;

use model::PowerState;
use serde_json::json;

use crate::{
    bmc::Bmc,
    error::Error,
    lane::Lane,
    lenient::Doc,
    quirks::Hints,
    system::{System, power_state},
    wire::Reply,
};

/// The resets of a system that are one-shot verbs (DSP0268, `ResetType`).
pub const RESETS: [&str; 8] = [
    "On",
    "ForceOff",
    "GracefulShutdown",
    "GracefulRestart",
    "ForceRestart",
    "PowerCycle",
    "Nmi",
    "PushPowerButton",
];

/// What tells one run of a server from the next, in the BMC's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunMark {
    /// Its power state.
    pub power_state: Option<String>,
    /// When it was last reset.
    pub last_reset_time: Option<String>,
    /// How far its start-up is.
    pub boot_progress: Option<String>,
}

impl RunMark {
    /// The marks of a system.
    pub fn of(system: &System) -> Self {
        Self {
            power_state: system.power_state_raw.clone(),
            last_reset_time: system.last_reset_time.clone(),
            boot_progress: system.boot_progress.clone(),
        }
    }

    /// Whether `now` shows that a reset of this kind was done since. `false` says nothing: not every
    /// BMC has a time of the last reset, and an interrupt leaves no trace.
    pub fn shows(&self, kind: &str, now: &Self) -> bool {
        if kind == "Nmi" {
            return false;
        }
        if now.last_reset_time.is_some() && now.last_reset_time != self.last_reset_time {
            return true;
        }
        let state = |mark: &Self| mark.power_state.as_deref().and_then(power_state);
        match (state(self), state(now)) {
            (Some(before), Some(now)) if before != now => true,
            // A start-up that has begun anew.
            _ => {
                is_running(self.boot_progress.as_deref())
                    && now.boot_progress.is_some()
                    && !is_running(now.boot_progress.as_deref())
            }
        }
    }

    /// Whether the server is where a reset of this kind would bring it, so that none is needed.
    pub fn is_there(&self, kind: &str) -> bool {
        let state = self.power_state.as_deref().and_then(power_state);
        match kind {
            "On" => matches!(state, Some(PowerState::On | PowerState::Paused)),
            "ForceOff" | "GracefulShutdown" => state == Some(PowerState::Off),
            _ => false,
        }
    }
}

/// What is known of a reset that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The BMC took it, or it shows.
    Done,
    /// No reply came, and nothing shows.
    Unknown,
}

impl Bmc {
    /// Sends one reset, whose kind is one of [`RESETS`]. `before` is what the server showed before.
    /// It is never sent a second time, except where it was surely not done.
    ///
    /// # Errors
    ///
    /// If it was surely not done: the BMC refuses it, or was not reached.
    pub async fn reset_once(&self, uri: &str, kind: &str, before: &RunMark) -> Result<Sent, Error> {
        let lane = self.inner.exclusive().await?;
        let system = System::read(uri, lane.get(uri).await?);
        let action = system.doc().get("Actions").get("#ComputerSystem.Reset");
        let Some(target) = action.word("target") else {
            return Err(Error::NotSupported {
                endpoint: self.endpoint().to_owned(),
                what: format!("resetting {uri}: it has no reset action"),
            });
        };
        let offered = offered(&lane, action).await?;
        let spelled = match &offered {
            Some(kinds) => kinds.iter().find(|known| known.eq_ignore_ascii_case(kind)),
            None => None,
        };
        if let (Some(kinds), None) = (&offered, spelled) {
            return Err(Error::NotSupported {
                endpoint: self.endpoint().to_owned(),
                what: format!("{kind} for {uri}; it offers {}", kinds.join(", ")),
            });
        }
        let hints = Hints::of(&*lane.root().await?, Some(&system));
        if hints.is_bad_reset(kind) {
            return Err(Error::NotSupported {
                endpoint: self.endpoint().to_owned(),
                what: format!(
                    "{kind} for {uri}: it is known to do harm to such servers, so switch off and on, \
                     or disable the row of the quirk table that says so"
                ),
            });
        }
        let kind = spelled.map_or(kind, String::as_str);
        tracing::info!(bmc = self.endpoint(), system = uri, reset = kind, "reset");
        let reply = lane.post(target, &json!({"ResetType": kind})).await;
        match reply.and_then(Reply::check) {
            Ok(_accepted) => Ok(Sent::Done),
            Err(error) if is_unknown(&error) => {
                tracing::warn!(bmc = self.endpoint(), system = uri, %error, "not confirmed");
                drop(lane);
                self.watch(uri, kind, before).await
            }
            Err(error) => Err(error),
        }
    }

    /// Looks for a trace of a reset for as long as one may take to show.
    async fn watch(&self, uri: &str, kind: &str, before: &RunMark) -> Result<Sent, Error> {
        let timing = self.inner.timing;
        let began = Instant::now();
        loop {
            match self.system(uri).await {
                Ok(system) if before.shows(kind, &RunMark::of(&system)) => return Ok(Sent::Done),
                Ok(_) => {}
                Err(error) if error.is_unreachable() => {}
                Err(_stopped_or_worse) => return Ok(Sent::Unknown),
            }
            if began.elapsed() >= timing.resend_after
                || self.inner.wire.pause(timing.power_poll).await.is_err()
            {
                return Ok(Sent::Unknown);
            }
        }
    }
}

/// Whether the request may have been done. A stopped request may be on the wire already.
const fn is_unknown(error: &Error) -> bool {
    error.is_outcome_unknown()
        || matches!(
            error,
            Error::Stopped
                | Error::Busy {
                    status: 502 | 504,
                    ..
                }
        )
}

/// What a reset action takes, in the BMC's spelling; `None` if it does not say.
pub(crate) async fn offered(
    lane: &Lane<'_>,
    action: Doc<'_>,
) -> Result<Option<Vec<String>>, Error> {
    let mut kinds = action.words("ResetType@Redfish.AllowableValues");
    if kinds.is_empty()
        && let Some(info) = action.link("@Redfish.ActionInfo")
    {
        match lane.get(&info).await {
            Ok(info) => {
                let mut parameters = info.doc().items("Parameters").into_iter();
                let named = |parameter: &Doc<'_>| parameter.word("Name") == Some("ResetType");
                let kind = parameters.find(named);
                kinds = kind.map_or_else(Vec::new, |kind| kind.words("AllowableValues"));
            }
            Err(Error::Stopped) => return Err(Error::Stopped),
            Err(error) => {
                let bmc = lane.inner.wire.origin.as_str();
                tracing::debug!(bmc, info, %error, "the resets are not listed");
            }
        }
    }
    Ok((!kinds.is_empty()).then_some(kinds))
}

fn is_running(progress: Option<&str>) -> bool {
    matches!(progress, Some("OSRunning" | "OSBootStarted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(power: &str, reset: &str, progress: &str) -> RunMark {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        RunMark {
            power_state: some(power),
            last_reset_time: some(reset),
            boot_progress: some(progress),
        }
    }

    #[test]
    fn a_reset_shows_by_its_time_by_the_power_or_by_a_start_up_that_begins_anew() {
        let before = mark("On", "10:00", "OSRunning");
        for (now, shows) in [
            (mark("On", "10:00", "OSRunning"), false),
            (mark("On", "10:05", "OSRunning"), true),
            (mark("Off", "10:00", ""), true),
            (mark("On", "10:00", "MemoryInitializationStarted"), true),
            (mark("On", "", ""), false),
            (mark("", "", ""), false),
        ] {
            assert_eq!(before.shows("ForceRestart", &now), shows, "{now:?}");
            assert!(!before.shows("Nmi", &now), "{now:?}");
        }
    }

    #[test]
    fn only_a_state_can_be_there_already() {
        let (on, off) = (mark("On", "", ""), mark("Off", "", ""));
        assert!(on.is_there("On") && off.is_there("ForceOff") && off.is_there("GracefulShutdown"));
        assert!(!on.is_there("ForceOff") && !off.is_there("On"));
        assert!(!on.is_there("ForceRestart") && !off.is_there("ForceRestart"));
    }
}
