//! What a machine is at one moment.

use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
};

use jiff::Timestamp;
use model::{MacAddr, PowerState, ServerId};
use serde::Serialize;

use super::power::{Action, BootOverride, Refused, ResetType, decide};
use crate::{Faults, Profile, Quirk, Quirks};

/// How far a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has no power.
    Off,
    /// The firmware looks for something to boot.
    Firmware,
    /// Somebody asked for the firmware's setup; it waits for a keyboard.
    Setup,
    /// iPXE runs.
    Ipxe,
    /// The kernel runs, and fetches its config.
    Kernel,
    /// The operating system is up.
    Running,
    /// Something went wrong, and it waits for somebody to look. The console says what.
    Stopped,
    /// There was nothing to boot.
    NoBootDevice,
}

/// One line of a machine's console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsoleLine {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// What a machine has on its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    pub(crate) config: Vec<u8>,
    pub(crate) sha256: String,
}

/// A machine at one moment, for whoever looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// Its system UUID.
    pub uuid: ServerId,
    /// The interface it boots from.
    pub mac: MacAddr,
    /// Whether it is powered.
    pub power_state: PowerState,
    /// How far it is.
    pub phase: Phase,
    /// The address it was leased in this boot.
    pub address: Option<Ipv4Addr>,
    /// How often it was started.
    pub boots: u32,
    /// How often it booted from the network, as far as a kernel.
    pub netboots: u32,
    /// How often it was installed.
    pub installs: u32,
    /// How often its report of a boot was accepted.
    pub reports: u32,
    /// SHA-256 of the config it installed last.
    pub config_sha256: Option<String>,
    /// SHA-256 of the kernel it booted last.
    pub kernel_sha256: Option<String>,
    /// SHA-256 of the initial RAM disks it booted last, in order.
    pub initrd_sha256: Vec<String>,
    /// The arguments of the kernel it booted last.
    pub kernel_args: Option<String>,
    /// What is wrong with it on purpose.
    pub faults: Faults,
    /// Whose BMC it has.
    pub profile: Profile,
    /// The ways in which its BMC departs from the standard.
    pub quirks: Quirks,
    /// Its console, oldest line first.
    pub console: Vec<ConsoleLine>,
}

/// What a machine is. Nobody but its BMC, its task and its handle changes it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) power: PowerState,
    pub(crate) phase: Phase,
    pub(crate) boot: BootOverride,
    pub(crate) asset_tag: String,
    /// The boot order, once somebody has changed it.
    pub(crate) boot_order: Option<Vec<String>>,
    /// The serial number, once somebody has written another one.
    pub(crate) serial: Option<String>,
    pub(crate) led: Led,
    pub(crate) last_reset: Option<Timestamp>,
    pub(crate) disk: Option<Installed>,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) boots: u32,
    pub(crate) netboots: u32,
    pub(crate) installs: u32,
    pub(crate) reports: u32,
    pub(crate) kernel_sha256: Option<String>,
    pub(crate) initrd_sha256: Vec<String>,
    pub(crate) kernel_args: Option<String>,
    pub(crate) faults: Faults,
    pub(crate) quirks: Quirks,
    /// Jobs of the BMC that wait for the next start, which each of them makes longer by a restart.
    pub(crate) jobs: u32,
    pub(crate) resets: BTreeMap<ResetType, u64>,
    /// The BMC restarts.
    pub(crate) bmc_away: bool,
    pub(crate) console: VecDeque<ConsoleLine>,
}

/// The light somebody in the aisle looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Led {
    Off,
    Lit,
    Blinking,
}

impl Led {
    pub(crate) const ALL: [Self; 3] = [Self::Off, Self::Lit, Self::Blinking];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::Lit => "Lit",
            Self::Blinking => "Blinking",
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            power: PowerState::Off,
            phase: Phase::Off,
            boot: BootOverride::default(),
            asset_tag: String::new(),
            boot_order: None,
            serial: None,
            led: Led::Off,
            last_reset: None,
            disk: None,
            address: None,
            boots: 0,
            netboots: 0,
            installs: 0,
            reports: 0,
            kernel_sha256: None,
            initrd_sha256: Vec::new(),
            kernel_args: None,
            faults: Faults::default(),
            quirks: Quirks::default(),
            jobs: 0,
            resets: BTreeMap::new(),
            bmc_away: false,
            console: VecDeque::new(),
        }
    }
}

impl State {
    /// Writes a line to the console. The oldest line goes when there are too many.
    pub(crate) fn note(&mut self, at: Timestamp, text: impl Into<String>) {
        if self.console.len() == CONSOLE_LINES {
            self.console.pop_front();
        }
        let text = text.into();
        self.console.push_back(ConsoleLine { at, text });
    }

    /// Takes a reset: the power state changes at once, the action is for the machine's task.
    pub(crate) fn request(
        &mut self,
        reset: ResetType,
        now: Timestamp,
    ) -> Result<Option<Action>, Refused> {
        *self.resets.entry(reset).or_default() += 1;
        let os = self.phase == Phase::Running && !self.faults.ignore_shutdown;
        let action = decide(reset, self.power, os)?;
        self.last_reset = Some(now);
        if self.faults.ignore_reset {
            self.note(now, format!("BMC: {} was lost", reset.as_str()));
            return Ok(None);
        }
        self.note(now, format!("BMC: {}", reset.as_str()));
        match action {
            Some(Action::PowerOn) => self.power = PowerState::PoweringOn,
            Some(Action::PowerOff | Action::PowerCycle) => self.power = PowerState::PoweringOff,
            Some(Action::Restart)
                if reset == ResetType::ForceRestart
                    && self.quirks.has(Quirk::ForceRestartHangs) =>
            {
                self.phase = Phase::Stopped;
                return Ok(Some(Action::Hang));
            }
            Some(Action::Restart | Action::Halt | Action::Hang) | None => {}
        }
        Ok(action)
    }

    /// Power is gone.
    pub(crate) fn powered_off(&mut self, now: Timestamp) {
        self.power = PowerState::Off;
        self.phase = Phase::Off;
        self.address = None;
        self.note(now, "power off");
    }

    /// The BMC's word for how far the boot is (DSP2046, `BootProgress.LastState`).
    pub(crate) const fn boot_progress(&self) -> &'static str {
        match self.phase {
            Phase::Off => "None",
            Phase::Firmware | Phase::Ipxe | Phase::Stopped | Phase::NoBootDevice => {
                "SystemHardwareInitializationComplete"
            }
            Phase::Setup => "SetupEntered",
            Phase::Kernel => "OSBootStarted",
            Phase::Running => "OSRunning",
        }
    }
}

const CONSOLE_LINES: usize = 2000;
