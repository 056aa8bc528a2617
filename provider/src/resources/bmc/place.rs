//! Where a BMC is and how it is spoken to, when its configuration names it by a MAC address: the
//! agent knows the address, and the provider's `mac_prefixes` the rest.

use model::MacAddr;
use serde_json::json;
use tfplugin::{Context, Diagnostic};

use super::model::{BmcModel, HTTPS, PORT};
use crate::{client::Client, diagnostics, mac_prefixes::MacPrefix};

/// What the configuration of a BMC leaves to be found out. A refresh has no configuration, so it is
/// kept with the resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The BMC is named by its MAC address.
    pub by_mac: bool,
    /// Its credentials are those of its MAC prefix.
    pub default_credentials: bool,
    /// The configuration says which manager it is.
    pub own_manager: bool,
    /// The configuration says which MAC address the BMC at its address has.
    pub expects_mac: bool,
}

impl Place {
    /// That of a create or an update.
    pub(super) fn of(cx: &Context<Client>, plan: &BmcModel) -> Self {
        let given = |attribute: &str| !cx.config.get(attribute).is_null();
        let by_mac = given("mac_address") && !given("address");
        let default = by_mac && !given("credentials");
        Self {
            by_mac,
            // Credentials that were named once are no default ones when their name is removed.
            default_credentials: default
                && (plan.credentials.is_none() || Self::kept(cx).default_credentials),
            own_manager: given("manager_uri"),
            expects_mac: given("mac_address") && given("address"),
        }
    }

    /// That of a BMC that is imported.
    pub(super) const fn imported(bmc: &BmcModel) -> Self {
        Self {
            by_mac: bmc.mac_address.is_some(),
            default_credentials: false,
            own_manager: false,
            expects_mac: false,
        }
    }

    /// What was kept with the resource.
    pub(super) fn kept(cx: &Context<Client>) -> Self {
        let flag = |name: &str| cx.private[name].as_bool().unwrap_or(false);
        Self {
            by_mac: flag(BY_MAC),
            default_credentials: flag(DEFAULT_CREDENTIALS),
            own_manager: false,
            expects_mac: false,
        }
    }

    /// Keeps it with the resource.
    pub(super) fn keep(self, cx: &mut Context<Client>) {
        cx.private = json!({
            BY_MAC: self.by_mac,
            DEFAULT_CREDENTIALS: self.default_credentials,
        });
    }
}

/// Fills in where the BMC is and how it is spoken to.
pub(super) async fn resolve(
    client: &Client,
    bmc: &mut BmcModel,
    place: Place,
) -> Result<(), Diagnostic> {
    let nothing = MacPrefix::default();
    let mac = if place.by_mac { mac_of(bmc) } else { None };
    let prefix = mac.and_then(|mac| client.mac_prefixes.find(mac));
    let prefix = prefix.map_or(&nothing, |(_, entry)| entry);
    if let (None, Some(mac)) = (&bmc.address, mac) {
        bmc.address = Some(heard(client, mac).await?);
    }
    let scheme = || prefix.scheme.clone().unwrap_or_else(|| HTTPS.to_owned());
    bmc.port.get_or_insert_with(|| prefix.port.unwrap_or(PORT));
    bmc.scheme.get_or_insert_with(scheme);
    if bmc.console.is_none() {
        bmc.console.clone_from(&prefix.console);
    }
    if bmc.credentials.is_none() {
        bmc.credentials.clone_from(&prefix.credentials);
    }
    if bmc.credentials.is_none() {
        let mac = mac.map_or_else(String::new, |mac| mac.to_string());
        return Err(diagnostics::at(
            "credentials",
            "No credentials for this BMC",
            format!(
                "No entry of mac_prefixes that fits {mac} has credentials. Name them here, or in \
                 the provider's mac_prefixes."
            ),
        ));
    }
    Ok(())
}

/// The address that the agent has heard an interface to have.
async fn heard(client: &Client, mac: MacAddr) -> Result<String, Diagnostic> {
    let api = client.agent.api().await?;
    let unknown = |what: &str| {
        diagnostics::at(
            "mac_address",
            "The agent does not know where the BMC is",
            format!(
                "{what} See that the BMC is plugged in and asks for an address by DHCP, and that \
                 the agent's network or a relay hears it; baremetal_endpoints lists who was heard. \
                 If its address is fixed, give it as address."
            ),
        )
    };
    match client.endpoints.address_of(&api, mac).await? {
        Some(Some(address)) => Ok(address.to_string()),
        Some(None) => Err(unknown(&format!(
            "The agent has heard {mac} ask for an address, and not which one it got."
        ))),
        None => Err(unknown(&format!("The agent has never heard {mac}."))),
    }
}

/// Where the agent has heard a BMC now, if that is not where it was.
pub(super) async fn moved(client: &Client, bmc: &BmcModel, place: Place) -> Option<String> {
    let mac = mac_of(bmc).filter(|_| place.by_mac && client.agent.is_configured())?;
    match heard(client, mac).await {
        Ok(address) if bmc.address.as_ref() != Some(&address) => Some(address),
        Ok(_) => None,
        Err(diagnostic) => {
            tracing::warn!(%mac, cause = diagnostic.detail, "where the BMC is now is not known");
            None
        }
    }
}

/// Refuses to tell whoever answers at an address that was heard the password of the BMC that was
/// somewhere else. Who it is can be compared only once it knows it.
pub(super) fn may_follow(
    client: &Client,
    bmc: &BmcModel,
    moved: &BmcModel,
) -> Result<(), Diagnostic> {
    let insecure = bmc.tls.as_ref().and_then(|tls| tls.insecure) == Some(true);
    if insecure || client.bmcs.verifies(&moved.connection()) {
        return Ok(());
    }
    let place = |bmc: &BmcModel| bmc.connection().endpoint;
    Err(Diagnostic::warning(
        "The BMC was heard at another address",
        format!(
            "The BMC {} was at {}, and the agent has heard its MAC address at {}, which anybody on \
             the network can claim. It is not followed there, because its password is sent to a new \
             address only if the certificate is verified: give tls.ca_pem or \
             tls.fingerprint_sha256. If the network is trusted, say tls = {{ insecure = true }} \
             here; redfish.insecure is not enough.",
            bmc.mac_address.as_deref().unwrap_or_default(),
            place(bmc),
            place(moved),
        ),
    ))
}

/// Refuses to tell a BMC its password where it must not be told.
pub(super) fn trust(client: &Client, bmc: &BmcModel, place: Place) -> Result<(), Diagnostic> {
    let insecure = bmc.tls.as_ref().and_then(|tls| tls.insecure) == Some(true);
    if bmc.scheme.as_deref() == Some("http") && !insecure {
        return Err(diagnostics::at(
            "scheme",
            "Plain http would show the password",
            "The BMC is spoken to over plain http, and its password would travel readable. Use https, or \
             say tls = { insecure = true } if the network between is trusted.",
        ));
    }
    if !place.default_credentials {
        return Ok(());
    }
    let connection = bmc.connection();
    if !insecure && !client.bmcs.verifies(&connection) {
        return Err(diagnostics::at(
            "tls",
            "Default credentials would go to whoever answers",
            format!(
                "The credentials {:?} are those of a MAC prefix, and whoever is on the network can \
                 claim an address with that prefix. They are sent only to a BMC whose certificate \
                 is verified: give tls.ca_pem or tls.fingerprint_sha256. If the network is trusted, \
                 say tls = {{ insecure = true }} here; redfish.insecure is not enough.",
                connection.credentials
            ),
        ));
    }
    match mac_of(bmc) {
        Some(mac)
            if client
                .mac_prefixes
                .was_refused(mac, &connection.credentials) =>
        {
            Err(refused(mac, &connection.credentials))
        }
        _ => Ok(()),
    }
}

/// The error of a BMC that has another password than the one it came with.
pub(super) fn refused(mac: MacAddr, credentials: &str) -> Diagnostic {
    diagnostics::at(
        "credentials",
        "The BMC refuses the default credentials",
        format!(
            "The BMC {mac} does not take {credentials:?}, the credentials of its MAC prefix: its \
             password was changed. They are not tried again in this run, because BMCs lock accounts \
             after a few failures. Name the credentials that it has now as credentials here."
        ),
    )
}

/// Refuses a BMC that has none of the address that it was said to have. One that shows no address of
/// its own is believed.
pub(super) fn expected(
    bmc: &BmcModel,
    macs: Option<&[MacAddr]>,
    place: Place,
) -> Result<(), Diagnostic> {
    let (Some(mac), Some(macs), true) = (mac_of(bmc), macs, place.expects_mac) else {
        return Ok(());
    };
    if macs.is_empty() || macs.contains(&mac) {
        return Ok(());
    }
    let macs: Vec<_> = macs.iter().map(ToString::to_string).collect();
    Err(diagnostics::at(
        "mac_address",
        "Another BMC answers at this address",
        format!(
            "At {} is a BMC with {}, and mac_address is {mac}. Correct the address or the MAC \
             address, or remove one of them.",
            bmc.connection().endpoint,
            macs.join(", "),
        ),
    ))
}

pub(super) fn mac_of(bmc: &BmcModel) -> Option<MacAddr> {
    bmc.mac_address.as_deref()?.parse().ok()
}

const BY_MAC: &str = "by_mac";
const DEFAULT_CREDENTIALS: &str = "default_credentials";
