//! Subnets, reservations and images: created, read, imported, updated, lost, destroyed; and what is
//! wrong with them said.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{Site, Workspace, configuration};
use serde_json::{Value, json};

/// What the agent's API answers: the status and the JSON.
async fn ask(site: &Site, method: reqwest::Method, path: &str) -> (u16, Value) {
    // The workspace has one TLS implementation, which has to be named.
    let _first = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .request(method, format!("{}{path}", site.agent.endpoint))
        .bearer_auth(&site.agent.token);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// The attributes of a resource of the state.
fn attributes(workspace: &Workspace, address: &str) -> Value {
    let state = workspace.state();
    let resources = state["values"]["root_module"]["resources"].as_array();
    let found = resources
        .into_iter()
        .flatten()
        .find(|resource| resource["address"] == address);
    found.unwrap_or_else(|| panic!("{address} in {state}"))["values"].clone()
}

/// One resource and what happens to it in its life.
struct Life<'a> {
    address: &'a str,
    /// The API's name of its kind.
    kind: &'a str,
    /// Before it, with it, and with it updated.
    base: &'a str,
    created: &'a str,
    updated: &'a str,
    /// An attribute that the update changes, and its value after it.
    change: (&'a str, Value),
    /// What it is imported by besides its id.
    import: &'a str,
}

impl Life<'_> {
    /// Creates, reads, imports, updates, loses, makes anew and destroys it.
    async fn journey(&self, site: &Site) {
        let created = [self.base, self.created].concat();
        let workspace = Workspace::with(&created, site.environment());
        workspace.apply().success();
        workspace.assert_clean();
        let id = attributes(&workspace, self.address)["id"].clone();
        let id = id.as_str().unwrap();
        let path = format!("/v1/{}/{id}", self.kind);
        assert_eq!(ask(site, reqwest::Method::GET, &path).await.0, 200);

        for by in [self.import, id] {
            workspace.run(&["state", "rm", self.address]).success();
            workspace
                .run(&["import", "-input=false", self.address, by])
                .success();
            workspace.assert_clean();
        }

        workspace.write("main.tf", &[self.base, self.updated].concat());
        let plan = workspace.run(&["plan", "-input=false"]).success();
        let expected = format!("{} will be updated in-place", self.address);
        assert!(plan.text.contains(&expected), "{}", plan.text);
        workspace.apply().success();
        workspace.assert_clean();
        let after = attributes(&workspace, self.address);
        let (attribute, value) = &self.change;
        assert_eq!((&after["id"], &after[attribute]), (&json!(id), value));

        let (status, _) = ask(site, reqwest::Method::DELETE, &path).await;
        assert_eq!(status, 204);
        let plan = workspace.run(&["plan", "-detailed-exitcode", "-input=false"]);
        assert_eq!(plan.code, 2, "what is gone is drift\n{}", plan.text);
        workspace.apply().success();
        workspace.assert_clean();
        let id = attributes(&workspace, self.address)["id"].clone();
        workspace.destroy();
        let path = format!("/v1/{}/{}", self.kind, id.as_str().unwrap());
        assert_eq!(ask(site, reqwest::Method::GET, &path).await.0, 404);
    }
}

const SUBNET: &str = r#"
resource "baremetal_subnet" "rack" {
  subnet = "10.77.0.0/24"
  pools  = ["10.77.0.10 - 10.77.0.20", "10.77.0.100-10.77.0.200"]
  router = "10.77.0.1"
  dns    = ["10.77.0.2"]
  ntp    = ["10.77.0.3"]
  domain = "rack.example.com"
}
"#;

fn reservation(name: &str, mac: &str, address: &str) -> String {
    format!(
        "resource \"baremetal_reservation\" \"{name}\" {{\n  subnet_id = \
         baremetal_subnet.rack.id\n  mac_address = \"{mac}\"\n  address = \"{address}\"\n}}\n"
    )
}

fn image(url: &str, sha256: &str) -> String {
    format!(
        "resource \"baremetal_image\" \"kernel\" {{\n  url = \"{url}\"\n  sha256 = \"{sha256}\"\n}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_lives_as_long_as_its_resource() {
    let site = Site::start("subnet", 0).await;
    let updated = SUBNET.replace("domain", "lease_time = 1200\n  domain");
    Life {
        address: "baremetal_subnet.rack",
        kind: "subnets",
        base: "",
        created: SUBNET,
        updated: &updated.replace(".20\"", ".30\""),
        change: ("lease_time", json!(1200)),
        import: "10.77.0.0/24",
    }
    .journey(&site)
    .await;

    let workspace = Workspace::with(SUBNET, site.environment());
    workspace.apply().success();
    workspace.write("main.tf", &SUBNET.replace("10.77.", "10.78."));
    let plan = workspace.run(&["plan", "-input=false"]).success();
    assert!(plan.text.contains("must be replaced"), "{}", plan.text);
    workspace.apply().success();
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_lives_as_long_as_its_resource() {
    let site = Site::start("reserve", 0).await;
    let mac = "AA-BB-CC-00-11-22";
    Life {
        address: "baremetal_reservation.node",
        kind: "reservations",
        base: SUBNET,
        created: &reservation("node", mac, "10.77.0.50"),
        updated: &reservation("node", mac, "10.77.0.15"),
        change: ("address", json!("10.77.0.15")),
        import: "aabb.cc00.1122",
    }
    .journey(&site)
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_ready_when_it_is_created_and_goes_with_its_resource() {
    let site = Site::start("image", 0).await;
    let (kernel, initrd) = site.rack.images();
    let url = format!("{}/kernel", site.rack.images_url());
    let other = format!("{url}?mirror=2");
    Life {
        address: "baremetal_image.kernel",
        kind: "images",
        base: "",
        created: &image(&url, &kernel.to_uppercase()),
        updated: &image(&other, &kernel.to_uppercase()),
        change: ("url", json!(other)),
        import: kernel,
    }
    .journey(&site)
    .await;

    let workspace = Workspace::with(&image(&url, kernel), site.environment());
    workspace.apply().success();
    let found = attributes(&workspace, "baremetal_image.kernel");
    assert_eq!(found["state"], "ready");
    assert!(found["size_bytes"].as_u64().unwrap() > 0, "{found}");
    let fetched_at = found["fetched_at"].as_str().unwrap();
    assert!(
        fetched_at.parse::<jiff::Timestamp>().is_ok(),
        "{fetched_at}"
    );
    let initrd_url = format!("{}/initrd", site.rack.images_url());
    workspace.write("main.tf", &image(&initrd_url, initrd));
    let plan = workspace.run(&["plan", "-input=false"]).success();
    assert!(plan.text.contains("must be replaced"), "{}", plan.text);
    workspace.apply().success();
    workspace.assert_clean();
    workspace.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answering_is_a_warning_and_nothing_is_forgotten() {
    let mut site = Site::start("mute", 0).await;
    let (kernel, _) = site.rack.images();
    let text = [
        SUBNET,
        &reservation("node", "52:54:00:00:00:01", "10.77.0.50"),
        &image(&format!("{}/kernel", site.rack.images_url()), kernel),
    ]
    .concat();
    let workspace = Workspace::with(&text, site.environment());
    workspace.apply().success();
    site.agent.kill();
    let plan = workspace.run(&["plan", "-detailed-exitcode", "-input=false"]);
    assert_eq!(plan.code, 0, "{}", plan.text);
    // Terraform shows one warning of a kind and counts the others.
    for told in ["is kept as it was last seen", "2 more similar warnings"] {
        assert!(plan.text.contains(told), "{}", plan.text);
    }
    site.agent.restart();
    workspace.assert_clean();
    workspace.destroy();
}

/// Applies what must fail, and removes what came into being nevertheless.
fn refused(site: &Site, cases: &[(String, Vec<&str>)]) {
    for (text, parts) in cases {
        let workspace = Workspace::with(text, site.environment());
        workspace.run(&["init", "-input=false"]).success();
        workspace
            .run(&["apply", "-auto-approve", "-input=false"])
            .failure(parts);
        workspace.write("main.tf", "");
        workspace.apply().success();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subnet_that_cannot_be_is_refused_and_named() {
    let site = Site::start("refuse", 0).await;
    let cases = [
        (
            SUBNET.replace("10.77.0.0/24", "10.77.0.5/24"),
            vec!["10.77.0.5/24", "Write the network, 10.77.0.0/24"],
        ),
        (
            SUBNET.replace("10.77.0.10 ", "10.76.0.10 "),
            vec!["The subnet cannot work", "10.76.0.10-10.77.0.20", "pools"],
        ),
        (
            SUBNET.replace("domain", "lease_time = 59\n  domain"),
            vec!["59", "60 to 7200 seconds"],
        ),
        (
            SUBNET.replace("10.77.0.", "127.80.0."),
            vec!["Two subnets overlap", "127.80.0.0/24", "configuration file"],
        ),
        (
            [SUBNET, &SUBNET.replace("\"rack\"", "\"again\"")].concat(),
            vec!["Two subnets overlap", "10.77.0.0/24"],
        ),
    ];
    refused(&site, &cases);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_or_an_image_that_cannot_be_is_refused_and_named() {
    let site = Site::start("refuse2", 0).await;
    let (kernel, _) = site.rack.images();
    let kernel_url = format!("{}/kernel", site.rack.images_url());
    let missing = format!("{}/none", site.rack.images_url());
    let (wrong, mac) = ("ab".repeat(32), "52:54:00:00:00:01");
    let (a, b) = (
        reservation("a", mac, "10.77.0.5"),
        reservation("b", mac, "10.77.0.6"),
    );
    let unknown = "0f4b3c1e-6d0a-4b1e-9a53-3c1f8a1f0c11";
    let cases = [
        (
            [SUBNET, &reservation("a", mac, "10.99.0.5")].concat(),
            vec![
                "The address is outside of the subnet",
                "10.99.0.5 is not in 10.77.0.0/24",
            ],
        ),
        (
            [SUBNET, &a, &b].concat(),
            vec!["The MAC address has a reservation", mac],
        ),
        (
            a.replace("baremetal_subnet.rack.id", &format!("{unknown:?}")),
            vec!["The subnet does not exist", unknown],
        ),
        (
            image(&kernel_url, &wrong),
            vec!["The image cannot be fetched", kernel, &wrong],
        ),
        (
            image(&missing, kernel),
            vec!["The image cannot be fetched", "/none", "404"],
        ),
    ];
    refused(&site, &cases);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserved_address_is_the_one_that_the_server_gets() {
    let site = Site::start("fixed", 2).await;
    let reserved = format!(
        r#"
data "baremetal_agent" "site" {{}}

resource "baremetal_reservation" "node" {{
  subnet_id   = data.baremetal_agent.site.subnets[0].id
  mac_address = "{}"
  address     = "127.80.0.222"
}}
"#,
        site.machine(0).mac()
    );
    let host = configuration::host(&site, 0, "depends_on = [baremetal_reservation.node]");
    let workspace = Workspace::with(&[reserved, host].concat(), site.environment());
    workspace.apply().success();
    workspace.assert_clean();
    let claim = attributes(&workspace, "baremetal_host_claim.node");
    assert_eq!(claim["address"], "127.80.0.222");
    assert_eq!(site.machine(0).installs(), 1);

    // What a server has is not reserved for another one, and its holder is named.
    let other = Workspace::with(&configuration::host(&site, 1, ""), site.environment());
    other.apply().success();
    let leased = attributes(&other, "baremetal_host_claim.node")["address"].clone();
    let machine = site.machine(1);
    let taken = format!(
        r#"
data "baremetal_agent" "site" {{}}

resource "baremetal_reservation" "taken" {{
  subnet_id   = data.baremetal_agent.site.subnets[0].id
  mac_address = "52:54:00:ff:ff:ff"
  address     = {leased}
}}
"#
    );
    let third = Workspace::with(&taken, site.environment());
    third.apply().failure(&[
        "Somebody else has the address",
        &machine.mac().to_string(),
        &machine.uuid().to_string(),
    ]);
    other.destroy();
    workspace.destroy();
}
