//! `baremetal_subnet`: a network in which the agent leases addresses.

use std::{fmt::Display, str::FromStr};

use model::{SubnetSource, SubnetSpec, api::ProblemCode};
use tfplugin::{Context, Diagnostic, Failed, ImportBy, Model, Path, Resource, Value, async_trait};
use uuid::Uuid;

use super::objects::{self, unless_absent};
use crate::{
    checks,
    client::{ApiError, Client},
    diagnostics,
};

/// A network in which the agent leases addresses to planned servers. It takes effect at once, no
/// agent is restarted. Subnets of the agent's configuration file are not managed here.
#[derive(Clone, Debug, Model)]
pub(crate) struct SubnetModel {
    /// Its identity, a UUID.
    #[tf(computed, keep, identity)]
    pub id: Option<String>,
    /// The network, such as `10.0.0.0/24`. It must not overlap another subnet of the agent.
    #[tf(check = checks::network, same = checks::same_network, replace)]
    pub subnet: String,
    /// The addresses to lease, such as `10.0.0.100-10.0.0.200`. Without any, only reserved
    /// addresses are leased. Leases that a smaller pool has no room for end.
    #[tf(check_each = checks::pool, same_each = checks::same_pool)]
    pub pools: Option<Vec<String>>,
    /// The router (option 3).
    #[tf(check = checks::ipv4)]
    pub router: Option<String>,
    /// Name servers, best first (option 6).
    #[tf(check_each = checks::ipv4)]
    pub dns: Option<Vec<String>>,
    /// Time servers, best first (option 42).
    #[tf(check_each = checks::ipv4)]
    pub ntp: Option<Vec<String>>,
    /// The domain name (option 15).
    #[tf(check = checks::hostname)]
    pub domain: Option<String>,
    /// How long a lease lasts, in seconds, 60 to 7200.
    #[tf(check = checks::lease_time, default = 600)]
    pub lease_time: i64,
}

/// The resource `baremetal_subnet`.
pub(crate) struct Subnet;

impl SubnetModel {
    fn spec(&self) -> Result<SubnetSpec, Diagnostic> {
        let lease_seconds = u32::try_from(self.lease_time).map_err(|error| {
            diagnostics::at("lease_time", "Not a lease time", format!("{error}."))
        })?;
        Ok(SubnetSpec {
            subnet: parse("subnet", &self.subnet)?,
            pools: parse_all("pools", &self.pools)?,
            router: self
                .router
                .as_deref()
                .map(|router| parse("router", router))
                .transpose()?,
            dns: parse_all("dns", &self.dns)?,
            ntp: parse_all("ntp", &self.ntp)?,
            domain: self.domain.clone(),
            lease_seconds,
        })
    }

    /// Takes over what the agent has.
    fn adopt(&mut self, found: model::Subnet) {
        let SubnetSpec {
            subnet,
            pools,
            router,
            dns,
            ntp,
            domain,
            lease_seconds,
        } = found.spec;
        self.id = Some(found.id.to_string());
        self.subnet = subnet.to_string();
        self.pools = unless_absent(texts(&pools), self.pools.as_deref());
        self.router = router.map(|router| router.to_string());
        self.dns = unless_absent(texts(&dns), self.dns.as_deref());
        self.ntp = unless_absent(texts(&ntp), self.ntp.as_deref());
        self.domain = domain;
        self.lease_time = i64::from(lease_seconds);
    }

    fn empty() -> Self {
        Self {
            id: None,
            subnet: String::new(),
            pools: None,
            router: None,
            dns: None,
            ntp: None,
            domain: None,
            lease_time: 600,
        }
    }
}

#[async_trait]
impl Resource<Client> for Subnet {
    type Model = SubnetModel;
    const NAME: &'static str = "subnet";

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let fault = known(config).and_then(|spec| spec.check().err());
        let point = |fault: model::InvalidSubnet| {
            let attribute = match fault.field {
                "lease_seconds" => "lease_time",
                field => field,
            };
            let detail = format!("{attribute} = {}: {}.", fault.value, fault.reason);
            Diagnostic::error("The subnet cannot work", detail).at(Path::root(attribute))
        };
        fault.map(point).into_iter().collect()
    }

    async fn create(
        &self,
        cx: &mut Context<Client>,
        mut plan: SubnetModel,
    ) -> Result<SubnetModel, Failed<SubnetModel>> {
        plan.id = Some(Uuid::new_v4().to_string());
        put(cx, plan).await
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: SubnetModel,
    ) -> Result<Option<SubnetModel>, Diagnostic> {
        let id = objects::id("subnet", state.id.as_deref())?;
        let found = match cx.client.agent.api().await {
            Ok(api) => api.subnet(id).await,
            Err(error) => Err(error),
        };
        Ok(objects::seen(cx, found, "this subnet")?.map(|found| {
            if let Some(found) = found {
                state.adopt(found);
            }
            state
        }))
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        _prior: SubnetModel,
        plan: SubnetModel,
    ) -> Result<SubnetModel, Failed<SubnetModel>> {
        put(cx, plan).await
    }

    async fn delete(&self, cx: &mut Context<Client>, state: SubnetModel) -> Result<(), Diagnostic> {
        let id = objects::id("subnet", state.id.as_deref())?;
        Ok(cx.client.agent.api().await?.delete_subnet(id).await?)
    }

    async fn import(
        &self,
        cx: &mut Context<Client>,
        by: ImportBy,
    ) -> Result<SubnetModel, Diagnostic> {
        let expected = "its id, a UUID, or its network, such as 10.0.0.0/24";
        let name = objects::import_name("subnet", by, expected)?;
        let subnets = cx.client.agent.api().await?.subnets().await?;
        let named = |subnet: &model::Subnet| {
            name.is(subnet.id) || subnet.spec.subnet.to_string() == name.text
        };
        let found = subnets.into_iter().find(named);
        let found = found.ok_or_else(|| name.unknown("subnet", expected))?;
        if found.source == SubnetSource::File {
            return Err(Diagnostic::error(
                "The subnet is in the agent's configuration file",
                format!(
                    "The API cannot change {}. Remove it from the file, restart the agent, and \
                     create it here.",
                    found.spec.subnet
                ),
            ));
        }
        let mut state = SubnetModel::empty();
        state.adopt(found);
        Ok(state)
    }
}

async fn put(cx: &Context<Client>, plan: SubnetModel) -> Result<SubnetModel, Failed<SubnetModel>> {
    let id = objects::id("subnet", plan.id.as_deref())?;
    let spec = plan.spec()?;
    let api = cx.client.agent.api().await?;
    api.put_subnet(id, &spec).await.map_err(refused)?;
    Ok(plan)
}

fn refused(error: ApiError) -> Diagnostic {
    let attribute = match error.code() {
        Some(ProblemCode::SubnetConflict) => "subnet",
        Some(ProblemCode::AddressConflict) => "router",
        _ => return error.into(),
    };
    Diagnostic::from(error).at(Path::root(attribute))
}

/// What is known of a subnet before it is applied, if that is all that can be checked.
fn known(config: &Value) -> Option<SubnetSpec> {
    let pools = config.get("pools");
    if !pools.is_known() {
        return None;
    }
    let pools = pools.elements().iter();
    let pools = pools.map(|pool| pool.as_str()?.trim().parse().ok());
    let subnet: ipnet::Ipv4Net = config.get("subnet").as_str()?.trim().parse().ok()?;
    // What is wrong with the network itself, its own check has said.
    let mut spec = SubnetSpec::new(subnet.trunc(), pools.collect::<Option<_>>()?);
    spec.router = config
        .get("router")
        .as_str()
        .and_then(|text| text.trim().parse().ok());
    Some(spec)
}

fn texts<T: Display>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn parse<T: FromStr<Err: Display>>(attribute: &str, text: &str) -> Result<T, Diagnostic> {
    text.trim().parse().map_err(|error| {
        let summary = format!("{attribute} cannot be read");
        diagnostics::at(attribute, &summary, format!("{text:?}: {error}."))
    })
}

fn parse_all<T: FromStr<Err: Display>>(
    attribute: &str,
    texts: &Option<Vec<String>>,
) -> Result<Vec<T>, Diagnostic> {
    let texts = texts.iter().flatten();
    texts.map(|text| parse(attribute, text)).collect()
}
