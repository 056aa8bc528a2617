//! Small files with a secret, readable by their owner alone.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use model::Secret;

use crate::digest;

/// Why a secret cannot be had from its file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file cannot be made.
    #[error("failed to make {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Others can read it.
    #[error(
        "{} has mode {mode:04o}, so others than its owner can use it; run chmod 0600 on it, and \
         replace its content if they may have read it",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds something that could be guessed, or that no header can carry.
    #[error(
        "{} holds no token, which is one word of at least {SHORTEST} printable ASCII characters; \
         remove it to have one made",
        path.display()
    )]
    NoToken {
        /// The file.
        path: PathBuf,
    },
    /// It holds nothing.
    #[error("{} is empty; remove it to have a new one made", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The text in the file `path`. If there is no such file, it is made with random text.
pub(crate) fn read_or_create(path: &Path) -> Result<Secret, Error> {
    match create(path) {
        Err(Error::Create { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
            read(path)
        }
        made => made,
    }
}

/// The API token in the file `path`, which is made if it is not there.
pub(crate) fn token(path: &Path) -> Result<Secret, Error> {
    let token = read_or_create(path)?;
    let text = token.expose();
    if text.len() < SHORTEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::NoToken {
            path: path.to_owned(),
        });
    }
    Ok(token)
}

/// Makes the file as a whole: one that was cut short by a full disk or a crash would have to be
/// removed by hand.
fn create(path: &Path) -> Result<Secret, Error> {
    let failed = |source| Error::Create {
        path: path.to_owned(),
        source,
    };
    let secret = digest::random_secret()
        .map_err(|_says_nothing| failed(io::Error::other("there is no randomness")))?;
    if path.symlink_metadata().is_ok() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    let draft = path.with_added_extension("new");
    let made = write(&draft, &secret).and_then(|()| fs::hard_link(&draft, path));
    let _absent = fs::remove_file(&draft);
    made.map_err(failed)?;
    // A name that a power cut takes away leaves what was sealed with it behind.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    fs::File::open(dir.unwrap_or_else(|| Path::new(".")))
        .and_then(|dir| dir.sync_all())
        .map_err(failed)?;
    Ok(secret)
}

fn write(path: &Path, secret: &Secret) -> io::Result<()> {
    // One that an earlier process did not finish.
    let _absent = fs::remove_file(path);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()
}

fn read(path: &Path) -> Result<Secret, Error> {
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = OpenOptions::new().read(true).open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(failed)?;
    let secret = Secret::new(text.trim());
    if secret.expose().is_empty() {
        return Err(Error::Empty {
            path: path.to_owned(),
        });
    }
    Ok(secret)
}

/// How short a token may be.
const SHORTEST: usize = 16;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_that_was_not_finished_is_made_anew_and_no_draft_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(dir.path().join("token.new"), "half").unwrap();
        let made = read_or_create(&path).unwrap();
        assert_eq!(read_or_create(&path).unwrap(), made);
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        // One that an operator emptied is not replaced behind their back.
        fs::write(&path, "").unwrap();
        let error = read_or_create(&path).unwrap_err().to_string();
        assert!(error.ends_with("is empty; remove it to have a new one made"));
    }

    #[test]
    fn a_token_is_one_word_that_is_not_guessed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let made = token(&path).unwrap();
        assert_eq!(token(&path).unwrap(), made);
        for bad in [
            "abc",
            "0123456789abcde",
            "0123456789 abcdef",
            "01234567\n89abcdef",
            "0123456789abcdéf",
        ] {
            fs::write(&path, bad).unwrap();
            let error = token(&path).unwrap_err();
            assert!(matches!(error, Error::NoToken { .. }), "{error}");
        }
        fs::write(&path, "0123456789abcdef\n").unwrap();
        assert_eq!(token(&path).unwrap().expose(), "0123456789abcdef");
    }

    #[test]
    fn a_file_is_made_once_for_its_owner_and_refused_when_others_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let made = read_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read_or_create(&path).unwrap(), made);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_or_create(&path).unwrap_err().to_string();
        assert!(error.ends_with(
            "token has mode 0640, so others than its owner can use it; run chmod 0600 on it, and \
             replace its content if they may have read it"
        ));
        assert!(!error.contains(made.expose()));
    }
}
