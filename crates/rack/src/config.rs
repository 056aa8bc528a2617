//! What a rack is made of: its machines, its network, its times.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use model::{Architecture, MacAddr, Secret, ServerId};
use ring::digest;
use uuid::Uuid;

use crate::{
    Profile, Quirks,
    bmc::{AccountRules, UuidHabit},
};

/// A rack: machines with one BMC each, behind one relay.
#[derive(Clone, Debug)]
pub struct RackConfig {
    /// The rack's name. With [`machines`](Self::new) it decides every identity in the rack.
    pub name: String,
    /// The machines, in the order of their slots.
    pub machines: Vec<MachineConfig>,
    /// Where the machines' packets go.
    pub network: Network,
    /// The user that every BMC has from the factory, an administrator.
    pub username: String,
    /// That user's password.
    pub password: Secret,
    /// How long a machine takes to power on or off.
    pub power_delay: Duration,
    /// How patient the machines are.
    pub timing: Timing,
    /// The most sessions a BMC keeps at once. Eight is what an iDRAC allows.
    pub max_sessions: usize,
    /// Whether the BMCs ask the network for their addresses, which a DHCP server hears.
    pub bmc_dhcp: bool,
    /// How long a BMC keeps an account locked after too many failed logins.
    pub lockout: Duration,
    /// What the accounts of the BMCs are like.
    pub accounts: AccountRules,
    /// What `Manager.Reset` takes; with none, the BMCs list none and take a request without one.
    pub manager_resets: Vec<String>,
    /// How long a BMC is away when it restarts.
    pub bmc_restart: Duration,
}

/// One machine and its BMC.
#[derive(Clone, Debug)]
pub struct MachineConfig {
    /// Its name in the rack, `r1-m3`.
    pub name: String,
    /// Its system UUID.
    pub uuid: ServerId,
    /// Its interfaces. It boots from the first one.
    pub macs: Vec<MacAddr>,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// Main memory in GiB.
    pub memory_gib: u32,
    /// Processor cores, all sockets together.
    pub processor_cores: u32,
    /// Its CPU and firmware. A `…Http` one boots over HTTP when it boots from the network.
    pub architecture: Architecture,
    /// What it boots without an override.
    pub boot_order: BootOrder,
    /// Where its BMC listens; port 0 takes a free one.
    pub bmc_listen: SocketAddr,
    /// Whose BMC it has. [`with_profile`](Self::with_profile) sets it with all that goes with it.
    pub profile: Profile,
    /// The ways in which its BMC departs from the standard at first.
    pub quirks: Quirks,
}

/// What a machine boots when nothing overrides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootOrder {
    /// The disk alone.
    Disk,
    /// The network, and the disk if that fails.
    NetworkThenDisk,
}

/// The provisioning network as the rack sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Where the relay sends requests.
    pub dhcp_server: SocketAddr,
    /// The relay's own address, `giaddr` in the RFC. It must be one of this host.
    pub relay: Ipv4Addr,
    /// The port that stands for 69, because a test cannot have that one.
    pub tftp_port: u16,
}

/// How long machines wait before they try again or give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The wait after the first DHCPDISCOVER; it doubles three times. Firmware takes 4 s.
    pub dhcp_retry: Duration,
    /// The wait for a TFTP packet before the last one is sent again, five times.
    pub tftp_retry: Duration,
    /// The wait for an HTTP response to begin or to go on.
    pub http_timeout: Duration,
    /// The wait between two reports of a boot, which are sent until one is accepted.
    pub report_retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            dhcp_retry: Duration::from_secs(4),
            tftp_retry: Duration::from_secs(1),
            http_timeout: Duration::from_secs(20),
            report_retry: Duration::from_secs(5),
        }
    }
}

impl RackConfig {
    /// A rack of `machines` 64-bit UEFI machines. Names, UUIDs, MAC addresses and serial numbers
    /// follow from `name` and the slot alone, so two racks of one name are the same rack. The BMCs' user is `admin` with `rack-password`.
    pub fn new(name: impl Into<String>, machines: u16, network: Network) -> Self {
        let name = name.into();
        Self {
            machines: (1..=machines)
                .map(|slot| MachineConfig::generate(&name, slot))
                .collect(),
            name,
            network,
            username: "admin".to_owned(),
            password: Secret::new("rack-password"),
            power_delay: Duration::from_millis(100),
            timing: Timing::default(),
            max_sessions: 8,
            bmc_dhcp: false,
            lockout: Duration::from_secs(60),
            accounts: AccountRules::default(),
            manager_resets: ["GracefulRestart", "ForceRestart"]
                .map(str::to_owned)
                .to_vec(),
            bmc_restart: Duration::ZERO,
        }
    }
}

impl MachineConfig {
    /// The machine in a slot of a rack, the same one every time.
    pub fn generate(rack: &str, slot: u16) -> Self {
        let digest = digest::digest(&digest::SHA256, format!("{rack}/{slot}").as_bytes());
        let digest = digest.as_ref();
        let mut uuid = [0; 16];
        uuid.copy_from_slice(&digest[..16]);
        let [high, low] = slot.to_be_bytes();
        // 02 is a locally administered unicast prefix, so no real card has one of these. The slot
        // keeps the addresses of one rack apart whatever the digest is.
        let mac = |port: u8| MacAddr::new([0x02, digest[16], digest[17] ^ port, port, high, low]);
        Self {
            name: format!("{rack}-m{slot}"),
            uuid: server_id(uuid),
            macs: vec![mac(0), mac(1)],
            manufacturer: "Contoso".to_owned(),
            model: "Simulated 1U".to_owned(),
            serial: format!(
                "RK{:02X}{:02X}{:02X}{slot:04}",
                digest[20], digest[21], digest[22]
            ),
            memory_gib: 64,
            processor_cores: 32,
            architecture: Architecture::X64Uefi,
            boot_order: BootOrder::Disk,
            bmc_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            profile: Profile::Standard,
            quirks: Quirks::default(),
        }
    }

    /// The machine as this maker builds it: its names, the form of its serial number and of its
    /// UUID, its BMC and the quirks of that.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        let old = self.profile.facts();
        let facts = profile.facts();
        facts.manufacturer.clone_into(&mut self.manufacturer);
        facts.model.clone_into(&mut self.model);
        let number = self.serial.strip_prefix(old.serial).unwrap_or(&self.serial);
        self.serial = format!("{}{number}", facts.serial);
        let mut uuid = *self.uuid.uuid().as_bytes();
        match facts.uuid {
            UuidHabit::Random => {}
            UuidHabit::BeginsWith([a, b, c, d]) => uuid[..4].copy_from_slice(&[d, c, b, a]),
            UuidHabit::EndsWithMac => uuid[10..].copy_from_slice(&self.boot_mac().octets()),
        }
        self.uuid = server_id(uuid);
        self.profile = profile;
        self.quirks = profile.quirks();
        self
    }

    /// The MAC address of its BMC: in a range of its own, so that a prefix tells BMCs from machines.
    pub fn bmc_mac(&self) -> MacAddr {
        let [_, one, two, three, four, five] = self.boot_mac().octets();
        MacAddr::new([0x06, one, two, three ^ 0x80, four, five])
    }

    /// The interface it boots from.
    pub(crate) fn boot_mac(&self) -> MacAddr {
        self.macs.first().copied().unwrap_or(MacAddr::new([0; 6]))
    }
}

/// Random bytes as a UUID: the builder sets version and variant, so it is no placeholder.
fn server_id(bytes: [u8; 16]) -> ServerId {
    let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    uuid.to_string().parse().unwrap_or_else(|_not_reached| {
        unreachable!("{uuid} has a version, so it is not all zeros or ones")
    })
}

/// The UUID of something in the rack that is not a server, such as a BMC.
pub(crate) fn derived_uuid(of: ServerId, what: &str) -> Uuid {
    let digest = digest::digest(&digest::SHA256, format!("{of}/{what}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn rack(name: &str) -> RackConfig {
        let network = Network {
            dhcp_server: SocketAddr::from((Ipv4Addr::LOCALHOST, 67)),
            relay: Ipv4Addr::new(127, 80, 0, 1),
            tftp_port: 69,
        };
        RackConfig::new(name, 300, network)
    }

    #[test]
    fn a_rack_is_the_same_every_time_and_no_two_machines_are_alike() {
        let (once, again, other) = (rack("r1"), rack("r1"), rack("r2"));
        let ids = |rack: &RackConfig| -> Vec<ServerId> {
            rack.machines.iter().map(|machine| machine.uuid).collect()
        };
        assert_eq!(ids(&once), ids(&again));
        let all = once.machines.iter().chain(&other.machines);
        let uuids: BTreeSet<_> = all.clone().map(|machine| machine.uuid).collect();
        let macs: BTreeSet<_> = all
            .clone()
            .flat_map(|machine| machine.macs.clone())
            .collect();
        let serials: BTreeSet<_> = all.map(|machine| machine.serial.clone()).collect();
        assert_eq!((uuids.len(), macs.len(), serials.len()), (600, 1200, 600));
        assert!(macs.iter().all(|mac| mac.is_unicast()));
    }

    #[test]
    fn the_debug_form_of_a_rack_hides_its_password() {
        let text = format!("{:?}", rack("r1"));
        assert!(!text.contains("rack-password"), "{text}");
    }
}
