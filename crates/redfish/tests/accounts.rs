//! Accounts and restarts, against a simulated BMC over loopback.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use model::{BmcConnection, BmcTls, Secret};
use rack::{AccountRules, Faults, MachineHandle, Network, PasswordChange, Rack, RackConfig};
use redfish::{
    AccountChange, Bmc, Config, Creation, Credentials, Error, ManagerReset, NewAccount, RunMark,
    Sent,
};

const FACTORY: &str = "rack-password";
const NEW: &str = "canary-new-password";

/// A rack of one machine.
struct Site {
    rack: Rack,
}

impl Site {
    async fn start(adjust: impl FnOnce(&mut RackConfig)) -> Self {
        let network = Network {
            dhcp_server: SocketAddr::from((Ipv4Addr::LOCALHOST, 9)),
            relay: Ipv4Addr::LOCALHOST,
            tftp_port: 9,
        };
        let mut config = RackConfig::new("accounts", 1, network);
        adjust(&mut config);
        Self {
            rack: Rack::start(config).await.unwrap(),
        }
    }

    fn machine(&self) -> &MachineHandle {
        &self.rack.machines()[0]
    }

    /// A handle that logs in as the administrator with this password.
    fn bmc(&self, password: &str) -> Bmc {
        self.bmc_of("admin", password)
    }

    fn bmc_of(&self, username: &str, password: &str) -> Bmc {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let connection = BmcConnection {
            endpoint: self.machine().bmc_endpoint(),
            credentials: "x".to_owned(),
            tls: BmcTls {
                fingerprint_sha256: Some(self.machine().fingerprint_sha256().to_owned()),
                ..BmcTls::default()
            },
        };
        let credentials = Credentials {
            username: username.to_owned(),
            password: Secret::new(password),
        };
        Bmc::new(&connection, credentials, &Config::default()).unwrap()
    }

    fn lose_next(&self, count: u32) {
        self.machine().set_faults(Faults {
            lose_responses: count,
            ..Faults::default()
        });
    }

    fn failures(&self) -> u64 {
        self.machine().bmc_counters().login_failures
    }
}

fn operator() -> NewAccount {
    NewAccount {
        username: "terraform".to_owned(),
        password: Secret::new("first-password"),
        role: "Operator".to_owned(),
        enabled: true,
    }
}

fn password(text: &str) -> AccountChange {
    AccountChange {
        password: Some(Secret::new(text)),
        ..AccountChange::default()
    }
}

/// Creates, changes and removes an account, losing the reply to every change if `lossy`.
async fn life(rules: AccountRules, lossy: bool) {
    let site = Site::start(|config| config.accounts = rules).await;
    let bmc = site.bmc(FACTORY);
    let lose = || site.lose_next(u32::from(lossy));
    lose();
    let Creation::Made(made) = bmc.create_account(&operator()).await.unwrap() else {
        panic!("there was none before");
    };
    assert_eq!(made.username.as_deref(), Some("terraform"));
    assert_eq!(made.role.as_deref(), Some("Operator"));
    let again = bmc.create_account(&operator()).await.unwrap();
    assert_eq!(again, Creation::Exists(made.clone()));
    assert!(
        bmc.admits("terraform", &Secret::new("first-password"))
            .await
            .unwrap()
    );

    lose();
    let change = AccountChange {
        password: Some(Secret::new(NEW)),
        role: Some("ReadOnly".to_owned()),
        ..AccountChange::default()
    };
    let changed = bmc.change_account(&made.uri, &change).await.unwrap();
    assert_eq!(changed.role.as_deref(), Some("ReadOnly"));
    assert!(bmc.admits("terraform", &Secret::new(NEW)).await.unwrap());
    // A role goes together with the password where the BMC insists on that.
    lose();
    let change = AccountChange {
        role: Some("Operator".to_owned()),
        known_password: Some(Secret::new(NEW)),
        ..AccountChange::default()
    };
    let changed = bmc.change_account(&made.uri, &change).await.unwrap();
    assert_eq!(changed.role.as_deref(), Some("Operator"));
    let found = bmc.account("terraform", Some("/redfish/v1/AccountService/Accounts/77"));
    assert_eq!(found.await.unwrap().unwrap().uri, made.uri);

    lose();
    bmc.delete_account(&made.uri, "terraform").await.unwrap();
    assert_eq!(
        bmc.account("terraform", Some(&made.uri)).await.unwrap(),
        None
    );
    bmc.delete_account(&made.uri, "terraform").await.unwrap();
    bmc.logout().await;
    let counters = site.machine().bmc_counters();
    assert_eq!((counters.login_failures, counters.sessions_live), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_lives_whatever_the_bmc_does_with_accounts_and_loses_of_replies() {
    let slots = AccountRules {
        fixed_slots: Some(16),
        ..AccountRules::default()
    };
    for rules in [AccountRules::default(), slots] {
        for lossy in [false, true] {
            life(rules.clone(), lossy).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_slots_taken_and_a_password_of_a_wrong_length_are_told_before_anything_is_changed() {
    let site = Site::start(|config| {
        config.accounts = AccountRules {
            fixed_slots: Some(2),
            password_length: 12..=20,
            ..AccountRules::default()
        };
    })
    .await;
    let bmc = site.bmc(FACTORY);
    let error = bmc.create_account(&operator()).await.unwrap_err();
    assert!(
        error.to_string().contains("all 2 slots are taken"),
        "{error}"
    );
    for (text, how) in [
        ("tiny-one", "shorter than the 12"),
        ("much-longer-than-that", "longer than the 20"),
    ] {
        let new = NewAccount {
            password: Secret::new(text),
            ..operator()
        };
        let error = bmc.create_account(&new).await.unwrap_err();
        assert!(error.to_string().contains(how), "{error}");
        assert!(!error.to_string().contains(text));
    }
    assert_eq!(site.machine().bmc_counters().account_changes, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_that_logs_in_goes_on_with_its_new_password() {
    for (ends_sessions, lossy) in [(false, false), (true, false), (false, true), (true, true)] {
        let site = Site::start(|config| {
            config.accounts.password_ends_sessions = ends_sessions;
        })
        .await;
        let bmc = site.bmc(FACTORY);
        let other = bmc.clone();
        let own = bmc.account("admin", None).await.unwrap().unwrap();
        site.lose_next(u32::from(lossy));
        bmc.change_account(&own.uri, &password(NEW)).await.unwrap();
        assert!(bmc.logs_in_with(&Secret::new(NEW)));
        other.systems().await.unwrap();
        bmc.logout().await;
        other.systems().await.unwrap();
        bmc.logout().await;
        let label = format!("ends sessions: {ends_sessions}, lossy: {lossy}");
        assert_eq!(site.failures(), 0, "{label}");
        assert!(!format!("{bmc:?}").contains(NEW));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_factory_password_is_changed_on_the_account_that_the_bmc_names() {
    for said in [PasswordChange::InSession, PasswordChange::Forbidden] {
        for lossy in [false, true] {
            let site = Site::start(|config| config.accounts.password_change = Some(said)).await;
            let bmc = site.bmc(FACTORY);
            let error = bmc.systems().await.unwrap_err();
            assert!(
                matches!(error, Error::PasswordChangeRequired { .. }),
                "{error}"
            );
            site.lose_next(u32::from(lossy));
            let changed = bmc
                .change_required_password(&Secret::new(NEW))
                .await
                .unwrap();
            assert_eq!(changed, "/redfish/v1/AccountService/Accounts/1");
            bmc.systems().await.unwrap();
            bmc.logout().await;
            let counters = site.machine().bmc_counters();
            let seen = (counters.login_failures, counters.sessions_live);
            assert_eq!(seen, (0, 0), "{said:?} {lossy}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_that_refuses_a_change_of_the_own_account_keeps_the_old_password() {
    let site = Site::start(|config| config.accounts.refuses_own = true).await;
    let bmc = site.bmc(FACTORY);
    let own = bmc.account("admin", None).await.unwrap().unwrap();
    let error = bmc
        .change_account(&own.uri, &password(NEW))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Rejected { status: 403, .. }),
        "{error}"
    );
    assert!(bmc.logs_in_with(&Secret::new(FACTORY)));
    bmc.logout().await;
    bmc.systems().await.unwrap();
    assert_eq!(site.failures(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_restarts_once_and_is_waited_for() {
    let graceful = vec!["GracefulRestart".to_owned()];
    for (offered, sent) in [(graceful, "GracefulRestart"), (Vec::new(), "none")] {
        let site = Site::start(|config| {
            config.manager_resets = offered;
            config.bmc_restart = Duration::from_secs(1);
        })
        .await;
        let bmc = site.bmc(FACTORY);
        bmc.systems().await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        bmc.reset_manager(ManagerReset::Force, deadline)
            .await
            .unwrap();
        bmc.systems().await.unwrap();
        let counters = site.machine().bmc_counters();
        assert_eq!(counters.manager_resets, [(sent.to_owned(), 1)].into());
        assert_eq!(counters.login_failures, 0);
        bmc.logout().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_whose_reply_is_lost_is_found_by_its_traces_and_not_sent_twice() {
    let site = Site::start(|_| {}).await;
    let bmc = site.bmc(FACTORY);
    let system = bmc.systems().await.unwrap().remove(0);
    site.lose_next(1);
    let sent = bmc
        .reset_once(&system.uri, "On", &RunMark::of(&system))
        .await;
    assert_eq!(sent.unwrap(), Sent::Done);
    let refused = bmc
        .reset_once(&system.uri, "Suspend", &RunMark::of(&system))
        .await;
    let error = refused.unwrap_err();
    assert!(error.to_string().contains("it offers On"), "{error}");
    let counters = site.machine().bmc_counters();
    assert_eq!(counters.resets, [("On".to_owned(), 1)].into());
    bmc.logout().await;
}
