//! What servers report: that they are up.

use std::sync::Arc;

use axum::{
    extract::{
        Path, State,
        rejection::{BytesRejection, PathRejection},
    },
    http::{HeaderMap, Method, StatusCode},
};
use bytes::Bytes;
use jiff::Timestamp;
use model::{ServerId, Stage};
use serde::Deserialize;

use super::{
    Site, auth,
    boot::{Refusal, Source},
    secrets::{Armed, Asked, reach},
};
use crate::tokens::Purpose;

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
