//! Changing the claim one holds.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{
    Boot, BootConfigState, Claim, ClaimPhase, Event, EventKind, ServerId, Stage,
    api::{Arm, ClaimUpdate, Settle},
};
use tracing::info;
use uuid::Uuid;

use super::{Error, check_hostname, stored};
use crate::{
    boot_configs, events,
    images::Images,
    store::{self, Expect, Op, Store, Table, Versioned},
    tokens,
};

/// The operations that make `new` the claim of its server, in place of `old`.
///
/// The boot configs that it refers to must be there, and stay until it lets go of them.
pub(super) fn put(
    store: &Store,
    old: Option<&Versioned<Claim>>,
    new: &Claim,
) -> Result<Vec<Op>, Error> {
    let server = new.server_id.to_string();
    let mut ops = vec![Op::put(
        Table::Claims,
        server.as_str(),
        new,
        Expect::as_read(old),
    )?];
    let had = old.map(|old| uses(&old.value)).unwrap_or_default();
    let has = uses(new);
    for id in has.difference(&had) {
        let head = boot_configs::head(store, *id)?.filter(|head| !head.value.removed);
        let head = head.ok_or(Error::NoBootConfig(*id))?;
        // Removing a boot config expects that nothing uses it, so this need only see that it is
        // there. That it is at the same revision does no harm.
        ops.push(Op::check(
            Table::BootConfigs,
            id.to_string(),
            Expect::Version(head.version),
        ));
        ops.push(Op::put(
            Table::Uses,
            format!("{id}/{server}"),
            &(),
            Expect::Any,
        )?);
    }
    for id in had.difference(&has) {
        ops.extend(boot_configs::leave(store, *id, &server)?);
    }
    Ok(ops)
}

/// The boot configs that a claim refers to: the one to boot next, and the one that is armed.
fn uses(claim: &Claim) -> BTreeSet<Uuid> {
    let armed = claim.boot.as_ref().map(|boot| boot.boot_config_id);
    claim.boot_config_id.into_iter().chain(armed).collect()
}

/// Changes the claim `uid` of a server until nobody interferes. `change` says which operations
/// belong to it besides, or that there is nothing to do.
fn change(
    store: &Store,
    server: ServerId,
    uid: Uuid,
    mut change: impl FnMut(&mut Claim) -> Result<Option<Vec<Op>>, Error>,
) -> Result<Claim, Error> {
    loop {
        let old = held(store, server, uid)?;
        let mut new = old.value.clone();
        let Some(more) = change(&mut new)? else {
            return Ok(new);
        };
        let mut ops = put(store, Some(&old), &new)?;
        ops.extend(more);
        match store.commit(ops) {
            Err(error) if error.is_conflict() => {}
            Ok(()) => return Ok(new),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The claim of a server, which must be `uid`.
fn held(store: &Store, server: ServerId, uid: Uuid) -> Result<Versioned<Claim>, Error> {
    let claim = stored(store, server)?.ok_or(Error::NoClaim(server))?;
    if claim.value.uid == uid {
        Ok(claim)
    } else {
        Err(Error::NotHolder(Box::new(claim.value)))
    }
}

/// Says what the server boots from now on. What is armed stays armed as it is. Whoever knows the
/// claim's name has it on record.
pub(crate) fn update(
    store: &Store,
    server: ServerId,
    update: &ClaimUpdate,
) -> Result<Claim, Error> {
    check_hostname(update.hostname.as_deref())?;
    change(store, server, update.uid, |claim| {
        let before = claim.clone();
        claim.boot_config_id = update.boot_config_id;
        claim.hostname.clone_from(&update.hostname);
        claim.trigger.clone_from(&update.trigger);
        claim.recorded = true;
        Ok((*claim != before).then(Vec::new))
    })
}

/// Notes that the holder remembers the claim.
pub(crate) fn record(store: &Store, server: ServerId, uid: Uuid) -> Result<Claim, Error> {
    change(store, server, uid, |claim| {
        let recorded = std::mem::replace(&mut claim.recorded, true);
        Ok((!recorded).then(Vec::new))
    })
}

/// Arms the boot config of the claim. The server is answered from now on. A generation that was
/// armed before is left as it is.
pub(crate) fn arm(
    store: &Store,
    images: &Images,
    server: ServerId,
    arm: &Arm,
    now: Timestamp,
) -> Result<Claim, Error> {
    let mut armed = None;
    let claim = change(store, server, arm.uid, |claim| {
        armed = None;
        if claim
            .boot
            .as_ref()
            .is_some_and(|boot| boot.generation >= arm.generation)
        {
            return Ok(None);
        }
        let id = claim.boot_config_id.ok_or(Error::NothingToArm(server))?;
        let head = boot_configs::head(store, id)?.ok_or(Error::NoBootConfig(id))?;
        let boot_policy = ready(store, images, id, &head.value.revision)?;
        let mut boot = Boot {
            id: Uuid::new_v4(),
            generation: arm.generation,
            boot_config_id: id,
            revision: head.value.revision,
            boot_policy,
            stages: Vec::new(),
            address: None,
        };
        boot.reach(Stage::Armed, now);
        let event = Event {
            at: now,
            server_id: server,
            kind: EventKind::Stage,
            boot: boot.id,
            stage: Some(Stage::Armed),
            address: None,
        };
        armed = Some(boot.id);
        claim.boot = Some(boot);
        claim.trigger.clone_from(&arm.trigger);
        claim.boot_pending = false;
        // What its holder asked for is unfinished again until it is seen to happen.
        claim.phase = ClaimPhase::Reserved;
        // A revision is kept for as long as it is the head or armed: see `boot_configs`.
        let mut ops = tokens::delete_all(store, server)?;
        ops.extend(events::record(store, &event)?);
        ops.push(Op::check(
            Table::BootConfigs,
            id.to_string(),
            Expect::Version(head.version),
        ));
        Ok(Some(ops))
    })?;
    if let Some(boot) = armed {
        info!(%server, %boot, stage = %Stage::Armed, "boot stage reached");
    }
    Ok(claim)
}

/// The policy of a revision whose images are all here.
fn ready(
    store: &Store,
    images: &Images,
    id: Uuid,
    revision: &str,
) -> Result<model::BootPolicy, Error> {
    let spec = boot_configs::outline(store, id, revision)?.ok_or(Error::NoBootConfig(id))?;
    let states: Vec<_> = boot_configs::assets(&spec)
        .map(|asset| images.state(asset))
        .collect();
    let missing = states.iter().filter(|image| image.bytes.is_none());
    let reasons: Vec<_> = missing
        .map(|image| match &image.error {
            Some(error) => format!("{}: {error}", image.asset.url),
            None => format!("{} is being fetched", image.asset.url),
        })
        .collect();
    if reasons.is_empty() {
        return Ok(spec.boot_policy);
    }
    let failed = states.iter().any(|image| image.error.is_some());
    let state = if failed {
        BootConfigState::Error
    } else {
        BootConfigState::Pending
    };
    Err(Error::NotReady { id, state, reasons })
}

/// Disarms: the server is not answered any more, and what it was given to fetch is void.
pub(crate) fn disarm(store: &Store, server: ServerId, uid: Uuid) -> Result<Claim, Error> {
    change(store, server, uid, |claim| {
        if claim.boot.take().is_none() {
            return Ok(None);
        }
        Ok(Some(tokens::delete_all(store, server)?))
    })
}

/// Settles: everything that the holder asked for was seen to happen.
pub(crate) fn settle(store: &Store, server: ServerId, settle: Settle) -> Result<Claim, Error> {
    let Settle { uid, boot_pending } = settle;
    change(store, server, uid, |claim| {
        let settled = claim.phase == ClaimPhase::Settled && claim.boot_pending == boot_pending;
        claim.phase = ClaimPhase::Settled;
        claim.boot_pending = boot_pending;
        Ok((!settled).then(Vec::new))
    })
}

/// Releases the server, and all that was armed for it.
pub(crate) fn release(store: &Store, server: ServerId, uid: Uuid) -> Result<(), Error> {
    loop {
        let claim = held(store, server, uid)?;
        let key = server.to_string();
        let mut ops = vec![Op::delete(
            Table::Claims,
            key.as_str(),
            Expect::Version(claim.version),
        )];
        for id in uses(&claim.value) {
            ops.extend(boot_configs::leave(store, id, &key)?);
        }
        ops.extend(tokens::delete_all(store, server)?);
        match store.commit(ops) {
            Err(store::Error::Conflict { .. }) => {}
            outcome => return Ok(outcome?),
        }
    }
}
