//! What a BMC's attributes are.

use std::collections::BTreeMap;

use tfplugin::{Model, Timeouts};

use crate::{
    checks,
    mac_prefixes::Console,
    resources::connection::{self, ConnectionOutput, Tls},
};

/// A BMC: the management controller that a server is reached through. Its `connection` is what a
/// `baremetal_server` takes. Destroying it ends the session and touches nothing else.
///
/// It is found by its `address`, or by its `mac_address` if the site's agent has heard it ask for an
/// address by DHCP. What the configuration of one with a `mac_address` leaves out is taken from the
/// entry of the provider's `mac_prefixes` with the longest prefix that fits. Credentials of such an
/// entry are for a BMC as it came from its maker: they are sent over verified TLS alone, unless this
/// resource has `tls.insecure`, and are not offered to it again in a run once it refused them. A BMC
/// that has been given another password needs `credentials` here.
///
/// A BMC with a `mac_address` is followed when DHCP moves it: a refresh looks where the agent has
/// heard it last, and takes the new address if the same BMC answers there. Without `tls` of its own
/// and with `redfish.insecure` it is not followed, since anybody could have that MAC address.
#[derive(Clone, Debug, Model)]
pub(crate) struct BmcModel {
    /// The BMC's origin, `https://10.0.0.5:443`.
    #[tf(computed, keep)]
    pub id: Option<String>,
    /// Its host name or IP address. Changing it is an update in place, which finds out that the same
    /// BMC answers there. One of `address` and `mac_address` is needed.
    #[tf(optional, computed, keep, check = checks::host)]
    pub address: Option<String>,
    /// The MAC address of its network interface. Beside an `address` it finds nothing: a BMC at that
    /// address that has another one is refused.
    #[tf(optional, computed, keep, check = checks::mac, same = checks::same_mac)]
    pub mac_address: Option<String>,
    /// Its TCP port. Defaults to that of the MAC prefix, and to 443.
    #[tf(optional, computed, keep, check = checks::port)]
    pub port: Option<i64>,
    /// `https`, or `http` together with `tls.insecure`. Defaults to that of the MAC prefix, and to
    /// `https`.
    #[tf(optional, computed, keep, check = checks::scheme)]
    pub scheme: Option<String>,
    /// The name of its credentials in the provider's `credentials`. Defaults to that of the MAC
    /// prefix; a BMC with an `address` needs it.
    #[tf(optional, computed, keep)]
    pub credentials: Option<String>,
    /// How to verify its certificate.
    pub tls: Option<Tls>,
    /// How its serial console is reached, for those who use it: nothing here does. Defaults to that of
    /// the MAC prefix.
    #[tf(optional, computed, keep)]
    pub console: Option<Console>,
    /// The resource of its manager, such as `/redfish/v1/Managers/1`, if it has several and the one
    /// that looks most like a BMC is not the right one.
    #[tf(optional, computed, keep, same = checks::same_uri)]
    pub manager_uri: Option<String>,
    /// Labels, for your own use.
    pub labels: Option<BTreeMap<String, String>>,
    /// How long its operations may take.
    pub timeouts: Option<Timeouts>,
    /// How the BMC is reached: what `baremetal_server` takes as its `bmc`.
    #[tf(computed, keep)]
    pub connection: Option<ConnectionOutput>,
    /// The UUID of its manager.
    #[tf(computed, keep)]
    pub uuid: Option<String>,
    /// Who made it.
    #[tf(computed, keep)]
    pub manufacturer: Option<String>,
    /// The model of its manager.
    #[tf(computed, keep)]
    pub model: Option<String>,
    /// The serial number of its manager.
    #[tf(computed, keep)]
    pub serial_number: Option<String>,
    /// The part number of its manager.
    #[tf(computed, keep)]
    pub part_number: Option<String>,
    /// Its firmware's version.
    #[tf(computed, keep)]
    pub firmware_version: Option<String>,
    /// The version of Redfish it speaks.
    #[tf(computed, keep)]
    pub redfish_version: Option<String>,
    /// `ready`, or `mismatched` if another BMC answers at its address, which only replacing this
    /// resource or correcting the address mends.
    #[tf(computed, keep)]
    pub state: Option<String>,
    /// The systems behind it.
    #[tf(computed, keep)]
    pub systems: Option<Vec<SystemModel>>,
}

/// A system behind a BMC.
#[derive(Clone, Debug, Model)]
pub(crate) struct SystemModel {
    /// Its UUID, lower case. Null if it has none.
    #[tf(computed)]
    pub uuid: Option<String>,
    /// Its resource.
    #[tf(computed)]
    pub uri: Option<String>,
    /// Its id on this BMC.
    #[tf(computed)]
    pub name: Option<String>,
}

/// The port and the scheme of a BMC that says nothing else.
pub(super) const PORT: i64 = 443;
pub(super) const HTTPS: &str = "https";

impl BmcModel {
    /// A BMC of which nothing is known.
    pub(super) const fn empty() -> Self {
        Self {
            id: None,
            address: None,
            mac_address: None,
            port: None,
            scheme: None,
            credentials: None,
            tls: None,
            console: None,
            manager_uri: None,
            labels: None,
            timeouts: None,
            connection: None,
            uuid: None,
            manufacturer: None,
            model: None,
            serial_number: None,
            part_number: None,
            firmware_version: None,
            redfish_version: None,
            state: None,
            systems: None,
        }
    }

    /// What an apply returns: what was planned, and what was not known then.
    pub(super) fn returned(self, planned: Self) -> Self {
        Self {
            id: planned.id.or(self.id),
            address: planned.address.or(self.address),
            mac_address: planned.mac_address.or(self.mac_address),
            port: planned.port.or(self.port),
            scheme: planned.scheme.or(self.scheme),
            credentials: planned.credentials.or(self.credentials),
            console: planned.console.or(self.console),
            manager_uri: planned.manager_uri.or(self.manager_uri),
            serial_number: planned.serial_number.or(self.serial_number),
            part_number: planned.part_number.or(self.part_number),
            state: planned.state.or(self.state),
            connection: planned.connection.or(self.connection),
            uuid: planned.uuid.or(self.uuid),
            manufacturer: planned.manufacturer.or(self.manufacturer),
            model: planned.model.or(self.model),
            firmware_version: planned.firmware_version.or(self.firmware_version),
            redfish_version: planned.redfish_version.or(self.redfish_version),
            systems: planned.systems.or(self.systems),
            ..planned
        }
    }

    pub(super) fn connection(&self) -> model::BmcConnection {
        let tls = self.tls.clone().unwrap_or_default();
        let scheme = self.scheme.as_deref().unwrap_or(HTTPS);
        let address = self.address.as_deref().unwrap_or_default();
        model::BmcConnection {
            endpoint: connection::endpoint(scheme, address, self.port.unwrap_or(PORT)),
            credentials: self.credentials.clone().unwrap_or_default(),
            tls: model::BmcTls {
                ca_pem: tls.ca_pem,
                fingerprint_sha256: tls.fingerprint_sha256.as_deref().map(checks::hex_digits),
                insecure: tls.insecure.unwrap_or(false),
            },
        }
    }
}
