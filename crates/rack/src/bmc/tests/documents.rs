//! Quirks that show in documents, each beside what the standard shows.

use super::*;

const ROOT: &str = "/redfish/v1/";
const SYSTEMS: &str = "/redfish/v1/Systems";
const NICS: &str = "/redfish/v1/Systems/1/EthernetInterfaces";
const NIC: &str = "/redfish/v1/Systems/1/EthernetInterfaces/NIC.1";
const MANAGER: &str = "/redfish/v1/Managers/1";

/// A quirk, a document, a place in it, and what stands there then, JSON.
const ROWS: [(Quirk, &str, &str, &str); 24] = [
    (
        Quirk::OddScalars,
        SYSTEM,
        "/LastResetTime",
        r#""0000-00-00T00:00:00+00:00""#,
    ),
    (Quirk::OddScalars, SYSTEM, "/HostingRoles", "{}"),
    (Quirk::EmptyMacs, NIC, "/MACAddress", r#""""#),
    (Quirk::MacsOnPortsOnly, NICS, "/Members@odata.count", "0"),
    (Quirk::NullMembers, NICS, "/Members", "null"),
    (Quirk::NoSystemNics, SYSTEM, "/EthernetInterfaces", "null"),
    (
        Quirk::ManagerWithoutPowerState,
        MANAGER,
        "/PowerState",
        "null",
    ),
    (Quirk::SparseDocuments, SYSTEM, "/UUID", "null"),
    (Quirk::SparseDocuments, SYSTEM, "/Boot", "null"),
    (
        Quirk::BadgeOfAnotherMaker,
        ROOT,
        "/Oem/Ami/RtpVersion",
        r#""13.04""#,
    ),
    (Quirk::ExtraSystems, SYSTEMS, "/Members@odata.count", "2"),
    (Quirk::RootLinksMissing, ROOT, "/Systems", "null"),
    (Quirk::NoSessions, ROOT, "/Links", "null"),
    (
        Quirk::ExpandUnsupported,
        ROOT,
        "/ProtocolFeaturesSupported",
        "null",
    ),
    (
        Quirk::NoModeProperty,
        SYSTEM,
        "/Boot/BootSourceOverrideMode",
        "null",
    ),
    (Quirk::NoneAsText, SYSTEM, "/Boot/HttpBootUri", r#""None""#),
    (
        Quirk::PlaceholderIdentity,
        SYSTEM,
        "/SKU",
        r#""To be filled by O.E.M.""#,
    ),
    (Quirk::SerialOnChassis, SYSTEM, "/SerialNumber", "null"),
    (Quirk::LitIsNotIdentify, SYSTEM, "/IndicatorLED", r#""Lit""#),
    (
        Quirk::IndicatorLedOnly,
        SYSTEM,
        "/LocationIndicatorActive",
        "null",
    ),
    (
        Quirk::LocationIndicatorOnly,
        SYSTEM,
        "/IndicatorLED",
        "null",
    ),
    (Quirk::ManagedByMissing, SYSTEM, "/Links/ManagedBy", "null"),
    (
        Quirk::LinksManagers,
        SYSTEM,
        "/Links/Managers/0/@odata.id",
        r#""/redfish/v1/Managers/1""#,
    ),
    (
        Quirk::ScalarForArray,
        SYSTEM,
        "/Links/ManagedBy/@odata.id",
        r#""/redfish/v1/Managers/1""#,
    ),
];

#[tokio::test]
async fn a_document_shows_the_quirk_where_it_is_and_not_without_it() {
    let at = async |quirks: &[Quirk], uri: &str, pointer: &str| {
        let document = Client::quirky(quirks).await.get(uri);
        document.pointer(pointer).cloned().unwrap_or_default()
    };
    for (quirk, uri, pointer, expected) in ROWS {
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(
            at(&[quirk], uri, pointer).await,
            expected,
            "{quirk} {pointer}"
        );
        assert_ne!(
            at(&[], uri, pointer).await,
            expected,
            "without {quirk} {pointer}"
        );
    }
}

#[tokio::test]
async fn identities_are_told_in_the_form_of_the_quirk() {
    let (plain, tagged) = (
        Client::new().await,
        Client::quirky(&[Quirk::SkuIsServiceTag]).await,
    );
    let (plain, tagged) = (plain.get(SYSTEM), tagged.get(SYSTEM));
    assert_eq!(tagged["SKU"], plain["SerialNumber"]);
    assert_ne!(tagged["SerialNumber"], plain["SerialNumber"]);
    let swapped = Client::quirky(&[Quirk::UuidByteOrder]).await;
    let id: model::ServerId = plain["UUID"].as_str().unwrap().parse().unwrap();
    assert_eq!(swapped.get(SYSTEM)["UUID"], json!(id.swapped()));
}

#[tokio::test]
async fn a_boot_order_that_is_stale_is_shown_as_it_was() {
    let order = |client: &Client| {
        let first = client.get(SYSTEM)["Boot"]["BootOrder"].clone();
        let mut turned = first.as_array().unwrap().clone();
        turned.reverse();
        let reply = client.patch(&json!({ "Boot": { "BootOrder": turned } }));
        assert_eq!(reply.status, StatusCode::OK);
        first == client.get(SYSTEM)["Boot"]["BootOrder"]
    };
    assert!(order(&Client::quirky(&[Quirk::BootOrderStale]).await));
    assert!(!order(&Client::new().await));
}

#[tokio::test]
async fn a_collection_expands_as_the_quirk_lets_it() {
    let path = "/redfish/v1/Systems?$expand=.($levels=1)";
    let member = async |quirks: &[Quirk]| {
        let client = Client::quirky(quirks).await;
        let reply = client.ask("GET", path, &Value::Null);
        (reply.status.as_u16(), json_of(&reply)["Members"][0].clone())
    };
    let (_, whole) = member(&[]).await;
    assert_eq!(whole, Client::new().await.get(SYSTEM));
    let (_, without_tag) = member(&[Quirk::MembersWithoutEtag]).await;
    assert!(without_tag["@odata.etag"].is_null() && without_tag["UUID"].is_string());
    let (_, bare) = member(&[Quirk::ExpandDropsProperties]).await;
    assert!(bare["@odata.id"].is_string() && bare["UUID"].is_null());
    assert_eq!(member(&[Quirk::ExpandUnsupported]).await.0, 501);
}

#[tokio::test]
async fn power_hangs_or_takes_its_time_where_that_is_the_habit() {
    let client = Client::quirky(&[Quirk::SlowPower]).await;
    client.reset("On");
    assert_eq!(
        client.machine.read(|state| state.power),
        PowerState::PoweringOn
    );
    assert_eq!(client.get(SYSTEM)["PowerState"], "Off");
    let client = Client::quirky(&[Quirk::ForceRestartHangs]).await;
    client.machine.change(|state| state.power = PowerState::On);
    assert_eq!(client.reset("ForceRestart").status, StatusCode::NO_CONTENT);
    assert_eq!(
        client.machine.read(|state| state.phase),
        crate::Phase::Stopped
    );
    let manager = client.get("/redfish/v1/Managers/1");
    let resets = &manager["Actions"]["#Manager.Reset"]["ResetType@Redfish.AllowableValues"];
    assert_eq!(resets.as_array().unwrap().len(), 2);
    let client = Client::quirky(&[Quirk::ManagerResetForceOnly]).await;
    let manager = client.get("/redfish/v1/Managers/1");
    let resets = &manager["Actions"]["#Manager.Reset"]["ResetType@Redfish.AllowableValues"];
    assert_eq!(resets, &json!(["ForceRestart"]));
}
