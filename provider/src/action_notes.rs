//! Notes of one-shot actions that were begun, so that a run after a killed one does none twice.
//!
//! Terraform stores what a create has made only when it is over. A note is on the disk before the
//! request is sent, and stays until Terraform was seen to know the resource. Notes are in
//! Terraform's data directory, with what else belongs to this working directory alone.

use std::{
    collections::HashSet,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use redfish::RunMark;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config;

/// What is noted of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The resource that it makes.
    pub id: Uuid,
    /// The provider process that began it.
    pub run: Uuid,
    /// Whether it is done.
    pub done: bool,
    power_state: Option<String>,
    last_reset_time: Option<String>,
    boot_progress: Option<String>,
}

impl Note {
    /// One that begins now, with what the server shows before.
    pub(crate) fn new(run: Uuid, before: &RunMark) -> Self {
        Self {
            id: Uuid::new_v4(),
            run,
            done: false,
            power_state: before.power_state.clone(),
            last_reset_time: before.last_reset_time.clone(),
            boot_progress: before.boot_progress.clone(),
        }
    }

    /// The same, once it is done.
    pub(crate) fn finished(mut self) -> Self {
        self.done = true;
        self
    }

    /// What the server showed before.
    pub(crate) fn before(&self) -> RunMark {
        RunMark {
            power_state: self.power_state.clone(),
            last_reset_time: self.last_reset_time.clone(),
            boot_progress: self.boot_progress.clone(),
        }
    }
}

/// The notes of a working directory.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    directory: PathBuf,
}

impl Notes {
    /// Those of the working directory that Terraform runs in.
    pub(crate) fn here() -> Self {
        let data = config::variable("TF_DATA_DIR").unwrap_or_else(|| ".terraform".to_owned());
        Self::at(&Path::new(&data).join("baremetal-actions"))
    }

    fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// The file of the action with this key, and the note that an earlier run has left there. It is
    /// this action's alone from then on: a second one of this run with the same key, or one of
    /// another process, has a file of its own.
    pub(crate) fn open(&self, key: &str, run: Uuid) -> (PathBuf, Option<Note>) {
        let digest = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
        let name: String = digest.as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let mut taken = taken();
        let mut number = 1;
        loop {
            let path = self.directory.join(format!("{name}-{number}.json"));
            number += 1;
            let own = (run, path.clone());
            if taken.contains(&own) {
                continue;
            }
            match read(&path) {
                Some(note) if note.run == run => {}
                Some(left) => {
                    taken.insert(own);
                    return (path, Some(left));
                }
                // Nothing was sent for a file without a note, but it may be about to be.
                None if self.reserve(&path) => {
                    taken.insert(own);
                    return (path, None);
                }
                None => {}
            }
        }
    }

    /// Whether the file is nobody else's. Why one cannot be made, writing it tells.
    fn reserve(&self, path: &Path) -> bool {
        let made = fs::create_dir_all(&self.directory).and_then(|()| {
            fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(path)
        });
        made.map_or_else(
            |error| error.kind() != io::ErrorKind::AlreadyExists,
            |_| true,
        )
    }

    /// Removes the note of a resource that Terraform knows, or knows no more.
    pub(crate) fn forget(&self, id: &str) {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if read(&path).is_some_and(|note| note.id.to_string() == id) {
                remove(&path);
            }
        }
    }
}

/// Writes a note so that it is there after a crash, of this process or of the machine.
pub(crate) fn write(path: &Path, note: &Note) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(directory)?;
    let new = path.with_extension(format!("{}.new", Uuid::new_v4()));
    let mut file = fs::File::create(&new)?;
    file.write_all(&serde_json::to_vec(note)?)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    fs::File::open(directory)?.sync_all()
}

/// Removes a note: nothing was done.
pub(crate) fn remove(path: &Path) {
    taken().retain(|(_, other)| other != path);
    if let Err(error) = fs::remove_file(path) {
        tracing::debug!(path = %path.display(), %error, "a note was not removed");
    }
}

/// The files that actions of this process have, by run.
fn taken() -> MutexGuard<'static, HashSet<(Uuid, PathBuf)>> {
    static TAKEN: LazyLock<Mutex<HashSet<(Uuid, PathBuf)>>> = LazyLock::new(Mutex::default);
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(path: &Path) -> Option<Note> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_found_by_later_runs_and_forgotten_with_its_resource() {
        let directory = tempfile::tempdir().unwrap();
        let notes = Notes::at(&directory.path().join("notes"));
        let (this, later) = (Uuid::new_v4(), Uuid::new_v4());
        let before = RunMark {
            power_state: Some("On".to_owned()),
            ..RunMark::default()
        };
        let (path, left) = notes.open("key", this);
        assert_eq!(left, None);
        let mut note = Note::new(this, &before);
        write(&path, &note).unwrap();
        // A second action of the same run is another one.
        let (second, _) = notes.open("key", this);
        assert_ne!(second, path);
        remove(&second);
        assert_ne!(notes.open("other", later).0, path);
        note.done = true;
        write(&path, &note).unwrap();
        assert_eq!(notes.open("key", later), (path.clone(), Some(note.clone())));
        assert_eq!(note.before(), before);
        notes.forget(&Uuid::new_v4().to_string());
        assert!(path.exists());
        notes.forget(&note.id.to_string());
        assert!(!path.exists());
        assert_eq!(notes.open("key", later), (path, None));
    }

    #[test]
    fn equal_actions_that_begin_at_once_have_a_note_each() {
        let directory = tempfile::tempdir().unwrap();
        let notes = Notes::at(&directory.path().join("notes"));
        let (this, later) = (Uuid::new_v4(), Uuid::new_v4());
        let begun = [notes.open("key", this), notes.open("key", this)];
        assert_ne!(begun[0].0, begun[1].0);
        for (path, left) in &begun {
            assert_eq!(*left, None);
            write(path, &Note::new(this, &RunMark::default())).unwrap();
        }
        // So have those of a later run that find them.
        let found = [notes.open("key", later), notes.open("key", later)];
        assert_eq!(
            found.clone().map(|(path, _)| path),
            begun.map(|(path, _)| path)
        );
        assert!(found.iter().all(|(_, left)| left.is_some()));
        assert_eq!(notes.open("key", later).1, None);
        let files = fs::read_dir(directory.path().join("notes")).unwrap();
        assert_eq!(files.count(), 3, "two notes and what is reserved");
    }
}
