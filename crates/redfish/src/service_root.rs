//! The service root: what a BMC is and where its resources are.

use std::sync::{Arc, PoisonError};

use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    bmc::Inner,
    error::Error,
    lane::Lane,
    lenient::Doc,
    quirks::{Hints, Quirks},
    reply::Document,
    retry::{Attempts, Kind},
    wire::{Authorization, Reply, Request},
};

/// What a BMC says of itself before anyone logs in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceRoot {
    /// Who made the BMC or the server, if it says so.
    pub vendor: Option<String>,
    /// The product.
    pub product: Option<String>,
    /// The version of Redfish, such as `1.11.0`.
    pub redfish_version: Option<String>,
    /// The UUID of the service.
    pub uuid: Option<String>,
    /// Its collection of systems.
    pub systems: Option<String>,
    /// Its collection of managers.
    pub managers: Option<String>,
    /// Whether collections can be read together with their members.
    pub can_expand: bool,
    /// The document itself.
    pub raw: Value,
    /// What is known of such BMCs.
    pub(crate) quirks: Quirks,
}

impl ServiceRoot {
    pub(crate) fn read(document: Document) -> Self {
        let doc = document.doc();
        let oem = doc.get("Oem").names();
        let only_oem = match oem[..] {
            [name] => Some(name.to_owned()),
            _ => None,
        };
        let expand = doc.get("ProtocolFeaturesSupported").get("ExpandQuery");
        Self {
            vendor: doc.text("Vendor").or(only_oem),
            product: doc.text("Product"),
            redfish_version: doc.text("RedfishVersion"),
            uuid: doc.text("UUID"),
            systems: doc.link("Systems"),
            managers: doc.link("Managers"),
            can_expand: ["NoLinks", "ExpandAll"]
                .iter()
                .any(|name| expand.flag(name).unwrap_or(false)),
            raw: document.value,
            quirks: Quirks::default(),
        }
    }

    /// Where to log in, if the BMC has sessions.
    pub(crate) fn sessions_uri(&self) -> Option<String> {
        let doc = Doc::new(&self.raw);
        let service = doc
            .link("SessionService")
            .map(|_service| SESSIONS.to_owned());
        doc.get("Links").link("Sessions").or(service)
    }
}

impl Lane<'_> {
    /// The root as it was read last, or now.
    pub(crate) async fn root(&self) -> Result<Arc<ServiceRoot>, Error> {
        match self.inner.known_root() {
            Some(root) => Ok(root),
            None => self.read_root().await,
        }
    }

    /// Reads the root. It needs no authorization, but some firmware asks for it.
    pub(crate) async fn read_root(&self) -> Result<Arc<ServiceRoot>, Error> {
        let reply = self.inner.get_root().await?;
        let document = if asks_for_login(reply.status) {
            self.get(ROOT).await?
        } else {
            reply.document()?
        };
        Ok(self.inner.keep_root(document))
    }
}

impl Inner {
    /// The root, if it can be had without a login.
    pub(crate) async fn anonymous_root(&self) -> Result<Option<Arc<ServiceRoot>>, Error> {
        let known = self.known_root();
        if known.is_some() {
            return Ok(known);
        }
        let reply = self.get_root().await?;
        if asks_for_login(reply.status) {
            return Ok(None);
        }
        Ok(Some(self.keep_root(reply.document()?)))
    }

    /// The root, if it can be had with a login.
    pub(crate) async fn authorized_root(
        &self,
        authorization: &Authorization,
    ) -> Result<Option<Arc<ServiceRoot>>, Error> {
        let reply = self.wire.send(&Request::get(ROOT), authorization).await?;
        if asks_for_login(reply.status) {
            return Ok(None);
        }
        Ok(Some(self.keep_root(reply.document()?)))
    }

    /// The root as it was read last.
    pub(crate) fn known_root(&self) -> Option<Arc<ServiceRoot>> {
        self.root
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn get_root(&self) -> Result<Reply, Error> {
        let request = Request::get(ROOT);
        let mut attempts = Attempts::new(Kind::Read, self.timing, self.max_retries);
        loop {
            let outcome = self.wire.send(&request, &Authorization::Anonymous).await;
            match attempts.next(&outcome) {
                Some(delay) => self.wire.pause(delay).await?,
                None => return outcome,
            }
        }
    }

    fn keep_root(&self, document: Document) -> Arc<ServiceRoot> {
        let root = Arc::new(ServiceRoot {
            quirks: self.quirks.clone(),
            ..ServiceRoot::read(document)
        });
        if Hints::of(&root, None).close_connections {
            self.wire.close_connections();
        }
        *self.root.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&root));
        root
    }
}

const fn asks_for_login(status: StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 403)
}

/// With the slash: without it some firmware redirects.
const ROOT: &str = "/redfish/v1/";

/// Where DSP0266 puts the collections, for a root that does not say.
pub(crate) const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
pub(crate) const SYSTEMS: &str = "/redfish/v1/Systems";
pub(crate) const MANAGERS: &str = "/redfish/v1/Managers";
