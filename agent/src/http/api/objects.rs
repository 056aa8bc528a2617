//! What the control API has besides servers, boot configs and claims: subnets, reservations, leases,
//! images, endpoints and events.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    routing::get,
};
use jiff::Timestamp;
use model::{
    Asset, Endpoint, Event, Image, Lease, MacAddr, Reservation, ReservationSpec, ServerId, Subnet,
    SubnetSpec,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Answer, Segment, body::Body, uuid};
use crate::{
    events,
    http::{Site, error::ApiError},
    pins, reservations,
};

type Done = Result<StatusCode, ApiError>;
type Asked<T> = Result<Query<T>, QueryRejection>;

/// The routes of it.
pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/v1/subnets", get(subnets))
        .route(
            "/v1/subnets/{id}",
            get(subnet).put(put_subnet).delete(delete_subnet),
        )
        .route("/v1/reservations", get(list_reservations))
        .route(
            "/v1/reservations/{id}",
            get(reservation)
                .put(put_reservation)
                .delete(delete_reservation),
        )
        .route("/v1/images", get(images))
        .route(
            "/v1/images/{id}",
            get(image).put(put_image).delete(delete_image),
        )
        .route("/v1/leases", get(leases))
        .route("/v1/endpoints", get(endpoints))
        .route("/v1/events", get(list_events))
}

/// Runs `work`, which may block on the disk, with everything there is.
async fn run<T: Send + 'static, E: Into<ApiError> + Send + 'static>(
    site: Arc<Site>,
    work: impl FnOnce(&Site) -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError> {
    let store = site.store.clone();
    store.run(move |_| work(&site)).await.map_err(Into::into)
}

async fn subnets(State(site): State<Arc<Site>>) -> Answer<Vec<Subnet>> {
    run(site, |site| site.subnets.list(&site.store))
        .await
        .map(Json)
}

async fn subnet(State(site): State<Arc<Site>>, id: Segment) -> Answer<Subnet> {
    let id = uuid(id)?;
    run(site, move |site| site.subnets.find(&site.store, id))
        .await
        .map(Json)
}

async fn put_subnet(
    State(site): State<Arc<Site>>,
    id: Segment,
    Body(spec): Body<SubnetSpec>,
) -> Answer<Subnet> {
    let id = uuid(id)?;
    run(site, move |site| site.subnets.put(&site.store, id, spec))
        .await
        .map(Json)
}

async fn delete_subnet(State(site): State<Arc<Site>>, id: Segment) -> Done {
    let id = uuid(id)?;
    run(site, move |site| site.subnets.delete(&site.store, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_reservations(State(site): State<Arc<Site>>) -> Answer<Vec<Reservation>> {
    run(site, |site| reservations::list(&site.store))
        .await
        .map(Json)
}

async fn reservation(State(site): State<Arc<Site>>, id: Segment) -> Answer<Reservation> {
    let id = uuid(id)?;
    run(site, move |site| reservations::find(&site.store, id))
        .await
        .map(Json)
}

async fn put_reservation(
    State(site): State<Arc<Site>>,
    id: Segment,
    Body(spec): Body<ReservationSpec>,
) -> Answer<Reservation> {
    let (id, now) = (uuid(id)?, Timestamp::now());
    let put = move |site: &Site| reservations::put(&site.subnets, &site.store, id, spec, now);
    run(site, put).await.map(Json)
}

async fn delete_reservation(State(site): State<Arc<Site>>, id: Segment) -> Done {
    let id = uuid(id)?;
    run(site, move |site| {
        reservations::delete(&site.subnets, &site.store, id)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn images(State(site): State<Arc<Site>>) -> Answer<Vec<Image>> {
    run(site, |site| pins::list(&site.store, &site.images))
        .await
        .map(Json)
}

async fn image(State(site): State<Arc<Site>>, id: Segment) -> Answer<Image> {
    let id = uuid(id)?;
    run(site, move |site| pins::find(&site.store, &site.images, id))
        .await
        .map(Json)
}

async fn put_image(
    State(site): State<Arc<Site>>,
    id: Segment,
    Body(asset): Body<Asset>,
) -> Answer<Image> {
    let id = uuid(id)?;
    let put = move |site: &Site| pins::put(&site.store, &site.images, id, asset);
    run(site, put).await.map(Json)
}

async fn delete_image(State(site): State<Arc<Site>>, id: Segment) -> Done {
    let id = uuid(id)?;
    run(site, move |site| {
        pins::delete(&site.store, &site.images, id)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeasesAsked {
    subnet: Option<Uuid>,
    mac: Option<MacAddr>,
}

async fn leases(State(site): State<Arc<Site>>, asked: Asked<LeasesAsked>) -> Answer<Vec<Lease>> {
    let LeasesAsked { subnet, mac } = query(asked, "subnet=<uuid> and mac=<MAC address>")?;
    let now = Timestamp::now();
    let mut found = run(site, move |site| site.subnets.leased(&site.store, now)).await?;
    found.retain(|lease| {
        subnet.is_none_or(|subnet| lease.subnet_id == subnet)
            && mac.is_none_or(|mac| lease.mac == Some(mac))
    });
    Ok(Json(found))
}

async fn endpoints(State(site): State<Arc<Site>>) -> Json<Vec<Endpoint>> {
    Json(site.endpoints.list())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsAsked {
    server: Option<ServerId>,
    limit: Option<usize>,
}

async fn list_events(
    State(site): State<Arc<Site>>,
    asked: Asked<EventsAsked>,
) -> Answer<Vec<Event>> {
    let EventsAsked { server, limit } = query(asked, "server=<uuid> and limit=<number>")?;
    let limit = limit.unwrap_or(EVENTS).min(EVENTS_MAX);
    run(site, move |site| events::list(&site.store, server, limit))
        .await
        .map(Json)
}

fn query<T>(asked: Asked<T>, known: &str) -> Result<T, ApiError> {
    asked.map(|Query(asked)| asked).map_err(|rejection| {
        let text: String = rejection.body_text().chars().take(200).collect();
        ApiError::invalid(format!("{text}. The query can have {known}."))
    })
}

/// How many events are told to whoever does not say.
const EVENTS: usize = 100;

const EVENTS_MAX: usize = 10_000;
