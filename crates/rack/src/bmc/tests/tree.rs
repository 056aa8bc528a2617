//! Every link of every profile's tree, followed from the root.

use std::collections::BTreeSet;

use super::*;

/// Follows every link from the root and returns what was found, and what answered with an error.
fn walk(client: &Client) -> (BTreeSet<String>, BTreeSet<(String, u16)>) {
    let (mut todo, mut found, mut broken) = (
        vec!["/redfish/v1/".to_owned()],
        BTreeSet::new(),
        BTreeSet::new(),
    );
    while let Some(path) = todo.pop() {
        if found.contains(&path) {
            continue;
        }
        let reply = client.patient("GET", &path);
        if reply.status != StatusCode::OK {
            broken.insert((path, reply.status.as_u16()));
            continue;
        }
        let document = json_of(&reply);
        assert_eq!(document["@odata.id"], path.as_str());
        assert!(document["@odata.type"].is_string(), "{path}");
        collect_links(&document, &mut todo);
        found.insert(path);
    }
    (found, broken)
}

fn collect_links(value: &Value, links: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    // A fragment names a part of the document it stands in.
                    Value::String(link)
                        if LINKS.contains(&name.as_str()) && !link.contains('#') =>
                    {
                        links.push(link.clone());
                    }
                    value => collect_links(value, links),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect_links(value, links)),
        _ => {}
    }
}

const LINKS: [&str; 2] = ["@odata.id", "@Redfish.ActionInfo"];

#[tokio::test]
async fn the_tree_of_the_standard_is_this_one() {
    let client = Client::new().await;
    let (found, broken) = walk(&client);
    assert!(broken.is_empty(), "{broken:?}");
    for path in &found {
        assert!(client.get(path)["Name"].is_string(), "{path}");
    }
    let text: String = found.iter().map(|path| format!("{path}\n")).collect();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bmc/testdata/tree.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(golden, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(golden).unwrap());
}

#[tokio::test]
async fn every_link_of_every_profile_leads_to_a_resource_of_that_name() {
    for &profile in Profile::ALL {
        let client = Client::of(profile).await;
        let (found, broken) = walk(&client);
        let quirks = profile.quirks();
        let mut expected = BTreeSet::new();
        if quirks.has(Quirk::BrokenSubresources) {
            let system = format!("/redfish/v1/Systems/{}", profile.facts().ids.system);
            expected.insert((format!("{system}/Memory"), 404));
            expected.insert((format!("{system}/Storage"), 500));
        }
        assert_eq!(broken, expected, "{profile}");
        let ids = profile.facts().ids;
        let mut system = format!("/redfish/v1/Systems/{}", ids.system);
        if profile.facts().lower_case_links {
            system = system.to_lowercase();
        }
        // Where the root does not link to the systems, its chassis does.
        assert!(
            found.contains(&system) || quirks.has(Quirk::RootLinksMissing),
            "{profile}"
        );
        let alone = if quirks.has(Quirk::RootLinksMissing) {
            5
        } else {
            15
        };
        assert!(found.len() > alone, "{profile}: {found:?}");
    }
}

#[tokio::test]
async fn a_profile_shows_the_names_of_its_maker() {
    for &profile in Profile::ALL {
        let client = Client::of(profile).await;
        let facts = profile.facts();
        let root = json_of(&client.patient("GET", "/redfish/v1/"));
        let sparse = profile.quirks().has(Quirk::SparseDocuments);
        assert_eq!(
            root["Vendor"].as_str(),
            facts.vendor.filter(|_| !sparse),
            "{profile}"
        );
        let oem = root["Oem"].as_object().and_then(|oem| oem.keys().next());
        assert_eq!(
            oem.map(String::as_str),
            facts.oem.map(|(key, _)| key),
            "{profile}"
        );
        let system = json_of(&client.patient("GET", &client.system()));
        assert_eq!(system["Manufacturer"], facts.manufacturer, "{profile}");
        assert_eq!(system["Id"], facts.ids.system, "{profile}");
        let settings = system["@Redfish.Settings"]["SettingsObject"]["@odata.id"].as_str();
        if let Some(settings) = settings {
            let end = format!("/{}", facts.settings);
            assert!(settings.ends_with(&end), "{profile}: {settings}");
            let reply = client.patient("GET", settings);
            assert_eq!(json_of(&reply)["@odata.id"], settings);
        }
        let other_name = json_of(&client.patient("GET", "/redfish/v1/Systems/1"));
        assert_eq!(
            other_name["error"].is_null(),
            facts.ids.system == "1",
            "{profile}"
        );
    }
}

#[tokio::test]
async fn a_profile_takes_the_resets_it_lists_and_no_other() {
    for &profile in Profile::ALL {
        let client = Client::of(profile).await;
        let system = json_of(&client.patient("GET", &client.system()));
        let action = &system["Actions"]["#ComputerSystem.Reset"];
        let listed = match action["@Redfish.ActionInfo"].as_str() {
            Some(info) => {
                json_of(&client.patient("GET", info))["Parameters"][0]["AllowableValues"].clone()
            }
            None => action["ResetType@Redfish.AllowableValues"].clone(),
        };
        let listed: Vec<&str> = listed
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert!(
            listed.contains(&"On") && listed.contains(&"ForceOff"),
            "{profile}"
        );
        let target = action["target"].as_str().unwrap();
        for reset in [
            "ForceRestart",
            "PowerCycle",
            "GracefulShutdown",
            "PushPowerButton",
            "Off",
        ] {
            let reply = client.patiently("POST", target, &json!({ "ResetType": reset }));
            let unlisted = reply.status == StatusCode::BAD_REQUEST
                && String::from_utf8_lossy(&reply.body).contains("ActionParameterValueNotInList");
            assert_eq!(
                unlisted,
                !listed.contains(&reset),
                "{profile} {reset}: {reply:?}"
            );
        }
    }
}
