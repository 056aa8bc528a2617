//! The BMCs that this process speaks to: one handle, and so one session, for each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use model::{BmcConnection, Secret};
use redfish::{Authentication, Bmc};
use tfplugin::Diagnostic;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    credentials::CredentialStore,
    diagnostics,
    resources::{canonical, refuse_readable},
};

/// Handles by connection.
pub(crate) struct BmcPool {
    credentials: CredentialStore,
    settings: redfish::Config,
    ca_pem: Option<String>,
    insecure: bool,
    bmcs: Arc<Mutex<Bmcs>>,
    loans: Mutex<HashMap<Uuid, Bmc>>,
}

#[derive(Default)]
struct Bmcs {
    /// By the connection as it was asked for, and by the same in its canonical form with the
    /// provider's trust.
    by_connection: HashMap<BmcConnection, Bmc>,
    /// Those that know a password which is none any more: who uses one goes on with its session.
    retired: Vec<Bmc>,
    /// The passwords that this run has set, by canonical endpoint and user.
    rotated: HashMap<(String, String), Secret>,
}

impl Bmcs {
    /// The password that a handle of this endpoint should have instead of the one it has.
    fn newer(&self, endpoint: &str, bmc: &Bmc) -> Option<&Secret> {
        let own = |((place, user), _): &(&(String, String), &Secret)| {
            place == endpoint && bmc.logs_in_as(user)
        };
        let (_, password) = self.rotated.iter().find(own)?;
        Some(password).filter(|password| !bmc.logs_in_with(password))
    }
}

/// How long a session is kept that nobody uses: longer than the pauses of whoever waits for a
/// server's power, and much shorter than a boot that is waited for.
const IDLE: Duration = Duration::from_secs(5);

/// How many sessions are ended at once: a thousand within the second that a plugin has at its end,
/// where a BMC takes a tenth of one.
const LOGOUTS: usize = 128;

impl BmcPool {
    /// A pool with the provider's settings. Sessions that are idle end while it lives.
    pub(crate) fn new(
        credentials: CredentialStore,
        settings: redfish::Config,
        ca_pem: Option<String>,
        insecure: bool,
    ) -> Self {
        let bmcs = Arc::<Mutex<Bmcs>>::default();
        tokio::spawn(end_idle_sessions(Arc::downgrade(&bmcs)));
        Self {
            credentials,
            settings,
            ca_pem,
            insecure,
            bmcs,
            loans: Mutex::default(),
        }
    }

    /// The handle of a BMC. Nothing is sent to it yet; its credentials are found.
    pub(crate) async fn bmc(&self, connection: &BmcConnection) -> Result<Bmc, Diagnostic> {
        if let Some(bmc) = lock(&self.bmcs).by_connection.get(connection) {
            return Ok(bmc.clone());
        }
        refuse_readable(connection)?;
        let trusted = self.trusted(connection);
        loop {
            let made = self.handle(&trusted).await?;
            let mut bmcs = lock(&self.bmcs);
            // The password may have been changed meanwhile.
            if bmcs.newer(&trusted.endpoint, &made).is_some() {
                continue;
            }
            // Another call may have made one meanwhile; all must share one, and so one session.
            let shared = bmcs.by_connection.entry(trusted).or_insert(made);
            let bmc = shared.clone();
            bmcs.by_connection.insert(connection.clone(), bmc.clone());
            return Ok(bmc);
        }
    }

    /// A handle of its own, whose session is somebody else's to use. It is found by its number.
    pub(crate) async fn lend(&self, connection: &BmcConnection) -> Result<(Uuid, Bmc), Diagnostic> {
        refuse_readable(connection)?;
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

    /// Whether a BMC has to prove who it is before it is told a password.
    pub(crate) fn verifies(&self, connection: &BmcConnection) -> bool {
        let trusted = self.trusted(connection);
        trusted.endpoint.starts_with("https:") && !trusted.tls.insecure
    }

    /// Uses this password from now on for whoever logs in there as this user, however the BMC is
    /// named. The handle that has set it goes on by itself; others make way for new ones.
    pub(crate) fn rotated(&self, connection: &BmcConnection, username: &str, password: Secret) {
        let endpoint = canonical(&connection.endpoint);
        let mut bmcs = lock(&self.bmcs);
        let key = (endpoint.clone(), username.to_owned());
        bmcs.rotated.insert(key, password);
        let outdated: Vec<_> = bmcs
            .by_connection
            .iter()
            .filter(|(other, bmc)| {
                canonical(&other.endpoint) == endpoint && bmcs.newer(&endpoint, bmc).is_some()
            })
            .map(|(other, _)| other.clone())
            .collect();
        for connection in outdated {
            let retired = bmcs.by_connection.remove(&connection);
            bmcs.retired.extend(retired);
        }
    }

    /// The connection in its canonical form, with the provider's trust if it has none of its own.
    fn trusted(&self, connection: &BmcConnection) -> BmcConnection {
        let mut connection = connection.clone();
        connection.endpoint = canonical(&connection.endpoint);
        let own = &connection.tls;
        if own.ca_pem.is_none() && own.fingerprint_sha256.is_none() && !own.insecure {
            connection.tls.ca_pem.clone_from(&self.ca_pem);
            connection.tls.insecure = self.insecure;
        }
        connection
    }

    async fn handle(&self, connection: &BmcConnection) -> Result<Bmc, Diagnostic> {
        let mut credentials = self.credentials.find(&connection.credentials).await?;
        let key = (connection.endpoint.clone(), credentials.username.clone());
        if let Some(password) = lock(&self.bmcs).rotated.get(&key) {
            credentials.password = password.clone();
        }
        Bmc::new(connection, credentials, &self.settings).map_err(|error| {
            diagnostics::redfish(
                &format!("BMC {} cannot be addressed", connection.endpoint),
                &error,
            )
        })
    }

    /// Deletes every session, of many BMCs at once.
    pub(crate) async fn logout(&self) {
        let shared = std::mem::take(&mut *lock(&self.bmcs));
        let shared = shared.by_connection.into_values().chain(shared.retired);
        let lent = std::mem::take(&mut *lock(&self.loans)).into_values();
        let open = shared.chain(lent).filter(Bmc::may_have_session);
        at_once(open, |bmc| async move { bmc.logout().await }).await;
        self.settings.journal.close();
    }

    /// Whether a first request may carry the password, where the BMC is known to take it so.
    pub(crate) fn is_auto(&self) -> bool {
        self.settings.authentication == Authentication::Auto
    }
}

/// Does the same with many BMCs, so many at once as take neither much memory nor long: each request
/// needs a connection, and a new one is TLS on both sides.
async fn at_once<F>(bmcs: impl IntoIterator<Item = Bmc>, work: impl Fn(Bmc) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for bmc in bmcs {
        if running.len() >= LOGOUTS {
            running.join_next().await;
        }
        running.spawn(work(bmc));
    }
    while running.join_next().await.is_some() {}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Thousands of sessions that all end with the process could not be ended in its last second.
async fn end_idle_sessions(bmcs: Weak<Mutex<Bmcs>>) {
    loop {
        tokio::time::sleep(IDLE / 5).await;
        let Some(bmcs) = bmcs.upgrade() else {
            return;
        };
        let open: Vec<Bmc> = {
            let bmcs = lock(&bmcs);
            let all = bmcs.by_connection.values().chain(&bmcs.retired);
            let open = all.filter(|bmc| bmc.may_have_session());
            open.cloned().collect()
        };
        drop(bmcs);
        at_once(open, |bmc| async move { bmc.logout_if_idle(IDLE).await }).await;
    }
}

#[cfg(test)]
mod tests;
