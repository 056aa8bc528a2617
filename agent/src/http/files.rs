//! Files that booting servers fetch: images and loaders.

use std::{net::Ipv4Addr, sync::Arc};

use axum::{
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{Method, Request, StatusCode},
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use model::{Boot, ServerId, Stage};
use serde::Deserialize;
use tower_http::services::ServeFile;
use uuid::Uuid;

use super::{
    Site,
    boot::{Refusal, Source},
};
use crate::{
    boot::{self, Reached},
    boot_configs, leases, store,
};

#[derive(Deserialize)]
pub(super) struct ImageQuery {
    boot: Option<Uuid>,
}

/// `GET /images/{sha256}?boot={id}`: an image, whole or a part of it.
pub(super) async fn image(
    State(site): State<Arc<Site>>,
    Source(address): Source,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<ImageQuery>, QueryRejection>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let Path(sha256) = path?;
    let path = site
        .images
        .path(&sha256)
        .ok_or_else(|| Refusal::missing("image"))?;
    let boot = query.ok().and_then(|query| query.boot);
    if let (&Method::GET, Some(boot)) = (request.method(), boot) {
        let now = Timestamp::now();
        site.store
            .run(move |store| kernel(store, address, boot, &sha256, now))
            .await?;
    }
    Ok(serve(request, &path).await)
}

/// Notes that a server fetches its kernel, if that is what this image is to it.
fn kernel(
    store: &store::Store,
    address: Ipv4Addr,
    boot: Uuid,
    sha256: &str,
    now: Timestamp,
) -> Result<(), store::Error> {
    let Some((server_id, armed)) = armed_at(store, address, now)? else {
        return Ok(());
    };
    if armed.id != boot {
        return Ok(());
    }
    let outline = boot_configs::outline(store, armed.boot_config_id, &armed.revision)?;
    let kernel = outline.and_then(|outline| outline.kernel);
    if kernel.is_none_or(|kernel| kernel.sha256 != sha256) {
        return Ok(());
    }
    let address = Some(address);
    boot::reach(
        store,
        &Reached {
            server_id,
            boot,
            stage: Stage::Kernel,
            at: now,
            address,
        },
    )
}

/// `GET /loaders/{file}`: a loader, for firmware that boots over HTTP.
pub(super) async fn loader(
    State(site): State<Arc<Site>>,
    Source(address): Source,
    path: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let Path(file) = path?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let path = site.loader_dir.join(&file);
    if file.starts_with('.') || !file.chars().all(plain) || !path.is_file() {
        return Err(Refusal::missing("loader"));
    }
    if request.method() == Method::GET {
        let now = Timestamp::now();
        site.store
            .run(move |store| loaded(store, address, now))
            .await?;
    }
    Ok(serve(request, &path).await)
}

fn loaded(store: &store::Store, address: Ipv4Addr, now: Timestamp) -> Result<(), store::Error> {
    let Some((server_id, armed)) = armed_at(store, address, now)? else {
        return Ok(());
    };
    let (boot, address) = (armed.id, Some(address));
    boot::reach(
        store,
        &Reached {
            server_id,
            boot,
            stage: Stage::Loader,
            at: now,
            address,
        },
    )
}

/// The server that is leased `address`, and the boot that is armed for it.
fn armed_at(
    store: &store::Store,
    address: Ipv4Addr,
    now: Timestamp,
) -> Result<Option<(ServerId, Boot)>, store::Error> {
    let Some(lease) = leases::server_at(store, address, now)? else {
        return Ok(None);
    };
    let planned = boot::planned_server(store, lease.server_id, lease.mac)?;
    Ok(planned.map(|planned| (planned.server_id, planned.boot)))
}

async fn serve(request: Request<Body>, path: &std::path::Path) -> Response {
    match ServeFile::new(path).try_call(request).await {
        Ok(response) => response.map(Body::new).into_response(),
        // It was removed since it was looked for.
        Err(_gone) => (StatusCode::NOT_FOUND, "the file is gone\n").into_response(),
    }
}
