//! Bringing an account to what the plan says, each step so that it may be repeated.

use model::Secret;
use redfish::{Account, AccountChange, Bmc, Creation, NewAccount};
use tfplugin::{Context, Diagnostic};

use super::{
    Outcome,
    model::{BmcAccountModel, password},
};
use crate::{client::Client, diagnostics};

/// The account that the provider logs in with, before its password is changed. Whatever becomes of
/// the change, the handle knows whether it was made.
pub(super) struct Own {
    bmc: Bmc,
    wanted: Secret,
}

impl Own {
    /// Nothing if it is another account, or if it has this password already.
    pub(super) async fn before(cx: &Context<Client>, plan: &BmcAccountModel) -> Option<Self> {
        let wanted = password(&cx.config)?;
        let bmc = cx.client.bmcs.bmc(&plan.connection()).await.ok()?;
        let changes = bmc.logs_in_as(&plan.username) && !bmc.logs_in_with(&wanted);
        changes.then_some(Self { bmc, wanted })
    }

    /// The rest of the run logs in with the new password if it was set, and the user is told, who
    /// must do so in the next.
    pub(super) fn after(self, cx: &mut Context<Client>, plan: &BmcAccountModel) {
        if !self.bmc.logs_in_with(&self.wanted) {
            return;
        }
        let client = cx.client.clone();
        client
            .bmcs
            .rotated(&plan.connection(), &plan.username, self.wanted);
        cx.warn(Diagnostic::warning(
            "The provider's own password was changed",
            format!(
                "The account {:?} of {}, which the provider logs in with, has its new password. \
                 This run goes on with it. Before the next run, put it under the credentials {:?}.",
                plan.username, plan.bmc.endpoint, plan.bmc.credentials
            ),
        ));
    }
}

/// Makes the account. The one that the provider logs in with exists, and is taken over.
pub(super) async fn create(cx: &mut Context<Client>, plan: BmcAccountModel) -> Outcome {
    let bmc = cx.client.bmcs.bmc(&plan.connection()).await?;
    if bmc.logs_in_as(&plan.username) {
        return update(cx, plan, true).await;
    }
    let password = password(&cx.config).ok_or_else(|| no_password(&plan))?;
    make(&bmc, plan, password).await
}

async fn make(bmc: &Bmc, plan: BmcAccountModel, password: Secret) -> Outcome {
    let new = NewAccount {
        username: plan.username.clone(),
        password: password.clone(),
        role: plan.role.clone(),
        enabled: plan.enabled,
    };
    let created = bmc.create_account(&new).await;
    match created.map_err(|error| failed(&plan, &error))? {
        Creation::Made(account) => Ok(plan.made(&account)),
        // What an interrupted run has made has this password. Nobody else's account has it.
        Creation::Exists(account) => {
            let admits = bmc.admits(&plan.username, &password).await;
            if !admits.map_err(|error| failed(&plan, &error))? {
                return Err(exists(&plan).into());
            }
            change(bmc, &plan, &account, None, Some(password)).await
        }
    }
}

/// Changes the account, and its password if it is to be set anew.
pub(super) async fn update(
    cx: &mut Context<Client>,
    plan: BmcAccountModel,
    renew: bool,
) -> Outcome {
    let bmc = cx.client.bmcs.bmc(&plan.connection()).await?;
    let own = bmc.logs_in_as(&plan.username);
    let known = password(&cx.config);
    if own && !plan.enabled {
        return Err(diagnostics::at(
            "enabled",
            "The account is the one that the provider logs in with",
            format!(
                "Disabling {:?} on {} would lock the provider out. Give it credentials of another \
                 account first.",
                plan.username, plan.bmc.endpoint
            ),
        )
        .into());
    }
    let mut wanted = if renew { known.clone() } else { None };
    let found = bmc.account(&plan.username, plan.uri.as_deref()).await;
    let found = match found {
        Err(redfish::Error::PasswordChangeRequired { .. }) if own && wanted.is_some() => {
            let password = wanted.take().ok_or_else(|| no_password(&plan))?;
            let forced = bmc.change_required_password(&password).await;
            forced.map_err(|error| failed(&plan, &error))?;
            bmc.account(&plan.username, plan.uri.as_deref()).await
        }
        found => found,
    };
    match (found.map_err(|error| failed(&plan, &error))?, known) {
        (Some(account), known) => {
            // The credentials may have the new password already: then an earlier run has set it.
            wanted = wanted.filter(|wanted| !(own && bmc.logs_in_with(wanted)));
            change(&bmc, &plan, &account, wanted, known).await
        }
        // It was removed since the plan, or this is another BMC.
        (None, Some(password)) if !own => make(&bmc, plan, password).await,
        (None, _) => Err(missing(&plan).into()),
    }
}

async fn change(
    bmc: &Bmc,
    plan: &BmcAccountModel,
    account: &Account,
    password: Option<Secret>,
    known_password: Option<Secret>,
) -> Outcome {
    let change = AccountChange {
        unlock: password.is_some(),
        password,
        known_password,
        role: Some(plan.role.clone()),
        enabled: Some(plan.enabled),
    };
    let changed = bmc.change_account(&account.uri, &change).await;
    let account = changed.map_err(|error| failed(plan, &error))?;
    Ok(plan.clone().made(&account))
}

/// The diagnostic of a BMC's error.
pub(super) fn failed(plan: &BmcAccountModel, error: &redfish::Error) -> Diagnostic {
    let subject = format!(
        "the account {:?} on {} cannot be managed",
        plan.username, plan.bmc.endpoint
    );
    diagnostics::redfish(&subject, error)
}

fn exists(plan: &BmcAccountModel) -> Diagnostic {
    diagnostics::at(
        "username",
        "The account exists already",
        format!(
            "The BMC at {} has an account {:?}, and password_wo is not its password, so nobody \
             has made it here. Import it to manage it, or choose another name.",
            plan.bmc.endpoint, plan.username
        ),
    )
}

fn missing(plan: &BmcAccountModel) -> Diagnostic {
    diagnostics::at(
        "password_wo",
        "The account is not there",
        format!(
            "The BMC at {} has no account {:?}, and without password_wo none can be made. Set \
             password_wo and apply. If bmc leads to another BMC now, that leaves the account of the \
             old one; apply with -replace for this resource to remove it there.",
            plan.bmc.endpoint, plan.username
        ),
    )
}

fn no_password(plan: &BmcAccountModel) -> Diagnostic {
    diagnostics::at(
        "password_wo",
        "A new account needs a password",
        format!(
            "password_wo is null, and the account {:?} on {} needs one.",
            plan.username, plan.bmc.endpoint
        ),
    )
}
