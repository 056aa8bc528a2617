//! Tests of what servers are given to read.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::*;
use crate::fixture::{mac, server_id, uuid};

fn spec(value: Value) -> BootConfigSpec {
    serde_json::from_value(value).unwrap()
}

fn image(digit: &str) -> Value {
    json!({ "url": "https://images.example.com/x", "sha256": digit.repeat(64) })
}

fn grant() -> Grant {
    let address = Ipv4Addr::new(10, 0, 0, 10);
    Grant {
        server_id: server_id(1),
        boot: uuid(9),
        mac: mac(1),
        address,
    }
}

fn subject(grant: &Grant) -> Subject<'_> {
    Subject {
        grant,
        hostname: Some("node-1"),
        revision: "0123456789ab",
        boot_url: "http://10.0.0.2:8080",
    }
}

fn links() -> Links {
    Links {
        ignition: "http://10.0.0.2:8080/ignition/TOKEN1".to_owned(),
        user_data: "http://10.0.0.2:8080/config/TOKEN2".to_owned(),
        report: "http://10.0.0.2:8080/bootstate/TOKEN3".to_owned(),
    }
}

/// The whole script, which is the file `name`; `UPDATE=1` writes it anew.
#[track_caller]
fn golden(name: &str, spec: &BootConfigSpec, own: Option<&str>, links: &Links) {
    let variables = variables(subject(&grant()), spec, links).unwrap();
    let script = script(spec, own, &variables).unwrap();
    let path = format!("{}/src/render/testdata/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &script).unwrap();
    }
    assert_eq!(script, std::fs::read_to_string(path).unwrap_or_default());
}

#[test]
fn a_script_boots_a_kernel_with_its_initrds_and_says_where_the_documents_are() {
    let kernel = spec(json!({
        "kernel": image("a"),
        "initrds": [image("b"), image("c")],
        "kernel_args": ["console=ttyS0 quiet", "hostname={{ hostname }}"],
    }));
    golden(
        "ignition.ipxe",
        &kernel,
        None,
        &Links {
            user_data: String::new(),
            ..links()
        },
    );
    golden(
        "cloud-init.ipxe",
        &kernel,
        None,
        &Links {
            ignition: String::new(),
            ..links()
        },
    );
    let raw = BootConfigSpec {
        user_data_format: UserDataFormat::Raw,
        ..kernel
    };
    golden("raw.ipxe", &raw, None, &links());
    golden(
        "kernel.ipxe",
        &spec(json!({ "kernel": image("a") })),
        None,
        &Links::default(),
    );
}

#[test]
fn a_script_of_the_users_own_has_every_variable() {
    let own = "#!ipxe\n\
               # {{ server_id }} {{ mac }} {{ hostname }} {{ address }} {{ revision }}\n\
               # {{ boot_url }} {{ ignition_url }} {{ user_data_url }} {{ report_url }}\n\
               kernel {{ kernel_url }} {{ kernel_args }}\n\
               {% for url in initrd_urls %}initrd {{ url }}\n{% endfor %}boot\n";
    let all = spec(json!({
        "kernel": image("a"), "initrds": [image("b")], "kernel_args": ["mac={{ mac }}"],
        "ipxe_script": own,
    }));
    golden("own.ipxe", &all, Some(own), &links());
}

#[test]
fn ignition_is_left_as_it_is_unless_it_is_a_template_or_reports() {
    let variables = variables(subject(&grant()), &spec(json!({})), &links()).unwrap();
    let text = "{ \"ignition\": {\"version\": \"3.4.0\"} }\n";
    let silent = spec(json!({ "report_boot": false }));
    assert_eq!(ignition(text, &silent, &variables).unwrap(), text);
    let template = "{\"ignition\": {\"version\": \"3.4.0\"}, \"host\": \"{{ hostname }}\"}";
    assert_eq!(
        ignition(template, &silent, &variables).unwrap(),
        "{\"ignition\": {\"version\": \"3.4.0\"}, \"host\": \"node-1\"}"
    );
    let reporting = ignition(text, &spec(json!({})), &variables).unwrap();
    let reporting: Value = serde_json::from_str(&reporting).unwrap();
    assert_eq!(
        reporting["systemd"]["units"][0]["name"],
        ignition::REPORT_UNIT
    );
    let contents = reporting["systemd"]["units"][0]["contents"]
        .as_str()
        .unwrap();
    assert!(
        contents.contains("http://10.0.0.2:8080/bootstate/TOKEN3\n"),
        "{contents}"
    );
    assert_eq!(reporting["ignition"]["version"], "3.4.0");
}

#[test]
fn meta_data_names_the_boot_as_the_instance() {
    assert_eq!(
        meta_data(subject(&grant())),
        "{\"instance-id\":\"00000000-0000-0000-0000-000000000009\",\"local-hostname\":\"node-1\"}\n"
    );
    let grant = grant();
    let nameless = Subject {
        hostname: None,
        ..subject(&grant)
    };
    assert_eq!(
        meta_data(nameless),
        "{\"instance-id\":\"00000000-0000-0000-0000-000000000009\"}\n"
    );
}
