//! A room of machines, and what stands in front of one of them.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use model::{BmcConnection, BmcTls, PowerState, Secret};
use rack::{MachineConfig, MachineHandle, Network, Rack, RackConfig};
use redfish::{
    Authentication, Bmc, BootEnabled, BootOverride, BootTarget, Config, Credentials, Power, Quirks,
    System,
};
use reqwest::{Client, Method, redirect};
use serde_json::{Value, json};

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Outcome = Result<(), Failure>;

pub(crate) const ROOT: &str = "/redfish/v1/";
pub(crate) const SYSTEMS: &str = "/redfish/v1/Systems";
pub(crate) const SYSTEM: &str = "/redfish/v1/Systems/1";
pub(crate) const RESET: &str = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset";
pub(crate) const NICS: &str = "/redfish/v1/Systems/1/EthernetInterfaces";
pub(crate) const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";

/// The machines of all runs, behind one relay that nobody uses.
pub(crate) struct Room {
    rack: Rack,
    username: String,
    password: Secret,
}

impl Room {
    pub(crate) async fn open(machines: Vec<MachineConfig>) -> Self {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let network = Network {
            dhcp_server: nowhere,
            relay: Ipv4Addr::LOCALHOST,
            tftp_port: 9,
        };
        let mut config = RackConfig::new("quirks", 0, network);
        config.machines = machines;
        config.power_delay = Duration::from_millis(20);
        let (username, password) = (config.username.clone(), config.password.clone());
        let rack = Rack::start(config).await.unwrap();
        Self {
            rack,
            username,
            password,
        }
    }
}

/// One machine, a handle of our client, and a client that knows only the standard.
pub(crate) struct Bench {
    pub(crate) machine: MachineHandle,
    pub(crate) connection: BmcConnection,
    pub(crate) credentials: Credentials,
    pub(crate) config: Config,
    http: Client,
}

/// A reply as it came.
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Raw {
    /// The body of a success, which has to be JSON if there is one.
    pub(crate) fn strict(self) -> Result<Value, Failure> {
        if !(200..300).contains(&self.status) {
            return Err(format!("it answered {}: {}", self.status, self.text.trim()).into());
        }
        if self.text.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_str(&self.text)?)
    }

    pub(crate) fn header(&self, name: &str) -> Result<String, Failure> {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        let missing = || format!("its {} reply has no {name}", self.status);
        Ok(value.ok_or_else(missing)?.to_owned())
    }
}

impl Bench {
    pub(crate) fn new(room: &Room, slot: usize, quirks: Quirks) -> Self {
        let machine = room.rack.machines()[slot].clone();
        let tls = BmcTls {
            ca_pem: Some(room.rack.ca_pem().to_owned()),
            ..BmcTls::default()
        };
        let connection = BmcConnection {
            endpoint: machine.bmc_endpoint(),
            credentials: "quirks".to_owned(),
            tls,
        };
        let credentials = Credentials {
            username: room.username.clone(),
            password: room.password.clone(),
        };
        let config = Config {
            authentication: Authentication::Session,
            quirks,
            ..Config::default()
        };
        // Somebody may have done it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            machine,
            connection,
            credentials,
            config,
            http,
        }
    }

    /// A handle of our client.
    pub(crate) fn bmc(&self) -> Bmc {
        Bmc::new(&self.connection, self.credentials.clone(), &self.config).unwrap()
    }

    /// The host behind the BMC.
    pub(crate) async fn system(&self, bmc: &Bmc) -> Result<System, Failure> {
        let systems = bmc.systems().await?;
        Ok(systems.into_iter().next().ok_or("there is no system")?)
    }

    /// Sends one request as the standard has it, with Basic unless headers say otherwise.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Raw, Failure> {
        let url = format!("{}{path}", self.connection.endpoint);
        let mut request = self.http.request(method, url);
        let own = headers
            .iter()
            .any(|(name, _)| matches!(*name, "X-Auth-Token" | "Anonymous"));
        if !own {
            let password = self.credentials.password.expose();
            request = request.basic_auth(&self.credentials.username, Some(password));
        }
        for (name, value) in headers {
            if *name != "Anonymous" {
                request = request.header(*name, *value);
            }
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        Ok(Raw {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await?,
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, path, None, &[]).await?.strict()
    }

    /// A change with the tag of what is to be changed, as a careful client sends it.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Raw, Failure> {
        let read = self.send(Method::GET, path, None, &[]).await?;
        let tag = read.header("etag")?;
        self.send(Method::PATCH, path, Some(body), &[("If-Match", &tag)])
            .await
    }

    /// A change without a tag, which has to be taken.
    pub(crate) async fn change(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(Method::PATCH, path, Some(body), &[])
            .await?
            .strict()
    }

    pub(crate) async fn reset(&self, kind: &str) -> Result<Raw, Failure> {
        let body = json!({"ResetType": kind});
        self.send(Method::POST, RESET, Some(&body), &[]).await
    }

    /// Logs in.
    pub(crate) async fn login(&self) -> Result<Raw, Failure> {
        let body = json!({
            "UserName": self.credentials.username,
            "Password": self.credentials.password.expose(),
        });
        let anonymous = [("Anonymous", "")];
        self.send(Method::POST, SESSIONS, Some(&body), &anonymous)
            .await
    }

    /// How often the system was asked for a reset of this kind.
    pub(crate) fn resets(&self, kind: &str) -> u64 {
        let counters = self.machine.bmc_counters();
        counters.resets.get(kind).copied().unwrap_or(0)
    }

    /// Switches the machine on by our client.
    pub(crate) async fn power(&self, bmc: &Bmc, power: Power) -> Outcome {
        let system = self.system(bmc).await?;
        let deadline = Instant::now() + Duration::from_secs(50);
        let state = bmc.set_power(&system.uri, power, deadline).await?;
        let wanted = if power == Power::On {
            PowerState::On
        } else {
            PowerState::Off
        };
        ensure(state == wanted, "the power state is another one")
    }

    /// Arms an override for one boot by our client, and says what it warns of.
    pub(crate) async fn arm(&self, bmc: &Bmc, target: BootTarget) -> Result<Vec<String>, Failure> {
        let system = self.system(bmc).await?;
        Ok(bmc.set_boot_override(&system.uri, once(target)).await?)
    }

    /// Arms an override that has to arrive.
    pub(crate) async fn arms(&self, bmc: &Bmc, target: BootTarget) -> Outcome {
        let warnings = self.arm(bmc, target).await?;
        ensure(warnings.is_empty(), &format!("{warnings:?}"))
    }

    /// Sets the asset tag by our client, and reads it.
    pub(crate) async fn tag(&self, bmc: &Bmc) -> Outcome {
        let system = self.system(bmc).await?;
        bmc.set_asset_tag(&system.uri, "quirk-7").await?;
        let seen = bmc.system(&system.uri).await?.asset_tag;
        ensure(
            seen.as_deref() == Some("quirk-7"),
            "the asset tag is another one",
        )
    }
}

pub(crate) fn once(target: BootTarget) -> BootOverride {
    BootOverride {
        target,
        enabled: BootEnabled::Once,
        mode: None,
        http_boot_uri: None,
    }
}

pub(crate) fn ensure(is: bool, otherwise: &str) -> Outcome {
    if is { Ok(()) } else { Err(otherwise.into()) }
}
