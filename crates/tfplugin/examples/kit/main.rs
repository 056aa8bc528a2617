//! A provider that manages nothing: it shows every part of the framework, and what Terraform makes
//! of it can be tried by hand.
//!
//! Build it, link `target/debug/examples/kit` as `terraform-provider-kit` and name that directory
//! in a `dev_overrides` block for `example.com/acme/kit`.

mod parts;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use tfplugin::{
    CancellationToken, Context, DataSource, Diagnostic, Failed, ImportBy, Model, MoveSource, Parts,
    Path, Plan, Provider, Resource, Rule, Timeouts, Value, async_trait, conflicts,
};

use self::parts::{Poke, Search, Tokens, WidgetId};

fn main() -> ExitCode {
    tfplugin::run(Kit)
}

/// Widgets that exist in the state only.
#[derive(Model)]
struct Config {
    /// Where the widgets would be.
    endpoint: Option<String>,
    /// How to get at them.
    #[tf(sensitive)]
    token: Option<String>,
}

struct Client {
    endpoint: Option<String>,
}

struct Kit;

#[async_trait]
impl Provider for Kit {
    type Config = Config;
    type Client = Client;
    const NAME: &'static str = "kit";
    const ADDRESS: &'static str = "example.com/acme/kit";

    async fn configure(&self, config: Config, _: CancellationToken) -> Result<Client, Diagnostic> {
        tracing::debug!(
            endpoint = config.endpoint,
            has_token = config.token.is_some(),
            "configured"
        );
        Ok(Client {
            endpoint: config.endpoint,
        })
    }

    fn parts(&self, parts: &mut Parts<Client>) {
        parts.resource(Widgets).data_source(Lookup);
        parts.function(WidgetId).ephemeral(Tokens);
        parts.list_resource(Search).action(Poke);
    }

    async fn shutdown(&self, client: Arc<Client>) {
        tracing::info!(endpoint = client.endpoint, "sessions ended");
    }
}

/// A widget.
#[derive(Model, Clone)]
pub(crate) struct Widget {
    /// Identifier.
    #[tf(computed, keep)]
    id: Option<String>,
    /// Name of the widget.
    #[tf(replace, identity, check = no_spaces)]
    name: String,
    /// Wanted power state.
    #[tf(default = "Off")]
    power: String,
    /// How often it was changed.
    #[tf(computed)]
    generation: Option<i64>,
    /// MAC address, in any spelling.
    #[tf(same = same_mac)]
    mac: Option<String>,
    /// More MAC addresses.
    #[tf(same_each = same_mac)]
    macs: Option<BTreeSet<String>>,
    /// A fraction.
    ratio: Option<f64>,
    /// A number of any size.
    big: Option<u64>,
    /// Words.
    tags: Option<BTreeMap<String, String>>,
    /// Disks.
    disks: Option<Vec<Disk>>,
    /// Ports by name.
    ports: Option<BTreeMap<String, Port>>,
    /// One port.
    main_port: Option<Port>,
    /// What was found.
    #[tf(computed)]
    found: Option<Vec<Port>>,
    /// Anything.
    meta: Option<serde_json::Value>,
    /// Password; never stored.
    #[tf(write_only, sensitive)]
    password_wo: Option<String>,
    /// Whether it has a password.
    #[tf(computed)]
    secured: Option<bool>,
    /// Change it to set the password again.
    password_wo_version: Option<i64>,
    /// Seconds that creating and updating take.
    delay: Option<u64>,
    /// What goes wrong: `create`, `update`, `delete`, `read`, `gone` or `panic`.
    fail: Option<String>,
    /// How long operations may take.
    timeouts: Option<Timeouts>,
}

/// A disk.
#[derive(Model, Clone)]
struct Disk {
    /// Device name.
    device: String,
    /// Size in GiB.
    #[tf(default = 10, check = not_negative)]
    size: i64,
    /// Serial number.
    #[tf(computed, keep)]
    serial: Option<String>,
}

/// A port.
#[derive(Model, Clone)]
struct Port {
    /// Its number.
    #[tf(check = not_negative)]
    number: i64,
    /// Its label.
    label: Option<String>,
}

struct Widgets;

impl Widgets {
    async fn settle(
        &self,
        cx: &mut Context<Client>,
        mut widget: Widget,
        doing: &str,
    ) -> Result<Widget, Failed<Widget>> {
        let password = cx.config.get("password_wo").as_str().is_some();
        tracing::info!(widget = widget.name, password, doing, "settling");
        widget.id = Some(format!("widget-{}", widget.name));
        widget.secured = Some(password);
        widget.generation = Some(cx.private["generation"].as_i64().unwrap_or(0) + 1);
        cx.private = serde_json::json!({ "generation": widget.generation });
        widget.mac = widget.mac.map(|mac| mac.to_uppercase());
        widget.found = Some(vec![Port {
            number: 443,
            label: Some("https".to_owned()),
        }]);
        for disk in widget.disks.iter_mut().flatten() {
            disk.serial = Some(format!("sn-{}", disk.device));
        }
        let delay = Duration::from_secs(widget.delay.unwrap_or(0));
        let limit = Timeouts::create(&widget.timeouts, Duration::from_secs(3600));
        tokio::select! {
            () = tokio::time::sleep(delay.min(limit)) => {}
            () = cx.stop.cancelled() => {
                let stopped = Diagnostic::error("Interrupted", "Apply again to go on.");
                return Err(Failed::with(stopped, widget));
            }
        }
        if widget.fail.as_deref() == Some("panic") {
            panic!("asked to panic");
        }
        if widget.fail.as_deref() == Some(doing) {
            let failed = Diagnostic::error(format!("The {doing} failed"), "Half way through.");
            return Err(Failed::with(failed.at(Path::root("fail")), widget));
        }
        if delay > limit {
            cx.warn(Diagnostic::warning(
                "Slow",
                format!("It took longer than {limit:?}."),
            ));
        }
        Ok(widget)
    }
}

#[async_trait]
impl Resource<Client> for Widgets {
    type Model = Widget;
    const NAME: &'static str = "widget";
    const VERSION: i64 = 1;
    const IDENTITY_VERSION: i64 = 1;

    fn rules(&self) -> Vec<Rule> {
        vec![conflicts(["ports", "main_port"])]
    }

    fn plan(&self, plan: &mut Plan<'_>) {
        if plan.is_update() && !plan.changed("ports") {
            plan.keep("found");
        }
    }

    async fn create(
        &self,
        cx: &mut Context<Client>,
        plan: Widget,
    ) -> Result<Widget, Failed<Widget>> {
        self.settle(cx, plan, "create").await
    }

    async fn read(
        &self,
        _: &mut Context<Client>,
        mut state: Widget,
    ) -> Result<Option<Widget>, Diagnostic> {
        state.mac = state.mac.map(|mac| mac.replace(':', "-").to_uppercase());
        match state.fail.as_deref() {
            Some("read") => Err(Diagnostic::error("The read failed", "It is not reachable.")),
            Some("gone") => Ok(None),
            _ => Ok(Some(state)),
        }
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        _: Widget,
        plan: Widget,
    ) -> Result<Widget, Failed<Widget>> {
        self.settle(cx, plan, "update").await
    }

    async fn delete(&self, _: &mut Context<Client>, state: Widget) -> Result<(), Diagnostic> {
        match state.fail.as_deref() {
            Some("delete") => Err(Diagnostic::error("The delete failed", "It is still there.")),
            _ => Ok(()),
        }
    }

    async fn import(&self, _: &mut Context<Client>, by: ImportBy) -> Result<Widget, Diagnostic> {
        let name = match by {
            ImportBy::Id(id) => id.trim_start_matches("widget-").to_owned(),
            ImportBy::Identity(identity) => {
                identity.get("name").as_str().unwrap_or_default().to_owned()
            }
        };
        Ok(bare(name))
    }

    fn upgrade(
        &self,
        from: i64,
        mut state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostic> {
        tracing::warn!(from, "upgrading");
        state["power"] = "Off".into();
        Ok(state)
    }

    fn upgrade_identity(
        &self,
        _: i64,
        identity: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostic> {
        Ok(serde_json::json!({ "name": identity["title"] }))
    }

    fn move_from(&self, source: &MoveSource) -> Option<Result<Widget, Diagnostic>> {
        let name = source.state["id"].as_str().unwrap_or("moved").to_owned();
        (source.type_name == "terraform_data").then(|| Ok(bare(name)))
    }
}

fn bare(name: String) -> Widget {
    Widget {
        id: Some(format!("widget-{name}")),
        name,
        power: "Off".to_owned(),
        generation: Some(1),
        mac: None,
        macs: None,
        ratio: None,
        big: None,
        tags: None,
        disks: None,
        ports: None,
        main_port: None,
        found: None,
        meta: None,
        password_wo: None,
        secured: None,
        password_wo_version: None,
        delay: None,
        fail: None,
        timeouts: None,
    }
}

/// Looks a widget up.
#[derive(Model)]
struct Found {
    /// Name of the widget.
    name: String,
    /// Its serial number.
    #[tf(computed)]
    serial: Option<String>,
    /// Where it was found.
    #[tf(computed)]
    endpoint: Option<String>,
    /// Its ports.
    #[tf(computed)]
    ports: Option<Vec<Port>>,
}

struct Lookup;

#[async_trait]
impl DataSource<Client> for Lookup {
    type Model = Found;
    const NAME: &'static str = "lookup";

    async fn read(&self, cx: &mut Context<Client>, mut config: Found) -> Result<Found, Diagnostic> {
        config.serial = Some(format!("SN{}", config.name.len()));
        config.endpoint = cx.client.endpoint.clone();
        config.ports = Some(vec![Port {
            number: 443,
            label: None,
        }]);
        Ok(config)
    }
}

fn no_spaces(value: &Value) -> Result<(), String> {
    if value.as_str().is_some_and(|name| name.contains(' ')) {
        return Err("a name has no spaces".to_owned());
    }
    Ok(())
}

fn not_negative(value: &Value) -> Result<(), String> {
    match value.as_i64() {
        Some(number) if number < 0 => Err(format!("expected 0 or more, found {number}")),
        _ => Ok(()),
    }
}

fn same_mac(old: &Value, new: &Value) -> bool {
    let digits = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.chars()
            .filter(char::is_ascii_hexdigit)
            .collect::<String>()
            .to_lowercase()
    };
    digits(old) == digits(new)
}
