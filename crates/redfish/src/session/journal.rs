//! Which sessions this user's processes on this machine have open, on disk: what a process that was
//! killed left behind is found by the next one.
//!
//! Each process has a directory of its own, and holds the lock of the file `lock` in it for as long
//! as it lives. So the kernel says who is alive: it lets go of the locks of a process that ends,
//! however it ends, and no number of a process can be mistaken for an older one's. Beside the lock
//! is a file for each open session. It names the BMC, the user and the session, and holds neither a
//! token nor a password.

mod files;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// The sessions that are open, and those that were left behind. The default notes nothing. Clones
/// are the same journal.
#[derive(Clone, Default)]
pub struct SessionJournal(Option<Arc<Shared>>);

struct Shared {
    root: PathBuf,
    own: Mutex<Own>,
    left: OnceLock<Mutex<Left>>,
}

/// What killed processes left, by endpoint and user.
type Left = HashMap<(String, String), Vec<(Record, Note)>>;

/// This process's directory, once it has opened a session.
#[derive(Default)]
struct Own {
    directory: Option<(PathBuf, File)>,
    noted: u64,
}

/// A session that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The BMC's origin.
    pub(crate) endpoint: String,
    /// Who logged in.
    pub(crate) username: String,
    /// Its resource.
    pub(crate) uri: String,
    /// When the BMC says that it was created, if it does.
    pub(crate) created: Option<String>,
}

/// Where a session is noted.
#[derive(Clone, Debug)]
pub(crate) struct Note(PathBuf);

impl Note {
    /// The session has ended.
    pub(crate) fn erase(&self) {
        let _may_be_gone = std::fs::remove_file(&self.0);
    }
}

impl SessionJournal {
    /// A journal in `root`, which must be a directory that nobody else can write to: who can, can
    /// have sessions ended.
    pub fn at(root: &Path) -> Self {
        Self(Some(Arc::new(Shared {
            root: root.to_owned(),
            own: Mutex::default(),
            left: OnceLock::new(),
        })))
    }

    /// Clears up behind this process, and behind those whose sessions it has ended. What is still
    /// open is left for the next.
    pub fn close(&self) {
        let Some(shared) = &self.0 else {
            return;
        };
        let mut own = shared.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((directory, _lock)) = own.directory.take() {
            files::remove_if_empty(&directory);
        }
        for owner in files::owners(&shared.root).filter(|owner| !files::is_alive(owner)) {
            files::remove_if_empty(&owner);
        }
    }

    /// Notes a session. One that cannot be noted is open all the same.
    pub(crate) fn note(&self, record: &Record) -> Option<Note> {
        let shared = self.0.as_ref()?;
        let mut own = shared.own.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = shared.write(&mut own, record);
        match noted {
            Ok(note) => Some(note),
            Err(error) => {
                let root = shared.root.display();
                tracing::debug!(%root, %error, "the session is not noted");
                None
            }
        }
    }

    /// Whether somebody who is no more may have left a session of this user on this BMC.
    pub(crate) fn has_left(&self, endpoint: &str, username: &str) -> bool {
        let key = (endpoint.to_owned(), username.to_owned());
        self.left(|left| left.contains_key(&key)).unwrap_or(false)
    }

    /// What was left on this BMC, once.
    pub(crate) fn take_left(&self, endpoint: &str, username: &str) -> Vec<(Record, Note)> {
        let key = (endpoint.to_owned(), username.to_owned());
        self.left(|left| left.remove(&key).unwrap_or_default())
            .unwrap_or_default()
    }

    /// Whether a living process, this one among them, has a session at this place.
    pub(crate) fn is_in_use(&self, record: &Record) -> bool {
        let Some(shared) = &self.0 else {
            return false;
        };
        files::owners(&shared.root)
            .filter(|owner| files::is_alive(owner))
            .flat_map(|owner| files::notes(&owner))
            .any(|(other, _)| other.endpoint == record.endpoint && other.uri == record.uri)
    }

    fn left<T>(&self, with: impl FnOnce(&mut Left) -> T) -> Option<T> {
        let shared = self.0.as_ref()?;
        // Looked for once: a process that is killed while this one runs is the next one's to see.
        let left = shared.left.get_or_init(|| Mutex::new(shared.look()));
        Some(with(
            &mut left.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

impl Shared {
    fn look(&self) -> Left {
        let mut left = Left::new();
        for owner in files::owners(&self.root).filter(|owner| !files::is_alive(owner)) {
            for (record, note) in files::notes(&owner) {
                let key = (record.endpoint.clone(), record.username.clone());
                left.entry(key).or_default().push((record, note));
            }
            files::remove_if_empty(&owner);
        }
        left
    }

    fn write(&self, own: &mut Own, record: &Record) -> std::io::Result<Note> {
        let directory = match &own.directory {
            Some((directory, _)) => directory,
            None => &own.directory.insert(files::new_owner(&self.root)?).0,
        };
        own.noted += 1;
        files::write(directory, own.noted, record).map(Note)
    }
}

impl fmt::Debug for SessionJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.0.as_ref().map(|shared| &shared.root);
        f.debug_tuple("SessionJournal").field(&root).finish()
    }
}
