//! The control API: what Terraform asks. See `model::api` for the table.

mod body;
mod objects;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{
        DefaultBodyLimit, Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use model::{
    BootConfig, BootConfigSpec, Claim, Server, ServerId, ServerSpec,
    api::{AgentInfo, Arm, ClaimRef, ClaimRequest, ClaimUpdate, ProblemCode, Settle},
};
use serde::Deserialize;
use uuid::Uuid;

use self::body::Body;
use super::{Site, error::ApiError};
use crate::{boot_configs, claims, servers};

type Answer<T> = Result<Json<T>, ApiError>;
type Segment = Result<Path<String>, PathRejection>;

/// The router of the control API.
pub(crate) fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/v1/agent", get(agent))
        .route("/v1/servers", get(list_servers))
        .route(
            "/v1/servers/{id}",
            get(server).put(put_server).delete(delete_server),
        )
        .route(
            "/v1/boot-configs/{id}",
            get(boot_config)
                .put(put_boot_config)
                .delete(delete_boot_config),
        )
        .route("/v1/claims", post(claim))
        .route(
            "/v1/claims/{server}",
            get(claim_of).patch(update_claim).delete(release),
        )
        .route("/v1/claims/{server}/arm", post(arm))
        .route("/v1/claims/{server}/disarm", post(disarm))
        .route("/v1/claims/{server}/settle", post(settle))
        .route("/v1/claims/{server}/record", post(record))
        .merge(objects::routes())
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), authorize))
        .with_state(site)
}

async fn authorize(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    if site.token.admits(request.headers()) {
        return next.run(request).await;
    }
    ApiError::new(
        ProblemCode::Unauthorized,
        "The API token is missing or wrong",
        "Send the token in the file that the agent names control.token_file, as a bearer token.",
    )
    .into_response()
}

async fn no_such_path() -> ApiError {
    let detail = "There is no such path in this version of the API.";
    ApiError::new(ProblemCode::NotFound, "The path does not exist", detail)
}

async fn no_such_method() -> ApiError {
    let detail = "The path exists, but not with this method.";
    ApiError::new(
        ProblemCode::InvalidRequest,
        "The method is not allowed",
        detail,
    )
    .with_status(StatusCode::METHOD_NOT_ALLOWED)
}

async fn agent(State(site): State<Arc<Site>>) -> Answer<AgentInfo> {
    let worker = Arc::clone(&site);
    let subnets = site.store.run(move |store| worker.subnets.list(store));
    let subnets = subnets.await?.into_iter();
    Ok(Json(AgentInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        boot_url: site.boot_url.clone(),
        subnets: subnets
            .map(|subnet| subnet.spec.subnet.to_string())
            .collect(),
        features: site.features.clone(),
    }))
}

async fn list_servers(State(site): State<Arc<Site>>) -> Answer<Vec<Server>> {
    Ok(Json(site.store.run(servers::list).await?))
}

async fn server(State(site): State<Arc<Site>>, id: Segment) -> Answer<Server> {
    let id = server_id(id)?;
    Ok(Json(
        site.store
            .run(move |store| servers::find(store, id))
            .await?,
    ))
}

async fn put_server(
    State(site): State<Arc<Site>>,
    id: Segment,
    Body(spec): Body<ServerSpec>,
) -> Answer<Server> {
    let (id, now) = (server_id(id)?, Timestamp::now());
    Ok(Json(
        site.store
            .run(move |store| servers::put(store, id, spec, now))
            .await?,
    ))
}

async fn delete_server(State(site): State<Arc<Site>>, id: Segment) -> Result<StatusCode, ApiError> {
    let id = server_id(id)?;
    site.store
        .run(move |store| servers::delete(store, id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn boot_config(State(site): State<Arc<Site>>, id: Segment) -> Answer<BootConfig> {
    find_boot_config(&site, uuid(id)?).await
}

async fn find_boot_config(site: &Site, id: Uuid) -> Answer<BootConfig> {
    let (sealer, images) = (Arc::clone(&site.sealer), site.images.clone());
    let found = site
        .store
        .run(move |store| boot_configs::find(store, &sealer, &images, id));
    Ok(Json(found.await?))
}

async fn put_boot_config(
    State(site): State<Arc<Site>>,
    id: Segment,
    Body(spec): Body<BootConfigSpec>,
) -> Answer<BootConfig> {
    let id = uuid(id)?;
    let (sealer, images) = (Arc::clone(&site.sealer), site.images.clone());
    let put = site.store.run(move |store| {
        boot_configs::put(store, &sealer, id, &spec)?;
        images.ensure(boot_configs::assets(&spec));
        Ok::<_, ApiError>(())
    });
    put.await?;
    find_boot_config(&site, id).await
}

async fn delete_boot_config(
    State(site): State<Arc<Site>>,
    id: Segment,
) -> Result<StatusCode, ApiError> {
    let id = uuid(id)?;
    site.store
        .run(move |store| boot_configs::delete(store, id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn claim(State(site): State<Arc<Site>>, Body(request): Body<ClaimRequest>) -> Answer<Claim> {
    let now = Timestamp::now();
    Ok(Json(
        site.store
            .run(move |store| claims::claim(store, &request, now))
            .await?,
    ))
}

async fn claim_of(State(site): State<Arc<Site>>, server: Segment) -> Answer<Claim> {
    let server = server_id(server)?;
    Ok(Json(
        site.store
            .run(move |store| claims::find(store, server))
            .await?,
    ))
}

async fn update_claim(
    State(site): State<Arc<Site>>,
    server: Segment,
    Body(update): Body<ClaimUpdate>,
) -> Answer<Claim> {
    let server = server_id(server)?;
    Ok(Json(
        site.store
            .run(move |store| claims::update(store, server, &update))
            .await?,
    ))
}

async fn arm(
    State(site): State<Arc<Site>>,
    server: Segment,
    Body(arm): Body<Arm>,
) -> Answer<Claim> {
    let (server, now, images) = (server_id(server)?, Timestamp::now(), site.images.clone());
    let armed = site
        .store
        .run(move |store| claims::arm(store, &images, server, &arm, now));
    Ok(Json(armed.await?))
}

async fn disarm(
    State(site): State<Arc<Site>>,
    server: Segment,
    Body(ClaimRef { uid }): Body<ClaimRef>,
) -> Answer<Claim> {
    let server = server_id(server)?;
    Ok(Json(
        site.store
            .run(move |store| claims::disarm(store, server, uid))
            .await?,
    ))
}

async fn settle(
    State(site): State<Arc<Site>>,
    server: Segment,
    Body(settle): Body<Settle>,
) -> Answer<Claim> {
    let server = server_id(server)?;
    Ok(Json(
        site.store
            .run(move |store| claims::settle(store, server, settle))
            .await?,
    ))
}

async fn record(
    State(site): State<Arc<Site>>,
    server: Segment,
    Body(ClaimRef { uid }): Body<ClaimRef>,
) -> Answer<Claim> {
    let server = server_id(server)?;
    Ok(Json(
        site.store
            .run(move |store| claims::record(store, server, uid))
            .await?,
    ))
}

#[derive(Deserialize)]
struct ReleaseQuery {
    uid: Uuid,
}

async fn release(
    State(site): State<Arc<Site>>,
    server: Segment,
    query: Result<Query<ReleaseQuery>, QueryRejection>,
) -> Result<StatusCode, ApiError> {
    let server = server_id(server)?;
    let Ok(Query(ReleaseQuery { uid })) = query else {
        return Err(ApiError::invalid(
            "Name the claim that is meant: ?uid=<uid>.",
        ));
    };
    site.store
        .run(move |store| claims::release(store, server, uid))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn server_id(segment: Segment) -> Result<ServerId, ApiError> {
    let text = segment_text(segment)?;
    text.parse()
        .map_err(|error| ApiError::invalid(format!("The server id in the path: {error}.")))
}

fn uuid(segment: Segment) -> Result<Uuid, ApiError> {
    let text = segment_text(segment)?;
    Uuid::try_parse(&text).map_err(|_says_less| {
        let shown: String = text.chars().take(64).collect();
        ApiError::invalid(format!("{shown:?} in the path is not a UUID."))
    })
}

fn segment_text(segment: Segment) -> Result<String, ApiError> {
    let Path(text) =
        segment.map_err(|_not_utf8| ApiError::invalid("The path is not UTF-8 text."))?;
    Ok(text)
}

/// How large a body may be: payloads of a few megabytes, and their JSON escapes.
const BODY_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests;
