//! One journey for whatever speaks Redfish: managed, imported, looked up, changed, claimed, let go.

use serde_json::{Value, json};

use crate::Workspace;

/// A BMC, and how far it goes with us.
pub struct Peer {
    /// The attributes of its `baremetal_bmc`.
    pub bmc: Value,
    /// What an import of it is told behind its address.
    pub import_query: String,
    /// The system UUID of its server.
    pub uuid: String,
    /// What else of its server must be seen.
    pub seen: Value,
    /// Whether its server is to be switched on and off, by itself and by a claim.
    pub switches: bool,
    /// Changes of its server that it takes, one after the other.
    pub changes: Vec<Value>,
}

impl Peer {
    /// Lives the journey with an agent, and leaves nothing.
    ///
    /// # Panics
    ///
    /// If a step fails, or a plan after it is not empty.
    #[track_caller]
    pub fn check(&self, environment: Vec<(String, String)>) {
        let workspace = Workspace::with("", environment);
        workspace.write("lookup.tf.json", LOOKUP);
        self.configure(&workspace, &json!({}), None);
        workspace.apply().success();
        workspace.assert_clean();
        let server = values(&workspace, "baremetal_server");
        assert_eq!(server["id"], self.uuid, "{server}");
        for (name, expected) in self.seen.as_object().into_iter().flatten() {
            assert_eq!(&server[name], expected, "{name} of {server}");
        }
        let looked_up = &workspace.state()["values"]["outputs"]["endpoint"]["value"];
        assert_eq!(looked_up, &server["bmc"]["endpoint"]);

        self.import(&workspace);
        let mut settings = json!({});
        for change in &self.changes {
            for (name, value) in change.as_object().into_iter().flatten() {
                settings[name] = value.clone();
            }
            self.change(&workspace, &settings, None);
            let server = values(&workspace, "baremetal_server");
            for (name, value) in change.as_object().into_iter().flatten() {
                assert_eq!(&server[name], value);
            }
        }
        if self.switches {
            self.switch(&workspace, settings);
        }
        workspace.destroy();
        assert_eq!(workspace.state()["values"]["root_module"], Value::Null);
    }

    /// Takes the BMC and the server out of the state, and in again.
    #[track_caller]
    fn import(&self, workspace: &Workspace) {
        workspace.run(&["state", "rm", SERVER, BMC]).success();
        let port = &self.bmc["port"];
        let id = format!("default@127.0.0.1:{port}?{}", self.import_query);
        workspace
            .run(&["import", "-input=false", BMC, &id])
            .success();
        // The agent knows the server, so it is adopted as it is.
        workspace
            .run(&["import", "-input=false", SERVER, &self.uuid])
            .success();
        workspace
            .run(&["apply", "-auto-approve", "-input=false"])
            .success();
        workspace.assert_clean();
    }

    /// Switches the server on and off, and holds it by a claim that boots nothing.
    #[track_caller]
    fn switch(&self, workspace: &Workspace, mut settings: Value) {
        for power in ["On", "Off"] {
            settings["power"] = json!(power);
            self.change(workspace, &settings, None);
            let seen = &values(workspace, "baremetal_server")["power_state"];
            assert_eq!(seen, power);
        }
        settings["power"] = Value::Null;
        for power in ["On", "Off"] {
            let claim = json!({"server_id": "${baremetal_server.node.id}", "power": power,
                "wait_for": "reserved", "timeouts": {"create": "30s", "update": "30s"}});
            self.change(workspace, &settings, Some(&claim));
            let claim = values(workspace, "baremetal_host_claim");
            assert_eq!(claim["phase"], "settled", "{claim}");
        }
        self.change(workspace, &settings, None);
    }

    #[track_caller]
    fn change(&self, workspace: &Workspace, settings: &Value, claim: Option<&Value>) {
        self.configure(workspace, settings, claim);
        workspace
            .run(&["apply", "-auto-approve", "-input=false"])
            .success();
        workspace.assert_clean();
    }

    fn configure(&self, workspace: &Workspace, settings: &Value, claim: Option<&Value>) {
        let mut server = settings.clone();
        server["bmc"] = json!("${baremetal_bmc.node.connection}");
        // Nothing runs that would hear a request to shut down: half of this is waited for that.
        server["timeouts"] = json!({"update": "30s"});
        let mut resources = json!({
            "baremetal_bmc": {"node": self.bmc},
            "baremetal_server": {"node": server},
        });
        if let Some(claim) = claim {
            resources["baremetal_host_claim"] = json!({"node": claim});
        }
        let all = json!({"resource": resources});
        workspace.write("peer.tf.json", &all.to_string());
    }
}

/// What the state has for `node` of a kind.
#[track_caller]
fn values(workspace: &Workspace, kind: &str) -> Value {
    let state = workspace.state();
    let resources = state["values"]["root_module"]["resources"].as_array();
    let address = format!("{kind}.node");
    let mut resources = resources.into_iter().flatten();
    let found = resources.find(|resource| resource["address"] == address.as_str());
    found.unwrap_or_else(|| panic!("{address} is not in {state}"))["values"].clone()
}

const BMC: &str = "baremetal_bmc.node";
const SERVER: &str = "baremetal_server.node";
/// What looks the server up in the agent.
const LOOKUP: &str = r#"{
  "data": {"baremetal_server": {"node": {
    "id": "${baremetal_server.node.id}"
  }}},
  "output": {"endpoint": {"value": "${data.baremetal_server.node.bmc_endpoint}"}}
}"#;
