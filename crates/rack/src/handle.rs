//! What a test holds of one machine.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use model::{MacAddr, PowerState, ServerId};

use crate::{
    BmcCounters, Faults, Profile, Quirk, Quirks, Snapshot, bmc::Bmc, machine::Machine,
    net::bmc_dhcp::announce,
};

/// One machine of a rack that runs. Clones are the same machine.
#[derive(Clone, Debug)]
pub struct MachineHandle {
    pub(crate) machine: Arc<Machine>,
    pub(crate) bmc: Arc<Bmc>,
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: String,
}

/// A machine did not get where it should in time.
#[derive(Debug, thiserror::Error)]
#[error(
    "machine {name} is in phase {phase:?} after {waited:?}; the end of its console:\n{console}"
)]
pub struct WaitError {
    name: String,
    phase: crate::Phase,
    waited: Duration,
    console: String,
}

impl MachineHandle {
    /// Its name in the rack.
    pub fn name(&self) -> &str {
        &self.machine.config.name
    }

    /// Its BMC's origin, `https://127.0.0.1:41234`.
    pub fn bmc_endpoint(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Where its BMC listens.
    pub const fn bmc_address(&self) -> SocketAddr {
        self.address
    }

    /// The port its BMC listens on.
    pub const fn bmc_port(&self) -> u16 {
        self.address.port()
    }

    /// SHA-256 of its BMC's certificate, lower case.
    pub fn fingerprint_sha256(&self) -> &str {
        &self.fingerprint
    }

    /// Its system UUID.
    pub fn uuid(&self) -> ServerId {
        self.machine.config.uuid
    }

    /// The interface it boots from.
    pub fn mac(&self) -> MacAddr {
        self.machine.config.boot_mac()
    }

    /// Its serial number.
    pub fn serial(&self) -> &str {
        &self.machine.config.serial
    }

    /// Whether it is powered.
    pub fn power_state(&self) -> PowerState {
        self.machine.read(|state| state.power)
    }

    /// Its console, oldest line first, without times.
    pub fn console(&self) -> Vec<String> {
        self.machine
            .read(|state| state.console.iter().map(|line| line.text.clone()).collect())
    }

    /// How often it was installed.
    pub fn installs(&self) -> u32 {
        self.machine.read(|state| state.installs)
    }

    /// How often it was started.
    pub fn boots(&self) -> u32 {
        self.machine.read(|state| state.boots)
    }

    /// The config it installed last.
    pub fn config(&self) -> Option<Vec<u8>> {
        self.machine
            .read(|state| state.disk.as_ref().map(|disk| disk.config.clone()))
    }

    /// Its asset tag, as its BMC has it.
    pub fn asset_tag(&self) -> String {
        self.machine.read(|state| state.asset_tag.clone())
    }

    /// Its boot order, if somebody has changed it.
    pub fn boot_order(&self) -> Option<Vec<String>> {
        self.machine.read(|state| state.boot_order.clone())
    }

    /// Writes another serial number into it, as a service technician does who replaced its board.
    pub fn rewrite_serial(&self, serial: &str) {
        let serial = Some(serial.to_owned());
        self.machine.change(|state| state.serial = serial);
    }

    /// The MAC address of its BMC.
    pub fn bmc_mac(&self) -> MacAddr {
        self.machine.config.bmc_mac()
    }

    /// Has its BMC ask the network for `address`, as one does that starts with a lease it remembers
    /// (RFC 2131 section 4.3.2). Nobody's answer is waited for.
    ///
    /// # Errors
    ///
    /// If the request cannot be sent.
    pub async fn announce_bmc(&self, address: Ipv4Addr) -> io::Result<()> {
        announce(&self.machine, address).await
    }

    /// Everything there is to see of it.
    pub fn snapshot(&self) -> Snapshot {
        self.machine.snapshot()
    }

    /// What its BMC counted.
    pub fn bmc_counters(&self) -> BmcCounters {
        self.bmc.counters()
    }

    /// Makes things go wrong, or right again, from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.machine.change(|state| state.faults = faults);
    }

    /// Whose BMC it has.
    pub fn profile(&self) -> Profile {
        self.machine.config.profile
    }

    /// The ways in which its BMC departs from the standard.
    pub fn quirks(&self) -> Quirks {
        self.machine.read(|state| state.quirks.clone())
    }

    /// Lets its BMC have these quirks and no others, from now on. What it remembers of its old ones,
    /// such as how many requests it has still to refuse, it forgets.
    pub fn set_quirks(&self, quirks: impl IntoIterator<Item = Quirk>) {
        let quirks = quirks.into_iter().collect();
        self.machine.change(|state| state.quirks = quirks);
        self.bmc.forget();
    }

    /// Takes its power away: somebody pulls the plug. Its BMC stays up.
    pub fn force_power_off(&self) {
        self.machine.pull_plug();
    }

    /// Empties its disk, as a replaced one would be.
    pub fn wipe_disk(&self) {
        self.machine.change(|state| state.disk = None);
    }

    /// Closes every session of its BMC, as a restart of the BMC does.
    pub fn drop_bmc_sessions(&self) {
        self.bmc.drop_sessions();
    }

    /// Waits until `is_so`.
    ///
    /// # Errors
    ///
    /// If it is not so within `limit`; the error shows the end of the console.
    pub async fn wait_until(
        &self,
        limit: Duration,
        is_so: impl Fn(&Snapshot) -> bool,
    ) -> Result<Snapshot, WaitError> {
        let waited = tokio::time::timeout(limit, self.machine.wait(is_so)).await;
        waited.map_err(|_elapsed| {
            let snapshot = self.snapshot();
            let end = snapshot.console.len().saturating_sub(20);
            let lines: Vec<&str> = snapshot.console[end..]
                .iter()
                .map(|line| line.text.as_str())
                .collect();
            WaitError {
                console: lines.join("\n"),
                name: snapshot.name,
                phase: snapshot.phase,
                waited: limit,
            }
        })
    }
}
