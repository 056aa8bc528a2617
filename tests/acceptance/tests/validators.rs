//! DMTF's validators against a simulated BMC that keeps to the standard: what a client is tried with
//! has to be Redfish.
//!
//! `tests/validators/exceptions` lists what they may find, and why. Installing them takes a minute
//! once; the two run side by side for half a minute.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{
    collections::BTreeSet,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use acceptance::root;
use rack::{MachineHandle, Network, Rack, RackConfig};

/// What a validator found, and how much it found right.
#[derive(Debug, Default)]
struct Report {
    findings: BTreeSet<String>,
    passed: u32,
}

fn directory() -> PathBuf {
    root().join("target/validators")
}

async fn rack() -> Rack {
    let network = Network {
        dhcp_server: SocketAddr::from((Ipv4Addr::LOCALHOST, 9)),
        relay: Ipv4Addr::new(127, 80, 0, 1),
        tftp_port: 9,
    };
    let mut config = RackConfig::new("validated", 2, network);
    // The protocol validator opens sessions for each of its users and more.
    config.max_sessions = 64;
    Rack::start(config).await.unwrap()
}

fn run(program: &str, machine: &MachineHandle, arguments: &[&str]) -> Output {
    Command::new(directory().join("venv/bin").join(program))
        .args(["-u", "admin", "-p", "rack-password"])
        .args(["-r", &machine.bmc_endpoint()])
        .args(arguments)
        // These go before the certificates of the command line.
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .output()
        .unwrap()
}

/// The one file below `directory` whose name ends so.
fn only_file(directory: &Path, end: &str) -> Option<PathBuf> {
    fs::read_dir(directory).ok()?.find_map(|entry| {
        let path = entry.ok()?.path();
        if path.is_dir() {
            return only_file(&path, end);
        }
        path.to_string_lossy().ends_with(end).then_some(path)
    })
}

fn service(machine: &MachineHandle, logs: &Path) -> Report {
    let schemas = directory().join("csdl");
    let output = run(
        "rf_service_validator",
        machine,
        &[
            "--authtype",
            "Basic",
            "--skipschema",
            "--nooemcheck",
            "--schema_directory",
            schemas.to_str().unwrap(),
            "--logdir",
            logs.to_str().unwrap(),
        ],
    );
    let log = only_file(logs, ".log").unwrap_or_else(|| panic!("no report: {output:?}"));
    service_report(&fs::read_to_string(log).unwrap())
}

/// Reads the log: a line for each resource, and after it a line for each of its properties.
fn service_report(log: &str) -> Report {
    let (mut report, mut resource) = (Report::default(), String::new());
    for line in log.lines() {
        let Some((_, text)) = line.split_once(" - redfish - ") else {
            continue;
        };
        let text = text.split_once(" - ").map_or(text, |(_level, text)| text);
        if let Some(uri) = text.strip_prefix("Validating ") {
            uri.trim_end_matches("...").clone_into(&mut resource);
        } else if text.starts_with("PASS - ") {
            report.passed += 1;
        } else if text.starts_with("FAIL - ") || text.starts_with("WARN - ") {
            let (kind, rest) = text.split_at("FAIL".len());
            let rest = rest.trim_start_matches(" - ");
            let property = rest.split(" (").next().unwrap_or_default();
            let why = rest.split_once("): ").map_or("", |(_value, why)| why);
            let why = why.split(':').next().unwrap_or_default();
            let finding = format!("service {kind} {resource} {property} {why}");
            report.findings.insert(finding);
        }
    }
    report
}

fn protocol(machine: &MachineHandle, ca: &Path, reports: &Path) -> Report {
    let output = run(
        "rf_protocol_validator",
        machine,
        &[
            "--ca-bundle",
            ca.to_str().unwrap(),
            "--report-type",
            "tsv",
            "--report-dir",
            reports.to_str().unwrap(),
            "--avoid-http-redirect",
        ],
    );
    let table = only_file(reports, ".tsv").unwrap_or_else(|| panic!("no report: {output:?}"));
    protocol_report(&fs::read_to_string(table).unwrap())
}

/// Reads the table: assertion, method, status, URI, result, message, requirement.
fn protocol_report(table: &str) -> Report {
    let mut report = Report::default();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[assertion, method, _status, uri, result, ..] = columns.as_slice() else {
            panic!("this is no row of the report: {line:?}");
        };
        match result {
            "PASS" => report.passed += 1,
            "FAIL" | "WARN" => {
                let finding = format!("protocol {result} {assertion} {method} {uri}");
                report.findings.insert(finding);
            }
            _not_tested => {}
        }
    }
    report
}

/// Whether a finding is what a line with `*`s describes.
fn matches(pattern: &str, finding: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == finding;
    };
    let Some(finding) = finding.strip_prefix(start) else {
        return false;
    };
    let cuts = finding.char_indices().map(|(at, _)| at);
    cuts.chain([finding.len()])
        .any(|at| matches(rest, &finding[at..]))
}

fn exceptions() -> Vec<String> {
    let text = fs::read_to_string(root().join("tests/validators/exceptions")).unwrap();
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_that_keeps_to_the_standard_passes_dmtfs_validators_but_for_the_exceptions() {
    let installed = Command::new(root().join("tests/validators/install"))
        .output()
        .unwrap();
    assert!(installed.status.success(), "{installed:?}");
    let rack = rack().await;
    let work = tempfile::tempdir().unwrap();
    let ca = work.path().join("ca.pem");
    fs::write(&ca, rack.ca_pem()).unwrap();
    let (logs, reports) = (work.path().join("service"), work.path().join("protocol"));
    let (first, second) = (rack.machines()[0].clone(), rack.machines()[1].clone());
    let service = tokio::task::spawn_blocking(move || service(&first, &logs));
    let protocol = tokio::task::spawn_blocking(move || protocol(&second, &ca, &reports));
    let (service, protocol) = (service.await.unwrap(), protocol.await.unwrap());
    println!(
        "service: {} right, {} findings; protocol: {} right, {} findings",
        service.passed,
        service.findings.len(),
        protocol.passed,
        protocol.findings.len()
    );
    // A validator that could not log in finds nothing wrong with what it did not see.
    assert!(service.passed > 500, "{service:?}");
    assert!(protocol.passed > 300, "{protocol:?}");
    let exceptions = exceptions();
    let findings: Vec<&String> = service.findings.union(&protocol.findings).collect();
    let unknown: Vec<_> = findings
        .iter()
        .filter(|finding| !exceptions.iter().any(|known| matches(known, finding)))
        .collect();
    assert!(unknown.is_empty(), "not excepted: {unknown:#?}");
    let stale: Vec<_> = exceptions
        .iter()
        .filter(|known| !findings.iter().any(|finding| matches(known, finding)))
        .collect();
    assert!(stale.is_empty(), "excepted, and not found: {stale:#?}");
    rack.stop().await;
}

#[test]
fn a_report_is_read_as_the_validators_write_it() {
    let log = "2026-01-02 03:04:05,678 - redfish - INFO - Validating /redfish/v1/Systems/1...\n\
        2026-01-02 03:04:05,679 - redfish - INFO - PASS - /Id (1): Pass: The property is valid.\n\
        2026-01-02 03:04:05,680 - redfish - ERROR - FAIL - /SKU ([Array]): Property Type Error: No.\n";
    let report = service_report(log);
    let expected = "service FAIL /redfish/v1/Systems/1 /SKU Property Type Error";
    assert_eq!(report.passed, 1);
    assert_eq!(report.findings, BTreeSet::from([expected.to_owned()]));
    let table = "Assertion\tMethod\tStatus code\tURI\tResult\tMessage\tRequirement\n\
        A_B\tGET\t200\t/redfish/v1/\tPASS\tTest passed\tText\n\
        C_D\tPATCH\t400\t/redfish/v1/x\tFAIL\tNo\tText\n\
        E_F\t\t\t\tNOT_TESTED\tNo\tText\n";
    let report = protocol_report(table);
    let expected = "protocol FAIL C_D PATCH /redfish/v1/x";
    assert_eq!(report.passed, 1);
    assert_eq!(report.findings, BTreeSet::from([expected.to_owned()]));
    assert!(matches("a * c*", "a b c") && matches("a", "a"));
    assert!(!matches("a * d", "a b c") && !matches("a", "ab"));
}
