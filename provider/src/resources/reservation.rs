//! `baremetal_reservation`: a fixed address for one MAC address.

use std::net::Ipv4Addr;

use model::{MacAddr, ReservationSpec, api::ProblemCode};
use tfplugin::{Context, Diagnostic, Failed, ImportBy, Model, Path, Resource, async_trait};
use uuid::Uuid;

use super::objects;
use crate::{
    checks,
    client::{ApiError, Client},
    diagnostics,
};

/// A fixed address for one MAC address. The planned server that has it gets the address, and nobody
/// else ever does. A server that is running keeps the address it has until it boots again.
#[derive(Clone, Debug, Model)]
pub(crate) struct ReservationModel {
    /// Its identity, a UUID.
    #[tf(computed, keep, identity)]
    pub id: Option<String>,
    /// The id of the subnet: of a `baremetal_subnet`, or of one of the agent's configuration file as
    /// the data source `baremetal_agent` tells it.
    #[tf(check = checks::any_uuid, same = checks::same_any_uuid, replace)]
    pub subnet_id: String,
    /// Whose address it is.
    #[tf(check = checks::mac, same = checks::same_mac)]
    pub mac_address: String,
    /// The address, inside of a pool of the subnet or not.
    #[tf(check = checks::ipv4)]
    pub address: String,
    /// The host name to give with it (option 12). A claim's `hostname` comes first.
    #[tf(check = checks::hostname)]
    pub hostname: Option<String>,
}

/// The resource `baremetal_reservation`.
pub(crate) struct Reservation;

impl ReservationModel {
    fn spec(&self) -> Result<ReservationSpec, Diagnostic> {
        let unreadable = |attribute: &str, text: &str| {
            let summary = format!("{attribute} cannot be read");
            diagnostics::at(attribute, &summary, format!("It is {text:?}."))
        };
        Ok(ReservationSpec {
            subnet_id: Uuid::try_parse(&self.subnet_id)
                .map_err(|_says_less| unreadable("subnet_id", &self.subnet_id))?,
            mac: self
                .mac_address
                .parse::<MacAddr>()
                .map_err(|_says_less| unreadable("mac_address", &self.mac_address))?,
            address: self
                .address
                .parse::<Ipv4Addr>()
                .map_err(|_says_less| unreadable("address", &self.address))?,
            hostname: self.hostname.clone(),
        })
    }
}

impl From<model::Reservation> for ReservationModel {
    fn from(found: model::Reservation) -> Self {
        Self {
            id: Some(found.id.to_string()),
            subnet_id: found.spec.subnet_id.to_string(),
            mac_address: found.spec.mac.to_string(),
            address: found.spec.address.to_string(),
            hostname: found.spec.hostname,
        }
    }
}

#[async_trait]
impl Resource<Client> for Reservation {
    type Model = ReservationModel;
    const NAME: &'static str = "reservation";

    async fn create(
        &self,
        cx: &mut Context<Client>,
        mut plan: ReservationModel,
    ) -> Result<ReservationModel, Failed<ReservationModel>> {
        plan.id = Some(Uuid::new_v4().to_string());
        put(cx, plan).await
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        state: ReservationModel,
    ) -> Result<Option<ReservationModel>, Diagnostic> {
        let id = objects::id("reservation", state.id.as_deref())?;
        let found = match cx.client.agent.api().await {
            Ok(api) => api.reservation(id).await,
            Err(error) => Err(error),
        };
        let found = objects::seen(cx, found, "this reservation")?;
        Ok(found.map(|found| found.map_or(state, ReservationModel::from)))
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        _prior: ReservationModel,
        plan: ReservationModel,
    ) -> Result<ReservationModel, Failed<ReservationModel>> {
        put(cx, plan).await
    }

    async fn delete(
        &self,
        cx: &mut Context<Client>,
        state: ReservationModel,
    ) -> Result<(), Diagnostic> {
        let id = objects::id("reservation", state.id.as_deref())?;
        Ok(cx.client.agent.api().await?.delete_reservation(id).await?)
    }

    async fn import(
        &self,
        cx: &mut Context<Client>,
        by: ImportBy,
    ) -> Result<ReservationModel, Diagnostic> {
        let expected =
            "its id, a UUID, its address, or its MAC address if that has one reservation";
        let name = objects::import_name("reservation", by, expected)?;
        let (address, mac) = (name.text.parse().ok(), name.text.parse().ok());
        let mut found = cx.client.agent.api().await?.reservations().await?;
        found.retain(|found| {
            name.is(found.id) || Some(found.spec.address) == address || Some(found.spec.mac) == mac
        });
        match <[model::Reservation; 1]>::try_from(found) {
            Ok([found]) => Ok(found.into()),
            Err(none) if none.is_empty() => Err(name.unknown("reservation", expected)),
            Err(several) => {
                let ids: Vec<_> = several.iter().map(|found| found.id).collect();
                Err(name.ambiguous("reservation", &ids))
            }
        }
    }
}

async fn put(
    cx: &Context<Client>,
    plan: ReservationModel,
) -> Result<ReservationModel, Failed<ReservationModel>> {
    let id = objects::id("reservation", plan.id.as_deref())?;
    let spec = plan.spec()?;
    let api = cx.client.agent.api().await?;
    api.put_reservation(id, &spec).await.map_err(refused)?;
    Ok(plan)
}

fn refused(error: ApiError) -> Diagnostic {
    let attribute = match error.code() {
        Some(ProblemCode::UnknownSubnet) => "subnet_id",
        Some(ProblemCode::AddressConflict) => "address",
        Some(ProblemCode::MacConflict) => "mac_address",
        _ => return error.into(),
    };
    Diagnostic::from(error).at(Path::root(attribute))
}
