//! What can be looked up is what is there.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{Site, Workspace, configuration};
use serde_json::{Value, json};

/// The data sources, once the server `node` has booted; the outputs are what stays the same.
const LOOKED_UP: &str = r#"
data "baremetal_agent" "site" {
  depends_on = [baremetal_host_claim.node]
}

data "baremetal_server" "by_id" {
  id         = upper(baremetal_server.node.id)
  depends_on = [baremetal_host_claim.node]
}

data "baremetal_server" "by_labels" {
  match_labels = { name = "db1" }
  depends_on   = [baremetal_host_claim.node]
}

data "baremetal_leases" "node" {
  subnet_id   = data.baremetal_agent.site.subnets[0].id
  mac_address = upper(baremetal_server.node.boot_mac_addresses[0])
  depends_on  = [baremetal_host_claim.node]
}

data "baremetal_endpoints" "all" {
  depends_on = [baremetal_host_claim.node]
}

data "baremetal_boot_events" "node" {
  server_id  = baremetal_server.node.id
  depends_on = [baremetal_host_claim.node]
}

output "looked_up" {
  value = {
    agent     = data.baremetal_agent.site
    by_id     = data.baremetal_server.by_id
    by_labels = data.baremetal_server.by_labels
    leases = [for lease in data.baremetal_leases.node.leases : [
      lease.address, lease.mac_address, lease.server_id, lease.state
    ]]
    address = baremetal_host_claim.node.address
    endpoints = { for mac, endpoint in data.baremetal_endpoints.all.endpoints : mac => [
      endpoint.address, endpoint.matched, substr(endpoint.vendor_class, 0, 9)
    ] }
    stages = [for event in data.baremetal_boot_events.node.events : event.stage]
  }
}
"#;

fn with_prefixes(prefixes: &Value) -> String {
    format!("provider \"baremetal\" {{\n  mac_prefixes = {prefixes}\n}}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_data_source_tells_what_the_agent_knows() {
    let site = Site::start("lookup", 1).await;
    let machine = site.machine(0);
    let (mac, id) = (machine.mac().to_string(), machine.uuid().to_string());
    let prefix = mac[..8].replace(':', "-").to_uppercase();
    let prefixes = with_prefixes(&json!({
        mac[..2].to_owned(): { "manufacturer": "Somebody" },
        prefix: {
            "manufacturer": "Contoso", "protocol": "Redfish", "scheme": "https", "port": 443,
            "credentials": "default", "console": { "protocol": "SSH", "port": 22 },
        },
    }));
    let labelled = configuration::host(&site, 0, "").replace(
        "bmc = baremetal_bmc.node.connection",
        "bmc = baremetal_bmc.node.connection\n  labels = { name = \"db1\" }",
    );
    let text = [&prefixes, &labelled, LOOKED_UP].concat();
    let workspace = Workspace::with(&text, site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    let state = workspace.state();
    let found = &state["values"]["outputs"]["looked_up"]["value"];

    assert_eq!(found["agent"]["features"], json!(["dhcp", "tftp"]));
    assert_eq!(found["agent"]["version"], env!("CARGO_PKG_VERSION"));
    let subnet = &found["agent"]["subnets"][0];
    assert_eq!(subnet["subnet"], "127.80.0.0/24");
    assert_eq!(subnet["pools"], json!(["127.80.0.10-127.80.0.200"]));
    assert_eq!(subnet["source"], "file");

    assert_eq!(found["by_labels"]["id"], json!(id));
    assert_eq!(found["by_id"]["serial_number"], machine.serial());
    for way in ["by_id", "by_labels"] {
        assert_eq!(found[way]["state"], "reserved");
        assert_eq!(found[way]["labels"], json!({ "name": "db1" }));
        assert_eq!(found[way]["boot_mac_addresses"][0], json!(mac));
    }

    let address = &found["address"];
    assert_eq!(found["leases"], json!([[address, mac, id, "active"]]));
    let matched = json!({
        "prefix": mac[..8].replace(':', ""), "manufacturer": "Contoso", "protocol": "Redfish",
        "scheme": "https", "port": 443, "credentials": "default",
        "console": { "protocol": "SSH", "port": 22 },
    });
    assert_eq!(
        found["endpoints"],
        json!({ mac: [address, matched, "PXEClient"] })
    );
    assert_eq!(
        found["stages"],
        json!([
            "armed", "dhcp", "loader", "script", "kernel", "config", "booted"
        ])
    );
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_looked_up_is_refused_and_named() {
    let site = Site::start("nolook", 0).await;
    let data = |kind: &str, attributes: &str| {
        format!("data \"baremetal_{kind}\" \"x\" {{\n{attributes}\n}}\n")
    };
    let cases = [
        (data("server", ""), vec!["No server is asked for"]),
        (
            data("server", "match_labels = { name = \"nobody\" }"),
            vec!["No server has these labels"],
        ),
        (
            data("server", "id = \"4c4c4544-0042-3510-8057-b7c04f4b4d32\""),
            vec![
                "The server does not exist",
                "4c4c4544-0042-3510-8057-b7c04f4b4d32",
            ],
        ),
        (
            data("leases", "mac_address = \"52:54\""),
            vec!["52:54", "MAC"],
        ),
        (data("boot_events", "limit = 0"), vec!["give 1 or more"]),
        (
            [
                with_prefixes(&json!({ "52:54:00": {}, "52-54-00": {} })),
                data("agent", ""),
            ]
            .concat(),
            vec!["The same MAC prefix twice", "52:54:00", "52-54-00"],
        ),
        (
            [with_prefixes(&json!({ "vendor": {} })), data("agent", "")].concat(),
            vec!["Not a MAC prefix", "vendor"],
        ),
    ];
    for (text, parts) in cases {
        let workspace = Workspace::with(&text, site.environment());
        workspace.run(&["init", "-input=false"]).success();
        workspace.run(&["plan", "-input=false"]).failure(&parts);
    }
}
