//! Which reset to send, and whether it is time to.

use std::time::Instant;

use model::PowerState;

use crate::{
    error::Error, lane::Lane, quirks::Hints, reset_once::offered, retry::Timing, system::System,
};

/// What a reset is to lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    On,
    OffHard,
    OffSoft,
    RestartHard,
    RestartSoft,
}

impl Wanted {
    /// The resets that lead there, best first.
    const fn candidates(self) -> &'static [&'static str] {
        match self {
            Self::On => &["On", "ForceOn", TOGGLE],
            Self::OffHard => &["ForceOff", "Off", TOGGLE],
            Self::OffSoft => &["GracefulShutdown"],
            Self::RestartHard => &["ForceRestart", "PowerCycle", "GracefulRestart"],
            Self::RestartSoft => &["GracefulRestart"],
        }
    }

    pub(super) const fn goal(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::OffHard | Self::OffSoft => "off",
            Self::RestartHard | Self::RestartSoft => "off and on",
        }
    }

    /// Whether what it leads to can be had in another way.
    pub(super) const fn has_another_way(self) -> bool {
        matches!(self, Self::OffSoft | Self::RestartHard | Self::RestartSoft)
    }

    pub(super) const fn is_reached_by(self, state: Option<PowerState>) -> bool {
        match self {
            // Paused is on, with its processors held.
            Self::On => matches!(state, Some(PowerState::On | PowerState::Paused)),
            Self::OffHard | Self::OffSoft => matches!(state, Some(PowerState::Off)),
            // It is on before and after.
            Self::RestartHard | Self::RestartSoft => false,
        }
    }
}

/// What was sent so far.
#[derive(Debug)]
pub(super) struct Sent {
    timing: Timing,
    resets: u32,
    last: Option<(String, Instant)>,
    put_off: u32,
    not_before: Option<Instant>,
    refused: Vec<String>,
    /// Since when the server is on its way somewhere, without our doing.
    moving_since: Option<Instant>,
}

impl Sent {
    pub(super) const fn new(timing: Timing) -> Self {
        Self {
            timing,
            resets: 0,
            last: None,
            put_off: 0,
            not_before: None,
            refused: Vec::new(),
            moving_since: None,
        }
    }

    /// Whether a reset may be sent now, as far as time says.
    pub(super) fn is_due(&self) -> bool {
        let now = Instant::now();
        if self.not_before.is_some_and(|not_before| now < not_before) {
            return false;
        }
        match &self.last {
            None => true,
            // Neither a button nor a request to an operating system means the same twice.
            Some((kind, _)) if is_toggle(kind) || kind.starts_with("Graceful") => false,
            Some((_, at)) => {
                self.resets < MAX_RESETS && now.duration_since(*at) >= self.timing.resend_after
            }
        }
    }

    /// Whether a reset may be sent in this state. A server that is on its way is left alone for a
    /// while; one without a known state is reset once.
    pub(super) fn may_follow(&mut self, wanted: Wanted, state: Option<PowerState>) -> bool {
        let moving = matches!(
            state,
            Some(PowerState::PoweringOn | PowerState::PoweringOff)
        );
        if !moving {
            self.moving_since = None;
            return state.is_some() || self.resets == 0;
        }
        let since = *self.moving_since.get_or_insert_with(Instant::now);
        let right_way = match wanted {
            Wanted::On => state == Some(PowerState::PoweringOn),
            Wanted::OffHard | Wanted::OffSoft => state == Some(PowerState::PoweringOff),
            Wanted::RestartHard | Wanted::RestartSoft => false,
        };
        !right_way && since.elapsed() >= self.timing.resend_after
    }

    /// It was sent and, as far as anyone knows, done.
    pub(super) fn accepted(&mut self, kind: String) {
        self.resets += 1;
        self.last = Some((kind, Instant::now()));
    }

    /// Whether anything was sent and done.
    pub(super) const fn any(&self) -> bool {
        self.resets > 0
    }

    /// The BMC does not want it now.
    pub(super) fn put_off(&mut self) {
        let delay = self
            .timing
            .first_delay
            .saturating_mul(1 << self.put_off.min(8));
        self.put_off += 1;
        self.not_before = Some(Instant::now() + delay.min(self.timing.longest_delay));
    }

    /// The BMC does not know it.
    pub(super) fn refused(&mut self, kind: String) {
        self.refused.push(kind);
    }
}

/// The reset action of a system.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) target: String,
    /// What it takes and does no harm, in the BMC's spelling, or what is assumed if it does not say.
    kinds: Vec<String>,
}

impl Action {
    pub(super) async fn of(lane: &Lane<'_>, system: &System, hints: &Hints) -> Result<Self, Error> {
        let action = system.doc().get("Actions").get("#ComputerSystem.Reset");
        let Some(target) = action.word("target") else {
            return Err(Error::NotSupported {
                endpoint: lane.inner.wire.endpoint(),
                what: format!("switching {}: it has no reset action", system.uri),
            });
        };
        let listed = offered(lane, action).await?;
        Ok(Self::new(target, listed, hints))
    }

    fn new(target: &str, listed: Option<Vec<String>>, hints: &Hints) -> Self {
        let mut kinds = listed.unwrap_or_else(|| ASSUMED.map(str::to_owned).to_vec());
        kinds.retain(|kind| !hints.is_bad_reset(kind));
        Self {
            target: target.to_owned(),
            kinds,
        }
    }

    /// The best reset that the BMC knows and has not refused.
    pub(super) fn choose(&self, wanted: Wanted, sent: &Sent) -> Option<String> {
        let refused = |kind: &str| {
            sent.refused
                .iter()
                .any(|known| known.eq_ignore_ascii_case(kind))
        };
        let mut candidates = wanted.candidates().iter().filter(|kind| !refused(kind));
        candidates.find_map(|candidate| {
            let mut kinds = self.kinds.iter();
            kinds
                .find(|kind| kind.eq_ignore_ascii_case(candidate))
                .cloned()
        })
    }

    pub(super) fn offered(&self) -> String {
        self.kinds.join(", ")
    }
}

/// Whether this reset does the opposite the second time.
pub(super) fn is_toggle(kind: &str) -> bool {
    kind.eq_ignore_ascii_case(TOGGLE)
}

const TOGGLE: &str = "PushPowerButton";

/// What a BMC that lists nothing is assumed to know.
const ASSUMED: [&str; 4] = ["On", "ForceOff", "GracefulShutdown", "ForceRestart"];

/// How a BMC says that it does not know this kind of reset.
pub(super) const UNKNOWN_KIND: &[&str] = &[
    "ActionParameterNotSupported",
    "ActionParameterUnknown",
    "ActionParameterValueNotInList",
    "ActionParameterValueFormatError",
    "ActionParameterValueTypeError",
    "PropertyValueNotInList",
];

/// A server that ignores this many resets ignores the next one too.
const MAX_RESETS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kinds: Option<&[&str]>, wanted: Wanted, expected: Option<&str>) {
        let listed = kinds.map(|kinds| kinds.iter().map(|&kind| kind.to_owned()).collect());
        let action = Action::new("", listed, &Hints::default());
        let chosen = action.choose(wanted, &Sent::new(Timing::REAL));
        assert_eq!(chosen.as_deref(), expected, "{:?} {wanted:?}", action.kinds);
    }

    #[test]
    fn the_first_reset_that_the_bmc_lists_is_chosen_in_its_spelling() {
        check(Some(&["on", "ForceOff"]), Wanted::On, Some("on"));
        check(Some(&["ForceOn", "ForceOff"]), Wanted::On, Some("ForceOn"));
        check(
            Some(&["PushPowerButton"]),
            Wanted::On,
            Some("PushPowerButton"),
        );
        check(
            Some(&["On", "ForceOff", "Off"]),
            Wanted::OffHard,
            Some("ForceOff"),
        );
        check(Some(&["On", "Off"]), Wanted::OffHard, Some("Off"));
        check(Some(&["On", "ForceOff"]), Wanted::OffSoft, None);
        check(Some(&["Nmi"]), Wanted::OffHard, None);
        check(None, Wanted::On, Some("On"));
        check(None, Wanted::OffSoft, Some("GracefulShutdown"));
    }

    #[test]
    fn a_reset_that_does_harm_is_chosen_neither_where_it_is_listed_nor_where_it_is_assumed() {
        let hints = Hints {
            bad_resets: vec!["ForceRestart".to_owned()],
            ..Hints::default()
        };
        for listed in [None, Some(vec!["forcerestart".to_owned()])] {
            let action = Action::new("", listed, &hints);
            let chosen = action.choose(Wanted::RestartHard, &Sent::new(Timing::REAL));
            assert_eq!(chosen, None);
        }
    }

    #[test]
    fn a_server_on_its_way_is_left_alone() {
        let mut sent = Sent::new(Timing::REAL);
        assert!(sent.may_follow(Wanted::On, Some(PowerState::Off)));
        assert!(!sent.may_follow(Wanted::On, Some(PowerState::PoweringOn)));
        assert!(!sent.may_follow(Wanted::On, Some(PowerState::PoweringOff)));
        assert!(sent.may_follow(Wanted::On, None));
        sent.accepted("On".to_owned());
        assert!(!sent.may_follow(Wanted::On, None));
        assert!(!sent.is_due());
    }
}
