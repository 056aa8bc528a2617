//! The images that servers boot: fetched once, verified, kept by what they are.
//!
//! An image is a file named by its SHA-256. It gets that name only after every byte was seen and
//! is on stable storage, so a file with such a name is always whole and right, and what is known
//! of an image survives a restart without being written anywhere else.

mod fetch;

use std::{
    collections::{HashMap, VecDeque},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use model::{Asset, ImageState};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

#[cfg(test)]
pub(crate) use self::fetch::tls;
use self::fetch::{ClientError, Fetcher};
use crate::{config, digest};

/// The image cache. Clones are the same cache.
#[derive(Clone)]
pub(crate) struct Images {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    fetcher: Fetcher,
    known: Mutex<Known>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Default)]
struct Known {
    /// What is being fetched, by digest: the addresses that are still to be tried.
    flights: HashMap<String, VecDeque<String>>,
    /// Why an image is not here, by digest and address.
    errors: HashMap<(String, String), String>,
}

/// Why there is no image cache.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Its directory cannot be used.
    #[error("failed to prepare the image directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Nothing can be fetched.
    #[error("images cannot be fetched")]
    Client(#[source] ClientError),
}

impl Images {
    /// The cache in the directory `dir`, which is made if it is not there. What an earlier process
    /// did not finish is removed.
    pub(crate) fn open(dir: &Path, config: &config::Images) -> Result<Self, Error> {
        prepare(dir).map_err(|source| Error::Directory {
            path: dir.to_owned(),
            source,
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                dir: dir.to_owned(),
                fetcher: Fetcher::new(config).map_err(Error::Client)?,
                known: Mutex::default(),
                tasks: TaskTracker::new(),
                stop: CancellationToken::new(),
            }),
        })
    }

    /// The file of the image with this digest, if it is here.
    pub(crate) fn path(&self, sha256: &str) -> Option<PathBuf> {
        if !digest::is_sha256(sha256) {
            return None;
        }
        let path = self.inner.dir.join(sha256);
        path.is_file().then_some(path)
    }

    /// When an image came here, if it is here.
    pub(crate) fn fetched_at(&self, sha256: &str) -> Option<Timestamp> {
        let modified = fs::metadata(self.path(sha256)?).ok()?.modified().ok()?;
        Timestamp::try_from(modified).ok()
    }

    /// How far an image is.
    pub(crate) fn state(&self, asset: &Asset) -> ImageState {
        let bytes = self
            .path(&asset.sha256)
            .and_then(|path| fs::metadata(path).ok())
            .map(|metadata| metadata.len());
        let error = match bytes {
            Some(_) => None,
            None => self.known().errors.get(&key(asset)).cloned(),
        };
        ImageState {
            asset: asset.clone(),
            bytes,
            error,
        }
    }

    /// Sees to it that the images come here. What is here stays; what is on its way is not fetched
    /// a second time; what failed is tried again.
    ///
    /// This must be called inside of a Tokio runtime.
    pub(crate) fn ensure<'a>(&self, assets: impl IntoIterator<Item = &'a Asset>) {
        for asset in assets {
            let mut known = self.known();
            // Looked for under the lock, so that nobody is removing it now: see `discard`.
            if self.path(&asset.sha256).is_some() {
                continue;
            }
            known.errors.remove(&key(asset));
            if let Some(urls) = known.flights.get_mut(&asset.sha256) {
                if !urls.contains(&asset.url) {
                    urls.push_back(asset.url.clone());
                }
                continue;
            }
            let urls = VecDeque::from([asset.url.clone()]);
            known.flights.insert(asset.sha256.clone(), urls);
            drop(known);
            let images = self.clone();
            let sha256 = asset.sha256.clone();
            self.inner
                .tasks
                .spawn(async move { images.fly(sha256).await });
        }
    }

    /// Tries the addresses of one image until one gives it.
    async fn fly(&self, sha256: String) {
        loop {
            let url = {
                let mut known = self.known();
                let url = known
                    .flights
                    .get(&sha256)
                    .and_then(VecDeque::front)
                    .cloned();
                let Some(url) = url else {
                    known.flights.remove(&sha256);
                    return;
                };
                url
            };
            let asset = Asset {
                url,
                sha256: sha256.clone(),
            };
            let fetched = tokio::select! {
                biased;
                () = self.inner.stop.cancelled() => return,
                fetched = self.inner.fetcher.fetch(&asset, &self.inner.dir) => fetched,
            };
            match fetched {
                Ok(bytes) => {
                    info!(sha256, bytes, "image fetched");
                    self.known().flights.remove(&sha256);
                    return;
                }
                Err(error) => {
                    let error = crate::error_chain(&error);
                    warn!(sha256, error, "image not fetched");
                    let mut known = self.known();
                    known.errors.insert(key(&asset), error);
                    if let Some(urls) = known.flights.get_mut(&sha256) {
                        urls.pop_front();
                    }
                }
            }
        }
    }

    /// Removes an image that nothing names any more. Whoever names it from now on fetches it anew,
    /// because naming comes before [`Images::ensure`], and that waits until this is done.
    pub(crate) fn discard<E: From<io::Error>>(
        &self,
        sha256: &str,
        is_named: impl FnOnce() -> Result<bool, E>,
    ) -> Result<(), E> {
        let known = self.known();
        let Some(path) = self.path(sha256) else {
            return Ok(());
        };
        if known.flights.contains_key(sha256) || is_named()? {
            return Ok(());
        }
        fs::remove_file(path)?;
        info!(sha256, "image removed");
        Ok(())
    }

    /// Stops every transfer and waits until none is left.
    pub(crate) async fn shutdown(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.inner
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(asset: &Asset) -> (String, String) {
    (asset.sha256.clone(), asset.url.clone())
}

fn prepare(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == fetch::UNFINISHED)
        {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
