//! The BMCs that this process speaks to: one handle, and so one session, for each.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use model::BmcConnection;
use redfish::{Bmc, Credentials};
use tfplugin::{Diagnostic, Path};
use tokio::task::JoinSet;

use crate::{config, diagnostics};

/// Handles by endpoint, credentials and trust.
pub(crate) struct BmcPool {
    credentials: BTreeMap<String, Credentials>,
    settings: redfish::Config,
    ca_pem: Option<String>,
    insecure: bool,
    bmcs: Mutex<HashMap<String, Bmc>>,
}

impl BmcPool {
    /// A pool with the provider's settings.
    pub(crate) fn new(
        credentials: BTreeMap<String, Credentials>,
        settings: redfish::Config,
        ca_pem: Option<String>,
        insecure: bool,
    ) -> Self {
        Self {
            credentials,
            settings,
            ca_pem,
            insecure,
            bmcs: Mutex::default(),
        }
    }

    /// The handle of a BMC. Nothing is sent to it yet.
    pub(crate) fn bmc(&self, connection: &BmcConnection) -> Result<Bmc, Diagnostic> {
        let mut connection = connection.clone();
        let own = &connection.tls;
        if own.ca_pem.is_none() && own.fingerprint_sha256.is_none() && !own.insecure {
            connection.tls.ca_pem.clone_from(&self.ca_pem);
            connection.tls.insecure = self.insecure;
        }
        let key = format!("{connection:?}");
        let mut bmcs = self.bmcs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bmc) = bmcs.get(&key) {
            return Ok(bmc.clone());
        }
        let credentials = self.credentials(&connection.credentials)?;
        let bmc = Bmc::new(&connection, credentials, &self.settings).map_err(|error| {
            diagnostics::redfish(
                &format!("BMC {} cannot be addressed", connection.endpoint),
                &error,
            )
        })?;
        bmcs.insert(key, bmc.clone());
        Ok(bmc)
    }

    fn credentials(&self, name: &str) -> Result<Credentials, Diagnostic> {
        let known = self.credentials.get(name).cloned();
        known
            .or_else(|| config::environment_credentials(name))
            .ok_or_else(|| {
                let names: Vec<_> = self.credentials.keys().map(String::as_str).collect();
                let have = if names.is_empty() {
                    "it has none".to_owned()
                } else {
                    format!("it has {}", names.join(", "))
                };
                let variable = config::environment_name(name);
                Diagnostic::error(
                    "Unknown BMC credentials",
                    format!(
                        "The provider has no credentials named {name:?}; {have}. Add them to \
                     credentials in the provider block, or set \
                     BAREMETAL_CREDENTIALS_{variable}_USERNAME and \
                     BAREMETAL_CREDENTIALS_{variable}_PASSWORD."
                    ),
                )
                .at(Path::root("credentials"))
            })
    }

    /// Deletes every session, all BMCs at once.
    pub(crate) async fn logout(&self) {
        let mut logouts: JoinSet<()> = self
            .take()
            .into_values()
            .map(|bmc| async move { bmc.logout().await })
            .collect();
        while logouts.join_next().await.is_some() {}
    }

    fn take(&self) -> HashMap<String, Bmc> {
        std::mem::take(&mut *self.bmcs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
