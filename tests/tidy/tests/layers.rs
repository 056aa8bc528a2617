//! Who may import whom. Imports go strictly down; ARCHITECTURE.md draws the layers.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// Every crate of the workspace and the crates of the workspace that it may import.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("netboot", &["model"]),
    ("redfish", &["model"]),
    ("tfplugin-derive", &[]),
    ("tfplugin-codegen", &[]),
    ("tfplugin", &["tfplugin-derive"]),
    ("rack", &["model", "netboot"]),
    ("agent", &["model", "netboot"]),
    // The agent is a library too, so that the provider can embed it.
    (
        "provider",
        &["agent", "model", "netboot", "redfish", "tfplugin"],
    ),
    ("tidy", &[]),
    ("acceptance", &["model", "rack"]),
    ("bench-provider", &["model", "rack", "tfplugin"]),
];

/// What the tests of a crate may import beside that.
const TESTS: &[(&str, &str)] = &[("redfish", "rack"), ("provider", "rack")];

/// Crates of others that a crate of ours must never import, and why.
const BANNED: &[(&str, &[&str], &str)] = &[
    (
        "model",
        &["tokio", "reqwest", "axum", "tracing"],
        "model is values: no I/O, no logging",
    ),
    (
        "netboot",
        &["tokio", "reqwest", "tracing", "socket2"],
        "netboot is sans-I/O",
    ),
    (
        "redfish",
        &["axum", "tonic", "dhcproto"],
        "redfish knows BMCs alone",
    ),
    (
        "tfplugin",
        &["reqwest", "axum", "dhcproto", "uuid"],
        "tfplugin knows nothing about metal",
    ),
    (
        "agent",
        &["tonic", "prost"],
        "the agent does not know Terraform",
    ),
    (
        "provider",
        &["tonic", "prost", "rmp", "dhcproto"],
        "only tfplugin has protobuf",
    ),
    (
        "rack",
        &["dhcproto", "tonic", "redb"],
        "the rack is a peer, not a part, of what it tests",
    ),
];

fn packages() -> BTreeMap<String, Vec<(String, bool)>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let package = |package: &Value| {
        let dependency = |dependency: &Value| {
            let name = dependency["name"].as_str().unwrap().to_owned();
            (name, dependency["kind"].is_null())
        };
        let dependencies = package["dependencies"].as_array().unwrap();
        let name = package["name"].as_str().unwrap().to_owned();
        (name, dependencies.iter().map(dependency).collect())
    };
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(package)
        .collect()
}

#[test]
fn every_crate_imports_only_what_lies_below_it() {
    let packages = packages();
    let ours: Vec<_> = packages.keys().map(String::as_str).collect();
    let mut known: Vec<_> = LAYERS.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(
        ours, known,
        "a crate came or went: give it its place in LAYERS"
    );
    for (name, allowed) in LAYERS {
        for (dependency, normal) in &packages[*name] {
            let fine = !ours.contains(&dependency.as_str())
                || allowed.contains(&dependency.as_str())
                || !normal && TESTS.contains(&(*name, dependency.as_str()));
            assert!(
                fine,
                "{name} must not import {dependency}: the layers forbid it"
            );
        }
    }
}

#[test]
fn no_crate_imports_what_it_must_not_know() {
    let packages = packages();
    for (name, banned, reason) in BANNED {
        for (dependency, normal) in &packages[*name] {
            let fine = !normal || !banned.contains(&dependency.as_str());
            assert!(fine, "{name} must not import {dependency}: {reason}");
        }
    }
}
