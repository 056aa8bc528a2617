//! The agent's memory: keys and values on stable storage, changed by compare-and-swap.
//!
//! Everything is synchronous and may block on the disk; whoever awaits calls it through
//! [`Store::run`]. A commit is durable when it returns. One thread writes: it takes every commit
//! that is waiting into one transaction, so that a burst costs one flush and not one each.
//!
//! **Invariant:** a version is never used twice, not even for a key that was deleted in between.

mod database;
mod op;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use redb::{ReadableDatabase as _, TableDefinition};
use serde::de::DeserializeOwned;

pub use self::op::{Expect, Op};
use self::{database::Reopening, writer::Commit};

/// What is kept apart from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// Registered servers by id.
    Servers,
    /// Server ids by MAC address.
    Macs,
    /// The revision that each boot config is at, by id.
    BootConfigs,
    /// What boot configs say, by `id/revision`.
    Revisions,
    /// The payloads of boot configs, sealed, by `id/revision`.
    Payloads,
    /// Which server's claim refers to which boot config: `id/server`.
    Uses,
    /// Claims by server id.
    Claims,
    /// Leases; their keys are the DHCP service's affair.
    Leases,
    /// Boot tokens by the SHA-256 of their text.
    Tokens,
    /// Which tokens a server has: `server/hash`.
    TokensOf,
    /// Subnets that came over the API, by id.
    Subnets,
    /// Reservations by id.
    Reservations,
    /// Ids by what may be there once only; the keys are the affair of whoever keeps it so.
    Index,
    /// Pinned images by id.
    Images,
    /// What happened to servers; the keys are the history's affair.
    Events,
    /// Endpoints by MAC address.
    Endpoints,
    /// What concerns the store itself.
    Meta,
}

impl Table {
    const ALL: [Self; 17] = [
        Self::Servers,
        Self::Macs,
        Self::BootConfigs,
        Self::Revisions,
        Self::Payloads,
        Self::Uses,
        Self::Claims,
        Self::Leases,
        Self::Tokens,
        Self::TokensOf,
        Self::Subnets,
        Self::Reservations,
        Self::Index,
        Self::Images,
        Self::Events,
        Self::Endpoints,
        Self::Meta,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Macs => "macs",
            Self::BootConfigs => "boot_configs",
            Self::Revisions => "revisions",
            Self::Payloads => "payloads",
            Self::Uses => "uses",
            Self::Claims => "claims",
            Self::Leases => "leases",
            Self::Tokens => "tokens",
            Self::TokensOf => "tokens_of",
            Self::Subnets => "subnets",
            Self::Reservations => "reservations",
            Self::Index => "index",
            Self::Images => "images",
            Self::Events => "events",
            Self::Endpoints => "endpoints",
            Self::Meta => "meta",
        }
    }

    const fn definition(self) -> TableDefinition<'static, &'static str, &'static [u8]> {
        TableDefinition::new(self.as_str())
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value and the version to expect when it is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The version.
    pub version: u64,
    /// The value.
    pub value: T,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened.
    #[error("failed to open the store {}", path.display())]
    Open {
        /// Its file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<redb::Error>,
    },
    /// Another agent has it.
    #[error(
        "the store {} is in use by another agent; stop that one, or give each a state_dir of its own",
        path.display()
    )]
    InUse {
        /// Its file.
        path: PathBuf,
    },
    /// It was written by an agent that this one does not understand.
    #[error(
        "the store is of format {found}, this agent understands {FORMAT}; run the agent that wrote \
         it, or a later one"
    )]
    Format {
        /// The format it has.
        found: u64,
    },
    /// Reading or writing failed.
    #[error("the store failed")]
    Storage(#[source] Arc<redb::Error>),
    /// What is stored is not what belongs there. The value is not shown.
    #[error("the entry {key:?} of table {table} cannot be read: line {line}, column {column}")]
    Decode {
        /// The table.
        table: Table,
        /// The key.
        key: String,
        /// Where in the JSON text.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// A value cannot be stored.
    #[error("the entry {key:?} of table {table} cannot be written")]
    Encode {
        /// The table.
        table: Table,
        /// The key.
        key: String,
    },
    /// Somebody else changed the key first; nothing was written.
    #[error("the entry {key:?} of table {table} was changed by somebody else")]
    Conflict {
        /// The table.
        table: Table,
        /// The key, or the prefix of the key.
        key: String,
    },
    /// The store is being closed.
    #[error("the store is closed")]
    Closed,
}

impl<E: Into<redb::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Storage(Arc::new(error.into()))
    }
}

impl Error {
    /// Whether somebody else was first, so that reading again and trying again makes sense.
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}

/// The store. Clones are the same store; the last one to go closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    // `None` only while it is being dropped.
    commits: Option<mpsc::Sender<Commit>>,
    database: Arc<Reopening>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The writer ends when nobody can send to it. Waiting for it frees the file, so that
        // whoever dropped the store may open it again.
        drop(self.commits.take());
        let writer = self
            .writer
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.take() {
            let _panicked = writer.join();
        }
    }
}

impl Store {
    /// Opens the store in the file `path`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is in use by another agent, is no store, or is of another
    /// format.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let database = Arc::new(Reopening::open(path)?);
        let (commits, queue) = mpsc::channel();
        let written = Arc::clone(&database);
        let writer = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer::run(&written, &queue))
            .map_err(redb::StorageError::Io)?;
        Ok(Self {
            inner: Arc::new(Inner {
                commits: Some(commits),
                database,
                writer: Mutex::new(Some(writer)),
            }),
        })
    }

    /// The value of a key.
    ///
    /// # Errors
    ///
    /// If reading fails or what is there is no `T`.
    pub fn get<T: DeserializeOwned>(
        &self,
        table: Table,
        key: &str,
    ) -> Result<Option<Versioned<T>>, Error> {
        let read = self.inner.database.get()?.begin_read()?;
        let open = read.open_table(table.definition())?;
        let Some(bytes) = open.get(key)? else {
            return Ok(None);
        };
        op::decode(table, key, bytes.value()).map(Some)
    }

    /// Every key of a table and its value, in the order of the keys.
    ///
    /// # Errors
    ///
    /// As [`Store::get`].
    pub fn list<T: DeserializeOwned>(
        &self,
        table: Table,
    ) -> Result<Vec<(String, Versioned<T>)>, Error> {
        self.list_under(table, "")
    }

    /// Every key that starts with `prefix`, and its value, in the order of the keys.
    ///
    /// # Errors
    ///
    /// As [`Store::get`].
    pub fn list_under<T: DeserializeOwned>(
        &self,
        table: Table,
        prefix: &str,
    ) -> Result<Vec<(String, Versioned<T>)>, Error> {
        let read = self.inner.database.get()?.begin_read()?;
        let open = read.open_table(table.definition())?;
        let mut found = Vec::new();
        for entry in open.range(prefix..)? {
            let (key, value) = entry?;
            if !key.value().starts_with(prefix) {
                break;
            }
            let value = op::decode(table, key.value(), value.value())?;
            found.push((key.value().to_owned(), value));
        }
        Ok(found)
    }

    /// Does all of `ops`, or none if one of them does not find what it expects. It is on stable
    /// storage when this returns.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] for the first operation that did not find what it expects.
    pub fn commit(&self, ops: Vec<Op>) -> Result<(), Error> {
        let (answer, answered) = mpsc::sync_channel(1);
        let commits = self.inner.commits.as_ref().ok_or(Error::Closed)?;
        commits
            .send(Commit { ops, answer })
            .map_err(|_unsent| Error::Closed)?;
        answered.recv().map_err(|_writer_is_gone| Error::Closed)?
    }

    /// Runs `work`, which may block on the disk, without holding up the task that awaits it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> T {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(value) => value,
            // Blocking work is not cancelled, so this is its panic, which goes on here.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_cancelled) => std::future::pending().await,
            },
        }
    }
}

/// The format that this agent writes.
const FORMAT: u64 = 1;

#[cfg(test)]
mod tests;
