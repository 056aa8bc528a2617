//! One request to a BMC and its reply: HTTP/1.1, to the BMC's origin only, bounded in time and size.

mod body;
pub(crate) mod failure;

use std::{
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use model::{BmcConnection, Secret};
use reqwest::{
    Client, Method, RequestBuilder, StatusCode, Url,
    header::{self, HeaderMap, HeaderValue},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    bmc::{Config, Credentials},
    error::Error,
    messages::Messages,
    origin::Origin,
    shown,
};

/// What proves who asks.
#[derive(Clone, Debug)]
pub(crate) enum Authorization {
    /// Nothing: only for the service root and for logging in.
    Anonymous,
    /// The token of the session with this number.
    Token { token: HeaderValue, generation: u64 },
    /// The credentials themselves.
    Basic,
    /// The same, with a first request that may stay the only one.
    Lone,
}

/// What a stopped caller means for a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnStop {
    /// Give up at once.
    Abort,
    /// Wait this much longer for the reply: it holds what has to be cleaned up.
    Linger(Duration),
    /// Nothing.
    Ignore,
}

/// One request. It has no `Debug`, because the body of a login holds a password.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) body: Option<&'a Value>,
    pub(crate) if_match: Option<&'a str>,
    pub(crate) on_stop: OnStop,
}

impl<'a> Request<'a> {
    pub(crate) const fn get(path: &'a str) -> Self {
        let (method, on_stop) = (Method::GET, OnStop::Abort);
        Self {
            method,
            path,
            body: None,
            if_match: None,
            on_stop,
        }
    }

    pub(crate) fn post(path: &'a str, body: &'a Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(path)
        }
    }
}

/// A BMC's answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body, or why it cannot be read.
    pub(crate) json: Result<Value, String>,
    /// What it says about the request.
    pub(crate) messages: Messages,
    /// Method and path.
    pub(crate) request: String,
    /// The BMC.
    pub(crate) endpoint: String,
}

/// The connections to one BMC.
pub(crate) struct Wire {
    client: Client,
    /// For a BMC that drops the connections that it has answered on: there may be some already.
    unpooled: Client,
    /// For a request after which nothing else may come.
    lone: Client,
    pub(crate) origin: Origin,
    /// They change when the account that logs in gets a new password.
    credentials: RwLock<Credentials>,
    request_timeout: Duration,
    stop: CancellationToken,
    close_connections: AtomicBool,
    refuses_identity: AtomicBool,
}

impl Wire {
    pub(crate) fn new(
        connection: &BmcConnection,
        credentials: Credentials,
        config: &Config,
    ) -> Result<Self, Error> {
        let origin = Origin::parse(&connection.endpoint)?;
        let request_timeout = config.request_timeout;
        if request_timeout.is_zero() {
            let what = "the request timeout for BMCs is 0 s, expected at least 1 s".to_owned();
            return Err(Error::InvalidConfig { what });
        }
        if connection.tls.insecure && origin.is_https() {
            tracing::warn!(bmc = origin.as_str(), "the certificate is not verified");
        }
        let connect_timeout = CONNECT_TIMEOUT.min(request_timeout / 2);
        let [client, lone] =
            config
                .connections
                .clients(&connection.tls, connect_timeout, config.authentication)?;
        let unpooled = config
            .connections
            .unpooled(&connection.tls, connect_timeout)?;
        Ok(Self {
            client,
            unpooled,
            lone,
            origin,
            credentials: RwLock::new(credentials),
            request_timeout,
            stop: config.stop.clone(),
            close_connections: AtomicBool::new(false),
            refuses_identity: AtomicBool::new(false),
        })
    }

    pub(crate) const fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// Who logs in, as of now.
    pub(crate) fn credentials(&self) -> Credentials {
        let credentials = self.credentials.read();
        credentials.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs in with this password from now on, and returns the one before.
    pub(crate) fn set_password(&self, password: Secret) -> Secret {
        let credentials = self.credentials.write();
        let mut credentials = credentials.unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut credentials.password, password)
    }

    pub(crate) fn endpoint(&self) -> String {
        self.origin.as_str().to_owned()
    }

    /// Opens a connection for each request from now on: this firmware drops those it has used.
    pub(crate) fn close_connections(&self) {
        self.close_connections.store(true, Ordering::Relaxed);
    }

    /// Waits, unless the caller stops.
    pub(crate) async fn pause(&self, delay: Duration) -> Result<(), Error> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Error::Stopped),
            () = tokio::time::sleep(delay) => Ok(()),
        }
    }

    /// Does `work`, unless the caller stops.
    pub(crate) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Error::Stopped),
            result = work => Ok(result),
        }
    }

    /// Sends one request and reads the reply.
    pub(crate) async fn send(
        &self,
        request: &Request<'_>,
        authorization: &Authorization,
    ) -> Result<Reply, Error> {
        // A login that has not begun leaves nothing to clean up.
        if self.stop.is_cancelled() && !matches!(request.on_stop, OnStop::Ignore) {
            return Err(Error::Stopped);
        }
        // The path may be one that the BMC named.
        let path = shown::text(&Origin::path_of(request.path), &[], LONGEST_PATH);
        let line = format!("{} {path}", request.method);
        let began = Instant::now();
        let stopped = async {
            match request.on_stop {
                OnStop::Ignore => std::future::pending().await,
                OnStop::Abort => self.stop.cancelled().await,
                OnStop::Linger(delay) => {
                    self.stop.cancelled().await;
                    tokio::time::sleep(delay).await;
                }
            }
        };
        let exchange = tokio::time::timeout(
            self.request_timeout,
            self.exchange(request, authorization, line.clone()),
        );
        let result = tokio::select! {
            biased;
            () = stopped => Err(Error::Stopped),
            result = exchange => result.unwrap_or_else(|_elapsed| {
                Err(Error::Timeout {
                    what: format!("{} did not answer {line}", self.origin.as_str()),
                    after: self.request_timeout,
                })
            }),
        };
        let bmc = self.origin.as_str();
        let elapsed = began.elapsed();
        match &result {
            Ok(reply) => {
                let status = reply.status.as_u16();
                tracing::debug!(bmc, request = line, status, ?elapsed, "answered");
            }
            Err(error) => tracing::debug!(bmc, request = line, %error, ?elapsed, "not answered"),
        }
        result
    }

    async fn exchange(
        &self,
        request: &Request<'_>,
        authorization: &Authorization,
        line: String,
    ) -> Result<Reply, Error> {
        let mut url = self.origin.url(request.path)?;
        for _redirect in 0..=MAX_REDIRECTS {
            let response = self.start(request, authorization, url.clone()).send().await;
            let response = response.map_err(|error| self.failed(&line, &error))?;
            let status = response.status();
            if status == StatusCode::NOT_ACCEPTABLE
                && request.method == Method::GET
                && !self.refuses_identity.swap(true, Ordering::Relaxed)
            {
                continue;
            }
            let hide = self.secrets(request, authorization);
            let hide: Vec<&str> = hide.iter().map(Secret::expose).collect();
            if !is_redirect(status) {
                return self.read(response, line, hide).await;
            }
            let location = response.headers().get(header::LOCATION);
            let location = location
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            let to = self.origin.redirect(&url, location);
            url = to
                .filter(|_| request.method == Method::GET)
                .ok_or_else(|| Error::Redirected {
                    endpoint: self.endpoint(),
                    request: line.clone(),
                    location: shown::text(location, &hide, LONGEST_PATH),
                })?;
        }
        Err(Error::Decode {
            endpoint: self.endpoint(),
            request: line,
            cause: format!("it is the {}th redirect in a row", MAX_REDIRECTS + 1),
        })
    }

    fn start(
        &self,
        request: &Request<'_>,
        authorization: &Authorization,
        url: Url,
    ) -> RequestBuilder {
        let close = self.close_connections.load(Ordering::Relaxed);
        let client = match authorization {
            _ if close => &self.unpooled,
            Authorization::Lone => &self.lone,
            _ => &self.client,
        };
        let mut builder = client
            .request(request.method.clone(), url)
            .header(header::ACCEPT, "application/json")
            .header("OData-Version", "4.0");
        // Compression makes ETags weak on some firmware.
        if !self.refuses_identity.load(Ordering::Relaxed) {
            builder = builder.header(header::ACCEPT_ENCODING, "identity");
        }
        // A logout is the last request as a rule.
        if close || request.method == Method::DELETE {
            builder = builder.header(header::CONNECTION, "close");
        }
        if let Some(tag) = request.if_match {
            builder = builder.header(header::IF_MATCH, tag);
        }
        if let Some(body) = request.body {
            builder = builder.json(body);
        }
        match authorization {
            Authorization::Anonymous => builder,
            Authorization::Token { token, .. } => builder.header("X-Auth-Token", token.clone()),
            Authorization::Basic | Authorization::Lone => {
                let credentials = self.credentials();
                builder.basic_auth(&credentials.username, Some(credentials.password.expose()))
            }
        }
    }

    async fn read(
        &self,
        response: reqwest::Response,
        request: String,
        hide: Vec<&str>,
    ) -> Result<Reply, Error> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = match body::read(response).await {
            Ok(body) => body,
            // All that matters of a login is in its header, and without it the session would stay.
            Err(body::Failure::Broken(_)) if is_login(status, &headers) => body::Body {
                json: Err("it broke off".to_owned()),
                start: String::new(),
            },
            Err(body::Failure::Broken(error)) => return Err(self.failed(&request, &error)),
            Err(body::Failure::TooLong) => {
                return Err(Error::Decode {
                    endpoint: self.endpoint(),
                    request,
                    cause: format!("it is longer than {} bytes", body::MAX_BODY),
                });
            }
        };
        let mut hide = hide;
        let new_token = headers.get("X-Auth-Token");
        hide.extend(new_token.and_then(|token| token.to_str().ok()));
        let messages = match &body.json {
            Ok(json) => Messages::read(json, &hide),
            Err(_) if status.is_client_error() || status.is_server_error() => {
                Messages::plain(&body.start, &hide)
            }
            Err(_) => Messages::default(),
        };
        Ok(Reply {
            status,
            json: body.json,
            messages,
            request,
            endpoint: self.endpoint(),
            headers,
        })
    }

    /// What a BMC got from us, may repeat, and must not be shown.
    fn secrets(&self, request: &Request<'_>, authorization: &Authorization) -> Vec<Secret> {
        let mut secrets = vec![self.credentials().password];
        let sent = request.body.and_then(|body| body.get("Password"));
        secrets.extend(sent.and_then(Value::as_str).map(Secret::new));
        if let Authorization::Token { token, .. } = authorization {
            secrets.extend(token.to_str().ok().map(Secret::new));
        }
        secrets
    }

    fn failed(&self, request: &str, error: &reqwest::Error) -> Error {
        failure::classify(self.endpoint(), request, error)
    }
}

fn is_login(status: StatusCode, headers: &HeaderMap) -> bool {
    status.is_success() && headers.contains_key("X-Auth-Token")
}

const fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: u32 = 3;
const LONGEST_PATH: usize = 256;
