//! The file of the store, opened, and opened again after it failed.

use std::{
    fs::{self, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use redb::Database;

use super::{Error, writer};

/// The database in a file.
///
/// After one failed write redb refuses every other, and a disk that was full for a minute would end
/// the agent's work for good. So it is closed then, and whoever needs it next opens it again.
pub(super) struct Reopening {
    path: PathBuf,
    open: RwLock<Option<Arc<Database>>>,
}

impl Reopening {
    /// Opens the file, which is made if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error| match error {
            redb::Error::DatabaseAlreadyOpen => Error::InUse {
                path: path.to_owned(),
            },
            error => Error::Open {
                path: path.to_owned(),
                source: Box::new(error),
            },
        };
        if !path.try_exists().unwrap_or(true) {
            make(path).map_err(failed)?;
        }
        let database = open(path).map_err(failed)?;
        writer::prepare(&database)?;
        Ok(Self {
            path: path.to_owned(),
            open: RwLock::new(Some(Arc::new(database))),
        })
    }

    /// The database. Nobody may keep it longer than for one transaction.
    pub(super) fn get(&self) -> Result<Arc<Database>, redb::Error> {
        if let Some(database) = &*self.open.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(database));
        }
        let mut slot = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = &*slot {
            return Ok(Arc::clone(database));
        }
        // As long as a reader has the one that failed, this is refused, and tried again.
        let database = Arc::new(open(&self.path)?);
        *slot = Some(Arc::clone(&database));
        Ok(database)
    }

    /// Closes what failed.
    pub(super) fn close(&self) {
        let mut slot = self.open.write().unwrap_or_else(PoisonError::into_inner);
        drop(slot.take());
    }
}

/// Makes an empty store as a whole: one whose making was cut short is no database, and nobody would
/// dare to remove it.
fn make(path: &Path) -> Result<(), redb::Error> {
    let draft = path.with_added_extension("new");
    let io = redb::StorageError::Io;
    // What an earlier process did not finish.
    let _absent = fs::remove_file(&draft);
    drop(open(&draft)?);
    let linked = fs::hard_link(&draft, path);
    let _absent = fs::remove_file(&draft);
    match linked {
        // Another agent was faster. Opening says who has it.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        linked => linked.map_err(io)?,
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    fs::File::open(dir.unwrap_or_else(|| Path::new(".")))
        .and_then(|dir| dir.sync_all())
        .map_err(io)?;
    Ok(())
}

fn open(path: &Path) -> Result<Database, redb::Error> {
    // Payloads in it are sealed, but who boots what is nobody else's business either.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(redb::StorageError::Io)?;
    Ok(Database::builder().create_file(file)?)
}
