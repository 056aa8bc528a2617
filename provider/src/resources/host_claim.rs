//! `baremetal_host_claim`: one server, held and booted.

mod boot;
mod evidence;
mod hold;
mod model;

use std::time::Duration;

use ::model::{
    ClaimPhase, ServerId,
    api::{Arm, ClaimUpdate},
};
use tfplugin::{
    Context, Diagnostic, Failed, ImportBy, Path, Plan, Resource, Timeouts, Value, async_trait,
};
use uuid::Uuid;

use self::model::{ClaimModel, LOST, RESERVED, SETTLED};
use crate::{client::Client, diagnostics};

/// The resource `baremetal_host_claim`.
pub(crate) struct HostClaim;

/// How long a server may take from power-on to what is waited for.
const CREATE_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// How long a server may take to power off.
const DELETE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

#[async_trait]
impl Resource<Client> for HostClaim {
    type Model = ClaimModel;
    const NAME: &'static str = "host_claim";

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        validate(config)
    }

    fn plan(&self, plan: &mut Plan<'_>) {
        if plan.is_create() {
            return;
        }
        // A claim that was imported has no selector to compare with; it keeps its server.
        if plan.changed("selector") && !plan.prior.get("selector").is_null() {
            plan.replace.push(Path::root("selector"));
            return;
        }
        let again = plan.changed("reprovision") && !trigger_of(plan.planned).is_null();
        let unfinished = plan.prior.get("phase").as_str() != Some(SETTLED);
        if again || unfinished {
            for observed in ["phase", "address", "boot", "boot_config_revision"] {
                plan.unknown(observed);
            }
        }
        if again {
            plan.diagnostics.push(
                Diagnostic::warning(
                    "The server will be reprovisioned",
                    format!(
                        "reprovision.trigger changes: server {} is powered off and booted again \
                         with its boot config. Under boot_policy once that installs it anew.",
                        plan.prior
                            .get("server_id")
                            .as_str()
                            .unwrap_or("of this claim")
                    ),
                )
                .at(Path::root("reprovision").attribute("trigger")),
            );
        } else if plan.changed("boot_config_id") {
            plan.diagnostics.push(
                Diagnostic::warning(
                    "The server keeps what it runs",
                    "The new boot config is used from the next reprovisioning on. Change \
                     reprovision.trigger as well to boot it now.",
                )
                .at(Path::root("boot_config_id")),
            );
        }
    }

    async fn create(
        &self,
        cx: &mut Context<Client>,
        mut plan: ClaimModel,
    ) -> Result<ClaimModel, Failed<ClaimModel>> {
        let timeout = Timeouts::create(&plan.timeouts, CREATE_TIMEOUT);
        let held = hold::take(cx, &mut plan).await?;
        boot::finish(cx, plan, held, timeout).await
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: ClaimModel,
    ) -> Result<Option<ClaimModel>, Diagnostic> {
        let server = server_of(&state)?;
        let found = match cx.client.agent.api().await {
            Ok(api) => api.claim_of(server).await,
            Err(error) => Err(error),
        };
        let claim = match found {
            Ok(claim) => claim,
            Err(error) if error.is_not_found() => {
                // Not `None`: a new claim would boot, and so reinstall, a server that runs.
                cx.warn(Diagnostic::warning(
                    "The agent has lost this claim",
                    format!(
                        "Server {server} is not claimed in the agent. The next apply takes it \
                         again as it is, without booting it."
                    ),
                ));
                state.phase = Some(LOST.to_owned());
                return Ok(Some(state));
            }
            Err(error) if error.is_unreachable() => {
                cx.warn(diagnostics::kept(error.into(), "this claim"));
                return Ok(Some(state));
            }
            Err(error) => return Err(error.into()),
        };
        if state.id.as_deref() != Some(claim.uid.to_string().as_str()) {
            cx.warn(Diagnostic::warning(
                "The server was claimed by somebody else",
                format!(
                    "Server {server} was released, and {} holds it since {}. This claim is gone.",
                    claim.holder, claim.claimed_at
                ),
            ));
            return Ok(None);
        }
        state.adopt(&claim);
        match hold::power_state(cx, server).await {
            Ok(power) => state.see_power(power),
            Err(error) if error.unreachable => {
                cx.warn(diagnostics::kept(error.diagnostic, "this claim's power"));
            }
            Err(error) => return Err(error.diagnostic),
        }
        Ok(Some(state))
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        prior: ClaimModel,
        mut plan: ClaimModel,
    ) -> Result<ClaimModel, Failed<ClaimModel>> {
        let timeout = Timeouts::update(&plan.timeouts, CREATE_TIMEOUT);
        if prior.phase.as_deref() == Some(LOST) {
            return hold::take_again(cx, plan).await;
        }
        let server = server_of(&prior)?;
        let uid = uid_of(&prior)?;
        plan.id.clone_from(&prior.id);
        plan.server_id.clone_from(&prior.server_id);
        let api = cx.client.agent.api().await?;
        let update = ClaimUpdate {
            uid,
            boot_config_id: plan.boot_config()?,
            hostname: plan.hostname.clone(),
        };
        let claim = api.update_claim(server, &update).await?;
        plan.adopt(&claim);
        let again = plan.trigger() != prior.trigger() && plan.trigger().is_some();
        let mut held = hold::held(cx, claim).await?;
        if again {
            held.generation = held
                .claim
                .boot
                .as_ref()
                .map_or(1, |boot| boot.generation + 1);
            // Armed here already: a failure up to this point keeps the old trigger in the state,
            // and from here on the agent knows that this boot is unfinished.
            let arm = Arm {
                uid,
                generation: held.generation,
            };
            let armed = api.arm(server, arm).await;
            held.claim = armed?;
        }
        if again || prior.phase.as_deref() == Some(RESERVED) {
            return boot::finish(cx, plan, held, timeout).await;
        }
        boot::hold_power(cx, plan, &held, timeout).await
    }

    async fn delete(&self, cx: &mut Context<Client>, state: ClaimModel) -> Result<(), Diagnostic> {
        let timeout = Timeouts::delete(&state.timeouts, DELETE_TIMEOUT);
        hold::release(cx, &state, timeout).await
    }

    async fn import(
        &self,
        cx: &mut Context<Client>,
        by: ImportBy,
    ) -> Result<ClaimModel, Diagnostic> {
        let ImportBy::Id(id) = by else {
            return Err(import_error("an identity"));
        };
        let server: ServerId = id
            .parse()
            .map_err(|error| import_error(&format!("{id:?}: {error}")))?;
        let api = cx.client.agent.api().await?;
        let claim = api.claim_of(server).await?;
        let mut state = ClaimModel::imported(server);
        state.id = Some(claim.uid.to_string());
        state.adopt(&claim);
        Ok(state)
    }
}

fn validate(config: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let (server, selector) = (config.get("server_id"), config.get("selector"));
    match (server.is_null(), selector.is_null()) {
        (true, true) => found.push(diagnostics::at(
            "server_id",
            "No server is asked for",
            "Give server_id, or a selector. \"Any server\" is never meant by leaving both out.",
        )),
        (false, false) => found.push(diagnostics::at(
            "selector",
            "Two ways to choose a server",
            "There are server_id and selector. Keep one.",
        )),
        _ => {}
    }
    if let Value::Map(parts) = selector
        && parts.values().all(Value::is_null)
    {
        found.push(diagnostics::at(
            "selector",
            "The selector asks for nothing",
            "An empty selector would take any server. Say what the server must be.",
        ));
    }
    let waits = config.get("wait_for");
    let boots = !config.get("boot_config_id").is_null();
    if !boots && !waits.is_unknown() && waits.as_str() != Some("reserved") {
        found.push(diagnostics::at(
            "boot_config_id",
            "Nothing to boot",
            "The claim waits for a boot and has no boot config. Give boot_config_id, or set \
             wait_for = \"reserved\" to hold the server without booting it.",
        ));
    }
    found
}

fn trigger_of(claim: &Value) -> &Value {
    claim.get("reprovision").get("trigger")
}

fn server_of(state: &ClaimModel) -> Result<ServerId, Diagnostic> {
    let text = state.server_id.as_deref().unwrap_or_default();
    text.parse().map_err(|error| {
        diagnostics::at(
            "server_id",
            "The server's id cannot be read",
            format!("{error}."),
        )
    })
}

fn uid_of(state: &ClaimModel) -> Result<Uuid, Diagnostic> {
    let text = state.id.as_deref().unwrap_or_default();
    Uuid::try_parse(text).map_err(|error| {
        Diagnostic::error(
            "The claim's id cannot be read",
            format!("In the state, {text:?}: {error}."),
        )
    })
}

fn phase_name(phase: ClaimPhase) -> &'static str {
    match phase {
        ClaimPhase::Reserved => RESERVED,
        ClaimPhase::Settled => SETTLED,
    }
}

fn import_error(found: &str) -> Diagnostic {
    Diagnostic::error(
        "The import id of a claim cannot be read",
        format!("Expected the system UUID of the claimed server; found {found}."),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[track_caller]
    fn check(attributes: &[(&str, Value)], expected: &[&str]) {
        let entry = |(name, value): &(&str, Value)| ((*name).to_owned(), value.clone());
        let config = Value::Map(attributes.iter().map(entry).collect());
        let summaries: Vec<_> = validate(&config)
            .into_iter()
            .map(|found| found.summary)
            .collect();
        assert_eq!(summaries, expected);
    }

    #[test]
    fn a_claim_says_which_server_and_what_it_boots() {
        let text = |text: &str| Value::String(text.to_owned());
        let empty = Value::Map(BTreeMap::from([("manufacturer".to_owned(), Value::Null)]));
        let boot = ("boot_config_id", text("b"));
        check(&[("server_id", text("s")), boot.clone()], &[]);
        check(&[("server_id", Value::UNKNOWN), boot.clone()], &[]);
        check(std::slice::from_ref(&boot), &["No server is asked for"]);
        check(
            &[
                ("server_id", text("s")),
                ("selector", empty.clone()),
                boot.clone(),
            ],
            &[
                "Two ways to choose a server",
                "The selector asks for nothing",
            ],
        );
        check(
            &[("selector", empty), boot],
            &["The selector asks for nothing"],
        );
        check(&[("server_id", text("s"))], &["Nothing to boot"]);
        check(
            &[("server_id", text("s")), ("wait_for", text("reserved"))],
            &[],
        );
    }
}
