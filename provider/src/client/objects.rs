//! The agent's API for subnets, reservations, images, and what the agent has seen.

use std::fmt::Write as _;

use model::{
    Asset, Endpoint, Event, Image, Lease, MacAddr, Reservation, ReservationSpec, ServerId, Subnet,
    SubnetSpec, api::AgentInfo,
};
use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{AgentApi, Answer};

impl AgentApi {
    pub(crate) async fn agent(&self) -> Answer<AgentInfo> {
        self.read("/v1/agent").await
    }

    pub(crate) async fn subnets(&self) -> Answer<Vec<Subnet>> {
        self.read("/v1/subnets").await
    }

    pub(crate) async fn subnet(&self, id: Uuid) -> Answer<Subnet> {
        self.read(&format!("/v1/subnets/{id}")).await
    }

    pub(crate) async fn put_subnet(&self, id: Uuid, spec: &SubnetSpec) -> Answer<Subnet> {
        self.write(&format!("/v1/subnets/{id}"), spec).await
    }

    pub(crate) async fn delete_subnet(&self, id: Uuid) -> Answer<()> {
        self.remove(&format!("/v1/subnets/{id}")).await
    }

    pub(crate) async fn reservations(&self) -> Answer<Vec<Reservation>> {
        self.read("/v1/reservations").await
    }

    pub(crate) async fn reservation(&self, id: Uuid) -> Answer<Reservation> {
        self.read(&format!("/v1/reservations/{id}")).await
    }

    pub(crate) async fn put_reservation(
        &self,
        id: Uuid,
        spec: &ReservationSpec,
    ) -> Answer<Reservation> {
        self.write(&format!("/v1/reservations/{id}"), spec).await
    }

    pub(crate) async fn delete_reservation(&self, id: Uuid) -> Answer<()> {
        self.remove(&format!("/v1/reservations/{id}")).await
    }

    pub(crate) async fn images(&self) -> Answer<Vec<Image>> {
        self.read("/v1/images").await
    }

    pub(crate) async fn image(&self, id: Uuid) -> Answer<Image> {
        self.read(&format!("/v1/images/{id}")).await
    }

    pub(crate) async fn put_image(&self, id: Uuid, asset: &Asset) -> Answer<Image> {
        self.write(&format!("/v1/images/{id}"), asset).await
    }

    pub(crate) async fn delete_image(&self, id: Uuid) -> Answer<()> {
        self.remove(&format!("/v1/images/{id}")).await
    }

    /// The leases of one subnet or of all, of one MAC address or of all.
    pub(crate) async fn leases(
        &self,
        subnet: Option<Uuid>,
        mac: Option<MacAddr>,
    ) -> Answer<Vec<Lease>> {
        let mut path = "/v1/leases?".to_owned();
        // Writing to a `String` cannot fail.
        if let Some(subnet) = subnet {
            let _infallible = write!(path, "subnet={subnet}&");
        }
        if let Some(mac) = mac {
            let _infallible = write!(path, "mac={mac}&");
        }
        self.read(path.trim_end_matches(['?', '&'])).await
    }

    pub(crate) async fn endpoints(&self) -> Answer<Vec<Endpoint>> {
        self.read("/v1/endpoints").await
    }

    /// The last `limit` events of one server or of all.
    pub(crate) async fn events(&self, server: Option<ServerId>, limit: u64) -> Answer<Vec<Event>> {
        let mut path = format!("/v1/events?limit={limit}");
        if let Some(server) = server {
            let _infallible = write!(path, "&server={server}");
        }
        self.read(&path).await
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.call(Method::GET, path, None::<&()>).await
    }

    async fn write<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Answer<T> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Removes what may be gone already.
    async fn remove(&self, path: &str) -> Answer<()> {
        match self.send(Method::DELETE, path, None::<&()>).await {
            Err(error) if !error.is_not_found() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}
