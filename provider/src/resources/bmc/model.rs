//! What a BMC's attributes are, and what only the BMC knows of them.

use tfplugin::{Diagnostic, Model, Timeouts};

use crate::{
    checks,
    client::Client,
    diagnostics,
    resources::connection::{self, ConnectionOutput, Tls},
};

/// A BMC: the management controller that a server is reached through. Its `connection` is what a
/// `baremetal_server` takes. Destroying it ends the session and touches nothing else.
#[derive(Clone, Debug, Model)]
pub(crate) struct BmcModel {
    /// The BMC's origin, `https://10.0.0.5:443`.
    #[tf(computed, keep)]
    pub id: Option<String>,
    /// Its host name or IP address. Changing it is an update in place, which finds out that the same
    /// BMC answers there.
    #[tf(check = checks::host, identity)]
    pub address: String,
    /// Its TCP port.
    #[tf(check = checks::port, default = 443, identity)]
    pub port: i64,
    /// `https`, or `http` together with `tls.insecure`.
    #[tf(check = checks::scheme, default = "https")]
    pub scheme: String,
    /// The name of its credentials in the provider's `credentials`.
    #[tf(identity)]
    pub credentials: String,
    /// How to verify its certificate.
    pub tls: Option<Tls>,
    /// How long its operations may take.
    pub timeouts: Option<Timeouts>,
    /// How the BMC is reached: what `baremetal_server` takes as its `bmc`.
    #[tf(computed, keep)]
    pub connection: Option<ConnectionOutput>,
    /// The UUID of its manager.
    #[tf(computed, keep)]
    pub uuid: Option<String>,
    /// Who made it.
    #[tf(computed, keep)]
    pub manufacturer: Option<String>,
    /// The model of its manager.
    #[tf(computed, keep)]
    pub model: Option<String>,
    /// Its firmware's version.
    #[tf(computed, keep)]
    pub firmware_version: Option<String>,
    /// The version of Redfish it speaks.
    #[tf(computed, keep)]
    pub redfish_version: Option<String>,
    /// The systems behind it.
    #[tf(computed, keep)]
    pub systems: Option<Vec<SystemModel>>,
}

/// A system behind a BMC.
#[derive(Clone, Debug, Model)]
pub(crate) struct SystemModel {
    /// Its UUID, lower case. Null if it has none.
    #[tf(computed)]
    pub uuid: Option<String>,
    /// Its resource.
    #[tf(computed)]
    pub uri: Option<String>,
    /// Its id on this BMC.
    #[tf(computed)]
    pub name: Option<String>,
}

impl BmcModel {
    /// What an apply returns: what was planned, and what was not known then.
    pub(super) fn returned(self, planned: Self) -> Self {
        Self {
            id: planned.id.or(self.id),
            connection: planned.connection.or(self.connection),
            uuid: planned.uuid.or(self.uuid),
            manufacturer: planned.manufacturer.or(self.manufacturer),
            model: planned.model.or(self.model),
            firmware_version: planned.firmware_version.or(self.firmware_version),
            redfish_version: planned.redfish_version.or(self.redfish_version),
            systems: planned.systems.or(self.systems),
            ..planned
        }
    }

    pub(super) fn connection(&self) -> model::BmcConnection {
        let tls = self.tls.clone().unwrap_or_default();
        model::BmcConnection {
            endpoint: connection::endpoint(&self.scheme, &self.address, self.port),
            credentials: self.credentials.clone(),
            tls: model::BmcTls {
                ca_pem: tls.ca_pem,
                fingerprint_sha256: tls.fingerprint_sha256.as_deref().map(checks::hex_digits),
                insecure: tls.insecure.unwrap_or(false),
            },
        }
    }

    /// Fills in what only the BMC knows.
    pub(super) async fn observe(&mut self, client: &Client) -> Result<(), (Diagnostic, bool)> {
        let connection = self.connection();
        let endpoint = connection.endpoint.clone();
        let bmc = client
            .bmcs
            .bmc(&connection)
            .await
            // The plan may be just what corrects it.
            .map_err(|diagnostic| (diagnostic, true))?;
        let failed = |error: redfish::Error| {
            let subject = format!("BMC {endpoint} cannot be read");
            (
                diagnostics::redfish(&subject, &error),
                diagnostics::is_unseen(&error),
            )
        };
        let root = bmc.service_root().await.map_err(failed)?;
        let systems = bmc.systems().await.map_err(failed)?;
        let manager = bmc.manager(systems.first()).await.map_err(failed)?;
        self.id = Some(endpoint.clone());
        self.connection = Some(connection.into());
        self.redfish_version = root.redfish_version;
        self.manufacturer = root
            .vendor
            .or_else(|| systems.first()?.manufacturer.clone());
        self.uuid = manager.as_ref().and_then(|manager| manager.uuid.clone());
        self.model = manager.as_ref().and_then(|manager| manager.model.clone());
        self.firmware_version = manager.and_then(|manager| manager.firmware_version);
        let system = |system: redfish::System| SystemModel {
            uuid: system.uuid.map(|uuid| uuid.to_string()),
            uri: Some(system.uri),
            name: system.id,
        };
        self.systems = Some(systems.into_iter().map(system).collect());
        Ok(())
    }
}
