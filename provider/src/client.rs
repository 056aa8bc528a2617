//! What a configured provider works with: the agent, the BMCs, and who it is.

mod failure;
mod objects;

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use model::{
    BootConfig, BootConfigSpec, Claim, Holder, Secret, Server, ServerId, ServerSpec,
    api::{Arm, ClaimRef, ClaimRequest, ClaimUpdate, Problem, ProblemCode, Settle},
};
use reqwest::{Method, header::HeaderValue};
use serde::{Serialize, de::DeserializeOwned};
use tfplugin::{CancellationToken, Diagnostic, Path};
use uuid::Uuid;

use crate::{
    bmc_pool::BmcPool, checks, embedded::Embedded, endpoints::EndpointTable,
    mac_prefixes::MacPrefixes,
};

/// What every resource of one provider configuration shares.
pub(crate) struct Client {
    /// The boot agent.
    pub agent: Agent,
    /// The BMCs that were spoken to.
    pub bmcs: BmcPool,
    /// What MAC addresses tell of BMCs.
    pub mac_prefixes: MacPrefixes,
    /// Where the agent has heard interfaces.
    pub endpoints: EndpointTable,
    /// Who holds the claims that are made here.
    pub holder: Holder,
    /// This process, so that two claims of one configuration can be told from a resumed one.
    pub run: Uuid,
    /// When Terraform stopped it, if it did.
    pub stopped: Arc<OnceLock<Instant>>,
}

/// Where the boot agent is.
pub(crate) enum Agent {
    /// Nowhere: only Redfish works.
    None,
    /// At a URL.
    Remote(AgentApi),
    /// In this process, from its first use on.
    Embedded(Box<Embedded>),
}

impl Agent {
    /// The agent's API. An embedded agent is started by the first call.
    pub(crate) async fn api(&self) -> Result<AgentApi, ApiError> {
        match self {
            Self::None => Err(ApiError::NotConfigured),
            Self::Remote(api) => Ok(api.clone()),
            Self::Embedded(embedded) => embedded.api().await,
        }
    }

    /// Whether there is one at all.
    pub(crate) const fn is_configured(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Ends an embedded agent.
    pub(crate) async fn shutdown(&self) {
        if let Self::Embedded(embedded) = self {
            embedded.shutdown().await;
        }
    }
}

/// Why the agent did not do what it was asked.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// There is no agent.
    NotConfigured,
    /// None of its endpoints answers.
    Unreachable { endpoints: String, cause: String },
    /// What answers is no agent.
    Decode { endpoint: String, cause: String },
    /// It does not know the token.
    Unauthorized { endpoint: String },
    /// It said no.
    Problem(Problem),
    /// The one in this process did not start.
    Embedded(String),
    /// Terraform stopped the call.
    Stopped,
}

impl ApiError {
    /// Whether the agent said that there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        self.code() == Some(ProblemCode::NotFound)
    }

    /// What the agent said, if it said anything.
    pub(crate) fn code(&self) -> Option<ProblemCode> {
        match self {
            Self::Problem(problem) => Some(problem.code),
            _ => None,
        }
    }

    /// Whether nothing is known of what was asked for, because the agent did not answer.
    pub(crate) const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// The agent's control API.
#[derive(Clone)]
pub(crate) struct AgentApi {
    http: reqwest::Client,
    endpoints: Arc<[String]>,
    authorization: HeaderValue,
    stop: CancellationToken,
}

/// How long the agent may take to answer: it only reads and writes its own store.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the answer to a change is waited for once Terraform stops.
const STOP_GRACE: Duration = Duration::from_millis(400);

type Answer<T> = Result<T, ApiError>;

impl AgentApi {
    /// An API at the first of `endpoints` that answers. Nothing is sent yet.
    pub(crate) fn new(
        endpoints: &[String],
        token: &Secret,
        ca_pem: Option<&str>,
        stop: CancellationToken,
    ) -> Result<Self, Diagnostic> {
        let invalid = |attribute: &str, cause: String| {
            Diagnostic::error(format!("agent.{attribute} cannot be used"), cause)
                .at(Path::root("agent").attribute(attribute))
        };
        // A proxy of the environment has no business between Terraform and the site's agent.
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT);
        if let Some(pem) = ca_pem {
            let trusted = checks::certificates(pem).map_err(|cause| invalid("ca_pem", cause))?;
            builder = builder.tls_certs_only(trusted);
        }
        let http = builder
            .build()
            .map_err(|error| invalid("ca_pem", error.to_string()))?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_holds_the_token| {
                invalid(
                    "token",
                    "The token holds characters that no header can carry.".to_owned(),
                )
            })?;
        authorization.set_sensitive(true);
        let trim = |endpoint: &String| endpoint.trim_end_matches('/').to_owned();
        Ok(Self {
            http,
            endpoints: endpoints.iter().map(trim).collect(),
            authorization,
            stop,
        })
    }

    pub(crate) async fn servers(&self) -> Answer<Vec<Server>> {
        self.call(Method::GET, "/v1/servers", None::<&()>).await
    }

    pub(crate) async fn server(&self, id: ServerId) -> Answer<Server> {
        self.call(Method::GET, &format!("/v1/servers/{id}"), None::<&()>)
            .await
    }

    pub(crate) async fn put_server(&self, id: ServerId, spec: &ServerSpec) -> Answer<Server> {
        self.call(Method::PUT, &format!("/v1/servers/{id}"), Some(spec))
            .await
    }

    pub(crate) async fn delete_server(&self, id: ServerId) -> Answer<()> {
        self.send(Method::DELETE, &format!("/v1/servers/{id}"), None::<&()>)
            .await
            .map(drop)
    }

    pub(crate) async fn boot_config(&self, id: Uuid) -> Answer<BootConfig> {
        self.call(Method::GET, &format!("/v1/boot-configs/{id}"), None::<&()>)
            .await
    }

    pub(crate) async fn put_boot_config(
        &self,
        id: Uuid,
        spec: &BootConfigSpec,
    ) -> Answer<BootConfig> {
        self.call(Method::PUT, &format!("/v1/boot-configs/{id}"), Some(spec))
            .await
    }

    pub(crate) async fn delete_boot_config(&self, id: Uuid) -> Answer<()> {
        self.send(
            Method::DELETE,
            &format!("/v1/boot-configs/{id}"),
            None::<&()>,
        )
        .await
        .map(drop)
    }

    pub(crate) async fn claim(&self, request: &ClaimRequest) -> Answer<Claim> {
        self.call(Method::POST, "/v1/claims", Some(request)).await
    }

    pub(crate) async fn claim_of(&self, server: ServerId) -> Answer<Claim> {
        self.call(Method::GET, &format!("/v1/claims/{server}"), None::<&()>)
            .await
    }

    pub(crate) async fn update_claim(
        &self,
        server: ServerId,
        update: &ClaimUpdate,
    ) -> Answer<Claim> {
        self.call(Method::PATCH, &format!("/v1/claims/{server}"), Some(update))
            .await
    }

    pub(crate) async fn arm(&self, server: ServerId, arm: &Arm) -> Answer<Claim> {
        self.call(Method::POST, &format!("/v1/claims/{server}/arm"), Some(arm))
            .await
    }

    pub(crate) async fn disarm(&self, server: ServerId, uid: Uuid) -> Answer<Claim> {
        let body = ClaimRef { uid };
        self.call(
            Method::POST,
            &format!("/v1/claims/{server}/disarm"),
            Some(&body),
        )
        .await
    }

    pub(crate) async fn settle(&self, server: ServerId, settle: Settle) -> Answer<Claim> {
        let path = format!("/v1/claims/{server}/settle");
        self.call(Method::POST, &path, Some(&settle)).await
    }

    pub(crate) async fn record(&self, server: ServerId, uid: Uuid) -> Answer<Claim> {
        let path = format!("/v1/claims/{server}/record");
        self.call(Method::POST, &path, Some(&ClaimRef { uid }))
            .await
    }

    pub(crate) async fn release(&self, server: ServerId, uid: Uuid) -> Answer<()> {
        let path = format!("/v1/claims/{server}?uid={uid}");
        self.send(Method::DELETE, &path, None::<&()>)
            .await
            .map(drop)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Answer<T> {
        let (endpoint, response) = self.send(method, path, body).await?;
        let bytes = self
            .until_stopped(response.bytes(), STOP_GRACE)
            .await?
            .map_err(|error| ApiError::Unreachable {
                endpoints: endpoint.clone(),
                cause: failure::describe(&endpoint, &error),
            })?;
        // The error of serde may quote the body, which can hold payloads: position alone.
        serde_json::from_slice(&bytes).map_err(|error| ApiError::Decode {
            endpoint,
            cause: format!(
                "unexpected JSON at line {}, column {}",
                error.line(),
                error.column()
            ),
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Answer<(String, reqwest::Response)> {
        if self.stop.is_cancelled() {
            return Err(ApiError::Stopped);
        }
        let mut cause = String::new();
        for endpoint in &*self.endpoints {
            let mut request = self
                .http
                .request(method.clone(), format!("{endpoint}{path}"))
                .header(reqwest::header::AUTHORIZATION, self.authorization.clone());
            if let Some(body) = body {
                request = request.json(body);
            }
            // The answer to a change may name what has to be remembered.
            let grace = if method == Method::GET {
                Duration::ZERO
            } else {
                STOP_GRACE
            };
            match self.until_stopped(request.send(), grace).await? {
                Ok(response) if response.status().is_success() => {
                    return Ok((endpoint.clone(), response));
                }
                Ok(response) => return Err(self.problem(endpoint, response).await),
                Err(error) => cause = failure::describe(endpoint, &error),
            }
        }
        Err(ApiError::Unreachable {
            endpoints: self.endpoints.join(", "),
            cause,
        })
    }

    async fn problem(&self, endpoint: &str, response: reqwest::Response) -> ApiError {
        let status = response.status();
        let body = match self.until_stopped(response.bytes(), STOP_GRACE).await {
            Ok(body) => body.unwrap_or_default(),
            Err(stopped) => return stopped,
        };
        serde_json::from_slice(&body).map_or_else(
            |_no_problem_document| ApiError::Decode {
                endpoint: endpoint.to_owned(),
                cause: format!("status {status} without a problem document"),
            },
            |problem: Problem| match problem.code {
                ProblemCode::Unauthorized => ApiError::Unauthorized {
                    endpoint: endpoint.to_owned(),
                },
                _ => ApiError::Problem(problem),
            },
        )
    }

    /// Does `work`, which has `grace` to end once the caller stops.
    async fn until_stopped<T>(&self, work: impl Future<Output = T>, grace: Duration) -> Answer<T> {
        let over = async {
            self.stop.cancelled().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            () = over => Err(ApiError::Stopped),
            value = work => Ok(value),
        }
    }
}
