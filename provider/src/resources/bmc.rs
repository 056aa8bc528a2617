//! `baremetal_bmc`: a BMC, by its address.

mod import;
mod model;

use std::time::Duration;

use ::model::ServerId;
use tfplugin::{
    AttributeType as _, Context, Diagnostic, Failed, ImportBy, Path, Plan, Resource, Timeouts,
    Value, async_trait,
};

use self::{import::imported, model::BmcModel};
use super::connection::{self, ConnectionOutput};
use crate::{client::Client, diagnostics};

/// The resource `baremetal_bmc`.
pub(crate) struct Bmc;

/// How long a BMC may take to say what it is.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);
/// The same when nothing hangs on it but a plan.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

#[async_trait]
impl Resource<Client> for Bmc {
    type Model = BmcModel;
    const NAME: &'static str = "bmc";

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let tls = config.get("tls");
        let insecure = tls.get("insecure").as_bool().unwrap_or(false);
        let mut found = Vec::new();
        if config.get("scheme").as_str() == Some("http") && !insecure && tls.is_known() {
            found.push(diagnostics::at(
                "scheme",
                "Plain http would show the password",
                "The BMC's password would travel readable. Use https, or say tls = { insecure = \
                 true } if the network between is trusted.",
            ));
        }
        let pinned = !tls.get("ca_pem").is_null() || !tls.get("fingerprint_sha256").is_null();
        if insecure && pinned {
            found.push(
                Diagnostic::error(
                    "The certificate is both verified and not",
                    "tls has insecure = true beside ca_pem or fingerprint_sha256. Remove one.",
                )
                .at(Path::root("tls").attribute("insecure")),
            );
        } else if insecure {
            found.push(
                Diagnostic::warning(
                    "The BMC's certificate is not verified",
                    "Whoever is on the path can read the password. Pin the certificate with \
                     tls.fingerprint_sha256: an error without insecure prints it.",
                )
                .at(Path::root("tls").attribute("insecure")),
            );
        }
        found
    }

    fn plan(&self, plan: &mut Plan<'_>) {
        // Known at plan already, so that what hangs on it can be planned too.
        match connection::known(plan.planned) {
            Some(connection) => {
                plan.set("id", Value::String(connection.endpoint.clone()));
                plan.set(
                    "connection",
                    Some(ConnectionOutput::from(connection)).encode(),
                );
            }
            None => {
                plan.unknown("id");
                plan.unknown("connection");
            }
        }
    }

    async fn create(
        &self,
        cx: &mut Context<Client>,
        mut plan: BmcModel,
    ) -> Result<BmcModel, Failed<BmcModel>> {
        let limit = Timeouts::create(&plan.timeouts, DEFAULT_TIMEOUT);
        let observed = tokio::time::timeout(limit, plan.observe(&cx.client)).await;
        let late = |_elapsed| Err((diagnostics::too_late("The BMC", "create", limit), true));
        let observed = observed.unwrap_or_else(late);
        observed.map_err(|(diagnostic, _)| diagnostic)?;
        Ok(plan)
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: BmcModel,
    ) -> Result<Option<BmcModel>, Diagnostic> {
        let limit = Timeouts::read(&state.timeouts, READ_TIMEOUT);
        // What was read halfway is not what is there.
        let mut seen = state.clone();
        let observed = tokio::time::timeout(limit, seen.observe(&cx.client)).await;
        let late = |_elapsed| Err((diagnostics::too_late("The BMC", "read", limit), true));
        match observed.unwrap_or_else(late) {
            Ok(()) => state = seen,
            Err((diagnostic, true)) => {
                cx.warn(diagnostics::kept(diagnostic, "this BMC"));
            }
            Err((diagnostic, false)) => return Err(diagnostic),
        }
        Ok(Some(state))
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        prior: BmcModel,
        plan: BmcModel,
    ) -> Result<BmcModel, Failed<BmcModel>> {
        let limit = Timeouts::update(&plan.timeouts, DEFAULT_TIMEOUT);
        let mut seen = plan.clone();
        let observed = tokio::time::timeout(limit, seen.observe(&cx.client)).await;
        let late = |_elapsed| Err((diagnostics::too_late("The BMC", "update", limit), true));
        let observed = observed.unwrap_or_else(late);
        observed.map_err(|(diagnostic, _)| diagnostic)?;
        if prior.id != seen.id {
            same_bmc(&prior, &seen)?;
        }
        Ok(seen.returned(plan))
    }

    async fn delete(&self, _: &mut Context<Client>, _: BmcModel) -> Result<(), Diagnostic> {
        Ok(())
    }

    async fn import(&self, _: &mut Context<Client>, by: ImportBy) -> Result<BmcModel, Diagnostic> {
        imported(&by)
    }
}

/// Refuses an address at which another BMC answers: what hangs on the one that was there would
/// silently be another machine's.
fn same_bmc(prior: &BmcModel, seen: &BmcModel) -> Result<(), Diagnostic> {
    let uuids = |bmc: &BmcModel| -> Vec<ServerId> {
        let systems = bmc.systems.iter().flatten();
        systems
            .filter_map(|system| system.uuid.as_deref()?.parse().ok())
            .collect()
    };
    let (had, has) = (uuids(prior), uuids(seen));
    let same_systems = had
        .iter()
        .all(|had| has.iter().any(|has| has.matches(*had)));
    let same_manager = match (&prior.uuid, &seen.uuid) {
        (Some(had), Some(has)) => had.eq_ignore_ascii_case(has),
        // Nothing tells them apart but their systems.
        _ => had.is_empty(),
    };
    // A BMC whose board was replaced still has its systems, and one whose server was replaced is
    // still itself.
    if same_manager || (!had.is_empty() && same_systems) {
        return Ok(());
    }
    let describe = |bmc: &BmcModel, systems: &[ServerId]| {
        let systems: Vec<_> = systems.iter().map(ToString::to_string).collect();
        let systems = if systems.is_empty() {
            "none with a UUID".to_owned()
        } else {
            systems.join(", ")
        };
        let uuid = bmc.uuid.as_deref().unwrap_or("unknown");
        format!("BMC {uuid} with system {systems}")
    };
    Err(diagnostics::at(
        "address",
        "Another BMC answers at the new address",
        format!(
            "At {} was {}, and at {} is {}. Correct the address. If another BMC is meant, replace \
             this resource: terraform apply -replace=ADDRESS.",
            prior.id.as_deref().unwrap_or("its old address"),
            describe(prior, &had),
            seen.id.as_deref().unwrap_or("its new one"),
            describe(seen, &has),
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::{import::parse_import, model::SystemModel, *};

    fn bmc(uuid: Option<&str>, systems: &[&str]) -> BmcModel {
        let system = |uuid: &&str| SystemModel {
            uuid: Some((*uuid).to_owned()),
            uri: None,
            name: None,
        };
        BmcModel {
            uuid: uuid.map(str::to_owned),
            systems: Some(systems.iter().map(system).collect()),
            ..parse_import("r@10.0.0.5").unwrap()
        }
    }

    #[test]
    fn a_bmc_is_the_same_by_its_uuid_or_by_its_systems() {
        let old = "4c4c4544-0042-3510-8057-b7c04f4b4d32";
        // The same board in the other SMBIOS byte order.
        let swapped = "44454c4c-4200-1035-8057-b7c04f4b4d32";
        let new = "11111111-2222-3333-4444-555555555555";
        let cases = [
            (bmc(Some("A"), &[old]), bmc(Some("a"), &[old]), true),
            (bmc(Some("A"), &[old]), bmc(Some("a"), &[new]), true),
            (bmc(Some("A"), &[old]), bmc(Some("B"), &[swapped]), true),
            (bmc(Some("A"), &[old]), bmc(Some("B"), &[new]), false),
            (bmc(Some("A"), &[]), bmc(Some("B"), &[]), false),
            (bmc(None, &[old]), bmc(None, &[new, old]), true),
            (bmc(None, &[old]), bmc(None, &[new]), false),
            (bmc(None, &[]), bmc(Some("B"), &[new]), true),
        ];
        for (prior, seen, expected) in cases {
            assert_eq!(
                same_bmc(&prior, &seen).is_ok(),
                expected,
                "{prior:?} {seen:?}"
            );
        }
        let error = same_bmc(&bmc(Some("A"), &[old]), &bmc(None, &[new])).unwrap_err();
        assert!(error.detail.contains(old) && error.detail.contains(new));
    }
}
