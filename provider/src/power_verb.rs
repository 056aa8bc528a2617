//! One-shot verbs: a reset of a server or a restart of its BMC, each done once.
//!
//! Both the resource `baremetal_power_action` and the actions come here.

use std::time::Instant;

use model::{BmcConnection, ServerId};
use redfish::{Bmc, ManagerReset, RunMark, Sent};
use tfplugin::Diagnostic;

use crate::{client::Client, diagnostics, resources::ConnectionInput};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// One of Redfish's resets of a system.
    Reset(&'static str),
    /// A restart of the BMC.
    Restart(ManagerReset),
}

impl Verb {
    /// The verb of a word that was checked.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "BmcGracefulRestart" => Some(Self::Restart(ManagerReset::Graceful)),
            "BmcForceRestart" => Some(Self::Restart(ManagerReset::Force)),
            word => {
                let known = redfish::RESETS.iter().find(|known| **known == word);
                known.map(|word| Self::Reset(word))
            }
        }
    }

    /// Whether doing it twice is the same as doing it once.
    pub(crate) fn is_repeatable(self) -> bool {
        matches!(self, Self::Reset("On" | "ForceOff" | "GracefulShutdown"))
    }
}

/// Which server or BMC is meant, in the words of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Named<'a> {
    /// A server that is registered in the agent.
    pub server_id: Option<&'a str>,
    /// A BMC.
    pub bmc: Option<&'a ConnectionInput>,
    /// Its system, if it has several.
    pub system_uri: Option<&'a str>,
    /// Do it although another's claim holds the server.
    pub while_claimed: bool,
}

/// What a verb is done to.
pub(crate) struct Target {
    pub connection: BmcConnection,
    pub bmc: Bmc,
    /// Nothing for a restart of the BMC.
    pub system: Option<redfish::System>,
}

impl Target {
    /// What it is, for a diagnostic and as a key.
    pub(crate) fn name(&self) -> String {
        match &self.system {
            Some(system) => format!("{} of {}", system.uri, self.connection.endpoint),
            None => format!("the BMC at {}", self.connection.endpoint),
        }
    }

    /// What the server shows now.
    pub(crate) fn mark(&self) -> RunMark {
        self.system.as_ref().map(RunMark::of).unwrap_or_default()
    }
}

/// Finds what is meant, and sees that nobody else holds it.
pub(crate) async fn find(
    client: &Client,
    named: &Named<'_>,
    verb: Verb,
) -> Result<Target, Diagnostic> {
    let mut system_uri = named.system_uri.map(str::to_owned);
    let connection = match (named.server_id, named.bmc) {
        (Some(id), _) => {
            let id: ServerId = id.parse().map_err(|error| {
                diagnostics::at("server_id", "Invalid server id", format!("{error}."))
            })?;
            let server = client.agent.api().await?.server(id).await?;
            system_uri = Some(server.spec.system_uri);
            server.spec.bmc
        }
        (None, Some(bmc)) => bmc.to_model(),
        (None, None) => {
            return Err(diagnostics::at(
                "server_id",
                "Nothing to act on",
                "Set server_id or bmc.",
            ));
        }
    };
    let bmc = client.bmcs.bmc(&connection).await?;
    let mut target = Target {
        connection,
        bmc,
        system: None,
    };
    if matches!(verb, Verb::Reset(_)) {
        let system = system(&target, system_uri.as_deref()).await?;
        if !named.while_claimed {
            free(client, &system).await?;
        }
        target.system = Some(system);
    }
    Ok(target)
}

async fn system(target: &Target, uri: Option<&str>) -> Result<redfish::System, Diagnostic> {
    let failed = |error: redfish::Error| failed(target, &error);
    if let Some(uri) = uri {
        return target.bmc.system(uri).await.map_err(failed);
    }
    let mut systems = target.bmc.systems().await.map_err(failed)?;
    if systems.len() == 1 {
        return Ok(systems.remove(0));
    }
    let listed: Vec<_> = systems.iter().map(|system| system.uri.as_str()).collect();
    Err(diagnostics::at(
        "system_uri",
        "Several systems to choose from",
        format!(
            "The BMC at {} has {} systems, and none is named. Set system_uri to one of: {}.",
            target.connection.endpoint,
            listed.len(),
            listed.join(", ")
        ),
    ))
}

/// Refuses a server that another's claim holds.
async fn free(client: &Client, system: &redfish::System) -> Result<(), Diagnostic> {
    let Some(id) = system.uuid.filter(|_| client.agent.is_configured()) else {
        return Ok(());
    };
    let server = match client.agent.api().await?.server(id).await {
        Ok(server) => server,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    match server.holder {
        Some(holder) if holder != client.holder => Err(diagnostics::at(
            "while_claimed",
            "Somebody else holds the server",
            format!(
                "Server {id} is claimed by {holder}, and this is {}. Ask them, or set \
                 while_claimed = true to act on it nevertheless.",
                client.holder
            ),
        )),
        _ => Ok(()),
    }
}

/// Does it, once. A server that is where the verb leads is left alone.
pub(crate) async fn perform(
    target: &Target,
    verb: Verb,
    before: &RunMark,
    deadline: Instant,
) -> Result<Sent, redfish::Error> {
    match (verb, &target.system) {
        (Verb::Reset(kind), Some(_)) if before.is_there(kind) => Ok(Sent::Done),
        (Verb::Reset(kind), Some(system)) => target.bmc.reset_once(&system.uri, kind, before).await,
        (Verb::Restart(how), _) => {
            let restarted = target.bmc.reset_manager(how, deadline).await;
            restarted.map(|()| Sent::Done)
        }
        (Verb::Reset(_), None) => Ok(Sent::Unknown),
    }
}

/// The diagnostic of a BMC's error.
pub(crate) fn failed(target: &Target, error: &redfish::Error) -> Diagnostic {
    diagnostics::redfish(&format!("{} was not reset", target.name()), error)
}

/// The diagnostic of a reset that may have been done.
pub(crate) fn unknown(target: &Target, verb: Verb, way_out: &str) -> Diagnostic {
    let word = match verb {
        Verb::Reset(word) => word,
        Verb::Restart(_) => "the restart",
    };
    Diagnostic::error(
        "It is not known whether the server was reset",
        format!(
            "{word} was sent to {}, no reply came, and the BMC shows no trace of it, which not \
             every BMC does. It is not sent a second time. Look at the server's console. {way_out}",
            target.name()
        ),
    )
}
