//! What a boot token opens: the Ignition config, the user data, the report.

use std::{net::Ipv4Addr, sync::Arc};

use axum::{
    body::Body,
    extract::{
        Path, State,
        rejection::{BytesRejection, PathRejection},
    },
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use jiff::Timestamp;
use model::{Boot, BootConfigSpec, Claim, Secret, ServerId, Stage};
use serde::Deserialize;
use tracing::{error, warn};

use super::{
    Site, auth,
    boot::{Refusal, Source, text},
    download::{Download, Ticket},
};
use crate::{
    boot::{self, Reached},
    boot_configs::{self, Payloads},
    render::{self, Links, Subject},
    store::{Store, Table},
    template,
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
struct Asked {
    token: String,
    purpose: Purpose,
    address: Ipv4Addr,
    method: Method,
}

impl Asked {
    fn present(&self, store: &Store, now: Timestamp) -> Result<Presented, tokens::Error> {
        let presented = tokens::present(store, &self.token, self.purpose, self.address, now);
        match &presented {
            Err(tokens::Error::Consumed(known)) => {
                warn_replay(&known.token.grant, self.address);
            }
            Err(tokens::Error::Elsewhere(known)) => {
                let grant = &known.token.grant;
                warn!(
                    server = %grant.server_id, boot = %grant.boot, address = %self.address,
                    "boot secret asked for from another address"
                );
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

fn warn_replay(grant: &tokens::Grant, address: Ipv4Addr) {
    warn!(
        server = %grant.server_id, boot = %grant.boot, %address,
        "boot secret replayed"
    );
}

/// The claim and the boot that a token was minted for.
struct Armed {
    claim: Claim,
    boot: Boot,
}

impl Armed {
    /// They must still be what they were: a server that was armed anew has new tokens.
    fn of(store: &Store, presented: &Presented) -> Result<Self, Refusal> {
        let grant = &presented.token.grant;
        let claim = store.get::<Claim>(Table::Claims, &grant.server_id.to_string())?;
        let mut claim = claim.ok_or(Refusal::Missing("token"))?.value;
        let boot = claim.boot.take().filter(|boot| boot.id == grant.boot);
        Ok(Self {
            boot: boot.ok_or(Refusal::Missing("token"))?,
            claim,
        })
    }

    fn subject<'a>(&'a self, presented: &'a Presented, boot_url: &'a str) -> Subject<'a> {
        Subject {
            grant: &presented.token.grant,
            hostname: self.claim.hostname.as_deref(),
            revision: &self.boot.revision,
            boot_url,
        }
    }
}

/// A document, and the right to send it.
struct Found {
    presented: Presented,
    content: String,
    ticket: Option<Ticket>,
}

async fn secret(site: Arc<Site>, asked: Asked) -> Result<Response, Refusal> {
    let content_type = match asked.purpose {
        Purpose::Ignition => "application/json",
        Purpose::UserData | Purpose::Report => "text/plain; charset=utf-8",
    };
    let address = asked.address;
    let worker = Arc::clone(&site);
    let found = site
        .store
        .run(move |store| find(&worker, store, &asked))
        .await?;
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let Found {
        presented,
        content,
        ticket,
    } = found;
    // HEAD: axum keeps the length and drops the content.
    let Some(ticket) = ticket else {
        return Ok((headers, content).into_response());
    };
    let sent = move || {
        let tasks = site.tasks.clone();
        tasks.spawn(async move {
            let worker = Arc::clone(&site);
            let noted = site
                .store
                .run(move |store| fetched(&worker, store, &presented, address));
            if let Err(error) = noted.await {
                error!(
                    error = crate::error_chain(&error),
                    "boot secret not marked as fetched"
                );
            }
        });
    };
    let body = Download::new(Bytes::from(content), ticket, sent);
    Ok((headers, Body::new(body)).into_response())
}

fn find(site: &Site, store: &Store, asked: &Asked) -> Result<Found, Refusal> {
    let now = Timestamp::now();
    let presented = asked.present(store, now)?;
    let ticket = if asked.method == Method::GET {
        let Some(ticket) = site.downloads.begin(&presented.hash) else {
            warn_replay(&presented.token.grant, asked.address);
            return Err(Refusal::Gone);
        };
        // A download that finished before this ticket was given is in the store by now.
        asked.present(store, now)?;
        Some(ticket)
    } else {
        None
    };
    let content = document(site, store, asked, &presented)?;
    Ok(Found {
        presented,
        content,
        ticket,
    })
}

fn document(
    site: &Site,
    store: &Store,
    asked: &Asked,
    presented: &Presented,
) -> Result<String, Refusal> {
    let armed = Armed::of(store, presented)?;
    let (id, revision) = (armed.boot.boot_config_id, &armed.boot.revision);
    let gone = || Refusal::Missing("boot config");
    let spec = boot_configs::outline(store, id, revision)?.ok_or_else(gone)?;
    let payloads = boot_configs::payloads(store, id, revision)?.ok_or_else(gone)?;
    let content = match asked.purpose {
        Purpose::Ignition => payloads.ignition(&site.sealer, id)?,
        Purpose::UserData => payloads.user_data(&site.sealer, id)?,
        Purpose::Report => None,
    };
    let content = content.ok_or(Refusal::Missing("document"))?;
    let links = links(
        site,
        store,
        asked,
        &Named {
            presented,
            spec: &spec,
            payloads: &payloads,
            content: &content,
        },
    )?;
    let variables = render::variables(armed.subject(presented, &site.boot_url), &spec, &links)?;
    Ok(match asked.purpose {
        Purpose::Ignition => render::ignition(content.expose(), &spec, &variables)?,
        Purpose::UserData | Purpose::Report => {
            template::render(content.expose(), &variables).map_err(render::Error::from)?
        }
    })
}

/// A document, and what decides which links it needs.
struct Named<'a> {
    presented: &'a Presented,
    spec: &'a BootConfigSpec,
    payloads: &'a Payloads,
    content: &'a Secret,
}

/// The links that a document names. A link to the document itself is the one it is fetched by;
/// others need tokens of their own, because the texts of earlier ones are not kept.
fn links(site: &Site, store: &Store, asked: &Asked, named: &Named<'_>) -> Result<Links, Refusal> {
    let names = template::names(named.content.expose()).map_err(render::Error::from)?;
    let reports = asked.purpose == Purpose::Ignition && named.spec.report_boot;
    let link = |path: &str, purpose, wanted: bool| {
        if !wanted {
            return Ok(String::new());
        }
        let token = if purpose == asked.purpose {
            asked.token.clone()
        } else if asked.method == Method::GET {
            let grant = named.presented.token.grant;
            let minted = tokens::mint(store, grant, purpose, Timestamp::now())?;
            minted.expose().to_owned()
        } else {
            "0".repeat(tokens::TEXT_LENGTH)
        };
        Ok::<_, Refusal>(format!("{}/{path}/{token}", site.boot_url))
    };
    let (ignition, user_data) = (
        named.payloads.has_ignition(),
        named.payloads.has_user_data(),
    );
    let (ignition_named, user_data_named) = (
        names.contains("ignition_url"),
        names.contains("user_data_url"),
    );
    let report_named = names.contains("report_url");
    Ok(Links {
        ignition: link("ignition", Purpose::Ignition, ignition && ignition_named)?,
        user_data: link("config", Purpose::UserData, user_data && user_data_named)?,
        report: link("bootstate", Purpose::Report, reports || report_named)?,
    })
}

/// Notes that a secret was fetched, all of it.
fn fetched(
    site: &Site,
    store: &Store,
    presented: &Presented,
    address: Ipv4Addr,
) -> Result<(), crate::store::Error> {
    let now = Timestamp::now();
    let Presented { hash, token } = presented;
    tokens::consume(store, hash, now)?;
    site.downloads.forget(hash);
    reach(store, token, Stage::Config, address, now)
}

fn reach(
    store: &Store,
    token: &tokens::Token,
    stage: Stage,
    address: Ipv4Addr,
    at: Timestamp,
) -> Result<(), crate::store::Error> {
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

/// `POST /bootstate/{token}`: the server is up. It may say so as often as it likes.
pub(super) async fn report(
    State(site): State<Arc<Site>>,
    Source(address): Source,
    path: Result<Path<String>, PathRejection>,
    method: Method,
) -> Result<StatusCode, Refusal> {
    let Path(token) = path?;
    booted(
        &site,
        Asked {
            token,
            purpose: Purpose::Report,
            address,
            method,
        },
        None,
    )
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a server reports of itself, in the shape of metal-operator's registry.
#[derive(Deserialize)]
struct BootState {
    #[serde(rename = "systemUUID")]
    system_uuid: ServerId,
    booted: bool,
}

/// `POST /bootstate`, the token in a header.
pub(super) async fn report_by_header(
    State(site): State<Arc<Site>>,
    Source(address): Source,
    method: Method,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Refusal> {
    let token = auth::bearer(&headers)
        .ok_or(Refusal::Missing("token"))?
        .to_owned();
    let body = body.map_err(|_too_large| Refusal::Bad("the body is too large"))?;
    let state: BootState = serde_json::from_slice(&body).map_err(|_invalid| {
        Refusal::Bad("the body must be {\"systemUUID\": \"<uuid>\", \"booted\": true}")
    })?;
    let asked = Asked {
        token,
        purpose: Purpose::Report,
        address,
        method,
    };
    booted(&site, asked, Some(state)).await?;
    Ok(StatusCode::OK)
}

async fn booted(site: &Site, asked: Asked, state: Option<BootState>) -> Result<(), Refusal> {
    let noted = site.store.run(move |store| {
        let now = Timestamp::now();
        let presented = asked.present(store, now)?;
        Armed::of(store, &presented)?;
        if let Some(state) = state {
            if !state.system_uuid.matches(presented.token.grant.server_id) {
                return Err(Refusal::Forbidden);
            }
            if !state.booted {
                return Ok(());
            }
        }
        Ok(reach(
            store,
            &presented.token,
            Stage::Booted,
            asked.address,
            now,
        )?)
    });
    noted.await
}
