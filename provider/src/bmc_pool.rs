//! The BMCs that this process speaks to: one handle, and so one session, for each.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::BmcConnection;
use redfish::Bmc;
use tfplugin::Diagnostic;
use tokio::task::JoinSet;

use crate::{credentials::CredentialStore, diagnostics};

/// Handles by endpoint, credentials and trust.
pub(crate) struct BmcPool {
    credentials: CredentialStore,
    settings: redfish::Config,
    ca_pem: Option<String>,
    insecure: bool,
    bmcs: Mutex<HashMap<String, Bmc>>,
}

impl BmcPool {
    /// A pool with the provider's settings.
    pub(crate) fn new(
        credentials: CredentialStore,
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

    /// The handle of a BMC. Nothing is sent to it yet; its credentials are found.
    pub(crate) async fn bmc(&self, connection: &BmcConnection) -> Result<Bmc, Diagnostic> {
        let mut connection = connection.clone();
        let own = &connection.tls;
        if own.ca_pem.is_none() && own.fingerprint_sha256.is_none() && !own.insecure {
            connection.tls.ca_pem.clone_from(&self.ca_pem);
            connection.tls.insecure = self.insecure;
        }
        let key = format!("{connection:?}");
        if let Some(bmc) = self.lock().get(&key) {
            return Ok(bmc.clone());
        }
        let credentials = self.credentials.find(&connection.credentials).await?;
        let bmc = Bmc::new(&connection, credentials, &self.settings).map_err(|error| {
            diagnostics::redfish(
                &format!("BMC {} cannot be addressed", connection.endpoint),
                &error,
            )
        })?;
        // Another call may have made one meanwhile; all must share one, and so one session.
        Ok(self.lock().entry(key).or_insert(bmc).clone())
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
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Bmc>> {
        self.bmcs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
