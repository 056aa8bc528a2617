//! Boot configs: what is published, and what of it is kept for servers that are booting.
//!
//! A boot config is at one revision. What a revision says never changes, and a server boots the
//! revision it was armed with, so publishing another one while it boots changes nothing for it.
//!
//! **Invariant:** a revision that is armed, or that still may be, is in the store. A boot config that
//! is removed while claims use it is marked, and goes with the last of them.

mod check;
mod sealed;

use std::collections::BTreeSet;

use model::{Asset, BootConfig, BootConfigSpec, BootConfigState, BootMethod, Claim, Secret};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::{
    check::{Invalid, asset as check_asset},
    sealed::Payloads,
};
use crate::{
    digest,
    images::Images,
    seal::{self, Sealer},
    store::{self, Expect, Op, Store, Table, Versioned},
};

/// Why a boot config was not published, read or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is none.
    #[error("boot config {0} does not exist")]
    NotFound(Uuid),
    /// It cannot boot anything.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Its payloads cannot be sealed or opened.
    #[error(transparent)]
    Seal(#[from] seal::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What a boot config is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The revision to arm.
    pub revision: String,
    /// Whether it goes with the last claim that uses it.
    #[serde(default)]
    pub removed: bool,
}

/// Publishes `spec` as the boot config `id`.
pub(crate) fn put(
    store: &Store,
    sealer: &Sealer,
    id: Uuid,
    spec: &BootConfigSpec,
) -> Result<(), Error> {
    check::check(spec)?;
    let revision = revision(spec);
    loop {
        let old = head(store, id)?;
        if old
            .as_ref()
            .is_some_and(|old| old.value.revision == revision && !old.value.removed)
        {
            return Ok(());
        }
        let key = key(id, &revision);
        let head = Head {
            revision: revision.clone(),
            removed: false,
        };
        let mut ops = vec![
            Op::put(
                Table::BootConfigs,
                id.to_string(),
                &head,
                Expect::as_read(old.as_ref()),
            )?,
            Op::put(
                Table::Revisions,
                key.as_str(),
                &sealed::without_payloads(spec),
                Expect::Any,
            )?,
            Op::put(
                Table::Payloads,
                key,
                &sealed::seal(sealer, id, spec)?,
                Expect::Any,
            )?,
        ];
        if let Some(old) = &old {
            let kept = BTreeSet::from([revision.clone(), old.value.revision.clone()]);
            ops.extend(forget(store, id, kept)?);
        }
        match store.commit(ops) {
            Err(error) if error.is_conflict() => {}
            outcome => return Ok(outcome?),
        }
    }
}

/// The first 12 digits of the digest of all that was published.
fn revision(spec: &BootConfigSpec) -> String {
    // The fields of a structure are written in their order, and there is no map in it.
    let mut digest = digest::sha256(&serde_json::to_vec(spec).unwrap_or_default());
    digest.truncate(REVISION_DIGITS);
    digest
}

/// Removes the revisions that are neither `kept` nor armed. The one that was the head until now
/// must be kept: a server may be armed with it at this moment. Later it cannot be any more, because
/// arming expects the head it read.
fn forget(store: &Store, id: Uuid, mut kept: BTreeSet<String>) -> Result<Vec<Op>, store::Error> {
    for server in users(store, id)? {
        let claim = store.get::<Claim>(Table::Claims, &server)?;
        let boot = claim.and_then(|claim| claim.value.boot);
        kept.extend(
            boot.filter(|boot| boot.boot_config_id == id)
                .map(|boot| boot.revision),
        );
    }
    let prefix = format!("{id}/");
    let revisions = store.list_under::<serde_json::Value>(Table::Revisions, &prefix)?;
    let unused = revisions
        .into_iter()
        .filter(|(key, _)| !kept.contains(&key[prefix.len()..]));
    Ok(unused
        .flat_map(|(key, _)| {
            [
                Op::delete(Table::Revisions, key.as_str(), Expect::Any),
                Op::delete(Table::Payloads, key, Expect::Any),
            ]
        })
        .collect())
}

/// The servers whose claims refer to the boot config `id`.
fn users(store: &Store, id: Uuid) -> Result<Vec<String>, store::Error> {
    let prefix = format!("{id}/");
    let uses = store.list_under::<()>(Table::Uses, &prefix)?;
    Ok(uses
        .into_iter()
        .map(|(key, _)| key[prefix.len()..].to_owned())
        .collect())
}

/// Removes the boot config `id`; one that claims use goes with the last of them.
pub(crate) fn delete(store: &Store, id: Uuid) -> Result<(), Error> {
    loop {
        let head = head(store, id)?.ok_or(Error::NotFound(id))?;
        let prefix = format!("{id}/");
        let users = store.list_under::<()>(Table::Uses, &prefix)?;
        let ops = match users.into_iter().next() {
            None => {
                let mut ops = erase(store, id, &head)?;
                ops.push(Op::none_under(Table::Uses, prefix));
                ops
            }
            Some(_) if head.value.removed => return Ok(()),
            // Whoever is the last to let go of it must see the mark, so one must be there still.
            Some((key, user)) => vec![
                mark(id, &head)?,
                Op::check(Table::Uses, key, Expect::Version(user.version)),
            ],
        };
        match store.commit(ops) {
            Err(error) if error.is_conflict() => {}
            outcome => return Ok(outcome?),
        }
    }
}

/// The operations by which the claim of `server` lets go of the boot config `id`.
pub(crate) fn leave(store: &Store, id: Uuid, server: &str) -> Result<Vec<Op>, store::Error> {
    let mut ops = vec![Op::delete(
        Table::Uses,
        format!("{id}/{server}"),
        Expect::Any,
    )];
    let Some(head) = head(store, id)? else {
        return Ok(ops);
    };
    if !head.value.removed {
        let unmarked = Expect::Version(head.version);
        ops.push(Op::check(Table::BootConfigs, id.to_string(), unmarked));
    } else if users(store, id)?.iter().all(|user| user == server) {
        ops.extend(erase(store, id, &head)?);
    } else {
        // Written anew, so that of two that let go at once one sees that it is the last.
        ops.push(mark(id, &head)?);
    }
    Ok(ops)
}

fn mark(id: Uuid, head: &Versioned<Head>) -> Result<Op, store::Error> {
    let removed = Head {
        removed: true,
        ..head.value.clone()
    };
    let expect = Expect::Version(head.version);
    Op::put(Table::BootConfigs, id.to_string(), &removed, expect)
}

fn erase(store: &Store, id: Uuid, head: &Versioned<Head>) -> Result<Vec<Op>, store::Error> {
    let expect = Expect::Version(head.version);
    let mut ops = vec![Op::delete(Table::BootConfigs, id.to_string(), expect)];
    for (key, _) in store.list_under::<serde_json::Value>(Table::Revisions, &format!("{id}/"))? {
        ops.push(Op::delete(Table::Revisions, key.as_str(), Expect::Any));
        ops.push(Op::delete(Table::Payloads, key, Expect::Any));
    }
    Ok(ops)
}

/// What the boot config `id` is at.
pub(crate) fn head(store: &Store, id: Uuid) -> Result<Option<Versioned<Head>>, store::Error> {
    store.get(Table::BootConfigs, &id.to_string())
}

/// What a revision says, without its payloads and its script.
pub(crate) fn outline(
    store: &Store,
    id: Uuid,
    revision: &str,
) -> Result<Option<BootConfigSpec>, store::Error> {
    let outline = store.get(Table::Revisions, &key(id, revision))?;
    Ok(outline.map(|outline| outline.value))
}

/// The payloads of a revision, still sealed.
pub(crate) fn payloads(
    store: &Store,
    id: Uuid,
    revision: &str,
) -> Result<Option<Payloads>, store::Error> {
    let payloads = store.get(Table::Payloads, &key(id, revision))?;
    Ok(payloads.map(|payloads| payloads.value))
}

/// How the firmware of a server boots that boots this revision.
pub(crate) fn method(
    store: &Store,
    id: Uuid,
    revision: &str,
) -> Result<Option<BootMethod>, store::Error> {
    Ok(outline(store, id, revision)?.map(|outline| outline.method))
}

/// The boot config `id` as the API shows it: write-only payloads as digests.
pub(crate) fn find(
    store: &Store,
    sealer: &Sealer,
    images: &Images,
    id: Uuid,
) -> Result<BootConfig, Error> {
    // A revision that is gone when it is read was replaced since the head was.
    loop {
        let Head { revision, removed } = head(store, id)?.ok_or(Error::NotFound(id))?.value;
        let Some(mut spec) = outline(store, id, &revision)? else {
            continue;
        };
        let Some(payloads) = payloads(store, id, &revision)? else {
            continue;
        };
        payloads.fill(sealer, id, &mut spec)?;
        let can_report = check::can_report(&spec);
        for payload in spec.ignition.iter_mut().chain(&mut spec.user_data) {
            if payload.write_only {
                let digest = digest::sha256(payload.content.expose().as_bytes());
                payload.content = Secret::new(format!("sha256:{digest}"));
            }
        }
        let images: Vec<_> = assets(&spec).map(|asset| images.state(asset)).collect();
        let state = if images.iter().any(|image| image.error.is_some()) {
            BootConfigState::Error
        } else if images.iter().any(|image| image.bytes.is_none()) {
            BootConfigState::Pending
        } else {
            BootConfigState::Ready
        };
        return Ok(BootConfig {
            id,
            spec,
            revision,
            state,
            images,
            can_report,
            removed,
        });
    }
}

/// The images of a boot config, the kernel first.
pub(crate) fn assets(spec: &BootConfigSpec) -> impl Iterator<Item = &Asset> {
    spec.kernel.iter().chain(&spec.initrds)
}

/// The images of every revision that is kept.
pub(crate) fn all_assets(store: &Store) -> Result<Vec<Asset>, store::Error> {
    let revisions = store.list::<BootConfigSpec>(Table::Revisions)?;
    Ok(revisions
        .iter()
        .flat_map(|(_, spec)| assets(&spec.value).cloned())
        .collect())
}

fn key(id: Uuid, revision: &str) -> String {
    format!("{id}/{revision}")
}

const REVISION_DIGITS: usize = 12;

#[cfg(test)]
mod tests;
