//! The handle of one BMC.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::{Duration, Instant},
};

use model::{BmcConnection, Secret};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    connections::Connections,
    error::Error,
    lane::PLACES,
    patch::Rung,
    quirks::Quirks,
    retry::Timing,
    service_root::ServiceRoot,
    session::{SessionJournal, State},
    wire::Wire,
};

/// Who logs in. It has no `Debug`, because it holds a password.
#[derive(Clone)]
pub struct Credentials {
    /// The account's name.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

/// How to prove who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// By the credentials themselves with the first request, if the BMC is known to say that it
    /// takes them so ([`Bmc::expect_basic`]), and by a session from the second on: a lone request
    /// costs one round trip instead of three, and several cost one session. By a session from the
    /// first on, if that is not known.
    #[default]
    Auto,
    /// By a session: a login before the first request and a logout after the last. A BMC without
    /// sessions, or without a free one, gets the credentials themselves.
    Session,
    /// By the credentials themselves, with every request: the BMC checks the password each time.
    Basic,
}

/// How patient to be, and what to share.
#[derive(Clone, Debug)]
pub struct Config {
    /// How to prove who asks.
    pub authentication: Authentication,
    /// The connections to share with the other BMCs of this process.
    pub connections: Connections,
    /// Where sessions are noted while they are open, so that those of a process that was killed are
    /// ended by the next that logs in.
    pub journal: SessionJournal,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How often a request that got no answer is sent again, if it is safe to. A BMC that answers
    /// but is busy is waited for up to 40 s for each. With 0, nothing is sent twice.
    pub max_retries: u32,
    /// What is known of BMCs.
    pub quirks: Quirks,
    /// Ends every request and every wait when it is cancelled, with [`Error::Stopped`].
    pub stop: CancellationToken,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            authentication: Authentication::default(),
            connections: Connections::default(),
            journal: SessionJournal::default(),
            request_timeout: Duration::from_secs(60),
            max_retries: 3,
            quirks: Quirks::default(),
            stop: CancellationToken::new(),
        }
    }
}

/// A BMC. Have one for each endpoint and user in a process, and clone it: the clones share one
/// session, one place in the queue and what was learned about the BMC.
#[derive(Clone)]
pub struct Bmc {
    pub(crate) inner: Arc<Inner>,
}

/// What the clones of a handle share.
pub(crate) struct Inner {
    pub(crate) wire: Wire,
    pub(crate) timing: Timing,
    pub(crate) max_retries: u32,
    pub(crate) quirks: Quirks,
    pub(crate) authentication: Authentication,
    pub(crate) journal: SessionJournal,
    pub(crate) permits: Semaphore,
    pub(crate) session: tokio::sync::Mutex<State>,
    pub(crate) generation: AtomicU64,
    pub(crate) root: Mutex<Option<Arc<ServiceRoot>>>,
    learned: Mutex<Learned>,
    last_used: Mutex<Instant>,
}

/// What this BMC taught. Hints only say what to try first.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    /// Which `If-Match` a resource took.
    pub(crate) rungs: HashMap<String, Rung>,
    /// The systems whose boot override is taken by their settings resource only.
    pub(crate) override_in_settings: HashMap<String, bool>,
    /// A request with these credentials was done.
    pub(crate) credentials_worked: bool,
    /// When the session was last seen alive by a look that was for that alone.
    pub(crate) session_seen: Option<Instant>,
    /// What is not found is not there, whatever session asks.
    pub(crate) missing_is_missing: bool,
    /// Expanding a collection failed.
    pub(crate) no_expand: bool,
    /// Whether the BMC says that it takes Basic.
    pub(crate) advertises_basic: Option<bool>,
}

impl Bmc {
    /// A handle. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidConfig`] if the endpoint is no URL of a host, or the certificates or the
    /// fingerprint to trust cannot be read.
    pub fn new(
        connection: &BmcConnection,
        credentials: Credentials,
        config: &Config,
    ) -> Result<Self, Error> {
        Self::with_timing(connection, credentials, config, Timing::REAL)
    }

    pub(crate) fn with_timing(
        connection: &BmcConnection,
        credentials: Credentials,
        config: &Config,
        timing: Timing,
    ) -> Result<Self, Error> {
        let inner = Inner {
            wire: Wire::new(connection, credentials, config)?,
            timing,
            max_retries: config.max_retries,
            quirks: config.quirks.clone(),
            authentication: config.authentication,
            journal: config.journal.clone(),
            permits: Semaphore::new(PLACES as usize),
            session: tokio::sync::Mutex::new(State::Fresh),
            generation: AtomicU64::new(0),
            root: Mutex::new(None),
            learned: Mutex::default(),
            last_used: Mutex::new(Instant::now()),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The BMC's origin, as it was given.
    pub fn endpoint(&self) -> &str {
        self.inner.wire.origin.as_str()
    }

    /// Reads the service root. It needs no login, so it tells whether the BMC answers at all.
    pub async fn service_root(&self) -> Result<ServiceRoot, Error> {
        Ok(ServiceRoot::clone(&*self.inner.shared().read_root().await?))
    }

    /// Deletes the session, within a second and even after [`Config::stop`]. Errors are ignored: a
    /// session that stays expires. A later request logs in again.
    pub async fn logout(&self) {
        self.inner.logout().await;
    }

    /// Whether there may be a session to delete. Also true while a request is about to open one.
    pub fn may_have_session(&self) -> bool {
        let state = self.inner.session.try_lock();
        state.map_or(true, |state| matches!(*state, State::Session(_)))
    }

    /// Deletes the session, if nothing was asked for as long as `idle` and nothing is on the way.
    /// It would occupy one of the few places that a BMC has. A later request logs in again.
    pub async fn logout_if_idle(&self, idle: Duration) {
        self.inner.logout_if_idle(idle).await;
    }
}

impl fmt::Debug for Bmc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bmc")
            .field("endpoint", &self.endpoint())
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Looks at, or adds to, what was learned.
    pub(crate) fn learned<T>(&self, with: impl FnOnce(&mut Learned) -> T) -> T {
        with(&mut self.learned.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that the BMC was asked something just now.
    pub(crate) fn touch(&self) {
        *self
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether nothing was asked for so long, no request is on the way and no change has its turn.
    pub(crate) fn is_idle_for(&self, idle: Duration) -> bool {
        let last_used = *self
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.permits.available_permits() == PLACES as usize && last_used.elapsed() >= idle
    }
}
