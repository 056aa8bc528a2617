//! Power and boot override: what a reset does in which state, as Redfish names it (DSP2046,
//! `ComputerSystem`).

use model::PowerState;

/// What a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ResetType {
    On,
    ForceOn,
    ForceOff,
    GracefulShutdown,
    GracefulRestart,
    ForceRestart,
    PowerCycle,
    PushPowerButton,
    Nmi,
}

/// What the machine does then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    PowerOn,
    PowerOff,
    Restart,
    PowerCycle,
    /// Power is gone at once.
    Halt,
    /// Power stays, and nothing happens any more.
    Hang,
}

/// Why a reset is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The machine is in the state that was asked for, or on its way to it.
    AlreadyThere(PowerState),
    /// The reset has no meaning in this state.
    WrongState(PowerState),
}

impl ResetType {
    pub(crate) const ALL: [Self; 9] = [
        Self::On,
        Self::ForceOn,
        Self::ForceOff,
        Self::GracefulShutdown,
        Self::GracefulRestart,
        Self::ForceRestart,
        Self::PowerCycle,
        Self::PushPowerButton,
        Self::Nmi,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::On => "On",
            Self::ForceOn => "ForceOn",
            Self::ForceOff => "ForceOff",
            Self::GracefulShutdown => "GracefulShutdown",
            Self::GracefulRestart => "GracefulRestart",
            Self::ForceRestart => "ForceRestart",
            Self::PowerCycle => "PowerCycle",
            Self::PushPowerButton => "PushPowerButton",
            Self::Nmi => "Nmi",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What `reset` does to a machine in state `power`; `os` says whether an operating system runs that
/// would follow a request to shut down. `Ok(None)`: accepted, and nothing happens, which is what a
/// graceful reset does to a machine that is still in its firmware.
pub(crate) fn decide(
    reset: ResetType,
    power: PowerState,
    os: bool,
) -> Result<Option<Action>, Refused> {
    use ResetType as R;
    let graceful = |action| Ok(os.then_some(action));
    match power {
        PowerState::Off => match reset {
            R::On | R::ForceOn | R::PushPowerButton => Ok(Some(Action::PowerOn)),
            R::ForceOff | R::GracefulShutdown => Err(Refused::AlreadyThere(power)),
            R::GracefulRestart | R::ForceRestart | R::PowerCycle | R::Nmi => {
                Err(Refused::WrongState(power))
            }
        },
        PowerState::PoweringOn => match reset {
            R::On | R::ForceOn => Err(Refused::AlreadyThere(power)),
            R::ForceOff => Ok(Some(Action::PowerOff)),
            R::ForceRestart | R::PowerCycle => Ok(Some(Action::PowerCycle)),
            R::GracefulShutdown | R::GracefulRestart | R::PushPowerButton | R::Nmi => Ok(None),
        },
        PowerState::On | PowerState::Paused => match reset {
            R::On | R::ForceOn => Err(Refused::AlreadyThere(power)),
            R::ForceOff => Ok(Some(Action::PowerOff)),
            R::GracefulShutdown | R::PushPowerButton => graceful(Action::PowerOff),
            R::GracefulRestart => graceful(Action::Restart),
            R::ForceRestart => Ok(Some(Action::Restart)),
            R::PowerCycle => Ok(Some(Action::PowerCycle)),
            R::Nmi => Ok(None),
        },
        PowerState::PoweringOff => match reset {
            R::GracefulShutdown => Err(Refused::AlreadyThere(power)),
            R::ForceOff => Ok(Some(Action::PowerOff)),
            R::On
            | R::ForceOn
            | R::GracefulRestart
            | R::ForceRestart
            | R::PowerCycle
            | R::PushPowerButton
            | R::Nmi => Err(Refused::WrongState(power)),
        },
    }
}

/// What the next boot boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BootTarget {
    None,
    Pxe,
    /// The drive is empty.
    Cd,
    Hdd,
    BiosSetup,
    UefiHttp,
}

impl BootTarget {
    const ALL: [Self; 6] = [
        Self::None,
        Self::Pxe,
        Self::Cd,
        Self::Hdd,
        Self::BiosSetup,
        Self::UefiHttp,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Pxe => "Pxe",
            Self::Cd => "Cd",
            Self::Hdd => "Hdd",
            Self::BiosSetup => "BiosSetup",
            Self::UefiHttp => "UefiHttp",
        }
    }

    /// The targets of a machine with UEFI or with BIOS.
    pub(crate) fn allowed(uefi: bool) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |target| uefi || *target != Self::UefiHttp)
    }
}

/// How long an override lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BootEnabled {
    Disabled,
    Once,
    Continuous,
}

impl BootEnabled {
    pub(crate) const ALL: [Self; 3] = [Self::Disabled, Self::Once, Self::Continuous];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "Disabled",
            Self::Once => "Once",
            Self::Continuous => "Continuous",
        }
    }
}

/// A boot override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BootOverride {
    pub(crate) enabled: BootEnabled,
    pub(crate) target: BootTarget,
    /// What UEFI HTTP boot fetches; without it DHCP names the file.
    pub(crate) http_boot_uri: Option<String>,
}

impl Default for BootOverride {
    fn default() -> Self {
        Self {
            enabled: BootEnabled::Disabled,
            target: BootTarget::None,
            http_boot_uri: None,
        }
    }
}

impl BootOverride {
    /// What a machine that starts now boots. An override for one boot is gone afterwards.
    pub(crate) fn consume(&mut self) -> BootTarget {
        let target = self.target;
        match self.enabled {
            BootEnabled::Disabled => BootTarget::None,
            BootEnabled::Continuous => target,
            BootEnabled::Once => {
                self.enabled = BootEnabled::Disabled;
                self.target = BootTarget::None;
                target
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One column per reset, in the order of `ResetType::ALL`.
    #[track_caller]
    fn check(power: PowerState, os: bool, expected: [&str; 9]) {
        for (reset, expected) in ResetType::ALL.into_iter().zip(expected) {
            let found = match decide(reset, power, os) {
                Ok(Some(Action::PowerOn)) => "on",
                Ok(Some(Action::PowerOff)) => "off",
                Ok(Some(Action::Restart)) => "restart",
                Ok(Some(Action::PowerCycle)) => "cycle",
                Ok(Some(Action::Halt)) => "halt",
                Ok(Some(Action::Hang)) => "hang",
                Ok(None) => "-",
                Err(Refused::AlreadyThere(_)) => "already",
                Err(Refused::WrongState(_)) => "wrong",
            };
            assert_eq!(found, expected, "{} while {power}", reset.as_str());
        }
    }

    #[test]
    fn every_reset_in_every_power_state_does_what_the_table_says() {
        check(
            PowerState::Off,
            false,
            [
                "on", "on", "already", "already", "wrong", "wrong", "wrong", "on", "wrong",
            ],
        );
        check(
            PowerState::PoweringOn,
            false,
            [
                "already", "already", "off", "-", "-", "cycle", "cycle", "-", "-",
            ],
        );
        check(
            PowerState::On,
            true,
            [
                "already", "already", "off", "off", "restart", "restart", "cycle", "off", "-",
            ],
        );
        check(
            PowerState::On,
            false,
            [
                "already", "already", "off", "-", "-", "restart", "cycle", "-", "-",
            ],
        );
        check(
            PowerState::PoweringOff,
            true,
            [
                "wrong", "wrong", "off", "already", "wrong", "wrong", "wrong", "wrong", "wrong",
            ],
        );
    }

    #[test]
    fn an_override_for_one_boot_is_gone_after_it_and_a_continuous_one_stays() {
        let mut boot = BootOverride {
            enabled: BootEnabled::Once,
            target: BootTarget::Pxe,
            http_boot_uri: None,
        };
        assert_eq!(boot.consume(), BootTarget::Pxe);
        assert_eq!(boot, BootOverride::default());
        assert_eq!(boot.consume(), BootTarget::None);
        boot.enabled = BootEnabled::Continuous;
        boot.target = BootTarget::Hdd;
        assert_eq!(boot.consume(), BootTarget::Hdd);
        assert_eq!(boot.consume(), BootTarget::Hdd);
    }
}
