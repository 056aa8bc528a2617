//! The manager: the BMC's own resource.

use model::MacAddr;
use serde_json::Value;

use crate::{
    bmc::{Bmc, Inner},
    collection::{self, Expand, Member},
    error::Error,
    ethernet,
    lenient::Doc,
    reply::Document,
    service_root::MANAGERS,
    system::System,
};

/// What a BMC says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manager {
    /// Its resource.
    pub uri: String,
    /// Its id.
    pub id: Option<String>,
    /// Its kind, `BMC` as a rule.
    pub manager_type: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its serial number.
    pub serial_number: Option<String>,
    /// Its part number.
    pub part_number: Option<String>,
    /// Its UUID as it spells it. On some makers' BMCs it is the system's.
    pub uuid: Option<String>,
    /// The version of its firmware.
    pub firmware_version: Option<String>,
    /// `OK`, `Warning` or `Critical`.
    pub health: Option<String>,
    /// The document itself.
    pub raw: Value,
}

impl Manager {
    fn read(member: Member) -> Self {
        let Member {
            uri,
            document: Document { value, .. },
        } = member;
        let doc = Doc::new(&value);
        Self {
            uri,
            id: doc.word("Id").map(str::to_owned),
            manager_type: doc.text("ManagerType"),
            manufacturer: doc.text("Manufacturer"),
            model: doc.text("Model"),
            serial_number: doc.text("SerialNumber"),
            part_number: doc.text("PartNumber"),
            uuid: doc.text("UUID"),
            firmware_version: doc.text("FirmwareVersion"),
            health: doc.get("Status").text("Health"),
            raw: value,
        }
    }

    /// How likely this one is the BMC, smallest first.
    fn rank(&self) -> (bool, bool, usize, &str) {
        let is_bmc = self
            .manager_type
            .as_deref()
            .is_some_and(|kind| kind == "BMC");
        let has_console = Doc::new(&self.raw).has("GraphicalConsole");
        (!is_bmc, !has_console, self.uri.len(), &self.uri)
    }
}

impl Bmc {
    /// Reads the manager of a system, or of this BMC as a whole. If there are several, it is the
    /// one that looks most like a BMC.
    pub async fn manager(&self, system: Option<&System>) -> Result<Option<Manager>, Error> {
        let mut managers = Vec::new();
        if let Some(system) = system {
            let links = system.doc().get("Links");
            // The second name is from before the schema had the first.
            let mut uris = links.links("ManagedBy");
            uris.extend(links.links("Managers"));
            for uri in uris {
                match self.inner.shared().get(&uri).await {
                    Ok(document) => managers.push(Manager::read(Member { uri, document })),
                    Err(Error::NotFound { .. } | Error::Decode { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if managers.is_empty() {
            managers = listed(&self.inner).await?;
        }
        Ok(managers
            .into_iter()
            .min_by(|one, other| one.rank().cmp(&other.rank())))
    }
}

impl Bmc {
    /// Reads the manager at a place.
    pub async fn manager_at(&self, uri: &str) -> Result<Manager, Error> {
        let document = self.inner.shared().get(uri).await?;
        let uri = uri.to_owned();
        Ok(Manager::read(Member { uri, document }))
    }

    /// Reads the addresses of a manager's own network interfaces. There may be none to be seen.
    pub async fn manager_macs(&self, manager: &Manager) -> Result<Vec<MacAddr>, Error> {
        let Some(uri) = Doc::new(&manager.raw).link("EthernetInterfaces") else {
            return Ok(Vec::new());
        };
        let lane = self.inner.shared();
        let members = ethernet::optional(&lane, &uri, Expand::Never).await?;
        let own = |member: &Member| ethernet::interface(&member.uri, member.document.doc());
        Ok(members.iter().filter_map(own).map(|nic| nic.mac).collect())
    }
}

async fn listed(inner: &Inner) -> Result<Vec<Manager>, Error> {
    let lane = inner.shared();
    let root = lane.root().await?;
    let path = root.managers.as_deref().unwrap_or(MANAGERS);
    match collection::members(&lane, path, Expand::Never).await {
        Ok(members) => Ok(members.into_iter().map(Manager::read).collect()),
        Err(Error::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
