//! `terraform plan -generate-config-out`: what it writes for an imported resource is a
//! configuration that needs no change.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{Site, Workspace, configuration};

/// The `import` block of a resource called `node`.
fn import(kind: &str, id: &str) -> String {
    format!("import {{\n  to = baremetal_{kind}.node\n  id = \"{id}\"\n}}\n")
}

/// The import id of each of the four resources called `node` in a state.
fn imports(workspace: &Workspace) -> String {
    let state = workspace.state();
    let resources = state["values"]["root_module"]["resources"]
        .as_array()
        .unwrap();
    let text = |kind: &str, attribute: &str| {
        let of_kind =
            |resource: &&serde_json::Value| resource["type"] == format!("baremetal_{kind}");
        let resource = resources.iter().find(of_kind).unwrap();
        resource["values"][attribute].clone()
    };
    let word = |value: serde_json::Value| value.as_str().unwrap().to_owned();
    let bmc = format!(
        "{}@{}:{}?fingerprint_sha256={}",
        word(text("bmc", "credentials")),
        word(text("bmc", "address")),
        text("bmc", "port"),
        word(text("bmc", "tls")["fingerprint_sha256"].clone()),
    );
    [
        import("bmc", &bmc),
        import("server", &word(text("server", "id"))),
        import("boot_config", &word(text("boot_config", "id"))),
        import("host_claim", &word(text("host_claim", "server_id"))),
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_generated_from_imports_is_a_configuration_without_a_change() {
    let site = Site::start("generate", 1).await;
    let original = Workspace::with(&configuration::host(&site, 0, ""), site.environment());
    original.apply().success();

    let workspace = Workspace::with(&imports(&original), site.environment());
    workspace.run(&["init", "-input=false"]).success();
    let plan = workspace.run(&["plan", "-input=false", "-generate-config-out=gen.tf"]);
    let generated = std::fs::read_to_string(workspace.path().join("gen.tf")).unwrap_or_default();
    assert_eq!(plan.code, 0, "{generated}\n{}", plan.text);
    assert!(
        plan.text
            .contains("Plan: 4 to import, 0 to add, 0 to change, 0 to destroy."),
        "{generated}\n{}",
        plan.text
    );
    workspace
        .run(&["apply", "-auto-approve", "-input=false"])
        .success();
    workspace.assert_clean();
    assert_eq!(site.machine(0).installs(), 1, "nothing was installed again");
    // What was generated has ids in the place of references, so Terraform knows no order in it.
    original.destroy();
}
