//! `baremetal_server`: one physical machine behind a BMC, registered so that it can be claimed.

mod observe;

use std::{collections::BTreeMap, time::Duration};

use model::ServerId;
use tfplugin::{
    Context, Diagnostic, Failed, ImportBy, Model, Path, Plan, Resource, Timeouts, async_trait,
};

use super::connection::ConnectionInput;
use crate::{checks, client::Client, diagnostics};

/// A physical server behind a BMC. It is registered in the site's agent, so that any Terraform
/// state can claim it. Destroying it removes the registration, which is refused while it is
/// claimed, and never powers it off.
#[derive(Clone, Debug, Model)]
pub(crate) struct ServerModel {
    /// The server's system UUID, lower case.
    #[tf(computed, keep)]
    pub id: Option<String>,
    /// How its BMC is reached: `baremetal_bmc.NAME.connection`.
    pub bmc: ConnectionInput,
    /// Its system UUID. Needed, unless `system_uri` is there, when the BMC has several systems.
    #[tf(optional, computed, keep, replace, check = checks::uuid, same = checks::same_uuid)]
    pub system_uuid: Option<String>,
    /// Its resource on the BMC, such as `/redfish/v1/Systems/1`.
    #[tf(optional, computed, keep)]
    pub system_uri: Option<String>,
    /// The interfaces it may boot from. Defaults to all that the BMC knows of.
    #[tf(optional, computed, keep, check = checks::macs, same = checks::same_macs)]
    pub boot_mac_addresses: Option<Vec<String>>,
    /// Labels that the selector of a `baremetal_host_claim` matches.
    pub labels: Option<BTreeMap<String, String>>,
    /// Cordon it: nobody can claim it. A claim it already has is kept.
    #[tf(default = false)]
    pub unclaimable: bool,
    /// The power state to hold while nobody claims it: `On` or `Off`. Without one its power is not
    /// managed.
    #[tf(check = checks::power)]
    pub power: Option<String>,
    /// Its asset tag.
    #[tf(optional, computed, keep)]
    pub asset_tag: Option<String>,
    /// Its indicator LED: `Lit`, `Blinking` or `Off`. Many BMCs know only on and off, so a change
    /// between the first two is no drift.
    #[tf(optional, computed, keep, check = checks::indicator_led)]
    pub indicator_led: Option<String>,
    /// Who made it.
    #[tf(computed, keep)]
    pub manufacturer: Option<String>,
    /// Its model.
    #[tf(computed, keep)]
    pub model: Option<String>,
    /// Its serial number.
    #[tf(computed, keep)]
    pub serial_number: Option<String>,
    /// Its stock-keeping unit; Dell's service tag.
    #[tf(computed, keep)]
    pub sku: Option<String>,
    /// Its BIOS's version.
    #[tf(computed, keep)]
    pub bios_version: Option<String>,
    /// Its processors, all of them together.
    #[tf(computed, keep)]
    pub processors: Option<Processors>,
    /// Its main memory in MiB.
    #[tf(computed, keep)]
    pub memory_mib: Option<i64>,
    /// Its network interfaces, as far as the BMC knows them.
    #[tf(computed, keep)]
    pub network_interfaces: Option<Vec<NetworkInterface>>,
    /// Its health, in Redfish's words: `OK`, `Warning` or `Critical`.
    #[tf(computed, keep)]
    pub health: Option<String>,
    /// Whether it was powered when it was last seen.
    #[tf(computed, keep)]
    pub power_state: Option<String>,
    /// `available`, `reserved`, or `unregistered` if the agent has lost it, which the next apply
    /// mends. Null without an agent.
    #[tf(computed, keep)]
    pub state: Option<String>,
    /// Who holds it.
    #[tf(computed, keep)]
    pub claim: Option<String>,
    /// How long its operations may take.
    pub timeouts: Option<Timeouts>,
}

/// A server's processors.
#[derive(Clone, Debug, Model)]
pub(crate) struct Processors {
    /// How many there are.
    #[tf(computed)]
    pub count: Option<i64>,
    /// How many cores they have together.
    #[tf(computed)]
    pub cores: Option<i64>,
    /// Their model.
    #[tf(computed)]
    pub model: Option<String>,
}

/// A network interface.
#[derive(Clone, Debug, Model)]
pub(crate) struct NetworkInterface {
    /// Its id on the BMC.
    #[tf(computed)]
    pub id: Option<String>,
    /// Its MAC address.
    #[tf(computed)]
    pub mac_address: Option<String>,
    /// Its speed in Mbit/s.
    #[tf(computed)]
    pub speed_mbps: Option<i64>,
    /// Its link, in Redfish's words.
    #[tf(computed)]
    pub link_status: Option<String>,
}

/// The resource `baremetal_server`.
pub(crate) struct Server;

/// The state of a server that the agent should know and does not.
const UNREGISTERED: &str = "unregistered";
/// How long a change of power may take.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

#[async_trait]
impl Resource<Client> for Server {
    type Model = ServerModel;
    const NAME: &'static str = "server";

    fn plan(&self, plan: &mut Plan<'_>) {
        if plan.is_create() {
            return;
        }
        if plan.prior.get("state").as_str() == Some(UNREGISTERED) {
            plan.unknown("state");
        }
        if plan.changed("power") && !plan.planned.get("power").is_null() {
            plan.unknown("power_state");
        }
        // Another BMC may be the same server's after a move, or another server's: the update
        // compares identities before it changes anything.
        if plan.changed("bmc") {
            for seen in ["power_state", "health", "bios_version"] {
                plan.unknown(seen);
            }
        }
    }

    async fn create(
        &self,
        cx: &mut Context<Client>,
        mut plan: ServerModel,
    ) -> Result<ServerModel, Failed<ServerModel>> {
        let client = cx.client.clone();
        let system = observe::find(&client, &plan).await?;
        observe::adopt(&mut plan, &system)?;
        observe::network(&client, &mut plan, &system).await?;
        // Registered before anything else is changed: a name that is taken must not cost a reboot.
        observe::register(cx, &mut plan).await?;
        let timeout = Timeouts::create(&plan.timeouts, DEFAULT_TIMEOUT);
        settle(cx, plan, timeout).await
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: ServerModel,
    ) -> Result<Option<ServerModel>, Diagnostic> {
        let client = cx.client.clone();
        let first = state.network_interfaces.is_none();
        match observe::system(&client, &mut state).await {
            Ok(system) => {
                observe::adopt(&mut state, &system)?;
                observe::adopt_settings(&mut state, &system);
                if first {
                    observe::network(&client, &mut state, &system).await?;
                }
            }
            Err((diagnostic, true)) => cx.warn(diagnostics::kept(diagnostic, "this server")),
            Err((diagnostic, false)) => return Err(diagnostic),
        }
        observe::registration(cx, &mut state).await?;
        let claimed = state.claim.is_some();
        if let (Some(power), Some(seen), false) = (&mut state.power, &state.power_state, claimed)
            && matches!(seen.as_str(), "On" | "Off")
        {
            power.clone_from(seen);
        }
        Ok(Some(state))
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        prior: ServerModel,
        mut plan: ServerModel,
    ) -> Result<ServerModel, Failed<ServerModel>> {
        let client = cx.client.clone();
        let system = observe::find(&client, &plan).await?;
        same_server(&prior, &system)?;
        observe::adopt(&mut plan, &system)?;
        observe::register(cx, &mut plan).await?;
        let timeout = Timeouts::update(&plan.timeouts, DEFAULT_TIMEOUT);
        settle(cx, plan, timeout).await
    }

    async fn delete(&self, cx: &mut Context<Client>, state: ServerModel) -> Result<(), Diagnostic> {
        if !cx.client.agent.is_configured() {
            return Ok(());
        }
        let id = id_of(&state)?;
        let api = cx.client.agent.api().await?;
        match api.delete_server(id).await {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn import(
        &self,
        cx: &mut Context<Client>,
        by: ImportBy,
    ) -> Result<ServerModel, Diagnostic> {
        let ImportBy::Id(id) = by else {
            return Err(import_error("an identity"));
        };
        let server: ServerId = id
            .parse()
            .map_err(|error| import_error(&format!("{id:?}: {error}")))?;
        let api = cx.client.agent.api().await?;
        let server = api.server(server).await?;
        let labels = Some(server.spec.labels).filter(|labels| !labels.is_empty());
        let macs = server
            .spec
            .boot_mac_addresses
            .iter()
            .map(ToString::to_string)
            .collect();
        Ok(ServerModel {
            id: Some(server.id.to_string()),
            bmc: ConnectionInput::from_model(&server.spec.bmc),
            system_uuid: Some(server.id.to_string()),
            system_uri: Some(server.spec.system_uri),
            boot_mac_addresses: Some(macs),
            labels,
            unclaimable: server.spec.unclaimable,
            ..ServerModel::empty()
        })
    }
}

impl ServerModel {
    fn empty() -> Self {
        Self {
            id: None,
            bmc: ConnectionInput {
                endpoint: String::new(),
                credentials: String::new(),
                ca_pem: None,
                fingerprint_sha256: None,
                insecure: None,
            },
            system_uuid: None,
            system_uri: None,
            boot_mac_addresses: None,
            labels: None,
            unclaimable: false,
            power: None,
            asset_tag: None,
            indicator_led: None,
            manufacturer: None,
            model: None,
            serial_number: None,
            sku: None,
            bios_version: None,
            processors: None,
            memory_mib: None,
            network_interfaces: None,
            health: None,
            power_state: None,
            state: None,
            claim: None,
            timeouts: None,
        }
    }
}

/// Brings asset tag, LED and power to what the plan says.
async fn settle(
    cx: &mut Context<Client>,
    mut plan: ServerModel,
    timeout: Duration,
) -> Result<ServerModel, Failed<ServerModel>> {
    let result = observe::apply_settings(cx, &mut plan, timeout).await;
    match result {
        Ok(()) => Ok(plan),
        Err(diagnostic) => Err(Failed::with(diagnostic, plan)),
    }
}

/// Refuses a BMC behind which another machine answers now: what would be changed is not what was
/// planned.
fn same_server(prior: &ServerModel, system: &redfish::System) -> Result<(), Diagnostic> {
    let before = id_of(prior)?;
    match system.uuid {
        Some(now) if before.matches(now) => Ok(()),
        now => Err(Diagnostic::error(
            "Another server answers here",
            format!(
                "The BMC at {} had server {before} (serial number {}) and now has {} (serial \
                 number {}). If the machine or its board was replaced on purpose, replace this \
                 resource: terraform apply -replace=ADDRESS. If the BMC's address now belongs to \
                 another machine, correct the address.",
                prior.bmc.endpoint,
                prior.serial_number.as_deref().unwrap_or("unknown"),
                now.map_or_else(|| "one without a UUID".to_owned(), |now| now.to_string()),
                system.serial_number.as_deref().unwrap_or("unknown"),
            ),
        )
        .at(Path::root("bmc"))),
    }
}

fn id_of(state: &ServerModel) -> Result<ServerId, Diagnostic> {
    let text = state.id.as_deref().unwrap_or_default();
    text.parse().map_err(|error| {
        Diagnostic::error(
            "The server's id cannot be read",
            format!("In the state, {error}."),
        )
    })
}

fn import_error(found: &str) -> Diagnostic {
    Diagnostic::error(
        "The import id of a server cannot be read",
        format!(
            "Expected the system UUID of a server that is registered in the agent, such as \
             4c4c4544-0042-3510-8057-b7c04f4b4d32; found {found}."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_that_was_swapped_is_an_error_that_says_what_happened() {
        let prior = ServerModel {
            id: Some("4c4c4544-0042-3510-8057-b7c04f4b4d32".to_owned()),
            serial_number: Some("SN1".to_owned()),
            ..ServerModel::empty()
        };
        let system = |uuid: &str| redfish::System {
            uuid: uuid.parse().ok(),
            serial_number: Some("SN2".to_owned()),
            ..redfish::System::default()
        };
        assert!(same_server(&prior, &system("4c4c4544-0042-3510-8057-b7c04f4b4d32")).is_ok());
        // The same board in the other SMBIOS byte order.
        assert!(same_server(&prior, &system("44454c4c-4200-1035-8057-b7c04f4b4d32")).is_ok());
        let error = same_server(&prior, &system("11111111-2222-3333-4444-555555555555"));
        let error = error.unwrap_err();
        assert_eq!(error.summary, "Another server answers here");
        assert!(
            error.detail.contains("serial number SN1"),
            "{}",
            error.detail
        );
        assert!(
            error.detail.contains("serial number SN2"),
            "{}",
            error.detail
        );
    }
}
