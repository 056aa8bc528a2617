//! `baremetal_boot_events`: what happened to servers.

use model::{Event, ServerId};
use tfplugin::{Context, DataSource, Diagnostic, Model, Value, async_trait};

use crate::{checks, client::Client, diagnostics};

/// What the agent saw of servers: the stages their boots reached, and what was tried with their boot
/// secrets. The agent keeps the last events of each server, and none of one that was removed.
#[derive(Clone, Debug, Model)]
pub(crate) struct BootEventsModel {
    /// The server. Without one, those of all.
    #[tf(check = checks::uuid)]
    pub server_id: Option<String>,
    /// How many there are at most, the latest. Defaults to 100.
    #[tf(check = at_least_one)]
    pub limit: Option<i64>,
    /// The events, the latest last.
    #[tf(computed)]
    pub events: Option<Vec<FoundEvent>>,
}

/// Something that happened to a server.
#[derive(Clone, Debug, Model)]
pub(crate) struct FoundEvent {
    /// When, by the agent's clock.
    #[tf(computed)]
    pub at: Option<String>,
    /// The server.
    #[tf(computed)]
    pub server_id: Option<String>,
    /// `stage`, `secret_replayed` (a boot secret was asked for again) or `secret_elsewhere` (one was
    /// asked for from another address).
    #[tf(computed)]
    pub kind: Option<String>,
    /// The stage that was reached: `armed`, `dhcp`, `loader`, `script`, `kernel`, `config` or
    /// `booted`.
    #[tf(computed)]
    pub stage: Option<String>,
    /// The boot that it is about.
    #[tf(computed)]
    pub boot_id: Option<String>,
    /// The address that it came from, or that the server is leased.
    #[tf(computed)]
    pub address: Option<String>,
}

/// The data source `baremetal_boot_events`.
pub(crate) struct BootEvents;

const LIMIT: u64 = 100;

#[async_trait]
impl DataSource<Client> for BootEvents {
    type Model = BootEventsModel;
    const NAME: &'static str = "boot_events";

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut config: BootEventsModel,
    ) -> Result<BootEventsModel, Diagnostic> {
        let server = config.server_id.as_deref().map(str::parse::<ServerId>);
        let server = server.transpose().map_err(|error| {
            diagnostics::at("server_id", "server_id cannot be read", format!("{error}."))
        })?;
        let limit = config.limit.and_then(|limit| u64::try_from(limit).ok());
        let api = cx.client.agent.api().await?;
        let events = api.events(server, limit.unwrap_or(LIMIT)).await?;
        config.events = Some(events.into_iter().map(FoundEvent::from).collect());
        Ok(config)
    }
}

impl From<Event> for FoundEvent {
    fn from(event: Event) -> Self {
        Self {
            at: Some(event.at.to_string()),
            server_id: Some(event.server_id.to_string()),
            kind: Some(event.kind.as_str().to_owned()),
            stage: event.stage.map(|stage| stage.to_string()),
            boot_id: Some(event.boot.to_string()),
            address: event.address.map(|address| address.to_string()),
        }
    }
}

fn at_least_one(value: &Value) -> Result<(), String> {
    match value.as_i64() {
        Some(limit) if limit < 1 => Err(format!("{limit} is out of range; give 1 or more.")),
        _ => Ok(()),
    }
}
