//! The operations of subnets, reservations, leases, images, endpoints and events.

use model::{
    Asset, Endpoint, Event, Image, Lease, Reservation, ReservationSpec, Subnet, SubnetSpec,
};
use serde_json::{Value, json};

use super::{Operation, operation, schema};

/// What the query of an operation can have.
pub(super) fn queries(id: &str) -> Vec<Value> {
    let optional = |name: &str, schema: Value| json!({ "in": "query", "name": name, "required": false, "schema": schema });
    let uuid = || json!({ "type": "string", "format": "uuid" });
    match id {
        "leases" => vec![
            optional("subnet", uuid()),
            optional("mac", json!({ "type": "string" })),
        ],
        "events" => vec![
            optional("server", uuid()),
            optional("limit", json!({ "type": "integer", "minimum": 0 })),
        ],
        _ => Vec::new(),
    }
}

pub(super) const OPERATIONS: [Operation; 15] = [
    operation(
        "get /v1/subnets",
        "subnets",
        "Every subnet, those of the configuration file too",
        None,
        Some(schema::<Vec<Subnet>>),
    ),
    operation(
        "get /v1/subnets/{id}",
        "subnet",
        "A subnet",
        None,
        Some(schema::<Subnet>),
    ),
    operation(
        "put /v1/subnets/{id}",
        "put_subnet",
        "Make a subnet, or change one that is not in the configuration file",
        Some(schema::<SubnetSpec>),
        Some(schema::<Subnet>),
    ),
    operation(
        "delete /v1/subnets/{id}",
        "delete_subnet",
        "Remove a subnet without reservations; its leases end",
        None,
        None,
    ),
    operation(
        "get /v1/reservations",
        "reservations",
        "Every reservation",
        None,
        Some(schema::<Vec<Reservation>>),
    ),
    operation(
        "get /v1/reservations/{id}",
        "reservation",
        "A reservation",
        None,
        Some(schema::<Reservation>),
    ),
    operation(
        "put /v1/reservations/{id}",
        "put_reservation",
        "Reserve an address for a MAC address",
        Some(schema::<ReservationSpec>),
        Some(schema::<Reservation>),
    ),
    operation(
        "delete /v1/reservations/{id}",
        "delete_reservation",
        "Give a reserved address back",
        None,
        None,
    ),
    operation(
        "get /v1/images",
        "images",
        "Every pinned image",
        None,
        Some(schema::<Vec<Image>>),
    ),
    operation(
        "get /v1/images/{id}",
        "image",
        "A pinned image, and whether it is here",
        None,
        Some(schema::<Image>),
    ),
    operation(
        "put /v1/images/{id}",
        "put_image",
        "Pin an image; one that could not be fetched is tried again",
        Some(schema::<Asset>),
        Some(schema::<Image>),
    ),
    operation(
        "delete /v1/images/{id}",
        "delete_image",
        "Pin an image no more",
        None,
        None,
    ),
    operation(
        "get /v1/leases",
        "leases",
        "Addresses that are not free, or that somebody had",
        None,
        Some(schema::<Vec<Lease>>),
    ),
    operation(
        "get /v1/endpoints",
        "endpoints",
        "Interfaces that were heard asking for an address",
        None,
        Some(schema::<Vec<Endpoint>>),
    ),
    operation(
        "get /v1/events",
        "events",
        "What happened to servers, the latest last",
        None,
        Some(schema::<Vec<Event>>),
    ),
];
