//! The BMCs that this process speaks to: one handle, and so one session, for each.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::BmcConnection;
use redfish::Bmc;
use tfplugin::Diagnostic;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{credentials::CredentialStore, diagnostics};

/// Handles by endpoint, credentials and trust.
pub(crate) struct BmcPool {
    credentials: CredentialStore,
    settings: redfish::Config,
    ca_pem: Option<String>,
    insecure: bool,
    bmcs: Mutex<HashMap<String, Bmc>>,
    loans: Mutex<HashMap<Uuid, Bmc>>,
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
            loans: Mutex::default(),
        }
    }

    /// The handle of a BMC. Nothing is sent to it yet; its credentials are found.
    pub(crate) async fn bmc(&self, connection: &BmcConnection) -> Result<Bmc, Diagnostic> {
        let connection = self.trusted(connection);
        let key = format!("{connection:?}");
        if let Some(bmc) = lock(&self.bmcs).get(&key) {
            return Ok(bmc.clone());
        }
        let bmc = self.handle(&connection).await?;
        // Another call may have made one meanwhile; all must share one, and so one session.
        Ok(lock(&self.bmcs).entry(key).or_insert(bmc).clone())
    }

    /// A handle of its own, whose session is somebody else's to use. It is found by its number.
    pub(crate) async fn lend(&self, connection: &BmcConnection) -> Result<(Uuid, Bmc), Diagnostic> {
        let bmc = self.handle(&self.trusted(connection)).await?;
        let loan = Uuid::new_v4();
        lock(&self.loans).insert(loan, bmc.clone());
        Ok((loan, bmc))
    }

    /// What was lent under this number, if it was not given back.
    pub(crate) fn lent(&self, loan: Uuid) -> Option<Bmc> {
        lock(&self.loans).get(&loan).cloned()
    }

    /// Ends the session that was lent.
    pub(crate) async fn give_back(&self, loan: Uuid) {
        let bmc = lock(&self.loans).remove(&loan);
        if let Some(bmc) = bmc {
            bmc.logout().await;
        }
    }

    /// The connection with the provider's trust, if it has none of its own.
    fn trusted(&self, connection: &BmcConnection) -> BmcConnection {
        let mut connection = connection.clone();
        let own = &connection.tls;
        if own.ca_pem.is_none() && own.fingerprint_sha256.is_none() && !own.insecure {
            connection.tls.ca_pem.clone_from(&self.ca_pem);
            connection.tls.insecure = self.insecure;
        }
        connection
    }

    async fn handle(&self, connection: &BmcConnection) -> Result<Bmc, Diagnostic> {
        let credentials = self.credentials.find(&connection.credentials).await?;
        Bmc::new(connection, credentials, &self.settings).map_err(|error| {
            diagnostics::redfish(
                &format!("BMC {} cannot be addressed", connection.endpoint),
                &error,
            )
        })
    }

    /// Deletes every session, all BMCs at once.
    pub(crate) async fn logout(&self) {
        let shared = std::mem::take(&mut *lock(&self.bmcs)).into_values();
        let lent = std::mem::take(&mut *lock(&self.loans)).into_values();
        let mut logouts: JoinSet<()> = shared
            .chain(lent)
            .map(|bmc| async move { bmc.logout().await })
            .collect();
        while logouts.join_next().await.is_some() {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
