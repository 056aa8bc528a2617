//! Pinned images: fetched before anything boots them.

use model::{Asset, CacheState, Image};
use uuid::Uuid;

use crate::{
    boot_configs::{self, Invalid, check_asset},
    images::Images,
    store::{self, Expect, Op, Store, Table},
};

/// Why an image was not pinned or found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is none.
    #[error("image {0} is not pinned")]
    NotFound(Uuid),
    /// It cannot be fetched.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Its file cannot be removed.
    #[error("its file cannot be removed")]
    Remove(#[from] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Every pinned image, in the order of the ids.
pub(crate) fn list(store: &Store, images: &Images) -> Result<Vec<Image>, store::Error> {
    let all = store.list::<Asset>(Table::Images)?.into_iter();
    // A key that is no id was never written.
    Ok(all
        .filter_map(|(key, asset)| Some(image(images, key.parse().ok()?, asset.value)))
        .collect())
}

/// What is pinned, to be fetched.
pub(crate) fn assets(store: &Store) -> Result<Vec<Asset>, store::Error> {
    let all = store.list::<Asset>(Table::Images)?.into_iter();
    Ok(all.map(|(_, asset)| asset.value).collect())
}

/// The pinned image `id`.
pub(crate) fn find(store: &Store, images: &Images, id: Uuid) -> Result<Image, Error> {
    let asset = store.get::<Asset>(Table::Images, &id.to_string())?;
    let asset = asset.ok_or(Error::NotFound(id))?;
    Ok(image(images, id, asset.value))
}

/// Pins an image and fetches it, unless it is here. One that could not be fetched is tried again.
///
/// This must be called inside of a Tokio runtime.
pub(crate) fn put(store: &Store, images: &Images, id: Uuid, asset: Asset) -> Result<Image, Error> {
    check_asset(&asset)?;
    // Whoever writes last is right, and there is nothing that two have to agree on.
    let put = Op::put(Table::Images, id.to_string(), &asset, Expect::Any)?;
    store.commit(vec![put])?;
    images.ensure([&asset]);
    Ok(image(images, id, asset))
}

/// Pins the image no more. Its file goes, unless something else names it.
pub(crate) fn delete(store: &Store, images: &Images, id: Uuid) -> Result<(), Error> {
    loop {
        let key = id.to_string();
        let pinned = store.get::<Asset>(Table::Images, &key)?;
        let pinned = pinned.ok_or(Error::NotFound(id))?;
        let expect = Expect::Version(pinned.version);
        match store.commit(vec![Op::delete(Table::Images, key, expect)]) {
            Err(error) if error.is_conflict() => continue,
            outcome => outcome?,
        }
        let sha256 = pinned.value.sha256;
        return images.discard(&sha256, || {
            let booted = boot_configs::all_assets(store)?;
            let pinned = assets(store)?;
            let all = booted.iter().chain(&pinned);
            Ok(all.into_iter().any(|asset| asset.sha256 == sha256))
        });
    }
}

fn image(images: &Images, id: Uuid, asset: Asset) -> Image {
    let known = images.state(&asset);
    let state = match (known.bytes, &known.error) {
        (Some(_), _) => CacheState::Ready,
        (None, Some(_)) => CacheState::Error,
        (None, None) => CacheState::Pending,
    };
    Image {
        id,
        state,
        reason: known.error,
        size_bytes: known.bytes,
        fetched_at: images.fetched_at(&asset.sha256),
        spec: asset,
    }
}

#[cfg(test)]
mod tests;
