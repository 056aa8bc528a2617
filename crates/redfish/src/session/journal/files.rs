//! The files of the journal. Whatever is not as it was written is passed over.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{Note, Record};

/// The directories of the processes, living or not.
pub(super) fn owners(root: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            // One that is being made has no lock yet.
            let is_made = name.to_str().is_some_and(|name| name.starts_with(MADE));
            is_made && entry.file_type().is_ok_and(|kind| kind.is_dir())
        })
        .map(|entry| entry.path())
}

/// Whether the process of this directory lives. Who asks takes the lock too, but shared: several
/// may ask at once.
pub(super) fn is_alive(owner: &Path) -> bool {
    match File::open(owner.join(LOCK)) {
        Ok(lock) => lock.try_lock_shared().is_err(),
        Err(_gone) => false,
    }
}

/// What is noted in a directory. What is too old to be open is removed.
pub(super) fn notes(owner: &Path) -> Vec<(Record, Note)> {
    let entries = fs::read_dir(owner).into_iter().flatten().flatten();
    let notes = entries.filter_map(|entry| {
        let path = entry.path();
        let is_note = path.extension().is_some_and(|end| end == NOTE);
        if !is_note || !entry.file_type().ok()?.is_file() {
            return None;
        }
        let written = entry.metadata().ok()?.modified().ok()?;
        let record = read(&path);
        let longest = match &record {
            Some(Record {
                created: Some(_), ..
            }) => LONGEST,
            _ => LONGEST_UNDATED,
        };
        let age = SystemTime::now().duration_since(written);
        if age.unwrap_or_default() > longest {
            let _gone = fs::remove_file(&path);
            return None;
        }
        Some((record?, Note(path)))
    });
    notes.collect()
}

/// Makes the directory of this process and takes its lock. Nobody sees it without.
pub(super) fn new_owner(root: &Path) -> io::Result<(PathBuf, File)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let name = format!(
        "{}-{}",
        std::process::id(),
        now.unwrap_or_default().as_nanos()
    );
    let making = root.join(format!("making-{name}"));
    DirBuilder::new().mode(0o700).create(&making)?;
    let lock = create(&making.join(LOCK))?;
    lock.lock()?;
    let made = root.join(format!("{MADE}{name}"));
    fs::rename(&making, &made)?;
    Ok((made, lock))
}

/// Writes a note.
pub(super) fn write(owner: &Path, number: u64, record: &Record) -> io::Result<PathBuf> {
    let path = owner.join(number.to_string()).with_extension(NOTE);
    let text = json!({
        "endpoint": record.endpoint,
        "username": record.username,
        "uri": record.uri,
        "created": record.created,
    });
    create(&path)?.write_all(text.to_string().as_bytes())?;
    Ok(path)
}

/// Removes the directory of a process that has nothing open any more.
pub(super) fn remove_if_empty(owner: &Path) {
    let entries = fs::read_dir(owner).into_iter().flatten().flatten();
    if entries.into_iter().all(|entry| entry.file_name() == LOCK) {
        let _gone = fs::remove_file(owner.join(LOCK));
        let _kept_by_what_is_in_it = fs::remove_dir(owner);
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

fn read(path: &Path) -> Option<Record> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(MAX_NOTE).read_to_string(&mut text).ok()?;
    let note: Value = serde_json::from_str(&text).ok()?;
    let text = |name: &str| note.get(name)?.as_str().map(str::to_owned);
    let record = Record {
        endpoint: text("endpoint")?,
        username: text("username")?,
        uri: text("uri")?,
        created: text("created"),
    };
    // Whatever a note says, nothing but a session is ever deleted.
    let is_session = record.uri.starts_with("/redfish/") && record.uri.contains("/Sessions/");
    let is_plain = !record.uri.contains("..") && !record.uri.contains(['?', '#', '\\', '%']);
    (is_session && is_plain).then_some(record)
}

const LOCK: &str = "lock";
const NOTE: &str = "session";
const MADE: &str = "process-";
/// A name and three short texts.
const MAX_NOTE: u64 = 8192;
/// `SessionTimeout` is a day at the most (DSP0268, `SessionService`).
const LONGEST: Duration = Duration::from_secs(86_400);
/// One without a date cannot be told from a later one of the same number. Most BMCs end a session
/// after as long as this.
const LONGEST_UNDATED: Duration = Duration::from_secs(1800);
