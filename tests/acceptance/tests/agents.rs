//! The two other ways to an agent: inside the provider, and over TLS.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use std::{fs, net::Ipv4Addr, time::Duration};

use acceptance::{PASSWORD, Site, USERNAME, Workspace, configuration, free_port};
use rack::{Network, Rack, RackConfig};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_agent_boots_a_server_and_ends_with_the_apply() {
    let directory = tempfile::tempdir().unwrap();
    let loaders = directory.path().join("loaders");
    fs::create_dir_all(&loaders).unwrap();
    Rack::write_loaders(&loaders).unwrap();
    let (dhcp, tftp, http) = (free_port(), free_port(), free_port());
    let network = Network {
        dhcp_server: (Ipv4Addr::LOCALHOST, dhcp).into(),
        relay: Ipv4Addr::new(127, 80, 0, 1),
        tftp_port: tftp,
    };
    let rack = Rack::start(RackConfig {
        username: USERNAME.to_owned(),
        password: model::Secret::new(PASSWORD),
        power_delay: Duration::from_millis(150),
        ..RackConfig::new("embedded", 1, network)
    })
    .await
    .unwrap();
    let machine = &rack.machines()[0];
    let provider = format!(
        r#"
provider "baremetal" {{
  embedded_agent = {{
    state_dir  = "{state}"
    address    = "127.0.0.1"
    loader_dir = "{loaders}"
    dhcp_port  = {dhcp}
    tftp_port  = {tftp}
    http_port  = {http}
    subnets    = [{{ subnet = "127.80.0.0/24", pools = ["127.80.0.10-127.80.0.200"] }}]
  }}
}}
"#,
        state = directory.path().join("agent").display(),
        loaders = loaders.display(),
    );
    let text = [
        provider,
        configuration::server(machine),
        configuration::boot_config(&rack, configuration::IGNITION),
        configuration::claim(""),
    ]
    .concat();
    let environment = [
        ("BAREMETAL_CREDENTIALS_DEFAULT_USERNAME", USERNAME),
        ("BAREMETAL_CREDENTIALS_DEFAULT_PASSWORD", PASSWORD),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let workspace = Workspace::with(&text, environment.to_vec());
    workspace.apply().success();
    workspace.assert_clean();
    assert_eq!(machine.installs(), 1);
    // Nobody listens any more, so anybody can.
    std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, dhcp)).unwrap();
    workspace.destroy();
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_over_tls_is_verified() {
    let site = Site::start_with_tls("tls-agent", 1).await;
    let (certificate, key) = acceptance::certificate("another agent");
    drop(key);
    let configuration = |ca: &str| {
        let provider = format!(
            "provider \"baremetal\" {{\n  agent = {}\n}}\n",
            json!({ "endpoints": [site.agent.endpoint], "ca_pem": ca }),
        );
        [provider, configuration::host(&site, 0, "")].concat()
    };
    let mut environment = site.environment();
    environment.retain(|(name, _)| name != "BAREMETAL_AGENT_ENDPOINTS");
    let workspace = Workspace::with(&configuration(&certificate), environment);
    workspace
        .apply()
        .failure(&["The agent does not answer", "certificate"]);
    workspace.write(
        "main.tf",
        &configuration(site.agent.ca_pem.as_deref().unwrap()),
    );
    workspace.apply().success();
    workspace.assert_clean();
    workspace.destroy();
}
