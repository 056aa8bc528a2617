//! Cases of every rule, and what holds for all configs.

use proptest::{collection::btree_map, option, prelude::*};
use serde_json::json;

use super::*;

const HEAD: &str = r#""ignition":{"version":"3.4.0"}"#;

/// Merges the parts, each given without its `ignition`, and compares the result without it.
#[track_caller]
fn check(parts: &[Value], expected: &Value) {
    let texts: Vec<String> = parts
        .iter()
        .map(|part| {
            let mut config = part.as_object().unwrap().clone();
            let ignition = config.entry("ignition").or_insert_with(|| json!({}));
            ignition["version"] = json!("3.4.0");
            Value::Object(config).to_string()
        })
        .collect();
    let mut merged = merge(&texts).unwrap();
    let ignition = merged.get_mut("ignition").unwrap().as_object_mut().unwrap();
    assert_eq!(ignition.remove("version"), Some(json!("3.4.0")));
    if ignition.is_empty() {
        merged.remove("ignition");
    }
    assert_eq!(Value::Object(merged), *expected);
}

#[test]
fn entries_with_one_key_are_merged_and_new_ones_come_behind() {
    check(
        &[
            json!({"systemd": {"units": [
                {"name": "a.service", "enabled": true, "dropins": [{"name": "10.conf", "contents": "old"}]},
                {"name": "b.service"},
            ]}}),
            json!({"systemd": {"units": [
                {"name": "c.service"},
                {"name": "a.service", "mask": true, "dropins": [
                    {"name": "20.conf"}, {"name": "10.conf", "contents": "new"},
                ]},
            ]}}),
        ],
        &json!({"systemd": {"units": [
            {"name": "a.service", "enabled": true, "mask": true, "dropins": [
                {"name": "10.conf", "contents": "new"}, {"name": "20.conf"},
            ]},
            {"name": "b.service"},
            {"name": "c.service"},
        ]}}),
    );
}

#[test]
fn each_list_has_the_key_of_the_specification() {
    check(
        &[
            json!({
                "passwd": {
                    "users": [{"name": "core", "groups": ["wheel"], "sshAuthorizedKeys": ["k1"]}],
                    "groups": [{"name": "ops", "gid": 1}],
                },
                "storage": {
                    "disks": [{"device": "/dev/sda", "partitions": [
                        {"number": 1, "sizeMiB": 10}, {"label": "var", "sizeMiB": 20},
                    ]}],
                    "raid": [{"name": "md", "devices": ["/dev/a"], "options": ["x"]}],
                    "filesystems": [{"device": "/dev/a", "format": "ext4", "options": ["x"]}],
                    "luks": [{"name": "l", "clevis": {"tang": [{"url": "t", "thumbprint": "1"}]}}],
                },
                "ignition": {"config": {"merge": [{"source": "http://a/1"}]}},
            }),
            json!({
                "passwd": {
                    "users": [{"name": "core", "groups": ["wheel", "docker"], "sshAuthorizedKeys": ["k2"]}],
                    "groups": [{"name": "ops", "gid": 2}],
                },
                "storage": {
                    "disks": [{"device": "/dev/sda", "wipeTable": true, "partitions": [
                        {"number": 1, "label": "boot"}, {"label": "var", "sizeMiB": 30},
                    ]}],
                    "raid": [{"name": "md", "devices": ["/dev/a", "/dev/b"], "options": ["x"]}],
                    "filesystems": [{"device": "/dev/a", "path": "/var", "options": ["x"]}],
                    "luks": [{"name": "l", "clevis": {"tang": [{"url": "t", "thumbprint": "2"}]}}],
                },
                "ignition": {"config": {"merge": [{"source": "http://a/1"}, {"source": "http://a/2"}]}},
            }),
        ],
        &json!({
            "passwd": {
                "users": [{"name": "core", "groups": ["wheel", "docker"], "sshAuthorizedKeys": ["k1", "k2"]}],
                "groups": [{"name": "ops", "gid": 2}],
            },
            "storage": {
                "disks": [{"device": "/dev/sda", "wipeTable": true, "partitions": [
                    {"number": 1, "sizeMiB": 10, "label": "boot"}, {"label": "var", "sizeMiB": 30},
                ]}],
                "raid": [{"name": "md", "devices": ["/dev/a", "/dev/b"], "options": ["x", "x"]}],
                "filesystems": [{"device": "/dev/a", "format": "ext4", "path": "/var", "options": ["x", "x"]}],
                "luks": [{"name": "l", "clevis": {"tang": [{"url": "t", "thumbprint": "2"}]}}],
            },
            "ignition": {"config": {"merge": [{"source": "http://a/1"}, {"source": "http://a/2"}]}},
        }),
    );
}

#[test]
fn a_path_or_an_argument_is_in_one_list_alone() {
    check(
        &[
            json!({
                "storage": {
                    "files": [{"path": "/a", "mode": 420}, {"path": "/b"}],
                    "directories": [{"path": "/d"}],
                },
                "kernelArguments": {"shouldExist": ["quiet"]},
            }),
            json!({
                "storage": {"links": [{"path": "/a", "target": "/b"}], "files": [{"path": "/d"}]},
                "kernelArguments": {"shouldNotExist": ["quiet"]},
            }),
        ],
        &json!({
            "storage": {
                "files": [{"path": "/b"}, {"path": "/d"}],
                "links": [{"path": "/a", "target": "/b"}],
            },
            "kernelArguments": {"shouldNotExist": ["quiet"]},
        }),
    );
}

#[test]
fn a_later_scalar_wins_and_null_says_nothing() {
    check(
        &[
            json!({
                "storage": {"files": [{
                    "path": "/a", "mode": 420, "user": {"name": "core"},
                    "contents": {"source": "data:,1", "httpHeaders": [
                        {"name": "X", "value": "1"}, {"name": "Y", "value": "1"},
                    ]},
                    "append": [{"source": "data:,x"}],
                }]},
                "ignition": {"timeouts": {"httpTotal": 5}},
            }),
            json!({
                "storage": {"files": [{
                    "path": "/a", "mode": null, "user": {"id": 0},
                    "contents": {"source": "data:,2", "httpHeaders": [{"name": "X"}]},
                    "append": [{"source": "data:,x"}],
                }]},
                "ignition": {"timeouts": {"httpTotal": 9}, "proxy": null},
            }),
        ],
        &json!({
            "storage": {"files": [{
                "path": "/a", "mode": 420, "user": {"name": "core", "id": 0},
                "contents": {"source": "data:,2", "httpHeaders": [{"name": "Y", "value": "1"}]},
                "append": [{"source": "data:,x"}, {"source": "data:,x"}],
            }]},
            "ignition": {"timeouts": {"httpTotal": 9}},
        }),
    );
}

#[test]
fn the_highest_version_is_the_results() {
    let config = |version: &str| format!(r#"{{"ignition":{{"version":"{version}"}}}}"#);
    for versions in [["3.0.0", "3.5.0", "3.2.0"], ["3.5.0", "3.0.0", "3.1.0"]] {
        let merged = merge(&versions.map(config)).unwrap();
        assert_eq!(merged["ignition"]["version"], "3.5.0");
    }
}

#[track_caller]
fn refuse(texts: &[&str], expected: &str) {
    assert_eq!(merge(texts).unwrap_err().to_string(), expected);
}

#[test]
fn what_cannot_be_merged_is_told_by_its_place() {
    let good = &format!("{{{HEAD}}}");
    refuse(&[], "there is no Ignition config to merge");
    refuse(
        &[good, "{}"],
        "config 1 of the list: the Ignition config has no ignition.version; a config of today \
         starts with {\"ignition\": {\"version\": \"3.4.0\"}}",
    );
    let cases = [
        (
            r#""storage":{"files":[{"path":"/a"},{"mode":1}]}"#,
            "storage.files[1].path must be a text",
        ),
        (
            r#""storage":{"disks":[7]}"#,
            "storage.disks[0] must be an object",
        ),
        (
            r#""storage":{"raid":[{"name":"m","devices":[1]}]}"#,
            "storage.raid[0].devices[0] must be a text",
        ),
        (
            r#""storage":{"filesystems":[{"device":"d","options":"x"}]}"#,
            "storage.filesystems[0].options must be a list",
        ),
        (
            r#""kernelArguments":[]"#,
            "kernelArguments must be an object",
        ),
    ];
    for (part, expected) in cases {
        let text = format!("{{{HEAD},{part}}}");
        refuse(&[good, &text], &format!("config 1 of the list: {expected}"));
    }
}

/// Users, units, files and links by name, so that every key is in one entry of one list.
fn configs() -> impl Strategy<Value = Map<String, Value>> {
    let name = || "[a-c]";
    let texts = || proptest::collection::btree_set("[a-c]", 0..3);
    let file = (option::of(0..3), option::of("[a-c]")).prop_map(|(mode, source)| {
        json!({"mode": mode, "contents": source.map(|source| json!({"source": source}))})
    });
    let user = (texts(), option::of("[a-c]"))
        .prop_map(|(groups, shell)| json!({"groups": groups, "shell": shell}));
    let entries = |key: &'static str, prefix: &'static str, map: BTreeMap<String, Value>| {
        let entry = |(name, mut entry): (String, Value)| {
            entry[key] = json!(format!("{prefix}{name}"));
            without_nulls(entry)
        };
        map.into_iter().map(entry).collect::<Vec<_>>()
    };
    let unit = option::of(any::<bool>()).prop_map(|enabled| json!({"enabled": enabled}));
    (
        btree_map(name(), file, 0..3),
        btree_map(name(), Just(json!({})), 0..3),
        btree_map(name(), user, 0..3),
        btree_map(name(), unit, 0..3),
        texts(),
    )
        .prop_map(move |(files, links, users, units, arguments)| {
            let config = json!({
                "storage": {"files": entries("path", "/f/", files), "links": entries("path", "/l/", links)},
                "passwd": {"users": entries("name", "", users)},
                "systemd": {"units": entries("name", "", units)},
                "kernelArguments": {"shouldExist": arguments},
            });
            match without_nulls(config) {
                Value::Object(config) => config,
                _ => Map::new(),
            }
        })
}

/// Without nulls and empty lists, which are left out of a merged config.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| {
                !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
            })
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(list) => list.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Any JSON whose member names are those of a config, right shapes or not.
fn nonsense() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(json!(1)),
        "[a-b]".prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 48, 4, |inner| {
        let names = proptest::sample::select(vec![
            "ignition",
            "version",
            "config",
            "merge",
            "source",
            "httpHeaders",
            "storage",
            "files",
            "links",
            "path",
            "name",
            "disks",
            "device",
            "partitions",
            "number",
            "label",
            "systemd",
            "units",
            "dropins",
            "options",
        ]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            btree_map(names, inner, 0..5).prop_map(|map| map
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn merging_with_nothing_changes_nothing(config in configs()) {
        let nothing = Map::new();
        prop_assert_eq!(&merge_objects(config.clone(), nothing.clone(), &CONFIG), &config);
        prop_assert_eq!(&merge_objects(nothing, config.clone(), &CONFIG), &config);
        prop_assert_eq!(&merge_objects(config.clone(), config.clone(), &CONFIG), &config);
    }

    #[test]
    fn it_does_not_matter_which_two_are_merged_first(a in configs(), b in configs(), c in configs()) {
        let left = merge_objects(merge_objects(a.clone(), b.clone(), &CONFIG), c.clone(), &CONFIG);
        let right = merge_objects(a, merge_objects(b, c, &CONFIG), &CONFIG);
        prop_assert_eq!(left, right);
    }

    #[test]
    fn no_json_panics(a in nonsense(), b in nonsense()) {
        let (Value::Object(a), Value::Object(b)) = (a, b) else {
            return Ok(());
        };
        let _checked = check::object(&a, &CONFIG, &mut String::new());
        let _merged = merge_objects(a, b, &CONFIG);
    }
}
