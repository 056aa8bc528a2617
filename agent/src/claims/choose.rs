//! Making a claim: which server, and whether the asker may have it.

use jiff::Timestamp;
use model::{Claim, ClaimPhase, Selector, ServerId, api::ClaimRequest};

use tracing::info;

use super::{Asker, Counts, Error, change, check_hostname, fresh, stored};
use crate::{
    servers::{self, Record},
    store::{self, Expect, Op, Store, Table, Versioned},
};

/// Claims the server that `request` names, or the first free one that it selects.
///
/// The same request again returns the claim that it made. A later run of the same holder takes up,
/// as it finds it, a claim that was asked for in the same way, is unfinished and not recorded: its
/// maker was cut short before it could remember it. A recorded one is a sibling's.
pub(crate) fn claim(store: &Store, request: &ClaimRequest, now: Timestamp) -> Result<Claim, Error> {
    check_hostname(request.hostname.as_deref())?;
    if request.holder.name.is_empty() {
        return Err(Error::NoHolder);
    }
    match (request.server_id, &request.selector) {
        (Some(server), None) => claim_named(store, server, request, now),
        (None, Some(selector)) if selector.is_empty() => Err(Error::EmptySelector),
        (None, Some(selector)) => claim_selected(store, selector, request, now),
        (Some(_), Some(_)) | (None, None) => Err(Error::NotOneTarget),
    }
}

fn claim_named(
    store: &Store,
    server: ServerId,
    request: &ClaimRequest,
    now: Timestamp,
) -> Result<Claim, Error> {
    loop {
        let record = servers::record(store, server)?.ok_or(Error::NoServer(server))?;
        let taken = match stored(store, server)? {
            None if record.value.spec.unclaimable => return Err(Error::Unclaimable(server)),
            None => take(store, server, &record, request, now),
            Some(claim) => match standing(&claim.value, request) {
                Standing::Same => return Ok(claim.value),
                Standing::Resumable => resume(store, claim, request),
                Standing::Taken(asker) => {
                    return Err(Error::AlreadyClaimed {
                        claim: Box::new(claim.value),
                        asker,
                    });
                }
            },
        };
        if let Some(claim) = unless_conflict(taken)? {
            return Ok(claimed(claim));
        }
    }
}

fn claimed(claim: Claim) -> Claim {
    info!(server = %claim.server_id, holder = %claim.holder, "server claimed");
    claim
}

fn claim_selected(
    store: &Store,
    selector: &Selector,
    request: &ClaimRequest,
    now: Timestamp,
) -> Result<Claim, Error> {
    loop {
        let mut counts = Counts::default();
        let mut free = None;
        let mut resumable = None;
        // In the order of the ids: the lowest that will do is the one.
        for (key, record) in store.list::<Record>(Table::Servers)? {
            counts.registered += 1;
            let claim = store.get::<Claim>(Table::Claims, &key)?;
            let standing = claim.as_ref().map(|claim| standing(&claim.value, request));
            if let (Some(claim), Some(Standing::Same)) = (&claim, standing) {
                return Ok(claim.value.clone());
            }
            let spec = &record.value.spec;
            if !selector.matches(&spec.labels, &spec.hardware) {
                continue;
            }
            counts.matching += 1;
            match (claim, standing) {
                (Some(claim), Some(Standing::Resumable)) => {
                    resumable.get_or_insert(claim);
                }
                (Some(_), _) => counts.claimed += 1,
                (None, _) if spec.unclaimable => counts.unclaimable += 1,
                (None, _) => {
                    let free = &mut free;
                    if let (None, Ok(id)) = (&free, key.parse::<ServerId>()) {
                        *free = Some((id, record));
                    }
                }
            }
        }
        let taken = match (resumable, free) {
            (Some(claim), _) => resume(store, claim, request),
            (None, Some((id, record))) => take(store, id, &record, request, now),
            (None, None) => return Err(Error::NoMatch(counts)),
        };
        if let Some(claim) = unless_conflict(taken)? {
            return Ok(claimed(claim));
        }
    }
}

/// What a request is to a claim.
#[derive(Clone, Copy)]
enum Standing {
    /// It made it.
    Same,
    /// It may take it up.
    Resumable,
    /// It may not have it.
    Taken(Asker),
}

fn standing(claim: &Claim, request: &ClaimRequest) -> Standing {
    if claim.holder != request.holder {
        return Standing::Taken(Asker::Other);
    }
    if claim.uid == request.uid {
        return Standing::Same;
    }
    if claim.run == request.run {
        return Standing::Taken(Asker::SameRun);
    }
    match claim.phase {
        ClaimPhase::Reserved if !claim.recorded && asks_alike(claim, request) => {
            Standing::Resumable
        }
        ClaimPhase::Reserved | ClaimPhase::Settled => Standing::Taken(Asker::Holder),
    }
}

/// Whether what made `claim` may have been `request` in an earlier run. Of those that select by the
/// same, the host name tells which is whose.
fn asks_alike(claim: &Claim, request: &ClaimRequest) -> bool {
    claim.selector == request.selector
        && (claim.selector.is_none() || claim.hostname == request.hostname)
}

fn take(
    store: &Store,
    server: ServerId,
    record: &Versioned<Record>,
    request: &ClaimRequest,
    now: Timestamp,
) -> Result<Claim, Error> {
    let claim = fresh(request, server, now);
    let mut ops = change::put(store, None, &claim)?;
    // A server that was cordoned or removed in the meantime is not taken.
    ops.push(Op::check(
        Table::Servers,
        server.to_string(),
        Expect::Version(record.version),
    ));
    store.commit(ops)?;
    Ok(claim)
}

fn resume(store: &Store, old: Versioned<Claim>, request: &ClaimRequest) -> Result<Claim, Error> {
    let claim = Claim {
        run: request.run,
        boot_config_id: request.boot_config_id,
        hostname: request.hostname.clone(),
        trigger: request.trigger.clone(),
        ..old.value.clone()
    };
    store.commit(change::put(store, Some(&old), &claim)?)?;
    Ok(claim)
}

fn unless_conflict(outcome: Result<Claim, Error>) -> Result<Option<Claim>, Error> {
    match outcome {
        Err(Error::Store(store::Error::Conflict { .. })) => Ok(None),
        outcome => outcome.map(Some),
    }
}
