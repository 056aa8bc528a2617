//! What comes from others: its licences, its sources, and one TLS stack. The rules are those of
//! deny.toml, so that `cargo deny` and this test say the same.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{fs, path::Path, process::Command};

use serde_json::Value;

fn text(name: &str) -> String {
    fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(name),
    )
    .unwrap()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// The licences that deny.toml allows.
fn allowed() -> Vec<String> {
    let deny = text("deny.toml");
    let list = deny
        .split("allow = [")
        .nth(1)
        .and_then(|rest| rest.split(']').next())
        .unwrap();
    list.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .collect()
}

#[test]
fn every_dependency_has_a_licence_that_deny_toml_allows() {
    let allowed = allowed();
    for package in packages() {
        let licence = package["license"]
            .as_str()
            .unwrap_or("none")
            .replace('/', " OR ");
        let fine = licence.split(" OR ").any(|choice| {
            choice.split(" AND ").all(|name| {
                let name = name.trim_matches(|c: char| c == '(' || c == ')' || c.is_whitespace());
                allowed.iter().any(|allowed| allowed == name)
            })
        });
        assert!(
            fine,
            "{} is under {licence}, which deny.toml does not allow",
            package["name"]
        );
    }
}

#[test]
fn every_dependency_comes_from_the_registry() {
    for package in packages() {
        let source = package["source"].as_str();
        let fine = source.is_none_or(|source| source.starts_with("registry+"));
        assert!(fine, "{} comes from {source:?}", package["name"]);
    }
}

#[test]
fn there_is_one_tls_stack() {
    let banned = [
        "aws-lc-rs",
        "aws-lc-sys",
        "openssl",
        "openssl-sys",
        "native-tls",
    ];
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        assert!(
            !banned.contains(&name),
            "{name}: TLS is rustls with ring, and nothing beside it"
        );
    }
}
