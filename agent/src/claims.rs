//! Claims: who holds which server, and what is armed for it.
//!
//! Every change reads, decides and commits only if nothing that was read has changed since; if it
//! has, it starts over. So of two that want one server exactly one gets it.

mod change;
mod choose;

use jiff::Timestamp;
use model::{BootConfigState, Claim, ServerId};
use uuid::Uuid;

pub(crate) use self::{
    change::{arm, disarm, record, release, settle, update},
    choose::claim,
};
use crate::{
    boot_configs, seal,
    store::{self, Store, Table, Versioned},
};

/// Why a claim was not made or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The request names a server and a selector, or neither.
    #[error("a claim needs server_id or selector, and not both")]
    NotOneTarget,
    /// The selector asks for nothing.
    #[error("the selector asks for nothing, and any server is no default")]
    EmptySelector,
    /// The host name is none.
    #[error("{0:?} is no host name: labels of letters, digits and inner dashes, 253 in all")]
    Hostname(String),
    /// The holder has no name.
    #[error("the holder has no name")]
    NoHolder,
    /// The server is not registered.
    #[error("server {0} is not registered")]
    NoServer(ServerId),
    /// The boot config does not exist.
    #[error("boot config {0} does not exist")]
    NoBootConfig(Uuid),
    /// The server is not claimed.
    #[error("server {0} is not claimed")]
    NoClaim(ServerId),
    /// Somebody holds the server.
    #[error("server {} is held by {}", claim.server_id, claim.holder)]
    AlreadyClaimed {
        /// The claim that is there.
        claim: Box<Claim>,
        /// What the asker is to its holder.
        asker: Asker,
    },
    /// The server is cordoned.
    #[error("server {0} is unclaimable")]
    Unclaimable(ServerId),
    /// No server is free and as the selector asks.
    #[error("no free server matches: {0}")]
    NoMatch(Counts),
    /// The claim is another one.
    #[error("the claim of server {} is {}, held by {}", .0.server_id, .0.uid, .0.holder)]
    NotHolder(Box<Claim>),
    /// The claim has no boot config.
    #[error("the claim of server {0} has no boot config")]
    NothingToArm(ServerId),
    /// The boot config cannot be served.
    #[error("boot config {id} is not ready: {}", reasons.join("; "))]
    NotReady {
        /// The boot config.
        id: Uuid,
        /// Whether it may become ready by itself.
        state: BootConfigState,
        /// What is missing.
        reasons: Vec<String>,
    },
    /// Payloads cannot be opened.
    #[error(transparent)]
    Seal(#[from] seal::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What somebody who asks for a server is to its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Somebody else.
    Other,
    /// The holder, in a run of its own.
    Holder,
    /// The holder, in the very same run.
    SameRun,
}

/// Why no server of how many was chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Registered servers.
    pub registered: usize,
    /// Those that match.
    pub matching: usize,
    /// Those that match and are claimed.
    pub claimed: usize,
    /// Those that match and are cordoned.
    pub unclaimable: usize,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            registered,
            matching,
            claimed,
            unclaimable,
        } = self;
        write!(
            f,
            "{registered} registered, {matching} of them match, {claimed} of those are claimed and \
             {unclaimable} unclaimable"
        )
    }
}

/// The claim of a server.
pub(crate) fn find(store: &Store, server: ServerId) -> Result<Claim, Error> {
    Ok(stored(store, server)?.ok_or(Error::NoClaim(server))?.value)
}

fn stored(store: &Store, server: ServerId) -> Result<Option<Versioned<Claim>>, store::Error> {
    store.get(Table::Claims, &server.to_string())
}

fn check_hostname(hostname: Option<&str>) -> Result<(), Error> {
    match hostname {
        Some(name) if !model::is_hostname(name) => {
            Err(Error::Hostname(name.chars().take(64).collect()))
        }
        _ => Ok(()),
    }
}

impl From<boot_configs::Error> for Error {
    fn from(error: boot_configs::Error) -> Self {
        match error {
            boot_configs::Error::NotFound(id) => Self::NoBootConfig(id),
            boot_configs::Error::Seal(error) => Self::Seal(error),
            boot_configs::Error::Store(error) => Self::Store(error),
            // Nothing here publishes or removes one.
            boot_configs::Error::Invalid(_) => Self::Store(store::Error::Closed),
        }
    }
}

/// A claim as it is made.
fn fresh(request: &model::api::ClaimRequest, server_id: ServerId, now: Timestamp) -> Claim {
    Claim {
        uid: request.uid,
        server_id,
        holder: request.holder.clone(),
        run: request.run,
        claimed_at: now,
        phase: if request.as_is {
            model::ClaimPhase::Settled
        } else {
            model::ClaimPhase::Reserved
        },
        boot_config_id: request.boot_config_id,
        hostname: request.hostname.clone(),
        boot: None,
        selector: request.selector.clone(),
        trigger: request.trigger.clone(),
        boot_pending: false,
        // Whoever asks for it again has it in a state.
        recorded: request.as_is,
    }
}

#[cfg(test)]
pub(crate) mod tests;
