//! Quirks of the BMC, each beside what the standard does.

use super::*;

const SETTINGS: &str = "/redfish/v1/Systems/1/Settings";

fn once() -> Value {
    json!({ "Boot": { "BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe" } })
}

/// A change of the boot override of the system: its status with the quirk and without it.
#[track_caller]
fn compare(with: &Reply, without: &Reply, expected: (u16, u16)) {
    let found = (with.status.as_u16(), without.status.as_u16());
    assert_eq!(found, expected, "{with:?}");
}

#[tokio::test]
async fn a_boot_override_is_refused_or_changed_by_the_quirk_alone() {
    let mode = json!({ "Boot": { "BootSourceOverrideMode": "UEFI" } });
    let disable = json!({ "Boot": {
        "BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None"
    }});
    let uri = json!({ "Boot": { "HttpBootUri": null } });
    let every = json!({ "Boot": { "BootSourceOverrideEnabled": "Continuous" } });
    let cd = json!({ "Boot": { "BootSourceOverrideTarget": "Cd" } });
    let light = json!({ "LocationIndicatorActive": true });
    let led = json!({ "IndicatorLED": "Lit" });
    for (quirk, body, expected) in [
        (Quirk::OverrideOnlyInSettings, &once(), 400),
        (Quirk::NoModeProperty, &mode, 400),
        (Quirk::ModeRejectedWhenNotReported, &mode, 400),
        (Quirk::ModeAlways, &once(), 400),
        (Quirk::NoHttpBootUri, &uri, 400),
        (Quirk::NoContinuous, &every, 400),
        (Quirk::DisableWithoutTarget, &disable, 400),
        (Quirk::UsbCd, &cd, 400),
        (Quirk::OverrideRefusedButApplied, &once(), 400),
        (Quirk::OverrideAcceptedButIgnored, &once(), 204),
        (Quirk::AcceptedWithoutTask, &once(), 202),
        (Quirk::BusyDuringPost, &once(), 400),
        (Quirk::AssetTagReadOnly, &json!({ "AssetTag": "x" }), 400),
        (Quirk::IndicatorLedOnly, &light, 400),
        (Quirk::LocationIndicatorOnly, &led, 400),
    ] {
        let with = Client::quirky(&[quirk]).await.patch(body);
        let without = Client::new().await.patch(body);
        compare(&with, &without, (expected, 200));
    }
}

#[tokio::test]
async fn what_was_refused_may_be_applied_and_what_was_accepted_ignored() {
    let target = |client: &Client| client.get(SYSTEM)["Boot"]["BootSourceOverrideTarget"].clone();
    for (quirk, expected) in [
        (Quirk::OverrideRefusedButApplied, "Pxe"),
        (Quirk::OverrideAcceptedButIgnored, "None"),
        (Quirk::AcceptedWithoutTask, "Pxe"),
        (Quirk::ReadsAsUefiBootNext, "UefiBootNext"),
        (Quirk::SuccessAsErrorBody, "Pxe"),
        (Quirk::TextBodyAsJson, "Pxe"),
    ] {
        let client = Client::quirky(&[quirk]).await;
        let reply = client.patch(&once());
        assert_eq!(target(&client), expected, "{quirk}");
        if quirk == Quirk::SuccessAsErrorBody {
            assert_eq!(messages(&reply), ["Base.1.4.Success"]);
        }
        if quirk == Quirk::TextBodyAsJson {
            assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
        }
    }
    let client = Client::quirky(&[Quirk::AlwaysContinuous]).await;
    client.patch(&once());
    assert_eq!(
        client.get(SYSTEM)["Boot"]["BootSourceOverrideEnabled"],
        "Continuous"
    );
}

#[tokio::test]
async fn the_settings_object_is_there_and_takes_what_the_quirk_says() {
    for (quirk, system, settings) in [
        (Quirk::OverrideOnlyInSettings, 400, 200),
        (Quirk::OverrideOnlyOnSystem, 200, 400),
        (Quirk::SettingsWithoutBoot, 200, 400),
        (Quirk::AllowablesInSettings, 200, 200),
    ] {
        let client = Client::quirky(&[quirk]).await;
        let document = client.get(SYSTEM);
        let link = &document["@Redfish.Settings"]["SettingsObject"]["@odata.id"];
        assert_eq!(link, SETTINGS);
        assert_eq!(client.patch(&once()).status.as_u16(), system, "{quirk}");
        let reply = client.ask("PATCH", SETTINGS, &once());
        assert_eq!(reply.status.as_u16(), settings, "{quirk}");
        assert_eq!(
            client.get(SYSTEM)["Boot"]["BootSourceOverrideTarget"],
            "Pxe"
        );
        let boot = client.get(SETTINGS)["Boot"].clone();
        assert_eq!(boot.is_null(), quirk == Quirk::SettingsWithoutBoot);
        let name = "BootSourceOverrideTarget@Redfish.AllowableValues";
        let hidden = quirk == Quirk::AllowablesInSettings;
        assert_eq!(document["Boot"][name].is_null(), hidden, "{quirk}");
    }
    let client = Client::new().await;
    assert_eq!(
        client.ask("GET", SETTINGS, &Value::Null).status,
        StatusCode::NOT_FOUND
    );
    assert!(client.get(SYSTEM)["@Redfish.Settings"].is_null());
}

#[tokio::test]
async fn a_job_is_queued_for_a_mode_that_is_set_already() {
    let client = Client::quirky(&[Quirk::ModeRewriteQueuesAJob]).await;
    let mut body = once();
    client.patch(&body);
    assert_eq!(client.bmc.counters().jobs, 0);
    body["Boot"]["BootSourceOverrideMode"] = json!("UEFI");
    client.patch(&body);
    assert_eq!(client.bmc.counters().jobs, 1);
    assert_eq!(client.machine.read(|state| state.jobs), 1);
}

#[tokio::test]
async fn a_change_that_is_a_task_is_made_once_somebody_asked_for_it() {
    for (quirk, at) in [
        (Quirk::TaskInBody, "/redfish/v1/TaskService/Tasks/1"),
        (
            Quirk::TaskInLocation,
            "/redfish/v1/TaskService/TaskMonitors/1",
        ),
    ] {
        let client = Client::quirky(&[quirk, Quirk::JobNotFoundAtFirst]).await;
        let reply = client.patch(&once());
        assert_eq!(reply.status, StatusCode::ACCEPTED);
        let location = reply.headers.get("location").map(|it| it.to_str().unwrap());
        let in_body = quirk == Quirk::TaskInBody;
        assert_eq!(location, (!in_body).then_some(at));
        if in_body {
            assert_eq!(json_of(&reply)["@odata.id"], at);
        }
        let poll = || client.ask("GET", at, &Value::Null);
        let target = || client.get(SYSTEM)["Boot"]["BootSourceOverrideTarget"].clone();
        assert_eq!([poll().status, poll().status], [StatusCode::NOT_FOUND; 2]);
        let running = poll();
        assert_eq!(target(), "None");
        let done = poll();
        assert_eq!(target(), "Pxe");
        if in_body {
            assert_eq!(json_of(&running)["TaskState"], "Running");
            assert_eq!(json_of(&done)["TaskState"], "Completed");
        } else {
            assert_eq!(
                (running.status, done.status),
                (StatusCode::ACCEPTED, StatusCode::OK)
            );
        }
        let tasks = client.get("/redfish/v1/TaskService/Tasks");
        assert_eq!(tasks["Members@odata.count"], 1);
    }
    let client = Client::quirky(&[Quirk::TaskWithRetryAfter]).await;
    let reset = client.reset("On");
    assert_eq!(
        (reset.status, &reset.headers[RETRY_AFTER]),
        (StatusCode::ACCEPTED, &"1".parse().unwrap())
    );
}

#[tokio::test]
async fn a_refusal_that_passes_passes() {
    let statuses = |replies: [Reply; 3]| replies.map(|reply| reply.status.as_u16());
    let client = Client::quirky(&[Quirk::BusyDuringPost]).await;
    let patch = || client.patch(&once());
    assert_eq!(statuses([patch(), patch(), patch()]), [400, 400, 200]);
    let client = Client::quirky(&[Quirk::BusyAfterJob]).await;
    client.patch(&once());
    let patch = || client.patch(&once());
    assert_eq!(statuses([patch(), patch(), patch()]), [400, 400, 200]);
    let client = Client::quirky(&[Quirk::InvalidForStateAfterPower]).await;
    client.reset("On");
    let off = || client.reset("ForceOff");
    assert_eq!(statuses([off(), off(), off()]), [400, 400, 204]);
    let client = Client::quirky(&[Quirk::Intermittent401]).await;
    let get = || client.ask("GET", SYSTEM, &Value::Null);
    assert_eq!(statuses([get(), get(), get()]), [200, 200, 401]);
    assert_eq!(client.bmc.counters().login_failures, 0);
}

#[tokio::test]
async fn resets_are_those_of_the_quirk() {
    for (quirk, reset) in [
        (Quirk::NoForceRestart, "ForceRestart"),
        (Quirk::NoGraceful, "GracefulShutdown"),
        (Quirk::NoPushButton, "PushPowerButton"),
        (Quirk::ResetTypeOff, "PowerCycle"),
    ] {
        let client = Client::quirky(&[quirk]).await;
        check(
            &client.reset(reset),
            400,
            "Base.1.18.ActionParameterValueNotInList",
        );
    }
    let client = Client::quirky(&[Quirk::ConflictWhenAlreadyThere]).await;
    check(&client.reset("ForceOff"), 409, "IDRAC.2.8.PSU501");
    let client = Client::quirky(&[Quirk::ResetTypeOff]).await;
    client.reset("On");
    assert_eq!(client.reset("Off").status, StatusCode::NO_CONTENT);
    let client = Client::quirky(&[Quirk::AllowablesInActionInfo]).await;
    let action = client.get(SYSTEM)["Actions"]["#ComputerSystem.Reset"].clone();
    assert!(action["ResetType@Redfish.AllowableValues"].is_null());
    let info = client.get(action["@Redfish.ActionInfo"].as_str().unwrap());
    assert_eq!(
        info["Parameters"][0]["AllowableValues"]
            .as_array()
            .unwrap()
            .len(),
        9
    );
}

#[tokio::test]
async fn sessions_are_opened_in_the_way_of_the_quirk() {
    let with = async |quirk| Client::quirky(&[quirk]).await;
    let location = |reply: &Reply| {
        let location = reply.headers.get("location");
        location.map(|it| it.to_str().unwrap().to_owned())
    };
    assert_eq!(
        location(&with(Quirk::NoLocationHeader).await.log_in("rack-password")),
        None
    );
    let reply = with(Quirk::AbsoluteLocation).await.log_in("rack-password");
    let path = "/redfish/v1/SessionService/Sessions/1";
    let found = location(&reply).unwrap();
    assert_eq!(
        found,
        format!("https://bmc-of-another-name.example.com{path}")
    );
    let reply = with(Quirk::NoSessions).await.log_in("rack-password");
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    let client = with(Quirk::SessionLimitAs503).await;
    client.log_in("rack-password");
    client.log_in("rack-password");
    check(&client.log_in("rack-password"), 503, "IDRAC.2.8.RAC0218");
    let client = with(Quirk::SessionsLostOnReset).await;
    client.log_in("rack-password");
    client.reset("On");
    assert_eq!(client.bmc.counters().sessions_live, 0);
    let client = with(Quirk::RootMissingWhenExpired).await;
    let reply = client.raw("GET", SYSTEM, &[("x-auth-token", "old")], "");
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_door_is_that_of_the_quirk() {
    let get = |client: &Client, path: &str, headers: &[(&str, &str)]| {
        client.raw("GET", path, headers, "").status.as_u16()
    };
    let root = "/redfish/v1/";
    let client = Client::quirky(&[Quirk::RootNeedsLogin]).await;
    assert_eq!(get(&client, root, &[]), 401);
    for (quirk, expected) in [(Quirk::BasicDisabled, 401), (Quirk::UnadvertisedBasic, 200)] {
        let client = Client::quirky(&[quirk]).await;
        assert!(
            !client
                .raw("GET", SYSTEM, &[], "")
                .headers
                .contains_key("www-authenticate")
        );
        let reply = client.ask("GET", SYSTEM, &Value::Null);
        assert_eq!(reply.status.as_u16(), expected, "{quirk}");
    }
    let client = Client::quirky(&[Quirk::RedirectingRoot]).await;
    assert_eq!(
        (get(&client, root, &[]), get(&client, "/redfish/v1", &[])),
        (308, 200)
    );
    let client = Client::quirky(&[Quirk::IdentityEncodingRefused]).await;
    assert_eq!(get(&client, root, &[("accept-encoding", "identity")]), 406);
    assert_eq!(get(&client, root, &[("accept-encoding", "gzip")]), 200);
    let client = Client::quirky(&[Quirk::HtmlErrorBody]).await;
    let reply = client.ask("GET", "/redfish/v1/Nothing", &Value::Null);
    assert_eq!(reply.headers["content-type"], "text/html");
    let client = Client::quirky(&[Quirk::MessagesWithoutText]).await;
    let body = json_of(&client.ask("GET", "/redfish/v1/Nothing", &Value::Null));
    assert!(body["error"]["@Message.ExtendedInfo"][0]["Message"].is_null());
}

#[tokio::test]
async fn a_connection_breaks_where_that_is_the_habit() {
    let broken = |client: &Client, earlier| {
        let request = Request {
            method: Method::GET,
            path: SYSTEM.to_owned(),
            query: None,
            headers: hyper::HeaderMap::new(),
            body: bytes::Bytes::new(),
            earlier,
        };
        client.bmc.breaks(&request, client.now)
    };
    let client = Client::quirky(&[Quirk::DropsUsedConnections]).await;
    assert_eq!((broken(&client, 0), broken(&client, 1)), (false, true));
    let client = Client::quirky(&[Quirk::AddressBlockAfterFailures]).await;
    for _ in 0..3 {
        assert!(!broken(&client, 0));
        client.log_in("wrong");
    }
    assert!(broken(&client, 0));
    let client = Client::new().await;
    (0..3).for_each(|_| drop(client.log_in("wrong")));
    assert!(!broken(&client, 1));
}

#[tokio::test]
async fn accounts_and_restarts_are_those_of_the_quirk() {
    let of = async |quirk| Client::with(|config| config.machines[0].quirks.extend([quirk])).await;
    let accounts = "/redfish/v1/AccountService/Accounts";
    let count = |client: &Client| client.get(accounts)["Members@odata.count"].clone();
    assert_eq!(count(&of(Quirk::FixedAccountSlots).await), 16);
    assert_eq!(count(&Client::new().await), 1);
    let client = of(Quirk::PasswordChangeRequired403).await;
    let reply = client.ask("GET", SYSTEM, &Value::Null);
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    let reply = of(Quirk::PasswordChangeRequiredSession)
        .await
        .log_in("rack-password");
    assert!(json_of(&reply)["@Message.ExtendedInfo"].is_array());
    let resets = async |quirk| {
        let manager = of(quirk).await.get("/redfish/v1/Managers/1");
        manager["Actions"]["#Manager.Reset"]["ResetType@Redfish.AllowableValues"].clone()
    };
    assert_eq!(
        resets(Quirk::ManagerResetGracefulOnly).await,
        json!(["GracefulRestart"])
    );
    assert_eq!(resets(Quirk::ManagerResetWithoutTypes).await, Value::Null);
}
