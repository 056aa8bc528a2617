//! Where a boot override is written, and what tells that it has arrived.

use axum::http::Method;
use serde_json::{Value, json};

use super::{
    boot::{once, pxe_body},
    fake_bmc::{Answer, FakeBmc, Machine, SETTINGS, SYSTEM},
};
use crate::{BootOverride, BootTarget, Error};

/// Adds a settings resource with this `Boot`.
fn add_settings(machine: &mut Machine, boot: &Value) {
    let link = json!({"SettingsObject": {"@odata.id": SETTINGS}});
    machine.system()["@Redfish.Settings"] = link;
    machine.resources.insert(
        SETTINGS.to_owned(),
        json!({"@odata.id": SETTINGS, "Boot": boot}),
    );
}

#[tokio::test]
async fn a_read_only_override_is_set_in_the_settings_and_that_is_remembered() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        let boot = json!({"BootSourceOverrideEnabled": "Disabled",
            "BootSourceOverrideTarget": "None"});
        add_settings(machine, &boot);
    });
    let refused = || Answer::message(400, "Vendor.1.0.OperationSupportedInFutureStateURI");
    fake.rule(move |_, request| request.is(&Method::PATCH, SYSTEM).then(refused));
    let bmc = fake.bmc();
    let warnings = bmc
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    bmc.set_boot_override(SYSTEM, once(BootTarget::Hdd))
        .await
        .unwrap();
    assert_eq!(fake.patches(SYSTEM).len(), 1);
    assert_eq!(fake.patches(SETTINGS).len(), 2);

    bmc.clear_boot_override(SYSTEM).await.unwrap();
    let disabled = json!({"Boot": {"BootSourceOverrideEnabled": "Disabled"}});
    assert_eq!(fake.patches(SETTINGS)[2], disabled);
}

#[tokio::test]
async fn a_yes_that_changes_nothing_is_followed_by_the_settings() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| add_settings(machine, &json!({"BootSourceOverrideTarget": "None"})));
    fake.rule(|_, request| {
        request
            .is(&Method::PATCH, SYSTEM)
            .then(|| Answer::status(204))
    });
    let warnings = fake
        .bmc()
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(fake.patches(SETTINGS), [pxe_body()]);
}

#[tokio::test]
async fn settings_that_know_no_override_are_not_written() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| add_settings(machine, &json!({"BootOrder": ["Boot0001"]})));
    let bmc = fake.bmc();
    bmc.set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    bmc.clear_boot_override(SYSTEM).await.unwrap();
    assert!(fake.patches(SETTINGS).is_empty());
    assert_eq!(fake.patches(SYSTEM).len(), 2);
}

#[tokio::test]
async fn a_task_is_followed_and_its_failure_is_one() {
    let fake = FakeBmc::start().await;
    let accepted = Answer::status(202).with("Location", "/redfish/v1/TaskService/Tasks/7");
    fake.script(Method::PATCH, SYSTEM, vec![accepted.clone(), accepted]);
    let mut looks = 0;
    fake.rule(move |machine, request| {
        if request.path != "/redfish/v1/TaskService/Tasks/7" {
            return None;
        }
        looks += 1;
        let state = match looks {
            1 => "Running",
            2 => {
                machine.system()["Boot"]["BootSourceOverrideEnabled"] = json!("Once");
                machine.system()["Boot"]["BootSourceOverrideTarget"] = json!("Pxe");
                "Completed"
            }
            _ => "Exception",
        };
        Some(Answer::json(200, &json!({"TaskState": state})))
    });
    let bmc = fake.bmc();
    let warnings = bmc
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let error = bmc
        .set_boot_override(SYSTEM, once(BootTarget::Hdd))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("the task ended as Exception"),
        "{error}"
    );
}

#[tokio::test]
async fn a_400_to_what_was_done_is_a_success_and_to_what_was_there_before_is_not() {
    let fake = FakeBmc::start().await;
    fake.rule(|machine, request| {
        request.is(&Method::PATCH, SYSTEM).then(|| {
            machine.answer(request);
            Answer::message(400, "Base.1.8.GeneralError")
        })
    });
    let bmc = fake.bmc();
    let warnings = bmc
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(fake.patches(SYSTEM).len(), 1);
    // What shows now may be the remains of the first.
    let error = bmc
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Rejected { status: 400, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_override_with_a_url_goes_where_there_is_a_property_for_it() {
    let fake = FakeBmc::start().await;
    fake.with(|machine| {
        add_settings(
            machine,
            &json!({"BootSourceOverrideTarget": "None", "HttpBootUri": null}),
        );
    });
    let bmc = fake.bmc();
    let support = bmc.boot_support(SYSTEM).await.unwrap();
    assert!(support.has_http_boot_uri);
    assert_eq!(support.allowed_targets, ["None", "Pxe", "Hdd", "UefiHttp"]);
    let http = BootOverride {
        http_boot_uri: Some("http://10.0.0.1/boot.efi".to_owned()),
        ..once(BootTarget::UefiHttp)
    };
    let warnings = bmc.set_boot_override(SYSTEM, http).await.unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(fake.patches(SYSTEM).is_empty());
    assert_eq!(
        fake.patches(SETTINGS)[0]["Boot"]["HttpBootUri"],
        "http://10.0.0.1/boot.efi"
    );
}

#[tokio::test]
async fn a_task_that_is_not_found_at_first_is_looked_for_again() {
    let fake = FakeBmc::start().await;
    let task = "/redfish/v1/TaskService/Tasks/7";
    let body = json!({"@Message.ExtendedInfo": [{
        "MessageId": "Vendor.1.0.OperationTransitionedToJob", "MessageArgs": [task],
    }]});
    fake.script(Method::PATCH, SYSTEM, vec![Answer::json(202, &body)]);
    let mut looks = 0;
    fake.rule(move |_, request| {
        let failed = json!({"TaskState": "Exception"});
        request.is(&Method::GET, task).then(|| {
            looks += 1;
            if looks < 3 {
                Answer::status(404)
            } else {
                Answer::json(200, &failed)
            }
        })
    });
    let error = fake
        .bmc()
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("the task ended as Exception"),
        "{error}"
    );
    assert_eq!(fake.received(&Method::GET, task).len(), 3);
}
