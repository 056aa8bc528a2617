//! Exactly one reset, whatever happens to its reply.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;

use super::fake_bmc::{Answer, FakeBmc, RESET, SYSTEM};
use crate::{Bmc, Error, Power, PowerState, Restart};

async fn set(bmc: &Bmc, power: Power) -> Result<PowerState, Error> {
    bmc.set_power(SYSTEM, power, Instant::now() + Duration::from_secs(5))
        .await
}

fn is_on(fake: &FakeBmc, on: bool) {
    fake.with(|machine| machine.system()["PowerState"] = json!(if on { "On" } else { "Off" }));
}

const GRACEFUL: Power = Power::Graceful {
    timeout: Duration::from_millis(150),
};

#[tokio::test]
async fn a_server_that_is_there_already_is_left_alone() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    assert_eq!(set(&bmc, Power::ForceOff).await.unwrap(), PowerState::Off);
    assert_eq!(set(&bmc, GRACEFUL).await.unwrap(), PowerState::Off);
    // A patience beyond all clocks.
    let patient = Power::Graceful {
        timeout: Duration::MAX,
    };
    assert_eq!(set(&bmc, patient).await.unwrap(), PowerState::Off);
    is_on(&fake, true);
    assert_eq!(set(&bmc, Power::On).await.unwrap(), PowerState::On);
    assert!(fake.resets().is_empty());
}

#[tokio::test]
async fn one_reset_is_sent_without_if_match_and_its_effect_is_waited_for() {
    let fake = FakeBmc::start().await;
    // The state follows after some looks.
    let mut looks = 0;
    fake.rule(move |machine, request| {
        if request.is(&Method::POST, RESET) {
            machine.system()["PowerState"] = json!("PoweringOn");
            return Some(Answer::status(202));
        }
        if request.is(&Method::GET, SYSTEM) && machine.system()["PowerState"] == "PoweringOn" {
            looks += 1;
            if looks == 4 {
                machine.system()["PowerState"] = json!("On");
            }
        }
        None
    });
    assert_eq!(set(&fake.bmc(), Power::On).await.unwrap(), PowerState::On);
    assert_eq!(fake.resets(), ["On"]);
    assert_eq!(
        fake.received(&Method::POST, RESET)[0].header("if-match"),
        None
    );
}

#[tokio::test]
async fn a_reset_whose_reply_was_lost_is_not_sent_again() {
    for lost in [Answer::Break, Answer::Hang] {
        let fake = FakeBmc::start().await;
        fake.rule(move |machine, request| {
            if !request.is(&Method::POST, RESET) {
                return None;
            }
            machine.answer(request);
            Some(lost.clone())
        });
        assert_eq!(set(&fake.bmc(), Power::On).await.unwrap(), PowerState::On);
        assert_eq!(fake.resets(), ["On"]);
        let last = fake
            .with(|machine| machine.received.last().cloned())
            .unwrap();
        assert!(last.is(&Method::GET, SYSTEM), "{last:?}");
    }
}

#[tokio::test]
async fn a_reset_that_was_lost_on_the_way_is_sent_again_after_a_look_and_a_while() {
    let fake = FakeBmc::start().await;
    fake.script(Method::POST, RESET, vec![Answer::Break]);
    let began = Instant::now();
    assert_eq!(set(&fake.bmc(), Power::On).await.unwrap(), PowerState::On);
    assert_eq!(fake.resets(), ["On", "On"]);
    assert!(
        began.elapsed() >= Duration::from_millis(300),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_409_is_answered_by_a_look() {
    // It was there already, the BMC only had not said so.
    let fake = FakeBmc::start().await;
    is_on(&fake, true);
    fake.rule(|machine, request| {
        request.is(&Method::POST, RESET).then(|| {
            machine.system()["PowerState"] = json!("Off");
            Answer::status(409)
        })
    });
    assert_eq!(
        set(&fake.bmc(), Power::ForceOff).await.unwrap(),
        PowerState::Off
    );
    assert_eq!(fake.resets(), ["ForceOff"]);
}

#[tokio::test]
async fn a_bmc_that_is_not_ready_is_asked_again() {
    let fake = FakeBmc::start().await;
    let answers = vec![
        Answer::status(409),
        Answer::message(400, "V.2.8.InvalidOperationForSystemState"),
    ];
    fake.script(Method::POST, RESET, answers);
    assert_eq!(set(&fake.bmc(), Power::On).await.unwrap(), PowerState::On);
    assert_eq!(fake.resets(), ["On", "On", "On"]);
}

#[tokio::test]
async fn an_operating_system_that_does_not_go_down_loses_its_power() {
    let fake = FakeBmc::start().await;
    is_on(&fake, true);
    fake.rule(|_, request| {
        let graceful = request.body["ResetType"] == "GracefulShutdown";
        graceful.then(|| Answer::status(204))
    });
    let began = Instant::now();
    assert_eq!(set(&fake.bmc(), GRACEFUL).await.unwrap(), PowerState::Off);
    assert_eq!(fake.resets(), ["GracefulShutdown", "ForceOff"]);
    assert!(
        began.elapsed() >= Duration::from_millis(150),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn an_operating_system_that_goes_down_is_not_forced() {
    let fake = FakeBmc::start().await;
    is_on(&fake, true);
    assert_eq!(set(&fake.bmc(), GRACEFUL).await.unwrap(), PowerState::Off);
    assert_eq!(fake.resets(), ["GracefulShutdown"]);
}

#[tokio::test]
async fn without_a_graceful_reset_the_power_is_cut_at_once() {
    let fake = FakeBmc::start().await;
    is_on(&fake, true);
    fake.with(|machine| {
        let action = &mut machine.system()["Actions"]["#ComputerSystem.Reset"];
        action["ResetType@Redfish.AllowableValues"] = json!(["On", "ForceOff", "Off"]);
    });
    let power = Power::Graceful {
        timeout: Duration::from_secs(60),
    };
    assert_eq!(set(&fake.bmc(), power).await.unwrap(), PowerState::Off);
    assert_eq!(fake.resets(), ["ForceOff"]);
}

#[tokio::test]
async fn a_graceful_reset_that_is_refused_is_followed_by_force() {
    let fake = FakeBmc::start().await;
    is_on(&fake, true);
    fake.script(
        Method::POST,
        RESET,
        vec![Answer::message(400, "Vendor.1.0.NoOperatingSystem")],
    );
    let power = Power::Graceful {
        timeout: Duration::from_secs(60),
    };
    assert_eq!(set(&fake.bmc(), power).await.unwrap(), PowerState::Off);
    assert_eq!(fake.resets(), ["GracefulShutdown", "ForceOff"]);
}

#[tokio::test]
async fn a_button_is_pushed_once_and_only_in_a_steady_state() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let action = &mut machine.system()["Actions"]["#ComputerSystem.Reset"];
        action["ResetType@Redfish.AllowableValues"] = json!(["PushPowerButton"]);
    });
    fake.rule(|machine, request| {
        request.is(&Method::POST, RESET).then(|| {
            let looks = machine
                .received
                .iter()
                .filter(|r| r.is(&Method::GET, SYSTEM))
                .count();
            assert!(looks >= 2, "pushed after {looks} looks");
            machine.system()["PowerState"] = json!("On");
            Answer::Break
        })
    });
    assert_eq!(set(&fake.bmc(), Power::On).await.unwrap(), PowerState::On);
    assert_eq!(fake.resets(), ["PushPowerButton"]);
}

#[tokio::test]
async fn the_kinds_of_reset_may_be_listed_elsewhere() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let info = "/redfish/v1/Systems/1/ResetActionInfo";
        let action = json!({"target": RESET, "@Redfish.ActionInfo": info});
        machine.system()["Actions"]["#ComputerSystem.Reset"] = action;
        let parameter = json!({"Name": "ResetType", "AllowableValues": ["ForceOn", "ForceOff"]});
        machine
            .resources
            .insert(info.to_owned(), json!({"Parameters": [parameter]}));
    });
    assert_eq!(set(&fake.bmc(), Power::On).await.unwrap(), PowerState::On);
    assert_eq!(fake.resets(), ["ForceOn"]);
}

#[tokio::test]
async fn a_kind_that_is_listed_and_refused_is_followed_by_the_next() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let action = &mut machine.system()["Actions"]["#ComputerSystem.Reset"];
        action["ResetType@Redfish.AllowableValues"] = json!(["On", "ForceOn"]);
    });
    let refused = Answer::message(400, "Base.1.8.ActionParameterNotSupported");
    fake.script(Method::POST, RESET, vec![refused]);
    assert_eq!(set(&fake.bmc(), Power::On).await.unwrap(), PowerState::On);
    assert_eq!(fake.resets(), ["On", "ForceOn"]);
}

#[tokio::test]
async fn a_system_without_resets_cannot_be_switched() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| machine.system()["Actions"] = json!({}));
    let error = set(&fake.bmc(), Power::On).await.unwrap_err();
    assert!(matches!(error, Error::NotSupported { .. }), "{error:?}");
}

#[tokio::test]
async fn a_bmc_that_is_away_after_a_reset_is_waited_for() {
    let fake = FakeBmc::start().await;
    let mut away = 0;
    fake.rule(move |machine, request| {
        let sent = machine
            .received
            .iter()
            .any(|request| request.is(&Method::POST, RESET));
        if sent && request.is(&Method::GET, SYSTEM) && away < 12 {
            away += 1;
            return Some(Answer::status(503));
        }
        None
    });
    assert_eq!(set(&fake.bmc(), Power::On).await.unwrap(), PowerState::On);
    assert_eq!(fake.resets(), ["On"]);
}

#[tokio::test]
async fn a_state_that_does_not_come_is_an_error_that_says_what_was_seen() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        request
            .is(&Method::POST, RESET)
            .then(|| Answer::status(204))
    });
    let deadline = Instant::now() + Duration::from_millis(200);
    let error = fake
        .bmc()
        .set_power(SYSTEM, Power::On, deadline)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("did not become On, it was last seen Off, within 1 s"),
        "{text}"
    );
    assert_eq!(fake.resets(), ["On"]);
}

#[tokio::test]
async fn a_wait_ends_when_the_caller_stops() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        request
            .is(&Method::POST, RESET)
            .then(|| Answer::status(204))
    });
    let bmc = fake.bmc();
    let waiting = tokio::spawn(async move { set(&bmc, Power::On).await });
    while fake.resets().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    fake.stop.cancel();
    assert!(matches!(waiting.await.unwrap(), Err(Error::Stopped)));
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

async fn restart(bmc: &Bmc, how: Restart) -> Result<PowerState, Error> {
    bmc.restart(SYSTEM, how, Instant::now() + Duration::from_secs(5))
        .await
}

/// Lists these resets; the server is on.
fn offer(fake: &FakeBmc, kinds: &[&str]) {
    is_on(fake, true);
    fake.with(|machine| {
        let action = &mut machine.system()["Actions"]["#ComputerSystem.Reset"];
        action["ResetType@Redfish.AllowableValues"] = json!(kinds);
    });
    fake.rule(|_, request| {
        let kind = request.body["ResetType"].as_str().unwrap_or_default();
        let restarts = kind.ends_with("Restart") || kind == "PowerCycle";
        (request.is(&Method::POST, RESET) && restarts).then(|| Answer::status(204))
    });
}

#[tokio::test]
async fn a_restart_is_one_reset_and_off_and_on_where_there_is_none() {
    let all = ["On", "ForceOff", "GracefulShutdown", "GracefulRestart"];
    let soft = Restart::Graceful {
        timeout: Duration::from_millis(150),
    };
    for (kinds, how, expected) in [
        (
            &["On", "ForceRestart", "PowerCycle"][..],
            Restart::Force,
            &["ForceRestart"][..],
        ),
        (&["On", "PowerCycle"], Restart::Force, &["PowerCycle"]),
        (&all, Restart::Force, &["GracefulRestart"]),
        (&all, soft, &["GracefulRestart"]),
        (&["On", "ForceOff"], Restart::Force, &["ForceOff", "On"]),
        (&all[..3], soft, &["GracefulShutdown", "On"]),
    ] {
        let fake = FakeBmc::start().await;
        offer(&fake, kinds);
        let state = restart(&fake.bmc(), how).await.unwrap();
        assert_eq!(
            (state, fake.resets()),
            (
                PowerState::On,
                expected.iter().map(|&kind| kind.to_owned()).collect()
            )
        );
    }
}

#[tokio::test]
async fn a_restart_of_what_is_off_is_a_start_and_one_that_does_harm_is_not_sent() {
    let fake = FakeBmc::start().await;
    restart(&fake.bmc(), Restart::Force).await.unwrap();
    assert_eq!(fake.resets(), ["On"]);
    let fake = FakeBmc::start().await;
    offer(&fake, &["On", "ForceOff", "ForceRestart"]);
    fake.with(|machine| {
        machine.resources.get_mut("/redfish/v1/").unwrap()["Vendor"] = json!("Lenovo");
    });
    restart(&fake.bmc(), Restart::Force).await.unwrap();
    assert_eq!(fake.resets(), ["ForceOff", "On"]);
}

#[tokio::test]
async fn a_restart_whose_reply_was_lost_is_not_sent_again_and_a_refused_one_is() {
    let broken = FakeBmc::start().await;
    is_on(&broken, true);
    broken.with(|machine| {
        let action = &mut machine.system()["Actions"]["#ComputerSystem.Reset"];
        action["ResetType@Redfish.AllowableValues"] = json!(["On", "ForceRestart"]);
    });
    broken.script(Method::POST, RESET, vec![Answer::Break]);
    restart(&broken.bmc(), Restart::Force).await.unwrap();
    assert_eq!(broken.resets(), ["ForceRestart"]);

    let busy = FakeBmc::start().await;
    let refused = Answer::message(400, "Vendor.2.14.InvalidOperationForSystemState");
    busy.script(Method::POST, RESET, vec![refused, Answer::status(409)]);
    offer(&busy, &["On", "ForceRestart"]);
    restart(&busy.bmc(), Restart::Force).await.unwrap();
    assert_eq!(busy.resets().len(), 3);
}
