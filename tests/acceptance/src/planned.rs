//! A server that is claimed and armed at an agent, without Terraform and without a BMC: what tests of
//! firmware need of a plan.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A claimed server and the agent that boots it.
#[derive(Debug)]
pub struct Planned {
    client: reqwest::Client,
    control: String,
    token: String,
}

/// Its system UUID.
const SERVER: &str = "4c4c4544-0042-3510-8057-b7c04f4b4d01";
/// Its claim, its boot config and its run.
const ID: &str = "00000000-0000-0000-0000-000000000007";

impl Planned {
    /// The agent's control API at `control`, such as `http://127.0.0.1:7470`.
    ///
    /// # Panics
    ///
    /// If there can be no client.
    pub fn at(control: &str, token: &str) -> Self {
        // One that is there already does as well.
        let _there = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build();
        Self {
            client: client.expect("an HTTP client"),
            control: control.to_owned(),
            token: token.trim().to_owned(),
        }
    }

    /// Registers the server with the address `mac`, publishes what it boots, claims and arms it.
    ///
    /// # Panics
    ///
    /// If the agent refuses.
    pub async fn arm(&self, mac: &str, boot_config: Value) {
        let spec = json!({
            "bmc": { "endpoint": "https://192.0.2.5", "credentials": "none" },
            "system_uri": "/redfish/v1/Systems/1",
            "boot_mac_addresses": [mac],
        });
        self.ask(Method::PUT, &format!("servers/{SERVER}"), spec)
            .await;
        self.publish(boot_config).await;
        let claim = json!({
            "uid": ID, "server_id": SERVER, "run": ID, "boot_config_id": ID, "hostname": "node-1",
            "holder": { "name": "test", "workspace": "default" },
        });
        self.ask(Method::POST, "claims", claim).await;
        let arm = json!({ "uid": ID, "generation": 1 });
        self.ask(Method::POST, &format!("claims/{SERVER}/arm"), arm)
            .await;
    }

    /// The stages that its boot has reached, in order.
    ///
    /// # Panics
    ///
    /// If the agent does not answer.
    pub async fn stages(&self) -> Vec<String> {
        let claim = self
            .ask(Method::GET, &format!("claims/{SERVER}"), Value::Null)
            .await;
        let stages = claim["boot"]["stages"].as_array().cloned();
        let name = |stage: &Value| stage["stage"].as_str().unwrap_or_default().to_owned();
        stages.iter().flatten().map(name).collect()
    }

    async fn publish(&self, boot_config: Value) {
        let path = format!("boot-configs/{ID}");
        let mut found = self.ask(Method::PUT, &path, boot_config).await;
        while found["state"] == "pending" {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            found = self.ask(Method::GET, &path, Value::Null).await;
        }
        assert_eq!(found["state"], "ready", "{found}");
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}/v1/{path}", self.control);
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer of the agent");
        let (status, text) = (response.status(), response.text().await);
        let text = text.expect("the agent's answer");
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}
