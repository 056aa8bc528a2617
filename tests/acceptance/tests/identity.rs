//! A rack that is registered is found and taken over by what identifies its parts.
//!
//! Identities came with Terraform 1.12 and queries with 1.14; what is older imports by id.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{Site, Workspace, configuration};

const QUERY: &str = r#"
list "baremetal_server" "all" {
  provider         = baremetal
  include_resource = true
  config {
    manufacturer = "contoso"
  }
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_taken_over_by_what_identifies_it() {
    let site = Site::start("identity", 1).await;
    let text = configuration::host(&site, 0, "");
    let owner = Workspace::with(&text, site.environment());
    owner.apply().success();

    let machine = site.machine(0);
    let workspace = Workspace::with(&text, site.environment());
    let state = owner.state();
    let resources = state["values"]["root_module"]["resources"].as_array();
    let boot_config = resources
        .unwrap()
        .iter()
        .find(|resource| resource["type"] == "baremetal_boot_config")
        .unwrap();
    let boot_config = boot_config["values"]["id"].as_str().unwrap();
    let import = |kind: &str, by_id: String, identity: String| {
        let by = if workspace.host().has_identity() {
            format!("identity = {{ {identity} }}")
        } else {
            format!("id = \"{by_id}\"")
        };
        format!("import {{\n  to = baremetal_{kind}.node\n  {by}\n}}\n")
    };
    let uuid = machine.uuid();
    let imports = [
        import("server", uuid.to_string(), format!("id = \"{uuid}\"")),
        import(
            "host_claim",
            uuid.to_string(),
            format!("server_id = \"{uuid}\""),
        ),
        import(
            "boot_config",
            boot_config.to_owned(),
            format!("id = \"{boot_config}\""),
        ),
        // Nothing about a BMC stays the same for ever and leads to it, so it has no identity.
        format!(
            "import {{\n  to = baremetal_bmc.node\n  id = \"default@127.0.0.1:{}?fingerprint_sha256={}\"\n}}\n",
            machine.bmc_port(),
            machine.fingerprint_sha256()
        ),
    ];
    workspace.write("imports.tf", &imports.concat());
    let outcome = workspace.apply().success();
    assert!(outcome.text.contains("4 imported"), "{}", outcome.text);
    workspace.assert_clean();
    assert_eq!(machine.installs(), 1);
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rack_is_found_by_a_query_and_imported_from_what_it_generates() {
    let site = Site::start("query", 2).await;
    let servers = |index: usize, name: &str| {
        configuration::server(site.machine(index))
            .replace("\"node\"", &format!("\"{name}\""))
            .replace(".node.", &format!(".{name}."))
    };
    let text = [servers(0, "a"), servers(1, "b")].concat();
    let owner = Workspace::with(&text, site.environment());
    owner.apply().success();

    let workspace = Workspace::with("", site.environment());
    workspace.run(&["init", "-input=false"]).success();
    workspace.write("all.tfquery.hcl", QUERY);
    let query = workspace.run(&["query", "-generate-config-out=generated.tf"]);
    if workspace.host().has_actions() {
        let query = query.success();
        for machine in site.rack.machines() {
            assert!(query.text.contains(machine.serial()), "{}", query.text);
        }
        let outcome = workspace.apply().success();
        assert!(
            outcome.text.contains("2 imported, 0 added, 0 changed"),
            "{}",
            outcome.text
        );
        workspace.assert_clean();
    } else {
        assert_ne!(query.code, 0, "{}", query.text);
    }
    // Whoever registered them has the BMCs too.
    owner.destroy();
}
