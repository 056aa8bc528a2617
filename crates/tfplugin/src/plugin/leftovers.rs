//! What providers that were killed have left behind.

use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    path::Path,
    time::Duration,
};

/// The name of the directory of a process, whose second half makes it unique.
pub(super) fn name(process: u32, unique: u128) -> String {
    format!("tf-{process}-{unique:x}")
}

/// Removes the directories in `base` whose process was killed.
///
/// `own` is a directory of this process: only those of the same user count. One that cannot be
/// looked at or removed stays.
pub(super) fn remove(base: &Path, own: &Path) {
    let (Ok(entries), Ok(owner)) = (fs::read_dir(base), fs::symlink_metadata(own)) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(process) else {
            continue;
        };
        let directory = entry.path();
        if directory != own && abandoned(&directory, process, owner.uid()) {
            // Nothing but the socket is ours to remove.
            drop(fs::remove_file(directory.join(SOCKET)));
            match fs::remove_dir(&directory) {
                Ok(()) => tracing::debug!(process, "removed the socket of a killed provider"),
                Err(error) => tracing::debug!(process, %error, "a killed provider's socket stays"),
            }
        }
    }
}

/// The process that has made a directory of this name.
fn process(name: &str) -> Option<u32> {
    let (process, unique) = name.strip_prefix("tf-")?.split_once('-')?;
    u128::from_str_radix(unique, 16).ok()?;
    process.parse().ok()
}

/// Whether nobody uses the directory any more.
///
/// That no such process is to be seen is not enough: it may be in another container. Then somebody
/// answers at the socket, or is just about to make it.
fn abandoned(directory: &Path, process: u32, user: u32) -> bool {
    let Ok(metadata) = fs::symlink_metadata(directory) else {
        return false;
    };
    let ours = metadata.is_dir()
        && metadata.uid() == user
        && metadata.permissions().mode() & 0o777 == 0o700;
    if !ours || Path::new("/proc").join(process.to_string()).exists() {
        return false;
    }
    match UnixStream::connect(directory.join(SOCKET)).map_err(|error| error.kind()) {
        Err(io::ErrorKind::ConnectionRefused) => true,
        Err(io::ErrorKind::NotFound) => {
            let age = metadata
                .modified()
                .ok()
                .and_then(|made| made.elapsed().ok());
            age.is_some_and(|age| age > STARTING)
        }
        Ok(_) | Err(_) => false,
    }
}

/// The socket in the directory.
pub(super) const SOCKET: &str = "s";
/// Longer than it takes from making the directory to listening in it.
const STARTING: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, os::unix::net::UnixListener};

    use super::*;

    /// Greater than any process's number.
    const GONE: u32 = u32::MAX;

    fn directory(base: &Path, name: &str, mode: u32) -> std::path::PathBuf {
        let path = base.join(name);
        DirBuilder::new().mode(mode).create(&path).unwrap();
        path
    }

    #[test]
    fn only_a_directory_of_ours_whose_process_is_gone_is_removed() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path();
        let own = directory(base, &name(std::process::id(), 1), 0o700);
        let killed = directory(base, &name(GONE, 2), 0o700);
        drop(UnixListener::bind(killed.join(SOCKET)).unwrap());

        let mut stay = vec![own.clone()];
        // Another container's, which answers; one that is just starting; a living one.
        let answers = directory(base, &name(GONE, 3), 0o700);
        let _listener = UnixListener::bind(answers.join(SOCKET)).unwrap();
        stay.extend([answers, directory(base, &name(GONE, 4), 0o700)]);
        stay.push(directory(base, &name(std::process::id(), 5), 0o700));
        // Others than ours by name or by mode, and one with something else in it.
        for (name, mode) in [
            ("tf-x-1", 0o700),
            ("tf-4294967295-xyz", 0o700),
            ("tf", 0o700),
        ] {
            stay.push(directory(base, name, mode));
        }
        for (unique, mode) in [(6, 0o755), (7, 0o700)] {
            let path = directory(base, &name(GONE, unique), mode);
            drop(UnixListener::bind(path.join(SOCKET)).unwrap());
            fs::write(path.join("other"), "").unwrap();
            stay.push(path);
        }
        let link = base.join(name(GONE, 8));
        std::os::unix::fs::symlink(&own, &link).unwrap();
        stay.push(link);

        remove(base, &own);
        assert!(!killed.exists());
        for path in stay {
            assert!(fs::symlink_metadata(&path).is_ok(), "{}", path.display());
        }
    }
}
