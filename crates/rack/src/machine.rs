//! One machine: a state that its BMC changes, and a task that lives what follows from it.
//!
//! The task has one life at a time, a future that powers the machine on and boots it, or powers it
//! off. Every action of the BMC ends that life and begins another, so that pulling the plug works
//! in the middle of anything: sockets close, nothing is sent any more.

mod boot;
mod firmware;
mod netboot;
mod os;
pub(crate) mod power;
pub(crate) mod state;

use std::{
    net::Ipv4Addr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use model::PowerState;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::{
    power::{Action, BootTarget, Refused, ResetType},
    state::{Phase, Snapshot, State},
};
use crate::{
    MachineConfig, Network, Quirk, Timing,
    net::relay::{Circuit, Relay},
};

/// What a machine is plugged into.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) network: Network,
    pub(crate) timing: Timing,
    pub(crate) power_delay: Duration,
    pub(crate) relay: Arc<Relay>,
}

/// A machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) config: MachineConfig,
    pub(crate) surroundings: Surroundings,
    state: Mutex<State>,
    /// Counts changes, so that whoever waits for one misses none.
    changes: watch::Sender<u64>,
    actions: mpsc::UnboundedSender<Action>,
}

/// The actions that a machine's task takes.
pub(crate) type Actions = mpsc::UnboundedReceiver<Action>;

impl Machine {
    pub(crate) fn new(config: MachineConfig, surroundings: Surroundings) -> (Arc<Self>, Actions) {
        let (actions, receiver) = mpsc::unbounded_channel();
        let state = State {
            quirks: config.quirks.clone(),
            ..State::default()
        };
        let machine = Self {
            config,
            surroundings,
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
            actions,
        };
        (Arc::new(machine), receiver)
    }

    /// Lives until `shutdown`.
    pub(crate) async fn run(self: Arc<Self>, mut actions: Actions, shutdown: CancellationToken) {
        type Life = Pin<Box<dyn Future<Output = ()> + Send>>;
        let nothing = || -> Life { Box::pin(std::future::pending()) };
        let mut life = nothing();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                action = actions.recv() => match action {
                    Some(action) => life = Box::pin(live(Arc::clone(&self), action)),
                    None => return,
                },
                () = &mut life => life = nothing(),
            }
        }
    }

    /// Looks at the state.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and tells whoever waits for that.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
        result
    }

    /// Does what a client of the BMC asked for.
    pub(crate) fn reset(&self, reset: ResetType) -> Result<(), Refused> {
        let action = self.change(|state| state.request(reset, Timestamp::now()))?;
        if let Some(action) = action {
            self.act(action);
        }
        Ok(())
    }

    /// Takes its power away, at once.
    pub(crate) fn pull_plug(&self) {
        self.change(|state| {
            let now = Timestamp::now();
            state.note(now, "somebody pulled the plug");
            state.powered_off(now);
        });
        self.act(Action::Halt);
    }

    fn act(&self, action: Action) {
        if self.actions.send(action).is_err() {
            tracing::debug!(server = %self.config.name, "the rack has stopped");
        }
    }

    /// Writes a line to the console, and to no log: URLs on a console hold tokens.
    pub(crate) fn note(&self, text: impl Into<String>) {
        self.change(|state| state.note(Timestamp::now(), text));
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.change(|state| state.phase = phase);
    }

    /// Takes as long as one step takes on this machine: no time, unless it is slow.
    pub(crate) async fn step(&self) {
        let slow = self.read(|state| state.faults.slow_ms);
        tokio::time::sleep(Duration::from_millis(slow)).await;
    }

    /// Its port of the switch, by which the relay tells machines apart.
    pub(crate) fn circuit(&self) -> Circuit {
        Circuit {
            mac: self.config.boot_mac(),
            id: self.config.name.clone(),
        }
    }

    /// Every change from now on.
    #[cfg(test)]
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Completes once its BMC must look dead.
    pub(crate) async fn bmc_down(&self) {
        let mut changes = self.changes.subscribe();
        while !self.read(|state| state.faults.bmc_down || state.bmc_away) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Completes once `is_so`, with the machine as it is then.
    pub(crate) async fn wait(&self, is_so: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let mut changes = self.changes.subscribe();
        loop {
            let snapshot = self.snapshot();
            if is_so(&snapshot) {
                return snapshot;
            }
            if changes.changed().await.is_err() {
                // The sender is a field of `self`, so this is not reached.
                return snapshot;
            }
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.read(|state| Snapshot {
            name: self.config.name.clone(),
            uuid: self.config.uuid,
            mac: self.config.boot_mac(),
            power_state: state.power,
            phase: state.phase,
            address: state.address,
            boots: state.boots,
            netboots: state.netboots,
            installs: state.installs,
            reports: state.reports,
            config_sha256: state.disk.as_ref().map(|disk| disk.sha256.clone()),
            kernel_sha256: state.kernel_sha256.clone(),
            initrd_sha256: state.initrd_sha256.clone(),
            kernel_args: state.kernel_args.clone(),
            faults: state.faults.clone(),
            profile: self.config.profile,
            quirks: state.quirks.clone(),
            console: state.console.iter().cloned().collect(),
        })
    }

    /// Starts: power is on, the firmware runs. Returns what is to be booted and, for UEFI HTTP boot,
    /// from where.
    fn start(&self) -> (BootTarget, Option<String>) {
        self.change(|state| {
            let now = Timestamp::now();
            state.power = PowerState::On;
            state.phase = Phase::Firmware;
            state.address = None;
            state.boots += 1;
            if state.jobs > 0 {
                // A job of the BMC runs before the system does, and ends with a restart.
                state.boots += state.jobs;
                state.note(now, format!("jobs of the BMC: {}; restart", state.jobs));
                state.jobs = 0;
            }
            state.note(now, "power on, self test");
            let mut target = state.boot.consume();
            if state.faults.ignore_override && target != BootTarget::None {
                state.note(now, "the firmware did not look at the boot override");
                target = BootTarget::None;
            }
            (target, state.boot.http_boot_uri.clone())
        })
    }

    fn lease(&self, address: Ipv4Addr) {
        self.change(|state| state.address = Some(address));
    }
}

/// What follows from an action, until the next one.
async fn live(machine: Arc<Machine>, action: Action) {
    match action {
        // The life that has just ended may have run a moment longer than the power.
        Action::Halt => machine.change(|state| {
            if state.power == PowerState::On {
                state.power = PowerState::Off;
            }
            if state.power == PowerState::Off {
                state.phase = Phase::Off;
                state.address = None;
            }
        }),
        Action::Hang => {
            machine.note("the restart hangs");
            machine.enter(Phase::Stopped);
        }
        Action::PowerOn => {
            power_delay(&machine).await;
            boot::run(&machine).await;
        }
        Action::PowerOff => {
            power_delay(&machine).await;
            machine.change(|state| state.powered_off(Timestamp::now()));
        }
        Action::Restart => boot::run(&machine).await,
        Action::PowerCycle => {
            power_delay(&machine).await;
            machine.change(|state| state.powered_off(Timestamp::now()));
            power_delay(&machine).await;
            machine.change(|state| state.power = PowerState::PoweringOn);
            power_delay(&machine).await;
            boot::run(&machine).await;
        }
    }
}

async fn power_delay(machine: &Machine) {
    let (own, slow) = machine.read(|state| {
        let slow = [Quirk::SlowPower, Quirk::TransitionalPowerStates];
        (state.faults.power_delay_ms, state.quirks.has_any(&slow))
    });
    let delay = own.map_or(machine.surroundings.power_delay, Duration::from_millis);
    let delay = if slow { delay.max(SLOW_POWER) } else { delay };
    tokio::time::sleep(delay).await;
}

/// How long a slow machine takes to power on or off, at least.
const SLOW_POWER: Duration = Duration::from_secs(1);
