//! The provider's functions, called by the real Terraform.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::Workspace;
use serde_json::{Value, json};

/// A working directory with this configuration, initialized.
fn workspace(configuration: &str) -> Workspace {
    let workspace = Workspace::with(configuration, Vec::new());
    workspace.run(&["init", "-input=false"]).success();
    workspace
}

/// The values of the outputs that a plan of this configuration has.
fn outputs(configuration: &str) -> Value {
    let workspace = workspace(configuration);
    workspace.run(&["apply", "-auto-approve"]).success();
    let mut outputs = workspace.state()["values"]["outputs"].clone();
    for output in outputs.as_object_mut().unwrap().values_mut() {
        *output = output["value"].take();
    }
    outputs
}

#[test]
fn functions_answer_without_a_provider_block() {
    let found = outputs(
        r##"
output "mac" { value = provider::baremetal::normalize_mac("5254.00AB.0001") }
output "uuid" { value = provider::baremetal::normalize_uuid("{4C4C4544-0042-3510-8057-B7C04F4B4D32}") }
output "script" {
  value = provider::baremetal::ipxe_lint("#!ipxe\nkernel {{ kernel_url }} x=$${net0/mac}\nboot\n")
}
output "config" {
  value = jsondecode(provider::baremetal::ignition_merge([
    jsonencode({
      ignition = { version = "3.2.0" }
      storage  = { files = [{ path = "/a", mode = 420 }, { path = "/b" }] }
    }),
    jsonencode({
      ignition = { version = "3.4.0" }
      storage  = { files = [{ path = "/a", overwrite = true }], links = [{ path = "/b", target = "/a" }] }
    }),
  ]))
}
"##,
    );
    assert_eq!(
        found,
        json!({
            "mac": "52:54:00:ab:00:01",
            "uuid": "4c4c4544-0042-3510-8057-b7c04f4b4d32",
            "script": "#!ipxe\nkernel {{ kernel_url }} x=${net0/mac}\nboot\n",
            "config": {
                "ignition": { "version": "3.4.0" },
                "storage": {
                    "files": [{ "path": "/a", "mode": 420, "overwrite": true }],
                    "links": [{ "path": "/b", "target": "/a" }],
                },
            },
        })
    );
}

#[track_caller]
fn refused(call: &str, expected: &[&str]) {
    let output = format!("output \"x\" {{ value = provider::baremetal::{call} }}");
    workspace(&output).run(&["plan"]).failure(expected);
}

#[test]
fn what_has_no_answer_is_an_error_at_the_argument() {
    refused(
        r#"normalize_mac("52:54:00")"#,
        &[
            r#"Invalid value for "address" parameter"#,
            "expected 12 hexadecimal digits",
        ],
    );
    refused(
        r#"normalize_uuid("00000000-0000-0000-0000-000000000000")"#,
        &[r#"Invalid value for "uuid" parameter"#, "placeholder"],
    );
    refused(
        r##"ipxe_lint("#!ipxe\nkernal x\ngoto nowhere\n")"##,
        &[
            r#"Invalid value for "script" parameter"#,
            "The iPXE script has 2 problems",
            r#"line 2: "kernal" is no command of iPXE"#,
            "line 3: there is no label :nowhere",
        ],
    );
    refused(
        r#"ignition_merge([jsonencode({ ignition = { version = "3.4.0" } }), "{}"])"#,
        &[
            r#"Invalid value for "configs" parameter"#,
            "Config 1 of the list: the Ignition config has no ignition.version",
        ],
    );
}

#[test]
fn a_secret_stays_one_on_its_way_through_a_function() {
    let canary = "canary-layer-90ab";
    let configuration = format!(
        r#"
variable "layer" {{
  type      = string
  sensitive = true
  default   = "{{\"ignition\":{{\"version\":\"3.4.0\"}},\"systemd\":{{\"units\":[{{\"name\":7}}]}},\"x\":\"{canary}\"}}"
}}
output "x" {{
  value     = provider::baremetal::ignition_merge([var.layer])
  sensitive = true
}}
"#
    );
    let failed = workspace(&configuration)
        .run(&["plan"])
        .failure(&["systemd.units[0].name must be a text"]);
    assert!(!failed.text.contains(canary), "{}", failed.text);
}
