//! Boot overrides on firmware of every kind.

use axum::http::Method;
use serde_json::{Value, json};

use super::fake_bmc::{Answer, FakeBmc, SYSTEM};
use crate::{BootEnabled, BootMode, BootOverride, BootTarget, Error};

pub(super) fn once(target: BootTarget) -> BootOverride {
    BootOverride {
        target,
        enabled: BootEnabled::Once,
        mode: None,
        http_boot_uri: None,
    }
}

pub(super) fn pxe_body() -> Value {
    json!({"Boot": {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}})
}

#[tokio::test]
async fn target_and_duration_are_sent_with_the_tag_and_the_mode_is_not() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let warnings = bmc
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(fake.patches(SYSTEM), [pxe_body()]);
    let patch = &fake.received(&Method::PATCH, SYSTEM)[0];
    assert_eq!(patch.header("if-match"), Some("\"v1\""));
    let system = bmc.system(SYSTEM).await.unwrap();
    assert!(system.boot.is_overridden());
}

#[tokio::test]
async fn the_mode_is_sent_only_if_it_changes() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let uefi = BootOverride {
        mode: Some(BootMode::Uefi),
        ..once(BootTarget::Pxe)
    };
    bmc.set_boot_override(SYSTEM, uefi).await.unwrap();
    let legacy = BootOverride {
        mode: Some(BootMode::Legacy),
        ..once(BootTarget::Hdd)
    };
    bmc.set_boot_override(SYSTEM, legacy.clone()).await.unwrap();
    let modes: Vec<_> = fake
        .patches(SYSTEM)
        .into_iter()
        .map(|body| body["Boot"]["BootSourceOverrideMode"].clone())
        .collect();
    assert_eq!(modes, [Value::Null, json!("Legacy")]);

    fake.with(|machine| machine.system()["Boot"]["BootSourceOverrideMode"] = Value::Null);
    let warnings = bmc.set_boot_override(SYSTEM, legacy).await.unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(
        fake.patches(SYSTEM)[2]["Boot"]["BootSourceOverrideMode"],
        Value::Null
    );
}

#[tokio::test]
async fn what_the_bmc_does_not_list_is_refused_before_anything_is_sent() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let error = bmc
        .set_boot_override(SYSTEM, once(BootTarget::Cd))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("the boot target Cd; it lists Hdd, None, Pxe, UefiHttp"),
        "{text}"
    );

    let uri = Some("http://10.0.0.1/boot.efi".to_owned());
    let http = BootOverride {
        http_boot_uri: uri,
        ..once(BootTarget::UefiHttp)
    };
    let error = bmc.set_boot_override(SYSTEM, http).await.unwrap_err();
    assert!(error.to_string().contains("no HttpBootUri"), "{error}");

    fake.with(|machine| {
        let name = "BootSourceOverrideEnabled@Redfish.AllowableValues";
        machine.system()["Boot"][name] = json!(["Once", "Disabled"]);
    });
    let forever = BootOverride {
        enabled: BootEnabled::Continuous,
        ..once(BootTarget::Pxe)
    };
    let error = bmc.set_boot_override(SYSTEM, forever).await.unwrap_err();
    assert!(
        error.to_string().contains("it lists Disabled, Once"),
        "{error}"
    );
    assert!(fake.patches(SYSTEM).is_empty());
}

#[tokio::test]
async fn a_boot_url_is_sent_where_there_is_one_and_a_stale_one_is_cleared() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| machine.system()["Boot"]["HttpBootUri"] = json!("None"));
    let bmc = fake.bmc();
    let uri = Some("http://10.0.0.1/boot.efi".to_owned());
    let http = BootOverride {
        http_boot_uri: uri,
        ..once(BootTarget::UefiHttp)
    };
    assert!(
        bmc.set_boot_override(SYSTEM, http)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        bmc.set_boot_override(SYSTEM, once(BootTarget::UefiHttp))
            .await
            .unwrap()
            .is_empty()
    );
    let patches = fake.patches(SYSTEM);
    assert_eq!(
        patches[0]["Boot"]["HttpBootUri"],
        "http://10.0.0.1/boot.efi"
    );
    assert_eq!(patches[1]["Boot"].get("HttpBootUri"), Some(&Value::Null));
}

#[tokio::test]
async fn once_that_is_reported_as_continuous_has_arrived() {
    let fake = FakeBmc::start().await;
    fake.rule(|machine, request| {
        request.is(&Method::PATCH, SYSTEM).then(|| {
            let answer = machine.answer(request);
            machine.system()["Boot"]["BootSourceOverrideEnabled"] = json!("Continuous");
            answer
        })
    });
    let warnings = fake
        .bmc()
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[tokio::test]
async fn continuous_that_is_there_already_is_not_sent() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    let forever = BootOverride {
        enabled: BootEnabled::Continuous,
        ..once(BootTarget::Pxe)
    };
    bmc.set_boot_override(SYSTEM, forever.clone())
        .await
        .unwrap();
    bmc.set_boot_override(SYSTEM, forever).await.unwrap();
    assert_eq!(fake.patches(SYSTEM).len(), 1);
}

#[tokio::test]
async fn an_override_that_does_not_show_is_a_warning() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        request
            .is(&Method::PATCH, SYSTEM)
            .then(|| Answer::status(200))
    });
    let warnings = fake
        .bmc()
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    let expected = "the BMC took the boot override Pxe Once and reports None Disabled";
    assert_eq!(warnings, [expected]);
    assert_eq!(fake.patches(SYSTEM).len(), 1);
}

#[tokio::test]
async fn a_200_with_an_error_is_a_failure() {
    let fake = FakeBmc::start().await;
    fake.rule(|_, request| {
        let failed = || Answer::message(200, "Base.1.8.PropertyValueNotInList");
        request.is(&Method::PATCH, SYSTEM).then(failed)
    });
    let error = fake
        .bmc()
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Rejected { status: 200, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_200_with_a_success_message_is_a_success() {
    let fake = FakeBmc::start().await;
    fake.rule(|machine, request| {
        request.is(&Method::PATCH, SYSTEM).then(|| {
            machine.answer(request);
            Answer::message(200, "Vendor.2.8.SystemResetRequired")
        })
    });
    let warnings = fake
        .bmc()
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[tokio::test]
async fn a_change_whose_reply_was_lost_is_looked_for_before_it_is_sent_again() {
    let fake = FakeBmc::start().await;
    fake.rule(|machine, request| {
        request.is(&Method::PATCH, SYSTEM).then(|| {
            machine.answer(request);
            Answer::Break
        })
    });
    fake.bmc()
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert_eq!(fake.patches(SYSTEM).len(), 1);

    let fake = FakeBmc::start().await;
    fake.script(Method::PATCH, SYSTEM, vec![Answer::Break]);
    fake.bmc()
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert_eq!(fake.patches(SYSTEM).len(), 2);
}

#[tokio::test]
async fn a_self_test_and_a_conflict_are_waited_for() {
    let fake = FakeBmc::start().await;
    let answers = vec![
        Answer::message(400, "Vendor.2.37.UnableToModifyDuringSystemPOST"),
        Answer::message(400, "Vendor.2.37.UnableToModifyDuringSystemPOST"),
        Answer::status(409),
    ];
    fake.script(Method::PATCH, SYSTEM, answers);
    let warnings = fake
        .bmc()
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(fake.patches(SYSTEM).len(), 4);
}

#[tokio::test]
async fn clearing_sends_no_target_and_nothing_if_nothing_is_pending() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    assert!(bmc.clear_boot_override(SYSTEM).await.unwrap().is_empty());
    assert!(fake.patches(SYSTEM).is_empty());
    bmc.set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert!(bmc.clear_boot_override(SYSTEM).await.unwrap().is_empty());
    let disabled = json!({"Boot": {"BootSourceOverrideEnabled": "Disabled"}});
    assert_eq!(fake.patches(SYSTEM)[1], disabled);
}

#[tokio::test]
async fn clearing_repeats_with_the_mode_for_firmware_that_insists_on_it() {
    let fake = FakeBmc::start().await;
    let bmc = fake.bmc();
    bmc.set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    fake.rule(|_, request| {
        let bare = request.body["Boot"].get("BootSourceOverrideMode").is_none();
        let refused = || Answer::message(400, "Base.1.8.PropertyMissing");
        (request.is(&Method::PATCH, SYSTEM) && bare).then(refused)
    });
    assert!(bmc.clear_boot_override(SYSTEM).await.unwrap().is_empty());
    assert_eq!(fake.patches(SYSTEM).len(), 3);
}
