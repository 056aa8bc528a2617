//! Changes of the system: tags, the boot override, the light.

use super::*;

#[tokio::test]
async fn a_change_needs_the_current_tag_if_it_has_one() {
    let client = Client::new().await;
    let first = client.ask("GET", SYSTEM, &Value::Null);
    let tag = first.headers[ETAG].to_str().unwrap().to_owned();
    assert_eq!(json_of(&first)["@odata.etag"], tag.as_str());
    let patch = |tag: &str, asset: &str| {
        let header = basic("admin", "rack-password");
        let headers = [("authorization", header.as_str()), ("if-match", tag)];
        client.raw(
            "PATCH",
            SYSTEM,
            &headers,
            &json!({ "AssetTag": asset }).to_string(),
        )
    };
    let changed = patch(&tag, "one");
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(json_of(&changed)["AssetTag"], "one");
    assert_ne!(changed.headers[ETAG], tag.as_str());
    check(&patch(&tag, "two"), 412, "Base.1.18.PreconditionFailed");
    assert_eq!(patch("*", "three").status, StatusCode::OK);
    let new = changed.headers[ETAG].to_str().unwrap();
    check(
        &patch(&format!("W/{new}"), "four"),
        412,
        "Base.1.18.PreconditionFailed",
    );
    let without = client.ask("PATCH", SYSTEM, &json!({ "AssetTag": "five" }));
    assert_eq!(without.status, StatusCode::OK);
    client
        .machine
        .change(|state| state.faults.require_if_match = true);
    let without = client.ask("PATCH", SYSTEM, &json!({ "AssetTag": "six" }));
    check(&without, 428, "Base.1.18.PreconditionRequired");
    assert_eq!(client.get(SYSTEM)["AssetTag"], "five");
}

#[tokio::test]
async fn the_boot_override_is_set_as_a_whole_or_not_at_all() {
    let client = Client::new().await;
    let patch = |boot: Value| client.ask("PATCH", SYSTEM, &json!({ "Boot": boot }));
    let boot = || {
        let boot = client.get(SYSTEM)["Boot"].clone();
        (
            boot["BootSourceOverrideEnabled"].clone(),
            boot["BootSourceOverrideTarget"].clone(),
            boot["HttpBootUri"].clone(),
        )
    };
    let once = json!({ "BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe" });
    assert_eq!(patch(once).status, StatusCode::OK);
    assert_eq!(boot(), (json!("Once"), json!("Pxe"), Value::Null));
    let reply = patch(json!({
        "BootSourceOverrideEnabled": "Sometimes",
        "BootSourceOverrideTarget": "Usb",
        "BootSourceOverrideMode": "Legacy",
        "HttpBootUri": 7,
        "BootNext": "x",
    }));
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let mut found = messages(&reply);
    found.sort();
    assert_eq!(
        found,
        [
            "Base.1.18.PropertyUnknown",
            "Base.1.18.PropertyValueNotInList",
            "Base.1.18.PropertyValueNotInList",
            "Base.1.18.PropertyValueNotInList",
            "Base.1.18.PropertyValueTypeError",
        ]
    );
    assert_eq!(boot(), (json!("Once"), json!("Pxe"), Value::Null));
    let http = json!({ "BootSourceOverrideTarget": "UefiHttp", "HttpBootUri": "http://a/b" });
    assert_eq!(patch(http).status, StatusCode::OK);
    assert_eq!(
        boot(),
        (json!("Once"), json!("UefiHttp"), json!("http://a/b"))
    );
    let off = json!({ "BootSourceOverrideEnabled": "Disabled", "HttpBootUri": null });
    assert_eq!(patch(off).status, StatusCode::OK);
    assert_eq!(boot(), (json!("Disabled"), json!("None"), Value::Null));
}

#[tokio::test]
async fn a_bios_machine_has_no_http_boot() {
    let client = Client::with(|config| {
        config.machines[0].architecture = model::Architecture::X86Bios;
    })
    .await;
    let boot = client.get(SYSTEM)["Boot"].clone();
    assert_eq!(boot["BootSourceOverrideMode"], "Legacy");
    assert_eq!(boot.get("HttpBootUri"), None);
    let http = json!({ "Boot": { "BootSourceOverrideTarget": "UefiHttp" } });
    let reply = client.ask("PATCH", SYSTEM, &http);
    check(&reply, 400, "Base.1.18.PropertyValueNotInList");
    let related = &json_of(&reply)["error"]["@Message.ExtendedInfo"][0]["RelatedProperties"];
    assert_eq!(*related, json!(["#/Boot/BootSourceOverrideTarget"]));
}

#[tokio::test]
async fn the_light_has_two_names() {
    let client = Client::new().await;
    let patch = |body: Value| {
        let system = json_of(&client.ask("PATCH", SYSTEM, &body));
        (
            system["IndicatorLED"].clone(),
            system["LocationIndicatorActive"].clone(),
        )
    };
    let lit = patch(json!({ "LocationIndicatorActive": true }));
    assert_eq!(lit, (json!("Blinking"), json!(true)));
    let lit = patch(json!({ "IndicatorLED": "Off" }));
    assert_eq!(lit, (json!("Off"), json!(false)));
    let reply = client.ask("PATCH", SYSTEM, &json!({ "PowerState": "On" }));
    check(&reply, 400, "Base.1.18.PropertyNotWritable");
    let reply = client.ask("PATCH", SYSTEM, &json!({ "Colour": "red" }));
    check(&reply, 400, "Base.1.18.PropertyUnknown");
}
