//! Every example of `examples/terraform`, from `init` to `destroy`, with an import in between.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{PASSWORD, Site, USERNAME, Workspace};
use serde_json::{Value, json};

/// Applies, plans, imports everything into an empty state, plans again, destroys.
fn journey(workspace: &Workspace, imports: impl Fn(&Value) -> Vec<(String, String)>) {
    workspace.apply().success();
    workspace.assert_clean();
    let state = workspace.state();
    let imports = imports(&state);
    assert!(!imports.is_empty());
    std::fs::remove_file(workspace.path().join("terraform.tfstate")).unwrap();
    for (address, id) in &imports {
        workspace
            .run(&["import", "-input=false", address, id])
            .success();
    }
    workspace.assert_clean();
    workspace.destroy();
}

/// The import id of every resource of a state.
fn imports(state: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&state["values"]["root_module"], &mut found);
    found
}

fn collect(module: &Value, found: &mut Vec<(String, String)>) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        let values = &resource["values"];
        let text = |name: &str| values[name].as_str().unwrap_or_default().to_owned();
        let id = match resource["type"].as_str().unwrap() {
            "baremetal_bmc" => format!(
                "{}@{}:{}?fingerprint_sha256={}",
                text("credentials"),
                text("address"),
                values["port"],
                values["tls"]["fingerprint_sha256"].as_str().unwrap(),
            ),
            "baremetal_host_claim" => text("server_id"),
            _ => text("id"),
        };
        found.push((resource["address"].as_str().unwrap().to_owned(), id));
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        collect(child, found);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quickstart_boots_one_server() {
    let site = Site::start("quick", 1).await;
    let workspace = Workspace::example("quickstart", site.environment());
    let machine = site.machine(0);
    let common = site.variables();
    workspace.variables(&json!({
        "bmc_address": machine.bmc_address().ip().to_string(),
        "bmc_port": machine.bmc_port(),
        "bmc_fingerprint_sha256": machine.fingerprint_sha256(),
        "kernel": common["kernel"],
        "initrd": common["initrd"],
    }));
    journey(&workspace, |state| {
        assert_eq!(machine.installs(), 1);
        let address = state["values"]["outputs"]["address"]["value"]
            .as_str()
            .unwrap();
        assert!(address.starts_with("127.80.0."), "{address}");
        imports(state)
    });
    assert_eq!(machine.power_state(), model::PowerState::Off);
    assert_eq!(
        machine.installs(),
        1,
        "neither import nor plan nor destroy installs anything"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rack_boots_every_host_of_its_map() {
    let site = Site::start("rack", 4).await;
    let workspace = Workspace::example("rack", site.environment());
    let mut variables = site.variables();
    variables["rack"] = json!("r1");
    workspace.variables(&variables);
    journey(&workspace, |state| {
        for machine in site.rack.machines() {
            assert_eq!(machine.installs(), 1, "{}", machine.name());
        }
        imports(state)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sites_use_one_module() {
    let (ams, fra) = tokio::join!(Site::start("ams", 2), Site::start("fra", 2));
    let credentials = json!({ "username": USERNAME, "password": PASSWORD });
    let environment = vec![
        (
            "TF_VAR_agent_tokens".to_owned(),
            json!({ "ams": ams.agent.token, "fra": fra.agent.token }).to_string(),
        ),
        (
            "TF_VAR_bmc_credentials".to_owned(),
            json!({ "ams": credentials, "fra": credentials }).to_string(),
        ),
    ];
    let workspace = Workspace::example("two-sites", environment);
    let site = |site: &Site| {
        let mut variables = site.variables();
        variables["agent"] = json!(site.agent.endpoint);
        variables
    };
    workspace.variables(&json!({ "sites": { "ams": site(&ams), "fra": site(&fra) } }));
    journey(&workspace, |state| {
        for machine in ams.rack.machines().iter().chain(fra.rack.machines()) {
            assert_eq!(machine.installs(), 1, "{}", machine.name());
        }
        imports(state)
    });
}
