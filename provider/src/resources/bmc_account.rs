//! `baremetal_bmc_account`: an account on a BMC, perhaps the one that the provider logs in with.

mod model;
mod settle;

use std::time::Duration;

use tfplugin::{
    Context, Diagnostic, Failed, ImportBy, Plan, Resource, Timeouts, Value, async_trait,
};

use self::{model::BmcAccountModel, settle::Own};
use crate::{checks, client::Client, diagnostics};

/// The resource `baremetal_bmc_account`.
pub(crate) struct BmcAccount;

/// How long a BMC may take to change an account.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);
/// The same when nothing hangs on it but a plan.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

type Outcome = Result<BmcAccountModel, Failed<BmcAccountModel>>;

#[async_trait]
impl Resource<Client> for BmcAccount {
    type Model = BmcAccountModel;
    const NAME: &'static str = "bmc_account";

    fn plan(&self, plan: &mut Plan<'_>) {
        let without = plan.config.get("password_wo").is_null();
        if without && plan.is_create() {
            plan.diagnostics.push(diagnostics::at(
                "password_wo",
                "A new account needs a password",
                "Set password_wo, and password_wo_version to change it later. No password is ever \
                 made up. If the account exists already, import it.",
            ));
        } else if without
            && plan.changed("password_wo_version")
            && !plan.planned.get("password_wo_version").is_null()
        {
            plan.diagnostics.push(diagnostics::at(
                "password_wo",
                "The new password is missing",
                "password_wo_version changes, and password_wo is not set. Set it, or leave the \
                 version as it is.",
            ));
        }
        if plan.is_update() && plan.changed("password_wo_version") {
            plan.unknown("locked");
        }
        let endpoint = |value: &Value| value.get("bmc").get("endpoint").clone();
        if plan.is_update() && !checks::same_url(&endpoint(plan.prior), &endpoint(plan.planned)) {
            plan.unknown("uri");
            plan.unknown("locked");
        }
    }

    async fn create(&self, cx: &mut Context<Client>, plan: BmcAccountModel) -> Outcome {
        let limit = Timeouts::create(&plan.timeouts, DEFAULT_TIMEOUT);
        let (own, planned) = (Own::before(cx, &plan).await, plan.clone());
        let made = tokio::time::timeout(limit, settle::create(cx, plan)).await;
        own.into_iter().for_each(|own| own.after(cx, &planned));
        made.unwrap_or_else(
            |_elapsed| Err(diagnostics::too_late("The BMC", "create", limit).into()),
        )
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: BmcAccountModel,
    ) -> Result<Option<BmcAccountModel>, Diagnostic> {
        let limit = Timeouts::read(&state.timeouts, READ_TIMEOUT);
        let bmc = cx.client.bmcs.bmc(&state.connection()).await?;
        let look = bmc.account(&state.username, state.uri.as_deref());
        // What was never seen, because it is being imported, cannot be kept as it was.
        let is_known = state.uri.is_some();
        let Ok(found) = tokio::time::timeout(limit, look).await else {
            let late = diagnostics::too_late("The BMC", "read", limit);
            if !is_known {
                return Err(late);
            }
            cx.warn(diagnostics::kept(late, "this account"));
            return Ok(Some(state));
        };
        match found {
            Ok(Some(account)) => {
                state.adopt(account);
                Ok(Some(state))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                let diagnostic = settle::failed(&state, &error);
                let kept = diagnostics::is_unseen(&error)
                    || matches!(error, redfish::Error::PasswordChangeRequired { .. });
                if !kept || !is_known {
                    return Err(diagnostic);
                }
                cx.warn(diagnostics::kept(diagnostic, "this account"));
                Ok(Some(state))
            }
        }
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        prior: BmcAccountModel,
        plan: BmcAccountModel,
    ) -> Outcome {
        let limit = Timeouts::update(&plan.timeouts, DEFAULT_TIMEOUT);
        let renew = prior.password_wo_version != plan.password_wo_version;
        let (own, planned) = (Own::before(cx, &plan).await, plan.clone());
        let changed = tokio::time::timeout(limit, settle::update(cx, plan, renew)).await;
        own.into_iter().for_each(|own| own.after(cx, &planned));
        changed.unwrap_or_else(|_elapsed| {
            Err(diagnostics::too_late("The BMC", "update", limit).into())
        })
    }

    async fn delete(
        &self,
        cx: &mut Context<Client>,
        state: BmcAccountModel,
    ) -> Result<(), Diagnostic> {
        let limit = Timeouts::delete(&state.timeouts, DEFAULT_TIMEOUT);
        let bmc = cx.client.bmcs.bmc(&state.connection()).await?;
        if bmc.logs_in_as(&state.username) {
            return Err(Diagnostic::error(
                "The account is the one that the provider logs in with",
                format!(
                    "The provider logs in to {} as {:?}, under the credentials {:?}. Without that \
                     account it could not manage the BMC any more. Give the provider credentials \
                     of another account first, or let go of this one with a removed block, or \
                     terraform state rm.",
                    state.bmc.endpoint, state.username, state.bmc.credentials
                ),
            ));
        }
        let remove = async {
            let uri = match bmc.account(&state.username, state.uri.as_deref()).await? {
                Some(account) => account.uri,
                None => return Ok(()),
            };
            bmc.delete_account(&uri, &state.username).await
        };
        match tokio::time::timeout(limit, remove).await {
            Ok(removed) => removed.map_err(|error| settle::failed(&state, &error)),
            Err(_elapsed) => Err(diagnostics::too_late("The BMC", "delete", limit)),
        }
    }

    async fn import(
        &self,
        _: &mut Context<Client>,
        by: ImportBy,
    ) -> Result<BmcAccountModel, Diagnostic> {
        let id = match &by {
            ImportBy::Id(id) => id.as_str(),
            ImportBy::Identity(identity) => identity.get("id").as_str().unwrap_or_default(),
        };
        BmcAccountModel::imported(id).ok_or_else(|| {
            Diagnostic::error(
                "The import id of a BMC account cannot be read",
                format!(
                    "Expected USERNAME/CREDENTIALS@ADDRESS:PORT, such as \
                     terraform/rack1@10.0.0.5:443, where CREDENTIALS is a name in the provider's \
                     credentials; found {id:?}. A pinned certificate goes behind it: \
                     terraform/rack1@10.0.0.5:443?fingerprint_sha256=DIGEST."
                ),
            )
        })
    }
}
