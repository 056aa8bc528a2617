//! `baremetal_bmc`: a BMC, by its address.

use tfplugin::{
    AttributeType as _, Context, Diagnostic, Failed, ImportBy, Model, Path, Plan, Resource, Value,
    async_trait,
};

use super::connection::{self, ConnectionOutput, Tls};
use crate::{checks, client::Client, diagnostics};

/// A BMC: the management controller that a server is reached through. Its `connection` is what a
/// `baremetal_server` takes. Destroying it ends the session and touches nothing else.
#[derive(Clone, Debug, Model)]
pub(crate) struct BmcModel {
    /// The BMC's origin, `https://10.0.0.5:443`.
    #[tf(computed, keep)]
    pub id: Option<String>,
    /// Its host name or IP address. Changing it is an update in place.
    #[tf(check = checks::host)]
    pub address: String,
    /// Its TCP port.
    #[tf(check = checks::port, default = 443)]
    pub port: i64,
    /// `https`, or `http` together with `tls.insecure`.
    #[tf(check = checks::scheme, default = "https")]
    pub scheme: String,
    /// The name of its credentials in the provider's `credentials`.
    pub credentials: String,
    /// How to verify its certificate.
    pub tls: Option<Tls>,
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

/// The resource `baremetal_bmc`.
pub(crate) struct Bmc;

impl BmcModel {
    fn connection(&self) -> model::BmcConnection {
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
    async fn observe(&mut self, client: &Client) -> Result<(), (Diagnostic, bool)> {
        let connection = self.connection();
        let endpoint = connection.endpoint.clone();
        let bmc = client
            .bmcs
            .bmc(&connection)
            .await
            .map_err(|diagnostic| (diagnostic, false))?;
        let failed = |error: redfish::Error| {
            let subject = format!("BMC {endpoint} cannot be read");
            (
                diagnostics::redfish(&subject, &error),
                error.is_unreachable(),
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

#[async_trait]
impl Resource<Client> for Bmc {
    type Model = BmcModel;
    const NAME: &'static str = "bmc";

    fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let tls = config.get("tls");
        let insecure = tls.get("insecure").as_bool().unwrap_or(false);
        let mut found = Vec::new();
        if config.get("scheme").as_str() == Some("http") && !insecure && tls.is_known() {
            found.push(diagnostics::at(
                "scheme",
                "Plain http would show the password",
                "The BMC's password would travel readable. Use https, or say tls = { insecure = \
                 true } if the network between is trusted.",
            ));
        }
        let pinned = !tls.get("ca_pem").is_null() || !tls.get("fingerprint_sha256").is_null();
        if insecure && pinned {
            found.push(
                Diagnostic::error(
                    "The certificate is both verified and not",
                    "tls has insecure = true beside ca_pem or fingerprint_sha256. Remove one.",
                )
                .at(Path::root("tls").attribute("insecure")),
            );
        } else if insecure {
            found.push(
                Diagnostic::warning(
                    "The BMC's certificate is not verified",
                    "Whoever is on the path can read the password. Pin the certificate with \
                     tls.fingerprint_sha256: an error without insecure prints it.",
                )
                .at(Path::root("tls").attribute("insecure")),
            );
        }
        found
    }

    fn plan(&self, plan: &mut Plan<'_>) {
        // Known at plan already, so that what hangs on it can be planned too.
        match connection::known(plan.planned) {
            Some(connection) => {
                plan.set("id", Value::String(connection.endpoint.clone()));
                plan.set(
                    "connection",
                    Some(ConnectionOutput::from(connection)).encode(),
                );
            }
            None => {
                plan.unknown("id");
                plan.unknown("connection");
            }
        }
    }

    async fn create(
        &self,
        cx: &mut Context<Client>,
        mut plan: BmcModel,
    ) -> Result<BmcModel, Failed<BmcModel>> {
        plan.observe(&cx.client)
            .await
            .map_err(|(diagnostic, _)| diagnostic)?;
        Ok(plan)
    }

    async fn read(
        &self,
        cx: &mut Context<Client>,
        mut state: BmcModel,
    ) -> Result<Option<BmcModel>, Diagnostic> {
        match state.observe(&cx.client).await {
            Ok(()) => {}
            Err((diagnostic, true)) => {
                cx.warn(diagnostics::kept(diagnostic, "this BMC"));
            }
            Err((diagnostic, false)) => return Err(diagnostic),
        }
        Ok(Some(state))
    }

    async fn update(
        &self,
        cx: &mut Context<Client>,
        _prior: BmcModel,
        plan: BmcModel,
    ) -> Result<BmcModel, Failed<BmcModel>> {
        self.create(cx, plan).await
    }

    async fn delete(&self, _: &mut Context<Client>, _: BmcModel) -> Result<(), Diagnostic> {
        Ok(())
    }

    async fn import(&self, _: &mut Context<Client>, by: ImportBy) -> Result<BmcModel, Diagnostic> {
        let ImportBy::Id(id) = by else {
            return Err(import_error("an identity"));
        };
        parse_import(&id).ok_or_else(|| import_error(&format!("{id:?}")))
    }
}

fn import_error(found: &str) -> Diagnostic {
    Diagnostic::error(
        "The import id of a BMC cannot be read",
        format!(
            "Expected CREDENTIALS@ADDRESS or CREDENTIALS@ADDRESS:PORT, such as rack1@10.0.0.5, \
             where CREDENTIALS is a name in the provider's credentials; found {found}. A pinned \
             certificate goes behind it: rack1@10.0.0.5?fingerprint_sha256=DIGEST. A BMC without \
             verification ends in ?insecure=true."
        ),
    )
}

fn parse_import(id: &str) -> Option<BmcModel> {
    let (credentials, rest) = id.split_once('@')?;
    let url = reqwest::Url::parse(&format!("https://{rest}")).ok()?;
    let mut tls = Tls::default();
    let mut scheme = "https".to_owned();
    for (key, value) in url.query_pairs() {
        match &*key {
            "fingerprint_sha256" => tls.fingerprint_sha256 = Some(value.into_owned()),
            "insecure" => tls.insecure = Some(value.parse().ok()?),
            "scheme" => scheme = value.into_owned(),
            _ => return None,
        }
    }
    let trusts = tls.fingerprint_sha256.is_some() || tls.insecure.is_some();
    let address = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let model = BmcModel {
        id: None,
        address,
        port: url.port_or_known_default().map_or(443, i64::from),
        scheme,
        credentials: credentials.to_owned(),
        tls: trusts.then_some(tls),
        connection: None,
        uuid: None,
        manufacturer: None,
        model: None,
        firmware_version: None,
        redfish_version: None,
        systems: None,
    };
    (!credentials.is_empty() && matches!(&*model.scheme, "http" | "https")).then_some(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_id_names_credentials_address_port_and_pin() {
        let bmc = parse_import("rack1@10.0.0.5").unwrap();
        assert_eq!(bmc.connection().endpoint, "https://10.0.0.5:443");
        assert_eq!(bmc.credentials, "rack1");
        let bmc = parse_import("r@127.0.0.1:4430?fingerprint_sha256=ab").unwrap();
        assert_eq!(bmc.connection().endpoint, "https://127.0.0.1:4430");
        assert_eq!(bmc.tls.unwrap().fingerprint_sha256.as_deref(), Some("ab"));
        for bad in [
            "",
            "10.0.0.5",
            "@10.0.0.5",
            "r@",
            "r@h?password=x",
            "r@h?scheme=ftp",
        ] {
            assert!(parse_import(bad).is_none(), "{bad}");
        }
    }
}
