//! Rows about logging in.

use std::time::{Duration, Instant};

use model::Secret;
use redfish::{Authentication, Creation, Error, ManagerReset, NewAccount, Power};
use reqwest::Method;
use serde_json::json;

use super::{Case, always, effect};
use crate::bench::{Bench, Outcome, ROOT, SESSIONS, SYSTEM, SYSTEMS, ensure};

pub(super) const CASES: &[Case] = &[
    always!(
        "session-limit-as-503",
        [SessionLimitAs503],
        |bench| {
            for _session in 0..8 {
                bench.login().await?.strict()?;
            }
            let text = bench.login().await?.text;
            let standard = ["SessionLimitExceeded", "CreateLimitReachedForResource"];
            let known = standard.iter().any(|key| text.contains(key));
            ensure(known, &format!("no message of the standard: {text}"))?;
        },
        |bench| {
            for _session in 0..8 {
                bench.login().await?.strict()?;
            }
            let bmc = bench.bmc();
            bench.system(&bmc).await?;
            bench.tag(&bmc).await?;
            let opened = bench.machine.bmc_counters().sessions_opened;
            ensure(opened == 8, "it opened a session")?;
        }
    ),
    always!(
        "no-sessions",
        [NoSessions],
        |bench| {
            bench.login().await?.strict()?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "sessions-lost-on-reset",
        [SessionsLostOnReset],
        |bench| {
            let token = bench.login().await?.header("x-auth-token")?;
            bench.reset("On").await?.strict()?;
            let token = [("X-Auth-Token", token.as_str())];
            bench
                .send(Method::GET, SYSTEM, None, &token)
                .await?
                .strict()?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.power(&bmc, Power::On).await?;
            bench.tag(&bmc).await?;
            ensure(bench.resets("On") == 1, "it was reset twice")?;
        }
    ),
    effect!("intermittent-401", HpeIlo5, [Intermittent401], |bench| {
        let bmc = bench.bmc();
        let system = bench.system(&bmc).await?;
        for _look in 0..4 {
            bmc.system(&system.uri).await?;
        }
        let logins = bench.machine.bmc_counters().sessions_opened;
        ensure(logins == 1, &format!("it logged in {logins} times"))?;
    }),
    always!(
        "address-block-after-failures",
        [AddressBlockAfterFailures],
        |bench| {
            let wrong = json!({"UserName": bench.credentials.username, "Password": "wrong"});
            let anonymous = [("Anonymous", "")];
            for _attempt in 0..4 {
                bench
                    .send(Method::POST, SESSIONS, Some(&wrong), &anonymous)
                    .await?;
            }
            bench.send(Method::GET, ROOT, None, &anonymous).await?;
        },
        |bench| {
            let mut wrong = bench.credentials.clone();
            wrong.password = Secret::new("wrong");
            let bmc = redfish::Bmc::new(&bench.connection, wrong, &bench.config)?;
            for _attempt in 0..6 {
                let error = bmc.systems().await.err().ok_or("it was let in")?;
                let rejected = matches!(error, Error::AuthRejected { .. });
                ensure(rejected, &format!("{error}"))?;
            }
            let failures = bench.machine.bmc_counters().login_failures;
            ensure(failures == 1, &format!("{failures} attempts"))?;
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "root-missing-when-expired",
        [RootMissingWhenExpired],
        |bench| {
            let token = bench.login().await?.header("x-auth-token")?;
            bench.machine.drop_bmc_sessions();
            let token = [("X-Auth-Token", token.as_str())];
            let status = bench.send(Method::GET, SYSTEM, None, &token).await?.status;
            ensure(status == 401, &format!("it answered {status}"))?;
        },
        |bench| {
            let bmc = bench.bmc();
            bmc.system(SYSTEM).await?;
            bench.machine.drop_bmc_sessions();
            bmc.system(SYSTEM).await?;
            bench.machine.drop_bmc_sessions();
            bench.tag(&bmc).await?;
        }
    ),
    always!(
        "fixed-account-slots",
        [FixedAccountSlots],
        |bench| {
            let body =
                json!({"UserName": "quirk", "Password": "Quirk-password-7", "RoleId": "Operator"});
            let accounts = "/redfish/v1/AccountService/Accounts";
            bench
                .send(Method::POST, accounts, Some(&body), &[])
                .await?
                .strict()?;
        },
        |bench| {
            let new = NewAccount {
                username: "quirk".to_owned(),
                password: Secret::new("Quirk-password-7"),
                role: "Operator".to_owned(),
                enabled: true,
            };
            let made = bench.bmc().create_account(&new).await?;
            ensure(matches!(made, Creation::Made(_)), "it was there before")?;
        }
    ),
    always!(
        "manager-reset-graceful-only",
        [ManagerResetGracefulOnly],
        |bench| {
            restarts(&bench, &json!({"ResetType": "ForceRestart"})).await?;
        },
        |bench| {
            restarts_the_bmc(&bench, ManagerReset::Force).await?;
        }
    ),
    always!(
        "manager-reset-force-only",
        [ManagerResetForceOnly],
        |bench| {
            restarts(&bench, &json!({"ResetType": "GracefulRestart"})).await?;
        },
        |bench| {
            restarts_the_bmc(&bench, ManagerReset::Graceful).await?;
        }
    ),
    always!(
        "manager-reset-without-types",
        [ManagerResetWithoutTypes],
        |bench| {
            restarts(&bench, &json!({"ResetType": "ForceRestart"})).await?;
        },
        |bench| {
            restarts_the_bmc(&bench, ManagerReset::Force).await?;
        }
    ),
    always!(
        "unadvertised-basic",
        [UnadvertisedBasic],
        |bench| {
            let anonymous = [("Anonymous", "")];
            let reply = bench.send(Method::GET, SYSTEM, None, &anonymous).await?;
            reply.header("www-authenticate")?;
        },
        |bench| {
            let mut bench = bench;
            bench.config.authentication = Authentication::Basic;
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "basic-disabled",
        [BasicDisabled],
        |bench| {
            bench.get(SYSTEM).await?;
        },
        |bench| {
            bench.tag(&bench.bmc()).await?;
        }
    ),
    always!(
        "no-location-header",
        [NoLocationHeader],
        |bench| {
            bench.login().await?.header("location")?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.tag(&bmc).await?;
            bmc.logout().await;
            let live = bench.machine.bmc_counters().sessions_live;
            ensure(live == 0, "its session is still there")?;
        }
    ),
    always!(
        "absolute-location",
        [AbsoluteLocation],
        |bench| {
            let location = bench.login().await?.header("location")?;
            let here = location.starts_with('/')
                || location.starts_with(bench.connection.endpoint.as_str());
            ensure(here, &format!("it leads to {location}"))?;
        },
        |bench| {
            let bmc = bench.bmc();
            bench.tag(&bmc).await?;
            bmc.logout().await;
            let live = bench.machine.bmc_counters().sessions_live;
            ensure(live == 0, "its session is still there")?;
        }
    ),
    always!(
        "root-needs-login",
        [RootNeedsLogin],
        |bench| {
            let anonymous = [("Anonymous", "")];
            let root = bench.send(Method::GET, ROOT, None, &anonymous).await?;
            root.strict()?;
        },
        |bench| {
            bench.bmc().service_root().await?;
        }
    ),
    always!(
        "redirecting-root",
        [RedirectingRoot],
        |bench| {
            bench.get(ROOT).await?;
        },
        |bench| {
            bench.bmc().service_root().await?;
        }
    ),
    always!(
        "password-change-required-session",
        [PasswordChangeRequiredSession],
        |bench| {
            let token = bench.login().await?.header("x-auth-token")?;
            let token = [("X-Auth-Token", token.as_str())];
            let systems = bench.send(Method::GET, SYSTEMS, None, &token).await?;
            systems.strict()?;
        },
        |bench| {
            demands_a_password(&bench.bmc()).await?;
            let live = bench.machine.bmc_counters().sessions_live;
            ensure(live == 0, "its session is still there")?;
        }
    ),
    always!(
        "password-change-required-403",
        [PasswordChangeRequired403],
        |bench| {
            bench.get(SYSTEMS).await?;
        },
        |bench| {
            demands_a_password(&bench.bmc()).await?;
        }
    ),
];

/// Restarts the BMC as a client does that looks at no list.
async fn restarts(bench: &Bench, body: &serde_json::Value) -> Outcome {
    let action = "/redfish/v1/Managers/1/Actions/Manager.Reset";
    let reply = bench.send(Method::POST, action, Some(body), &[]).await?;
    reply.strict().map(|_done| ())
}

async fn restarts_the_bmc(bench: &Bench, how: ManagerReset) -> Outcome {
    let bmc = bench.bmc();
    bmc.systems().await?;
    let deadline = Instant::now() + Duration::from_secs(50);
    bmc.reset_manager(how, deadline).await?;
    bench.tag(&bmc).await
}

async fn demands_a_password(bmc: &redfish::Bmc) -> Outcome {
    let error = bmc.systems().await.err().ok_or("it was let in")?;
    match error {
        Error::PasswordChangeRequired {
            account: Some(account),
            ..
        } => ensure(account.contains("/Accounts/"), &account),
        other => Err(format!("{other}").into()),
    }
}
