//! Where open sessions are noted, so that those of a killed provider are ended by the next run.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use redfish::SessionJournal;

use crate::config;

/// The journal of this user on this machine. None if there is no place that is this user's alone.
pub(crate) fn of_this_user() -> SessionJournal {
    let user = rustix::process::geteuid().as_raw();
    let place = place(config::variable("XDG_RUNTIME_DIR").map(PathBuf::from), user);
    match private(&place, user) {
        Ok(()) => SessionJournal::at(&place),
        Err(error) => {
            let place = place.display();
            tracing::debug!(%place, %error, "open sessions are not noted");
            SessionJournal::default()
        }
    }
}

fn place(runtime: Option<PathBuf>, user: u32) -> PathBuf {
    match runtime.filter(|runtime| runtime.is_absolute() && runtime.is_dir()) {
        Some(runtime) => runtime.join(NAME),
        None => env::temp_dir().join(format!("{NAME}-{user}")),
    }
}

/// Makes the directory, or sees that the one that is there is this user's and nobody else's.
fn private(place: &Path, user: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(place) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(place)?;
    if found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        let what = "it is not a directory that this user alone may enter";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
    }
}

const NAME: &str = "terraform-provider-baremetal";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_directory_that_others_may_enter_or_have_made_is_not_used() {
        let scratch = tempfile::tempdir().unwrap();
        let user = rustix::process::geteuid().as_raw();
        let own = scratch.path().join("own");
        private(&own, user).unwrap();
        private(&own, user).unwrap();
        assert!(private(&own, user + 1).is_err());
        let link = scratch.path().join("link");
        symlink(&own, &link).unwrap();
        assert!(private(&link, user).is_err());
        fs::set_permissions(&own, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(private(&own, user).is_err());
        assert!(private(&scratch.path().join("none/own"), user).is_err());
    }

    #[test]
    fn the_runtime_directory_is_used_if_there_is_one() {
        let scratch = tempfile::tempdir().unwrap();
        let runtime = scratch.path().to_owned();
        assert_eq!(place(Some(runtime.clone()), 7), runtime.join(NAME));
        let other = env::temp_dir().join(format!("{NAME}-7"));
        for none in [None, Some("relative".into()), Some(runtime.join("gone"))] {
            assert_eq!(place(none, 7), other);
        }
    }
}
