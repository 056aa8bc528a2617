//! A release is installed by the real Terraform, and is the same bytes each time.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use acceptance::{
    Workspace, program,
    release::{Compression, Release, VERSION, platform, sha256},
    root,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest;

/// Every file below `directory` with its content.
fn files(directory: &Path, below: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory.join(below)).unwrap() {
        let path = below.join(entry.unwrap().file_name());
        if directory.join(&path).is_dir() {
            files(directory, &path, found);
        } else {
            let content = fs::read(directory.join(&path)).unwrap();
            found.insert(path, content);
        }
    }
}

#[test]
fn the_same_programs_give_the_same_bytes_in_the_registrys_names() {
    let programs = tempfile::tempdir().unwrap();
    for name in ["terraform-provider-baremetal", "baremetal-agent"] {
        fs::write(programs.path().join(name), name.repeat(1000)).unwrap();
    }
    let pack = || {
        let out = tempfile::tempdir().unwrap();
        let release = Release {
            programs: programs.path(),
            root: &root(),
            out: out.path(),
            compression: Compression::Deflated,
        };
        let mut written = release.write().unwrap();
        written.sort();
        let mut found = BTreeMap::new();
        files(out.path(), Path::new(""), &mut found);
        assert_eq!(written, found.keys().cloned().collect::<Vec<_>>());
        found
    };
    let first = pack();
    assert!(first == pack(), "two runs give different bytes");

    let platform = platform();
    let provider = format!("terraform-provider-baremetal_{VERSION}");
    let expected = [
        format!("baremetal-agent_{VERSION}_SHA256SUMS"),
        format!("baremetal-agent_{VERSION}_{platform}.zip"),
        format!("{provider}_SHA256SUMS"),
        format!("{provider}_{platform}.zip"),
        format!("{provider}_manifest.json"),
    ];
    let top: Vec<_> = first
        .keys()
        .filter(|path| !path.starts_with("mirror"))
        .map(|path| path.display().to_string())
        .collect();
    assert_eq!(top, expected);
    let sums = &first[Path::new(&format!("{provider}_SHA256SUMS"))];
    let sums = String::from_utf8_lossy(sums);
    let named: Vec<_> = sums.lines().map(|line| &line[66..]).collect();
    assert_eq!(
        named,
        [
            format!("{provider}_{platform}.zip"),
            format!("{provider}_manifest.json")
        ]
    );
    let manifest = &first[Path::new(&format!("{provider}_manifest.json"))];
    let manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap();
    assert_eq!(
        manifest,
        serde_json::json!({ "version": 1, "metadata": { "protocol_versions": ["6.0"] } })
    );
}

/// What Terraform calls `h1`: the digest of a list of the files and their digests.
fn h1(files: &[(&str, &Path)]) -> String {
    let mut lines: Vec<_> = files
        .iter()
        .map(|(name, path)| (*name, sha256(path).unwrap()))
        .collect();
    lines.sort();
    let list: String = lines
        .iter()
        .map(|(name, digest)| format!("{digest}  {name}\n"))
        .collect();
    let digest = digest::digest(&digest::SHA256, list.as_bytes());
    format!("h1:{}", STANDARD.encode(digest))
}

#[test]
fn terraform_installs_the_packed_provider_locks_it_and_plans() {
    let out = tempfile::tempdir().unwrap();
    let built = program("terraform-provider-baremetal");
    let root = root();
    let release = Release {
        programs: built.parent().unwrap(),
        root: &root,
        out: out.path(),
        compression: Compression::Stored,
    };
    release.write().unwrap();
    let mirror = out.path().join("mirror");

    let configuration = r#"
resource "baremetal_bmc" "node" {
  address     = "10.0.0.11"
  credentials = "default"
}
output "mac" { value = provider::baremetal::normalize_mac("5254.00AB.0001") }
"#;
    let workspace = Workspace::with(configuration, Vec::new());
    workspace.use_mirror(&mirror);
    workspace.run(&["init", "-input=false"]).success();
    let lock = || fs::read_to_string(workspace.path().join(".terraform.lock.hcl")).unwrap();
    let installed = h1(&[
        ("LICENSE", &root.join("LICENSE")),
        (&format!("terraform-provider-baremetal_v{VERSION}"), &built),
    ]);
    assert!(
        lock().contains(&installed),
        "{installed} is not in\n{}",
        lock()
    );

    let plan = workspace.run(&["plan"]).success();
    assert!(plan.text.contains("Plan: 1 to add"), "{}", plan.text);
    assert!(plan.text.contains("52:54:00:ab:00:01"), "{}", plan.text);

    // The digest of the archive, as the Registry would tell it, is as good as that of its files.
    let archive = format!("terraform-provider-baremetal_{VERSION}_{}.zip", platform());
    let digest = format!("zh:{}", sha256(&out.path().join(archive)).unwrap());
    workspace.write(".terraform.lock.hcl", &lock().replace(&installed, &digest));
    fs::remove_dir_all(workspace.path().join(".terraform")).unwrap();
    workspace.run(&["init", "-input=false"]).success();

    // Another program under the same version is refused.
    fs::remove_dir_all(workspace.path().join(".terraform")).unwrap();
    let tampered = tempfile::tempdir().unwrap();
    for name in ["terraform-provider-baremetal", "baremetal-agent"] {
        fs::write(tampered.path().join(name), "something else").unwrap();
    }
    let release = Release {
        programs: tampered.path(),
        ..release
    };
    release.write().unwrap();
    workspace
        .run(&["init", "-input=false"])
        .failure(&["doesn't match any of the checksums"]);
}
