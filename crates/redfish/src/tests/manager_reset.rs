//! Whether a restart was sent, and a BMC that is back by halves.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use super::fake_bmc::{Answer, FakeBmc, Machine, Received, SESSIONS};
use crate::{Error, ManagerReset};

const MANAGER: &str = "/redfish/v1/Managers/bmc";
const RESET: &str = "/redfish/v1/Managers/bmc/Actions/Manager.Reset";

/// A BMC that forgets its sessions when it is restarted, and behaves so from then on.
async fn restarting(
    mut then: impl FnMut(&mut Machine, &Received) -> Option<Answer> + Send + 'static,
) -> FakeBmc {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let kinds = json!(["ForceRestart"]);
        machine.resources.get_mut(MANAGER).unwrap()["Actions"] = json!({"#Manager.Reset":
            {"target": RESET, "ResetType@Redfish.AllowableValues": kinds}});
    });
    let mut sent = false;
    fake.rule(move |machine, request| {
        if request.is(&Method::POST, RESET) {
            sent = true;
            machine.sessions.clear();
            return Some(Answer::status(204));
        }
        if sent { then(machine, request) } else { None }
    });
    fake
}

async fn reset(fake: &FakeBmc, within: Duration) -> Result<(), Error> {
    let deadline = Instant::now() + within;
    fake.bmc()
        .reset_manager(ManagerReset::Force, deadline)
        .await
}

fn resets(fake: &FakeBmc) -> usize {
    fake.received(&Method::POST, RESET).len()
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_a_bmc_refuses_while_it_starts_is_asked_again() {
    for status in [400, 403, 405, 409] {
        let mut refusals = 3;
        let fake = restarting(move |_, request| {
            if !request.is(&Method::GET, MANAGER) || refusals == 0 {
                return None;
            }
            refusals -= 1;
            Some(Answer::status(status))
        })
        .await;
        reset(&fake, LONG).await.unwrap();
        assert_eq!(resets(&fake), 1, "{status}");
    }
}

#[tokio::test]
async fn a_login_that_fails_after_a_restart_is_tried_once_more_and_later() {
    // One that refuses good credentials now and then is offered them no more often here.
    let cases = [
        ("Contoso", 1, true),
        ("Contoso", u32::MAX, false),
        ("HPE", 1, true),
        ("HPE", u32::MAX, false),
    ];
    for (vendor, failures, back) in cases {
        let mut left = failures;
        let fake = restarting(move |_, request| {
            if !request.is(&Method::POST, SESSIONS) || left == 0 {
                return None;
            }
            left -= 1;
            Some(Answer::status(401))
        })
        .await;
        fake.with(|machine| {
            machine.resources.get_mut("/redfish/v1/").unwrap()["Vendor"] = json!(vendor);
        });
        match reset(&fake, LONG).await {
            Ok(()) => assert!(back),
            Err(error) => {
                assert!(!back && matches!(error, Error::Timeout { .. }), "{error:?}");
                assert!(error.to_string().contains("rejects the login"), "{error}");
            }
        }
        // The one before the restart, and two.
        let logins = fake.received(&Method::POST, SESSIONS).len();
        assert_eq!(logins, 3, "{vendor} {failures}");
        assert_eq!(resets(&fake), 1);
    }
}

#[tokio::test]
async fn a_restart_that_was_sent_and_is_not_seen_through_is_a_timeout() {
    let fake = restarting(|_, request| {
        request
            .is(&Method::GET, MANAGER)
            .then(|| Answer::status(403))
    })
    .await;
    let error = reset(&fake, Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(error.to_string().contains("answered 403"), "{error}");
    assert_eq!(resets(&fake), 1);
}

#[tokio::test]
async fn a_restart_that_was_not_sent_is_no_timeout() {
    let answers = [("refused", Answer::status(403)), ("silent", Answer::Hang)];
    for (case, answer) in answers {
        let fake = restarting(|_, _| None).await;
        fake.rule(move |_, request| {
            let asked = request.is(&Method::GET, MANAGER);
            asked.then(|| answer.clone())
        });
        for within in [LONG, Duration::from_millis(500)] {
            let error = reset(&fake, within).await.unwrap_err();
            let expected = match case {
                "refused" => matches!(error, Error::Rejected { status: 403, .. }),
                _ => matches!(error, Error::Unreachable { sent: false, .. }),
            };
            assert!(expected, "{case}: {error:?}");
        }
        assert_eq!(resets(&fake), 0);
    }
    let fake = restarting(|_, _| None).await;
    let none = json!({"#Manager.Reset": Value::Null});
    fake.with(|machine| machine.resources.get_mut(MANAGER).unwrap()["Actions"] = none);
    let error = reset(&fake, LONG).await.unwrap_err();
    assert!(matches!(error, Error::NotSupported { .. }), "{error:?}");
}
