//! A whole agent on loopback, for tests.

use std::{net::Ipv4Addr, path::Path};

use axum::Router;
use jiff::Timestamp;
use model::{Boot, ServerId, Stage};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    Agent, Config, claims, fixture, http, images,
    leases::{self, Lease},
    limits::Limits,
    store::Store,
};

/// The address that server 1 is leased. All of 127/8 is ours on Linux, so requests really come
/// from it.
pub(crate) const LEASED: Ipv4Addr = Ipv4Addr::new(127, 80, 0, 10);

/// An agent that runs. It ends with the value.
pub(crate) struct TestAgent {
    pub dir: TempDir,
    pub store: Store,
    pub control: String,
    pub boot: String,
    token: String,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), crate::Error>>,
}

/// A configuration that keeps everything in `dir` and on loopback.
pub(crate) fn config(dir: &Path) -> Config {
    let loaders = dir.join("loaders");
    std::fs::create_dir_all(&loaders).unwrap();
    std::fs::write(loaders.join("snponly.efi"), "loader").unwrap();
    let mut config = Config {
        state_dir: dir.join("state"),
        ..Config::default()
    };
    config.control.listen = (Ipv4Addr::LOCALHOST, 0).into();
    config.boot.listen = (Ipv4Addr::LOCALHOST, 0).into();
    config.dhcp.enabled = false;
    config.tftp.enabled = false;
    config.tftp.loader_dir = loaders;
    config
}

impl TestAgent {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), |_| {}).await
    }

    pub(crate) async fn start_in(dir: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(dir.path());
        change(&mut config);
        let token_file = config.token_file();
        let agent = Agent::bind(config).await.unwrap();
        let token = std::fs::read_to_string(token_file).unwrap();
        let shutdown = CancellationToken::new();
        Self {
            store: agent.store(),
            control: format!("http://{}", agent.control_addr()),
            boot: agent.boot_url().to_owned(),
            token: token.trim().to_owned(),
            task: tokio::spawn(agent.run(shutdown.clone())),
            shutdown,
            dir,
        }
    }

    /// Ends the agent as SIGTERM would.
    pub(crate) async fn stop(self) -> TempDir {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
        self.dir
    }

    /// A request to the control API, with the token.
    pub(crate) fn api(&self, method: Method, path: &str) -> RequestBuilder {
        client(Ipv4Addr::LOCALHOST)
            .request(method, format!("{}{path}", self.control))
            .bearer_auth(&self.token)
    }

    /// What the control API answers: the status and the JSON.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.api(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let answer = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        };
        (status, answer)
    }

    /// Asks for what must be granted.
    #[track_caller]
    pub(crate) fn grant(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> impl Future<Output = Value> {
        let asked = self.ask(method, path, body);
        async move {
            let (status, answer) = asked.await;
            assert!((200..300).contains(&status), "{status} {answer}");
            answer
        }
    }

    /// Registers server 1, publishes `spec` as boot config 7, claims, arms, leases.
    pub(crate) async fn plan(&self, spec: &Value) {
        let server = path_of(fixture::server_id(1));
        let registered = serde_json::to_value(fixture::spec(&[1])).unwrap();
        self.grant(Method::PUT, &server, registered).await;
        self.grant(Method::PUT, &boot_config(7), spec.clone()).await;
        self.ready(7).await;
        let mut request = claims::tests::request(1, Some(fixture::server_id(1)));
        request.boot_config_id = Some(fixture::uuid(7));
        request.hostname = Some("node-1".to_owned());
        self.grant(
            Method::POST,
            "/v1/claims",
            serde_json::to_value(request).unwrap(),
        )
        .await;
        self.arm(1).await;
        self.lease(1, LEASED);
    }

    /// Arms the claim of server 1.
    pub(crate) async fn arm(&self, generation: u64) {
        let arm = json!({ "uid": fixture::uuid(1), "generation": generation });
        let path = format!("/v1/claims/{}/arm", fixture::server_id(1));
        self.grant(Method::POST, &path, arm).await;
    }

    /// Waits until a boot config is not pending any more, and returns it.
    pub(crate) async fn ready(&self, id: u128) -> Value {
        loop {
            let found = self.grant(Method::GET, &boot_config(id), Value::Null).await;
            if found["state"] != "pending" {
                return found;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Leases `address` to server `number` for an hour.
    pub(crate) fn lease(&self, number: u8, address: Ipv4Addr) {
        let lease = Lease {
            mac: fixture::mac(number),
            address,
            server_id: fixture::server_id(number),
            expires_at: Timestamp::now() + std::time::Duration::from_secs(3600),
        };
        leases::insert(&self.store, &lease).unwrap();
    }

    /// The boot that is armed for server 1.
    pub(crate) fn boot(&self) -> Boot {
        claims::find(&self.store, fixture::server_id(1))
            .unwrap()
            .boot
            .unwrap()
    }

    /// Whether the boot of server 1 reached `stage`. What is noted after an answer was sent is
    /// waited for.
    pub(crate) async fn reached(&self, stage: Stage) {
        while self.boot().reached(stage).is_none() {
            tokio::task::yield_now().await;
        }
    }

    /// What the boot service answers to a request from `address`: the status and the text.
    pub(crate) async fn fetch_from(
        &self,
        address: Ipv4Addr,
        method: Method,
        url: &str,
    ) -> (u16, String) {
        let url = if url.starts_with('/') {
            format!("{}{url}", self.boot)
        } else {
            url.to_owned()
        };
        let response = client(address).request(method, url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// What the boot service answers to server 1.
    pub(crate) async fn fetch(&self, url: &str) -> (u16, String) {
        self.fetch_from(LEASED, Method::GET, url).await
    }

    /// The script of server 1.
    pub(crate) async fn script(&self) -> String {
        let (status, script) = self
            .fetch(&format!("/ipxe/{}", fixture::mac(1).hexhyp()))
            .await;
        assert_eq!(status, 200, "{script}");
        script
    }
}

/// An HTTP client that asks from `address`.
pub(crate) fn client(address: Ipv4Addr) -> Client {
    client_with(address, None)
}

/// The same, trusting `ca_pem`.
pub(crate) fn client_with(address: Ipv4Addr, ca_pem: Option<&str>) -> Client {
    Client::builder()
        .tls_backend_preconfigured(images::tls(ca_pem).unwrap())
        .local_address(Some(address.into()))
        .no_proxy()
        .build()
        .unwrap()
}

/// Serves `router` for the rest of the test and returns its URL.
pub(crate) async fn upstream(router: Router) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(http::serve::serve(
        listener,
        None,
        router,
        Limits::new(64, 64),
        CancellationToken::new(),
    ));
    url
}

pub(crate) fn boot_config(id: u128) -> String {
    format!("/v1/boot-configs/{}", fixture::uuid(id))
}

pub(crate) fn path_of(server: ServerId) -> String {
    format!("/v1/servers/{server}")
}
