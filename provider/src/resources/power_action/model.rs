//! What a power action's attributes are, and what makes two of them the same.

use std::collections::BTreeMap;

use serde_json::json;
use tfplugin::{Model, Timeouts};
use uuid::Uuid;

use crate::{
    checks,
    power_verb::{Named, Target, Verb},
    resources::{ConnectionInput, bmc, not_readable},
};

/// A reset of a server, or a restart of its BMC, that is done once: when the resource is created,
/// and again whenever `triggers`, `action`, `server_id` or `system_uri` change. A change of `bmc` alone
/// does nothing: a BMC that has another address is still the same one; name another BMC in `triggers`.
/// It is done when the BMC has taken it; a restart of a BMC, when the BMC is back. Destroying it does
/// nothing.
///
/// A lost reply, Ctrl-C or a killed run does not make it happen twice: what is begun is noted in
/// Terraform's data directory until Terraform has stored it, and what the BMC shows before and after
/// tells whether it was done. Where that cannot be told, it is an error, and nothing is sent. Where
/// the data directory does not outlive a killed run, as in some CI systems, neither does the note.
///
/// With Terraform 1.14 and later, the actions `baremetal_server_power` and `baremetal_bmc_reset` do
/// the same without a resource.
#[derive(Clone, Debug, Model)]
pub(crate) struct PowerActionModel {
    /// Its identity.
    #[tf(computed, keep)]
    pub id: Option<String>,
    /// The server, registered in the agent: `baremetal_server.NAME.id`. Exactly one of `server_id`
    /// and `bmc` is needed.
    #[tf(replace, check = checks::uuid, same = checks::same_uuid)]
    pub server_id: Option<String>,
    /// How the BMC is reached: `baremetal_bmc.NAME.connection`.
    #[tf(check = not_readable)]
    pub bmc: Option<ConnectionInput>,
    /// The server's resource on that BMC, such as `/redfish/v1/Systems/1`. Needed when it has
    /// several.
    #[tf(replace, same = checks::same_uri)]
    pub system_uri: Option<String>,
    /// What to do, in Redfish's words: `On`, `ForceOff`, `GracefulShutdown`, `GracefulRestart`,
    /// `ForceRestart`, `PowerCycle`, `Nmi` or `PushPowerButton`; or to the BMC itself:
    /// `BmcGracefulRestart` or `BmcForceRestart`, each of which stands for the other on a BMC that
    /// offers one of them alone.
    #[tf(replace, check = checks::reset_or_restart)]
    pub action: String,
    /// Anything: when a value changes, it is done again.
    #[tf(replace)]
    pub triggers: Option<BTreeMap<String, String>>,
    /// Do it although somebody else's claim holds the server.
    #[tf(default = false)]
    pub while_claimed: bool,
    /// How long it may take.
    pub timeouts: Option<Timeouts>,
}

impl PowerActionModel {
    pub(super) fn named(&self) -> Named<'_> {
        Named {
            server_id: self.server_id.as_deref(),
            bmc: self.bmc.as_ref(),
            system_uri: self.system_uri.as_deref(),
            while_claimed: self.while_claimed,
        }
    }

    /// What makes it the same action as that of an earlier run.
    pub(super) fn key(&self, target: &Target) -> String {
        json!([target.name(), self.action, self.triggers]).to_string()
    }

    /// One that counts as done: a server's id or, as `baremetal_bmc` is imported, a BMC; an action;
    /// and triggers like a URL's query.
    pub(super) fn imported(id: &str) -> Option<Self> {
        let (target, rest) = id.split_once('/')?;
        let (server, bmc) = match target.parse::<model::ServerId>() {
            Ok(server) => (Some(server.to_string()), None),
            Err(_no_server) => (None, Some(bmc::imported_connection(target)?)),
        };
        let url = reqwest::Url::parse(&format!("x:///{rest}")).ok()?;
        let action = url.path().trim_start_matches('/').to_owned();
        Verb::parse(&action)?;
        let triggers: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        Some(Self {
            id: Some(Uuid::new_v4().to_string()),
            server_id: server,
            bmc: bmc.as_ref().map(ConnectionInput::from_model),
            system_uri: None,
            action,
            triggers: Some(triggers).filter(|triggers| !triggers.is_empty()),
            while_claimed: false,
            timeouts: None,
        })
    }

    /// What imports this action, if an import can be all that it is.
    pub(super) fn import_id(&self) -> Option<String> {
        let target = match (&self.server_id, &self.bmc, &self.system_uri) {
            (Some(server), _, None) => server.clone(),
            (None, Some(bmc), None) => bmc::import_id(&bmc.to_model()),
            _ => return None,
        };
        let mut id = format!("{target}/{}", self.action);
        if let Some(triggers) = self
            .triggers
            .as_ref()
            .filter(|triggers| !triggers.is_empty())
        {
            let mut url = reqwest::Url::parse("x:///").ok()?;
            url.query_pairs_mut().extend_pairs(triggers);
            id = format!("{id}?{}", url.query()?);
        }
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_action_is_imported_as_done_with_its_triggers() {
        let server = "4c4c4544-0042-3510-8057-b7c04f4b4d32";
        let action = PowerActionModel::imported(&format!("{server}/PowerCycle?why=a%20b&n=2"));
        let action = action.unwrap();
        assert_eq!(action.action, "PowerCycle");
        let triggers = [("n", "2"), ("why", "a b")];
        let triggers = triggers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(action.triggers, Some(triggers.into()));
        let plain = PowerActionModel::imported(&format!("{server}/On")).unwrap();
        assert_eq!(plain.triggers, None);
        for id in [
            "rack1@10.0.0.5:443/BmcForceRestart",
            "rack1@10.0.0.5:443?insecure=true/On?path=%2Fa%3Fb&why=a+b",
            &format!("{server}/PowerCycle?n=2&why=a+b"),
        ] {
            let action = PowerActionModel::imported(id).unwrap();
            assert_eq!(action.server_id.is_none(), action.bmc.is_some());
            assert_eq!(action.import_id().as_deref(), Some(id));
        }
        let short = PowerActionModel::imported("rack1@10.0.0.5/BmcForceRestart").unwrap();
        assert_eq!(short.bmc.unwrap().endpoint, "https://10.0.0.5:443");
        for bad in [
            "",
            server,
            "x/On",
            "rack1@52:54:00:12:34:56/On",
            &format!("{server}/Explode"),
        ] {
            assert!(PowerActionModel::imported(bad).is_none(), "{bad}");
        }
    }
}
