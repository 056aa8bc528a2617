//! What a boot token opens once: the Ignition config and the user data.

use std::{net::Ipv4Addr, sync::Arc};

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{Method, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use jiff::Timestamp;
use model::{Boot, Claim, Event, EventKind, Stage};
use tracing::{error, warn};

use super::{
    Site,
    boot::{Refusal, Source, text},
    documents::document,
    download::Download,
};
use crate::{
    boot::{self, Reached},
    events,
    render::{self, Subject},
    store::{self, Store, Table},
    tokens::{self, Presented, Purpose},
};

/// `GET /ignition/{token}`.
pub(super) async fn ignition(
    State(site): State<Arc<Site>>,
    Source(address): Source,
    path: Result<Path<String>, PathRejection>,
    method: Method,
) -> Result<Response, Refusal> {
    let Path(token) = path?;
    secret(
        site,
        Asked {
            token,
            purpose: Purpose::Ignition,
            address,
            method,
        },
    )
    .await
}

/// `GET /config/{token}` and `GET /config/{token}/user-data`.
pub(super) async fn user_data(
    State(site): State<Arc<Site>>,
    Source(address): Source,
    path: Result<Path<String>, PathRejection>,
    method: Method,
) -> Result<Response, Refusal> {
    let Path(token) = path?;
    secret(
        site,
        Asked {
            token,
            purpose: Purpose::UserData,
            address,
            method,
        },
    )
    .await
}

/// `GET /config/{token}/meta-data`: no secret, so it may be fetched as often as cloud-init likes,
/// before the user data and after it.
pub(super) async fn meta_data(
    State(site): State<Arc<Site>>,
    Source(address): Source,
    path: Result<Path<String>, PathRejection>,
    method: Method,
) -> Result<Response, Refusal> {
    let Path(token) = path?;
    let asked = Asked {
        token,
        purpose: Purpose::UserData,
        address,
        method,
    };
    let boot_url = site.boot_url.clone();
    let document = site.store.run(move |store| {
        let presented = asked.present_again(store, Timestamp::now())?;
        let armed = Armed::of(store, &presented)?;
        Ok::<_, Refusal>(render::meta_data(armed.subject(&presented, &boot_url)))
    });
    Ok(text(document.await?).into_response())
}

/// `GET /config/{token}/vendor-data`: there is none, and cloud-init wants to hear that.
pub(super) async fn vendor_data(
    State(site): State<Arc<Site>>,
    Source(address): Source,
    path: Result<Path<String>, PathRejection>,
    method: Method,
) -> Result<Response, Refusal> {
    let Path(token) = path?;
    let asked = Asked {
        token,
        purpose: Purpose::UserData,
        address,
        method,
    };
    let presented = site
        .store
        .run(move |store| asked.present_again(store, Timestamp::now()));
    presented.await?;
    Ok(text(String::new()).into_response())
}

/// A token that somebody presents.
pub(super) struct Asked {
    pub(super) token: String,
    pub(super) purpose: Purpose,
    pub(super) address: Ipv4Addr,
    pub(super) method: Method,
}

impl Asked {
    /// The token, if it is good. Attempts that are not are security events.
    pub(super) fn present(
        &self,
        store: &Store,
        now: Timestamp,
    ) -> Result<Presented, tokens::Error> {
        let presented = tokens::present(store, &self.token, self.purpose, self.address, now);
        match &presented {
            Err(tokens::Error::Consumed(known)) => {
                replayed(store, &known.token.grant, self.address, now);
            }
            Err(tokens::Error::Elsewhere(known)) => {
                let grant = &known.token.grant;
                warn!(
                    server = %grant.server_id, boot = %grant.boot, address = %self.address,
                    "boot secret asked for from another address"
                );
                note(store, EventKind::SecretElsewhere, grant, self.address, now);
            }
            Ok(_) | Err(_) => {}
        }
        presented
    }

    /// The token, even if what it opens was fetched.
    fn present_again(&self, store: &Store, now: Timestamp) -> Result<Presented, tokens::Error> {
        match tokens::present(store, &self.token, self.purpose, self.address, now) {
            Err(tokens::Error::Consumed(known)) => Ok(*known),
            presented => presented,
        }
    }
}

/// A secret that was fetched is asked for again: somebody else may have it.
fn replayed(store: &Store, grant: &tokens::Grant, address: Ipv4Addr, now: Timestamp) {
    warn!(
        server = %grant.server_id, boot = %grant.boot, %address,
        "boot secret replayed"
    );
    note(store, EventKind::SecretReplayed, grant, address, now);
}

fn note(store: &Store, kind: EventKind, grant: &tokens::Grant, address: Ipv4Addr, at: Timestamp) {
    let event = Event {
        at,
        server_id: grant.server_id,
        kind,
        boot: grant.boot,
        stage: None,
        address: Some(address),
    };
    events::note(store, &event);
}

/// The claim and the boot that a token was minted for.
pub(super) struct Armed {
    claim: Claim,
    pub(super) boot: Boot,
}

impl Armed {
    /// They must still be what they were: a server that was armed anew has new tokens.
    pub(super) fn of(store: &Store, presented: &Presented) -> Result<Self, Refusal> {
        let grant = &presented.token.grant;
        let claim = store.get::<Claim>(Table::Claims, &grant.server_id.to_string())?;
        let mut claim = claim.ok_or(Refusal::Missing("token"))?.value;
        let boot = claim.boot.take().filter(|boot| boot.id == grant.boot);
        Ok(Self {
            boot: boot.ok_or(Refusal::Missing("token"))?,
            claim,
        })
    }

    /// Whose documents are made.
    pub(super) fn subject<'a>(
        &'a self,
        presented: &'a Presented,
        boot_url: &'a str,
    ) -> Subject<'a> {
        Subject {
            grant: &presented.token.grant,
            hostname: self.claim.hostname.as_deref(),
            revision: &self.boot.revision,
            boot_url,
        }
    }
}

/// A document, and the token that opens it.
struct Found {
    presented: Presented,
    content: String,
}

async fn secret(site: Arc<Site>, asked: Asked) -> Result<Response, Refusal> {
    let content_type = match asked.purpose {
        Purpose::Ignition => "application/json",
        Purpose::UserData | Purpose::Report => "text/plain; charset=utf-8",
    };
    let (address, method) = (asked.address, asked.method.clone());
    let worker = Arc::clone(&site);
    let found = site
        .store
        .run(move |store| find(&worker, store, &asked))
        .await?;
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let Found { presented, content } = found;
    // HEAD: axum keeps the length and drops the content.
    if method != Method::GET {
        return Ok((headers, content).into_response());
    }
    let use_up = async move {
        let used_up = site
            .store
            .run(move |store| use_up(store, &presented, address));
        used_up.await.unwrap_or_else(|error| {
            error!(
                error = crate::error_chain(&error),
                "boot secret withheld, its token cannot be used up"
            );
            false
        })
    };
    if content.is_empty() {
        // There is no last piece that could wait.
        return match use_up.await {
            true => Ok((headers, content).into_response()),
            false => Err(Refusal::Gone),
        };
    }
    let body = Download::new(Bytes::from(content), Box::pin(use_up));
    Ok((headers, Body::new(body)).into_response())
}

fn find(site: &Site, store: &Store, asked: &Asked) -> Result<Found, Refusal> {
    let presented = asked.present(store, Timestamp::now())?;
    let content = document(site, store, asked, &presented)?;
    Ok(Found { presented, content })
}

/// Uses up the token of a secret that is about to be fetched, all of it. Whether this was the one
/// call that did.
fn use_up(store: &Store, presented: &Presented, address: Ipv4Addr) -> Result<bool, store::Error> {
    let now = Timestamp::now();
    let Presented { hash, token } = presented;
    if !tokens::consume(store, hash, now)? {
        replayed(store, &token.grant, address, now);
        return Ok(false);
    }
    if let Err(error) = reach(store, token, Stage::Config, address, now) {
        // The server is none the worse for it: the token is used up, so it must have its secret.
        error!(error = crate::error_chain(&error), "boot stage not noted");
    }
    Ok(true)
}

/// Notes that the boot of a token reached a stage.
pub(super) fn reach(
    store: &Store,
    token: &tokens::Token,
    stage: Stage,
    address: Ipv4Addr,
    at: Timestamp,
) -> Result<(), store::Error> {
    let tokens::Grant {
        server_id, boot, ..
    } = token.grant;
    boot::reach(
        store,
        &Reached {
            server_id,
            boot,
            stage,
            at,
            address: Some(address),
        },
    )
}
