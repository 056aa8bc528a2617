//! BMCs that nobody wrote down: heard by the agent, found by their MAC addresses, followed when DHCP
//! moves them. Their maker's password goes to nobody who does not prove who he is.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use acceptance::{Outcome, PASSWORD, Site, USERNAME, Workspace, free_port};
use rack::MachineHandle;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A site whose BMCs listen on one port of addresses of their own, and ask for those by DHCP.
async fn site(name: &str, machines: u16) -> (Site, u16) {
    let port = free_port();
    let site = Site::start_adjusted(name, machines, |config| {
        config.bmc_dhcp = true;
        for (index, machine) in (10_u8..).zip(&mut config.machines) {
            machine.bmc_listen = (Ipv4Addr::new(127, 82, 0, index), port).into();
        }
    })
    .await;
    for machine in site.rack.machines() {
        let SocketAddr::V4(address) = machine.bmc_address() else {
            panic!("{} is no IPv4 address", machine.bmc_address());
        };
        heard(&site, machine, *address.ip()).await;
    }
    (site, port)
}

/// Waits until the agent has heard a machine's BMC at an address.
async fn heard(site: &Site, machine: &MachineHandle, address: Ipv4Addr) {
    // Another test may have chosen it already.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let (mac, address) = (machine.bmc_mac().to_string(), address.to_string());
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let request = reqwest::Client::new()
            .get(format!("{}/v1/endpoints", site.agent.endpoint))
            .bearer_auth(&site.agent.token);
        let text = request.send().await.unwrap().text().await.unwrap();
        let found: Value = serde_json::from_str(&text).unwrap();
        let mut endpoints = found.as_array().unwrap().iter();
        let is_there = |endpoint: &Value| endpoint["mac"] == mac && endpoint["address"] == address;
        if endpoints.any(is_there) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{mac} is not at {address}: {text}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The site's environment with the factory's credentials.
fn environment(site: &Site, password: &str) -> Vec<(String, String)> {
    let factory = [
        ("BAREMETAL_CREDENTIALS_FACTORY_USERNAME", USERNAME),
        ("BAREMETAL_CREDENTIALS_FACTORY_PASSWORD", password),
    ];
    let factory = factory.map(|(name, value)| (name.to_owned(), value.to_owned()));
    [site.environment(), factory.to_vec()].concat()
}

/// A provider that knows the prefix of the rack's BMCs, and a BMC and a server found by it.
fn found(machine: &MachineHandle, redfish: &str, prefix: &str, bmc: &str) -> String {
    format!(
        r#"
provider "baremetal" {{
  redfish      = {{ {redfish} }}
  mac_prefixes = {{ "06" = {{ credentials = "factory", {prefix} }} }}
}}

resource "baremetal_bmc" "node" {{
  mac_address = "{}"
  {bmc}
}}

resource "baremetal_server" "node" {{
  bmc = baremetal_bmc.node.connection
}}
"#,
        machine.bmc_mac()
    )
}

fn again(workspace: &Workspace) -> Outcome {
    workspace.run(&["apply", "-auto-approve", "-input=false"])
}

/// The values of the BMC in the state.
fn bmc(workspace: &Workspace) -> Value {
    let state = workspace.state();
    let resources = state["values"]["root_module"]["resources"].as_array();
    let mut resources = resources.unwrap().iter();
    let found = resources.find(|resource| resource["type"] == "baremetal_bmc");
    found.unwrap()["values"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bmc_that_was_heard_is_managed_and_imported_by_its_mac_address() {
    let (site, port) = site("heard", 3).await;
    let workspace = Workspace::example("discovery-bmcs", environment(&site, PASSWORD));
    workspace.variables(&json!({
        "bmc_mac_prefix": "06",
        "bmc_port": port,
        "bmc_ca_pem": site.rack.ca_pem(),
    }));
    workspace.apply().success();
    workspace.assert_clean();
    let state = workspace.state();
    let servers = &state["values"]["outputs"]["servers"]["value"];
    assert_eq!(servers.as_object().unwrap().len(), 3);
    for machine in site.rack.machines() {
        let found = &servers[machine.bmc_mac().to_string()];
        assert_eq!(found["id"], machine.uuid().to_string());
        assert_eq!(found["serial_number"], machine.serial());
        assert_eq!(found["console"], json!({"protocol": "SSH", "port": 22}));
    }

    let mac = site.machine(0).bmc_mac();
    let address = format!("baremetal_bmc.found[\"{mac}\"]");
    workspace.run(&["state", "rm", &address]).success();
    let id = format!("factory@{mac}");
    workspace
        .run(&["import", "-input=false", &address, &id])
        .success();
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn default_credentials_go_to_a_verified_bmc_alone_and_once() {
    let (site, port) = site("default", 1).await;
    let machine = site.machine(0);
    let port = format!("port = {port}");
    let trusted = "ca_pem = file(\"ca.pem\")";
    let with = |redfish: &str, prefix: &str, bmc: &str| {
        let prefix = format!("{port}, {prefix}");
        found(machine, redfish, &prefix, bmc)
    };
    let mut workspace = Workspace::with(
        &with("insecure = true", "", ""),
        environment(&site, "rotated-long-ago"),
    );
    workspace.write("ca.pem", site.rack.ca_pem());
    workspace
        .apply()
        .failure(&["Default credentials would go to whoever answers"]);
    workspace.write("main.tf", &with(trusted, "scheme = \"http\"", ""));
    again(&workspace).failure(&["Plain http would show the password"]);
    assert_eq!(machine.bmc_counters().requests, 0, "nothing was sent");

    let twice = [
        with(trusted, "", ""),
        format!(
            "resource \"baremetal_bmc\" \"twin\" {{\n  mac_address = \"{}\"\n}}\n",
            machine.bmc_mac()
        ),
    ];
    workspace.write("main.tf", &twice.concat());
    again(&workspace).failure(&["The BMC refuses the default credentials", "Name the"]);
    assert_eq!(machine.bmc_counters().login_failures, 1);

    // What the resource names wins, and stays when the name is removed.
    workspace.write("main.tf", &with(trusted, "", "credentials = \"default\""));
    again(&workspace).success();
    workspace.assert_clean();
    workspace.write("main.tf", &with(trusted, "", ""));
    workspace.assert_clean();
    assert_eq!(bmc(&workspace)["credentials"], "default");
    assert_eq!(machine.bmc_counters().login_failures, 1);
    workspace.destroy();

    // Told to.
    workspace.set("BAREMETAL_CREDENTIALS_FACTORY_PASSWORD", PASSWORD);
    workspace.write("main.tf", &with("", "", "tls = { insecure = true }"));
    again(&workspace).success();
    workspace.assert_clean();
    workspace.destroy();
}

/// A port of an address of loopback behind which a machine's BMC answers, until it is dropped.
struct Door(JoinHandle<()>);

impl Door {
    async fn open(address: Ipv4Addr, port: u16, machine: &MachineHandle) -> Self {
        let listener = TcpListener::bind((address, port)).await.unwrap();
        let to = machine.bmc_address();
        Self(tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut bmc = TcpStream::connect(to).await.unwrap();
                    // Either end may go away; that is the end of the connection.
                    let _ended = tokio::io::copy_bidirectional(&mut client, &mut bmc).await;
                });
            }
        }))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_that_dhcp_moves_is_followed_in_place_and_another_one_is_not() {
    let site = Site::start("followed", 2).await;
    let (machine, other) = (site.machine(0), site.machine(1));
    let port = free_port();
    let [first, second, third] = [20, 21, 22].map(|last| Ipv4Addr::new(127, 82, 1, last));
    let announced = async |address| {
        machine.announce_bmc(address).await.unwrap();
        heard(&site, machine, address).await;
    };
    let text = found(
        machine,
        "",
        &format!("port = {port}"),
        "credentials = \"default\"\n  tls = { insecure = true }\n  labels = { rack = \"r1\" }",
    );
    let workspace = Workspace::with(&text, environment(&site, PASSWORD));
    workspace
        .apply()
        .failure(&["has never heard", &machine.bmc_mac().to_string()]);

    let door = Door::open(first, port, machine).await;
    announced(first).await;
    again(&workspace).success();
    workspace.assert_clean();
    let found = bmc(&workspace);
    assert_eq!(found["address"], first.to_string());
    assert_eq!(found["state"], "ready");
    assert_eq!(found["serial_number"], format!("{}-BMC", machine.serial()));
    assert_eq!(found["part_number"], "BR-1");
    assert_eq!(found["manager_uri"], "/redfish/v1/Managers/1");

    drop(door);
    let _door = Door::open(second, port, machine).await;
    announced(second).await;
    let plan = workspace.run(&["plan", "-input=false"]).success();
    for part in ["The BMC has another address", "1 to change, 0 to destroy"] {
        assert!(plan.text.contains(part), "{part}\n{}", plan.text);
    }
    again(&workspace).success();
    workspace.assert_clean();
    assert_eq!(bmc(&workspace)["address"], second.to_string());

    let _other = Door::open(third, port, other).await;
    announced(third).await;
    workspace.assert_clean();
    assert_eq!(bmc(&workspace)["address"], second.to_string());
    workspace.destroy();
}
