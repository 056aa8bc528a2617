//! The table as such: it can be read, it matches whom it should, a user's file is checked.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::reply::Document;

fn hints_of(quirks: &Quirks, root: Value, system: Value) -> Hints {
    let document = |value| Document { value, etag: None };
    let system = System::read("/s", document(system));
    let root = ServiceRoot {
        quirks: quirks.clone(),
        ..ServiceRoot::read(document(root))
    };
    Hints::of(&root, Some(&system))
}

fn hints(root: Value, system: Value) -> Hints {
    hints_of(&Quirks::default(), root, system)
}

#[test]
fn every_row_of_the_table_is_whole() {
    let rows = file::extend(&[], "table.toml", TABLE).unwrap();
    assert!(rows.len() > 90, "{}", rows.len());
    let ids: BTreeSet<_> = rows.iter().map(|row| &row.id).collect();
    assert_eq!(ids.len(), rows.len());
    for row in &rows {
        let id = &row.id;
        for text in [&row.title, &row.does, &row.client] {
            assert!(!text.is_empty(), "{id}");
        }
        assert!(!row.title.ends_with('.'), "{id}: a title is no sentence");
        assert!(row.does.ends_with('.') && row.client.ends_with('.'), "{id}");
        assert!(!row.source.is_empty(), "{id} has no source");
    }
}

#[test]
fn a_maker_is_told_by_its_name_its_oem_key_or_its_system() {
    let always = |root, system| hints(root, system).send_mode == SendMode::Always;
    assert!(always(json!({"Vendor": "Supermicro"}), json!({})));
    assert!(always(json!({"Oem": {"Supermicro": {}}}), json!({})));
    assert!(always(
        json!({"Oem": {}}),
        json!({"Manufacturer": "Supermicro"})
    ));
    assert!(!always(json!({"Vendor": "Dell"}), json!({})));
    assert!(!always(json!({}), json!({})));
}

#[test]
fn firmware_counts_and_not_the_badge() {
    let found = hints(json!({"Vendor": "Lenovo", "Oem": {"Ami": {}}}), json!({}));
    assert_eq!(found.first_tag, FirstTag::Star);
    assert!(found.bad_resets.is_empty());
    let found = hints(
        json!({"Vendor": "Lenovo", "Oem": {"Lenovo": {}}}),
        json!({}),
    );
    assert_eq!(found.bad_resets, ["ForceRestart"]);
}

#[test]
fn only_older_firmware_drops_its_connections() {
    let closes = |kind: &str| {
        let oem = json!({"Hpe": {"Manager": [{"ManagerType": kind}]}});
        hints(json!({"Vendor": "HPE", "Oem": oem}), json!({})).close_connections
    };
    assert!(closes("iLO 5"));
    assert!(closes("iLO 6"));
    assert!(!closes("iLO 7"));
}

#[test]
fn a_row_matches_by_product_model_and_firmware_too() {
    let expands = |root: Value, model: &str| !hints(root, json!({"Model": model})).no_expand;
    let ami = |version: &str| json!({"Oem": {"Ami": {"RtpVersion": version}}});
    assert!(!expands(ami("13.09.1"), "any"));
    assert!(!expands(ami("13.1"), "DGXH100"));
    assert!(expands(ami("13.1"), "R283"));
    assert!(!expands(
        json!({"Vendor": "NVIDIA", "Product": "GB BMC"}),
        ""
    ));
}

#[test]
fn a_users_rows_come_after_the_built_in_ones_and_disable_takes_those_out() {
    let quirks = Quirks::extended("example.toml", include_str!("example.toml")).unwrap();
    let supermicro = |model: &str| {
        let found = hints_of(
            &quirks,
            json!({"Vendor": "Supermicro"}),
            json!({"Model": model}),
        );
        (found.send_mode, found.aliases.len())
    };
    assert_eq!(supermicro("X14DBHM"), (SendMode::IfDifferent, 0));
    assert_eq!(supermicro("X13DEM"), (SendMode::Always, 0));
    let contoso = |root: Value| hints_of(&quirks, root, json!({})).first_tag;
    let oem = json!({"Contoso": {"FirmwareVersion": "0.9.4"}});
    assert_eq!(contoso(json!({"Oem": oem})), FirstTag::Star);
    assert_eq!(contoso(json!({"Vendor": "Contoso"})), FirstTag::IfKnown);
    assert_eq!(
        contoso(json!({"Product": "contoso lab bmc"})),
        FirstTag::Star
    );
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let error = Quirks::extended("own.toml", text).unwrap_err();
    let shown = error.to_string();
    assert!(shown.starts_with(expected), "{shown}");
    assert!(!shown.contains('\n'), "{shown}");
}

#[test]
fn an_error_in_a_users_file_names_line_row_and_what_is_expected() {
    let row = |rest: &str| format!("# mine\n\n[[quirk]]\nid = \"mine\"\n{rest}\n");
    let matching = "match = [{ vendor = \"Dell\" }]";
    check(
        &row(&format!(
            "{matching}\neffects = {{ send_mod = \"always\" }}"
        )),
        "own.toml:6: row mine: unknown field `send_mod`, expected one of `send_mode`",
    );
    check(
        &row(&format!(
            "{matching}\neffects = {{ send_mode = \"never\" }}"
        )),
        "own.toml:6: row mine: unknown variant `never`, expected `if-different` or `always`",
    );
    check(
        &row(&format!("{matching}\neffects = {{ never_star = \"yes\" }}")),
        "own.toml:6: row mine: invalid type: string \"yes\", expected a boolean",
    );
    check(
        &row("match = [{ maker = \"Dell\" }]\neffects = { never_star = true }"),
        "own.toml:5: row mine: unknown field `maker`, expected one of `vendor`",
    );
    check(
        &row("match = []\neffects = { never_star = true }"),
        "own.toml:3: row mine: its match names nothing",
    );
    check(
        &row("match = [{ except_firmware = \"7\" }]\neffects = { never_star = true }"),
        "own.toml:3: row mine: its match names nothing, expected at least one of vendor",
    );
    check(
        &row("match = [{ vendor = \" \" }]\neffects = { never_star = true }"),
        "own.toml:3: row mine: its match has an empty vendor",
    );
    check(
        &row(matching),
        "own.toml:3: row mine: it has no effects, expected at least one of send_mode",
    );
    check(
        &row("effects = 1"),
        "own.toml:5: row mine: invalid type: integer `1`",
    );
    check(
        "disable = [\"nope\"]",
        "own.toml:1: disable \"nope\": no built-in row has this id",
    );
    check(
        "\ndisable = [\"empty-macs\"]",
        "own.toml:2: disable \"empty-macs\": the row has no effects",
    );
    check(
        &format!("[[quirk]]\nid = \"usb-cd\"\n{matching}\neffects = {{ never_star = true }}"),
        "own.toml:1: row usb-cd: another row has this id",
    );
    check("[[quirk]\n", "own.toml:1: ");
    check(
        "quirks = []",
        "own.toml:1: unknown field `quirks`, expected `disable` or `quirk`",
    );
}

#[test]
fn an_empty_file_is_the_built_in_table() {
    assert_eq!(Quirks::extended("own.toml", "").unwrap(), Quirks::default());
}

#[test]
fn the_page_has_every_row_and_every_maker() {
    let page = quirks_page();
    for row in Quirks::default().rows() {
        assert!(page.contains(&format!("### {}\n", row.id)), "{}", row.id);
    }
    assert!(page.contains("AMI, Cisco, Dell, Fujitsu, HPE"), "{page}");
}
