//! Habits with ETags, each beside what the standard does.

use super::*;

/// A PATCH of the asset tag with this `If-Match`, or without one.
fn patch(client: &Client, tag: Option<&str>, body: &Value) -> u16 {
    let header = basic("admin", "rack-password");
    let mut headers = vec![("authorization", header.as_str())];
    headers.extend(tag.map(|tag| ("if-match", tag)));
    let reply = client.raw("PATCH", SYSTEM, &headers, &body.to_string());
    reply.status.as_u16()
}

/// The statuses of PATCHes without a tag, with `*`, with the tag as it is shown, and with the tag
/// that the standard code knows.
async fn statuses(quirks: &[Quirk]) -> [u16; 4] {
    let client = Client::quirky(quirks).await;
    let read = || {
        let reply = client.ask("GET", SYSTEM, &Value::Null);
        let tag = json_of(&reply)["@odata.etag"].as_str().unwrap().to_owned();
        if let Some(header) = reply.headers.get(ETAG) {
            assert_eq!(header.to_str().unwrap(), tag);
        }
        tag
    };
    let plain = || {
        let document = client
            .machine
            .read(|state| system::document(&client.machine.config, state));
        document["@odata.etag"].as_str().unwrap().to_owned()
    };
    let body = |text| json!({ "AssetTag": text });
    let without = patch(&client, None, &body("one"));
    let star = patch(&client, Some("*"), &body("two"));
    let shown = patch(&client, Some(&read()), &body("three"));
    let known = patch(&client, Some(&plain()), &body("four"));
    [without, star, shown, known]
}

#[tokio::test]
async fn a_tag_is_taken_as_the_quirk_says() {
    let check = async |quirks: &[Quirk], expected: [u16; 4]| {
        assert_eq!(statuses(quirks).await, expected, "{quirks:?}");
    };
    check(&[], [200, 200, 200, 200]).await;
    check(&[Quirk::NeedsIfMatch], [428, 200, 200, 200]).await;
    check(&[Quirk::RefusesStar], [200, 412, 200, 200]).await;
    check(&[Quirk::RefusesOwnTag], [428, 200, 412, 412]).await;
    check(&[Quirk::WeakEtag], [200, 200, 412, 200]).await;
    check(&[Quirk::GzipEtag], [200, 200, 412, 200]).await;
    check(&[Quirk::EmptyEtag], [200, 200, 412, 200]).await;
    check(&[Quirk::DoubleQuotedEtag], [200, 200, 412, 200]).await;
    check(&[Quirk::TagInBody], [428, 412, 412, 412]).await;
}

#[tokio::test]
async fn a_tag_in_the_body_is_taken_and_the_header_is_not_shown() {
    let client = Client::quirky(&[Quirk::TagInBody]).await;
    let reply = client.ask("GET", SYSTEM, &Value::Null);
    assert!(!reply.headers.contains_key(ETAG));
    let tag = json_of(&reply)["@odata.etag"].clone();
    let body = json!({ "AssetTag": "one", "@odata.etag": tag });
    assert_eq!(patch(&client, None, &body), 200);
    assert_eq!(patch(&client, None, &body), 412);
}

#[tokio::test]
async fn an_action_with_a_tag_is_refused_where_that_is_the_habit() {
    for (quirks, expected) in [(&[][..], 204), (&[Quirk::NoIfMatchOnActions], 412)] {
        let client = Client::quirky(quirks).await;
        let header = basic("admin", "rack-password");
        let headers = [("authorization", header.as_str()), ("if-match", "*")];
        let path = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset";
        let reply = client.raw("POST", path, &headers, r#"{"ResetType": "On"}"#);
        assert_eq!(reply.status.as_u16(), expected);
    }
}
