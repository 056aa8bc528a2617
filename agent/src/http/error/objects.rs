//! Errors of subnets, reservations and pinned images as problem documents.

use model::{SubnetSource, api::ProblemCode};

use super::{ApiError, sentence};
use crate::{leases::Conflict, pins, reservations, subnets};

impl From<subnets::Error> for ApiError {
    fn from(error: subnets::Error) -> Self {
        use subnets::Error as E;
        match error {
            E::NotFound(id) => Self::not_found(
                "The subnet",
                format!("This agent has no subnet {id}. GET /v1/subnets lists those it has."),
            ),
            E::Invalid(invalid) => Self::new(
                ProblemCode::InvalidRequest,
                "The subnet cannot work",
                sentence(&invalid.to_string()),
            ),
            E::Overlap { network, other } => {
                let place = match other.source {
                    SubnetSource::Api => format!("which has the id {}", other.id),
                    SubnetSource::File => "which is in the agent's configuration file".to_owned(),
                };
                Self::new(
                    ProblemCode::SubnetConflict,
                    "Two subnets overlap",
                    format!(
                        "{network} overlaps the subnet {}, {place}. Each address needs one subnet: \
                         choose another network, import the one that is there, or remove it first.",
                        other.spec.subnet
                    ),
                )
            }
            E::OtherNetwork { id, is, wanted } => Self::new(
                ProblemCode::SubnetConflict,
                "The network of a subnet cannot change",
                format!("Subnet {id} is {is}, not {wanted}. Make another subnet for {wanted}."),
            ),
            E::Reserved(address) => Self::new(
                ProblemCode::AddressConflict,
                "The address is reserved",
                format!(
                    "{address} is reserved for a server, so it cannot be the network's own. Remove \
                     the reservation, or choose another address."
                ),
            ),
            E::InFile(network) => Self::new(
                ProblemCode::SubnetInFile,
                "The subnet is in the agent's configuration file",
                format!(
                    "The API changes no subnet of the file. Change {network} there, or remove it \
                     from the file, restart the agent, and make it over the API."
                ),
            ),
            E::InUse {
                network,
                reservations,
            } => Self::new(
                ProblemCode::SubnetInUse,
                "The subnet has reservations",
                format!("{reservations} addresses of {network} are reserved. Remove them first."),
            ),
            E::Store(error) => error.into(),
        }
    }
}

impl From<reservations::Error> for ApiError {
    fn from(error: reservations::Error) -> Self {
        use reservations::Error as E;
        match error {
            E::NotFound(id) => {
                Self::not_found("The reservation", format!("This agent has none {id}."))
            }
            E::UnknownSubnet(id) => Self::new(
                ProblemCode::UnknownSubnet,
                "The subnet does not exist",
                format!(
                    "This agent has no subnet {id} to reserve an address in. GET /v1/subnets lists \
                     those it has."
                ),
            ),
            E::OtherSubnet { id, subnet } => Self::invalid(format!(
                "Reservation {id} is one of subnet {subnet}. Make another one for another subnet."
            )),
            E::Outside { address, network } => Self::new(
                ProblemCode::AddressConflict,
                "The address is outside of the subnet",
                format!("{address} is not in {network}. Choose an address of the subnet."),
            ),
            E::Hostname(_) | E::NotUnicast(_) => Self::invalid(sentence(&error.to_string())),
            E::MacTaken { mac, other } => Self::new(
                ProblemCode::MacConflict,
                "The MAC address has a reservation",
                format!(
                    "Reservation {other} is for {mac} in this subnet already. Change that one, \
                     import it, or remove it."
                ),
            ),
            E::AddressTaken { address, other } => Self::new(
                ProblemCode::AddressConflict,
                "The address is reserved",
                format!(
                    "Reservation {other} has {address} already. Choose another address, or remove \
                     that reservation."
                ),
            ),
            E::Conflict(conflict) => conflicting(&conflict),
            E::Store(error) => error.into(),
        }
    }
}

fn conflicting(conflict: &Conflict) -> ApiError {
    let (title, detail) = match conflict {
        Conflict::Never(address) => (
            "No server can have the address",
            format!(
                "{address} is the network's, its router's or the agent's own. Choose another \
                 address."
            ),
        ),
        Conflict::Leased {
            address,
            mac,
            server_id,
            until,
        } => {
            let holder = match server_id {
                Some(id) => format!("leased to {mac} (server {id})"),
                None => format!("offered to {mac}"),
            };
            (
                "Somebody else has the address",
                format!(
                    "{address} is {holder} until {until:.0}. Choose another address, or try again \
                     when that lease has ended."
                ),
            )
        }
    };
    ApiError::new(ProblemCode::AddressConflict, title, detail)
}

impl From<pins::Error> for ApiError {
    fn from(error: pins::Error) -> Self {
        match error {
            pins::Error::NotFound(id) => Self::not_found(
                "The image",
                format!("No image {id} is pinned by this agent."),
            ),
            pins::Error::Invalid(invalid) => Self::new(
                ProblemCode::InvalidRequest,
                "The image cannot be fetched",
                sentence(&invalid.to_string()),
            ),
            pins::Error::Remove(error) => Self::internal(&error),
            pins::Error::Store(error) => error.into(),
        }
    }
}
