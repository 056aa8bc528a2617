//! Restarting a server: one reset, or off and on where the BMC has none for it.

use std::time::{Duration, Instant};

use model::PowerState;

use super::{Drive, Next, Power, timed_out};
use crate::{
    bmc::Bmc,
    error::Error,
    power::reset::{Sent, Wanted},
};

/// How to restart a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// At once, without asking the operating system.
    Force,
    /// The operating system is asked. Where it cannot be asked to restart, it is asked to go down,
    /// and if it is not off after `timeout`, the power is cut.
    Graceful {
        /// How long the operating system has to go down.
        timeout: Duration,
    },
}

impl Bmc {
    /// Restarts a server, once, and waits until the BMC reports it on. One that is off is switched
    /// on. Where the BMC has no reset for it, or one that does harm, it is switched off and on.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if the server is not seen on by `deadline`; what was sent may still take
    /// effect, and is not sent again by this call.
    pub async fn restart(
        &self,
        uri: &str,
        restart: Restart,
        deadline: Instant,
    ) -> Result<PowerState, Error> {
        let began = Instant::now();
        let mut drive = Drive::new(&self.inner, uri);
        let result = tokio::time::timeout_at(deadline.into(), drive.restart(restart)).await;
        result.unwrap_or_else(|_elapsed| Err(timed_out(&drive, "On again", began)))
    }
}

impl Drive<'_> {
    async fn restart(&mut self, restart: Restart) -> Result<PowerState, Error> {
        let (wanted, off) = match restart {
            Restart::Force => (Wanted::RestartHard, Power::ForceOff),
            Restart::Graceful { timeout } => (Wanted::RestartSoft, Power::Graceful { timeout }),
        };
        match self.send_restart(wanted).await? {
            Sending::Off => {}
            Sending::Sent => return self.until_on().await,
            Sending::Impossible => {
                self.run(off).await?;
            }
        }
        self.run(Power::On).await
    }

    async fn send_restart(&mut self, wanted: Wanted) -> Result<Sending, Error> {
        let mut sent = Sent::new(self.inner.timing);
        loop {
            if sent.is_due() {
                let lane = self.inner.exclusive().await?;
                if let Some(system) = self.look(&lane).await? {
                    match system.power_state {
                        Some(PowerState::Off) => return Ok(Sending::Off),
                        // It is not known yet what it will be when it is there.
                        Some(PowerState::PoweringOn | PowerState::PoweringOff) => {}
                        _ => match self.reset(&lane, wanted, &system, &mut sent).await? {
                            Next::Wait => return Ok(Sending::Sent),
                            Next::GiveUp => return Ok(Sending::Impossible),
                            // It was refused; a lost reply counts as sent.
                            Next::Look if sent.any() => return Ok(Sending::Sent),
                            Next::Look => continue,
                        },
                    }
                }
            }
            self.inner.wire.pause(self.inner.timing.power_poll).await?;
        }
    }

    /// Waits until it is on. Some firmware goes through a state that looks like off for good, so it
    /// is switched on only after a while.
    async fn until_on(&mut self) -> Result<PowerState, Error> {
        let began = Instant::now();
        loop {
            self.inner.wire.pause(self.inner.timing.power_poll).await?;
            let seen = self.look(&self.inner.shared()).await?;
            let state = seen.and_then(|system| system.power_state);
            if let Some(state) = state
                && Wanted::On.is_reached_by(Some(state))
            {
                return Ok(state);
            }
            if state == Some(PowerState::Off) && began.elapsed() >= self.inner.timing.resend_after {
                return self.run(Power::On).await;
            }
        }
    }
}

/// What became of a restart.
enum Sending {
    /// The server is off.
    Off,
    /// It was sent.
    Sent,
    /// The BMC has none.
    Impossible,
}
