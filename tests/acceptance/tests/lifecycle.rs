//! The life of every resource: created, read, imported as it is, changed in place, destroyed, gone.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that tests share are tests too"
)]

use acceptance::{Site, Workspace, configuration};
use serde_json::Value;

/// One resource's life. The configurations hold it as `node`, with whatever it stands on.
struct Life<'a> {
    kind: &'a str,
    created: String,
    changed: String,
    import_id: &'a dyn Fn(&Value) -> String,
    /// What an import cannot know, and nothing else.
    not_imported: &'a [&'a str],
}

impl Life<'_> {
    fn address(&self) -> String {
        format!("{}.node", self.kind)
    }

    /// What the state has for it.
    fn values(&self, workspace: &Workspace) -> Option<Value> {
        let state = workspace.state();
        let resources = state["values"]["root_module"]["resources"].as_array()?;
        let found = resources.iter().find(|it| it["address"] == self.address());
        Some(found?["values"].clone())
    }

    /// Lives it, and leaves the workspace empty.
    #[track_caller]
    fn check(&self, site: &Site) {
        let workspace = Workspace::with(&self.created, site.environment());
        workspace.apply().success();
        workspace.assert_clean();
        let created = self.values(&workspace).expect("it is in the state");

        workspace.run(&["state", "rm", &self.address()]).success();
        let id = (self.import_id)(&created);
        workspace
            .run(&["import", "-input=false", &self.address(), &id])
            .success();
        let imported = self.values(&workspace).expect("it is imported");
        assert_eq!(
            self.without_unknown(imported),
            self.without_unknown(created.clone()),
            "{} is imported as it was",
            self.kind
        );
        workspace.run(&["apply", "-auto-approve"]).success();
        workspace.assert_clean();

        workspace.write("main.tf", &self.changed);
        let plan = workspace.run(&["plan"]).success();
        let in_place = format!("{} will be updated in-place", self.address());
        assert!(plan.text.contains(&in_place), "{}", plan.text);
        assert!(plan.text.contains("0 to destroy"), "{}", plan.text);
        workspace.run(&["apply", "-auto-approve"]).success();
        workspace.assert_clean();
        let changed = self.values(&workspace).expect("it is in the state");
        assert_eq!(changed["id"], created["id"], "{}", self.kind);

        workspace.destroy();
        assert_eq!(self.values(&workspace), None);
    }

    fn without_unknown(&self, mut values: Value) -> Value {
        for name in self.not_imported {
            values.as_object_mut().unwrap().remove(*name);
        }
        values
    }
}

fn id(values: &Value) -> String {
    values["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bmc_lives() {
    let site = Site::start("bmc", 1).await;
    let machine = site.machine(0);
    let with = |tls: &str| {
        format!(
            "resource \"baremetal_bmc\" \"node\" {{\n  address = \"127.0.0.1\"\n  port = {}\n  \
             credentials = \"default\"\n  tls = {{ {tls} }}\n}}\n",
            machine.bmc_port()
        )
    };
    let pin = format!("fingerprint_sha256 = \"{}\"", machine.fingerprint_sha256());
    Life {
        kind: "baremetal_bmc",
        created: with(&pin),
        changed: with("insecure = true"),
        import_id: &|values| {
            format!(
                "default@127.0.0.1:{}?fingerprint_sha256={}",
                values["port"],
                values["tls"]["fingerprint_sha256"].as_str().unwrap()
            )
        },
        not_imported: &[],
    }
    .check(&site);
    assert_eq!(machine.bmc_counters().sessions_live, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_lives() {
    let site = Site::start("server", 1).await;
    let machine = site.machine(0);
    let with = |extra: &str| {
        configuration::server(machine).replace(
            "node.connection\n",
            &format!("node.connection\n  {extra}\n"),
        )
    };
    Life {
        kind: "baremetal_server",
        created: with("labels = { rack = \"r1\" }"),
        changed: with(
            "labels = { rack = \"r2\" }\n  unclaimable = true\n  asset_tag = \"A-1\"\n  \
             indicator_led = \"Lit\"\n  power = \"On\"",
        ),
        import_id: &id,
        not_imported: &[],
    }
    .check(&site);
    assert_eq!(machine.asset_tag(), "A-1");
    assert_eq!(
        machine.power_state(),
        model::PowerState::On,
        "destroying a server never powers it off"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_config_lives() {
    let site = Site::start("config", 1).await;
    let with = |arguments: &str| {
        let extra = format!("{}\n  kernel_args = [{arguments}]", configuration::IGNITION);
        configuration::boot_config(&site.rack, &extra)
    };
    Life {
        kind: "baremetal_boot_config",
        created: with("\"console=ttyS0\""),
        changed: with("\"console=ttyS1\", \"quiet\""),
        import_id: &id,
        // It counts what is in no state.
        not_imported: &["ignition_wo_version"],
    }
    .check(&site);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_lives() {
    let site = Site::start("claim", 1).await;
    let with = |extra: &str| configuration::host(&site, 0, extra);
    Life {
        kind: "baremetal_host_claim",
        created: with("hostname = \"a\""),
        changed: with(
            "hostname = \"b\"\n  wait_for = \"reserved\"\n  on_destroy = { power_off = \"force\" }",
        ),
        import_id: &|values| values["server_id"].as_str().unwrap().to_owned(),
        not_imported: &[],
    }
    .check(&site);
    assert_eq!(site.machine(0).installs(), 1);
    assert_eq!(site.machine(0).power_state(), model::PowerState::Off);
}
