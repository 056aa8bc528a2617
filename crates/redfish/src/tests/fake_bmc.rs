//! A BMC made of a map of documents and a few rules.

mod documents;
mod exchange;
mod listener;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State as Shared,
    http::{HeaderMap, Method, Response, Uri},
    serve::Listener,
};
use model::{BmcConnection, BmcTls, Secret};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use self::listener::TlsListener;
pub(super) use self::{
    documents::system,
    exchange::{Answer, Received},
};
use crate::{Authentication, Bmc, Config, Credentials, Error, retry::Timing};

pub(super) const USERNAME: &str = "operator";
pub(super) const PASSWORD: &str = "correct-horse-7";
pub(super) const SYSTEM: &str = "/redfish/v1/Systems/1";
pub(super) const SETTINGS: &str = "/redfish/v1/Systems/1/Settings";
pub(super) const RESET: &str = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset";
pub(super) const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";

/// Looks at a request before the BMC does; `None` leaves it to the BMC.
type Rule = Box<dyn FnMut(&mut Machine, &Received) -> Option<Answer> + Send>;

/// The BMC's contents.
pub(super) struct Machine {
    pub(super) resources: BTreeMap<String, Value>,
    pub(super) received: Vec<Received>,
    pub(super) sessions: BTreeSet<String>,
    pub(super) logins: u32,
    pub(super) basic_allowed: bool,
    pub(super) basic_advertised: bool,
    version: u32,
}

impl Machine {
    pub(super) fn etag(&self) -> String {
        format!("\"v{}\"", self.version)
    }

    pub(super) fn touch(&mut self) {
        self.version += 1;
    }

    pub(super) fn system(&mut self) -> &mut Value {
        self.resources.get_mut(SYSTEM).unwrap()
    }

    fn is_authorized(&self, request: &Received) -> bool {
        let basic = request
            .header("authorization")
            .is_some_and(|value| value == basic_header());
        let token = request.header("x-auth-token");
        (basic && self.basic_allowed) || token.is_some_and(|token| self.sessions.contains(token))
    }

    /// What the BMC does with a request that no rule has answered.
    pub(super) fn answer(&mut self, request: &Received) -> Answer {
        let path = request.path.as_str();
        if request.is(&Method::POST, SESSIONS) {
            return self.log_in(request);
        }
        if path != "/redfish/v1/" && !self.is_authorized(request) {
            let answer = Answer::status(401);
            return if self.basic_advertised {
                answer.with("WWW-Authenticate", "Basic realm=\"Redfish\"")
            } else {
                answer
            };
        }
        match request.method {
            Method::GET => match self.resources.get(path) {
                Some(body) => Answer::json(200, body).with("ETag", self.etag()),
                None => Answer::message(404, "Base.1.8.ResourceMissingAtURI"),
            },
            Method::PATCH => match self.resources.get_mut(path) {
                Some(resource) => {
                    merge(resource, &request.body);
                    self.touch();
                    Answer::status(204)
                }
                None => Answer::status(404),
            },
            Method::POST if path == RESET => {
                let state = match request.body["ResetType"].as_str() {
                    Some("On" | "ForceOn") => "On",
                    _ => "Off",
                };
                self.system()["PowerState"] = json!(state);
                Answer::status(204)
            }
            Method::DELETE => {
                let number = path.rsplit('/').next().unwrap_or_default();
                self.sessions.remove(&format!("token{number}"));
                self.resources.remove(path);
                Answer::status(204)
            }
            _ => Answer::status(405),
        }
    }

    fn log_in(&mut self, request: &Received) -> Answer {
        self.logins += 1;
        let expected = json!({"UserName": USERNAME, "Password": PASSWORD});
        if request.body != expected {
            return Answer::message(401, "Base.1.8.ResourceAtUriUnauthorized");
        }
        let token = format!("token{}", self.logins);
        self.sessions.insert(token.clone());
        let created = format!("2026-01-02T03:04:{:02}Z", self.logins);
        let session = json!({
            "@odata.type": "#Session.v1_5_0.Session", "UserName": USERNAME, "CreatedTime": created,
        });
        let place = format!("{SESSIONS}/{}", self.logins);
        self.resources.insert(place, session.clone());
        Answer::json(201, &session)
            .with(
                "Location",
                format!("https://elsewhere.example{SESSIONS}/{}", self.logins),
            )
            .with("X-Auth-Token", token)
    }
}

struct Inner {
    machine: Machine,
    rules: Vec<Rule>,
}

/// A BMC on loopback.
pub(super) struct FakeBmc {
    inner: Arc<Mutex<Inner>>,
    endpoint: String,
    pub(super) stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Drop for FakeBmc {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeBmc {
    /// A BMC with one server that is off.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        Self::serve(listener, endpoint)
    }

    /// The same behind TLS.
    pub(super) async fn start_tls(acceptor: TlsAcceptor, host: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("https://{host}:{}", listener.local_addr().unwrap().port());
        Self::serve(TlsListener { listener, acceptor }, endpoint)
    }

    fn serve<L>(listener: L, endpoint: String) -> Self
    where
        L: Listener,
        L::Addr: std::fmt::Debug,
    {
        let machine = Machine {
            resources: documents::resources(),
            received: Vec::new(),
            sessions: BTreeSet::new(),
            logins: 0,
            basic_allowed: true,
            basic_advertised: true,
            version: 1,
        };
        let inner = Arc::new(Mutex::new(Inner {
            machine,
            rules: Vec::new(),
        }));
        let router = Router::new().fallback(serve).with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            inner,
            endpoint,
            stop: CancellationToken::new(),
            server,
        }
    }

    /// Adds a rule. The first rule that answers counts.
    pub(super) fn rule(
        &self,
        rule: impl FnMut(&mut Machine, &Received) -> Option<Answer> + Send + 'static,
    ) {
        self.inner.lock().unwrap().rules.push(Box::new(rule));
    }

    /// Answers the first requests of this kind so, one after the other.
    pub(super) fn script(&self, method: Method, path: &'static str, answers: Vec<Answer>) {
        let mut answers = answers.into_iter();
        self.rule(move |_machine, request| {
            if request.is(&method, path) {
                answers.next()
            } else {
                None
            }
        });
    }

    pub(super) fn with<T>(&self, with: impl FnOnce(&mut Machine) -> T) -> T {
        with(&mut self.inner.lock().unwrap().machine)
    }

    /// The requests of this kind so far.
    pub(super) fn received(&self, method: &Method, path: &str) -> Vec<Received> {
        let all = self.with(|machine| machine.received.clone());
        all.into_iter()
            .filter(|request| request.is(method, path))
            .collect()
    }

    /// The bodies of the PATCHes so far.
    pub(super) fn patches(&self, path: &str) -> Vec<Value> {
        let patches = self.received(&Method::PATCH, path);
        patches.into_iter().map(|request| request.body).collect()
    }

    /// The kinds of the resets so far.
    pub(super) fn resets(&self) -> Vec<String> {
        let resets = self.received(&Method::POST, RESET).into_iter();
        resets
            .map(|reset| reset.body["ResetType"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(super) fn connection(&self, tls: BmcTls) -> BmcConnection {
        let (endpoint, credentials) = (self.endpoint.clone(), "rack".to_owned());
        BmcConnection {
            endpoint,
            credentials,
            tls,
        }
    }

    /// A handle with the right password.
    pub(super) fn bmc(&self) -> Bmc {
        self.bmc_with(PASSWORD, BmcTls::default()).unwrap()
    }

    /// A handle that sends the credentials themselves.
    pub(super) fn bmc_with_basic(&self, password: &str) -> Bmc {
        let config = Config {
            authentication: Authentication::Basic,
            ..Config::default()
        };
        self.bmc_so(password, config)
    }

    /// A handle with settings of its own.
    pub(super) fn bmc_so(&self, password: &str, config: Config) -> Bmc {
        let config = Config {
            request_timeout: Duration::from_millis(1500),
            stop: self.stop.clone(),
            ..config
        };
        let connection = self.connection(BmcTls::default());
        Bmc::with_timing(&connection, credentials(password), &config, FAST).unwrap()
    }

    pub(super) fn bmc_with(&self, password: &str, tls: BmcTls) -> Result<Bmc, Error> {
        let config = Config {
            request_timeout: Duration::from_millis(1500),
            max_retries: 3,
            stop: self.stop.clone(),
            ..Config::default()
        };
        Bmc::with_timing(&self.connection(tls), credentials(password), &config, FAST)
    }
}

pub(super) fn credentials(password: &str) -> Credentials {
    Credentials {
        username: USERNAME.to_owned(),
        password: Secret::new(password),
    }
}

/// The same order of things, a few hundred times faster.
pub(super) const FAST: Timing = Timing {
    first_delay: Duration::from_millis(5),
    longest_delay: Duration::from_millis(20),
    busy_budget: Duration::from_millis(100),
    longest_retry_after: Duration::from_millis(50),
    unauthorized_pause: Duration::from_millis(10),
    power_poll: Duration::from_millis(10),
    resend_after: Duration::from_millis(300),
    verify_pause: Duration::from_millis(5),
    post_budget: Duration::from_millis(300),
    task_budget: Duration::from_millis(300),
};

async fn serve(
    Shared(inner): Shared<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let path = uri
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let request = Received {
        method,
        path,
        headers,
        body,
    };
    let answer = {
        let mut inner = inner.lock().unwrap();
        let Inner { machine, rules } = &mut *inner;
        machine.received.push(request.clone());
        let ruled = rules.iter_mut().find_map(|rule| rule(machine, &request));
        ruled.unwrap_or_else(|| machine.answer(&request))
    };
    match answer {
        Answer::Reply {
            status,
            headers,
            body,
        } => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
        Answer::Break => {
            let broken = async { Err::<Bytes, _>(std::io::Error::other("broken")) };
            Response::new(Body::from_stream(futures_util::stream::once(broken)))
        }
        Answer::Late(delay) => {
            tokio::time::sleep(delay).await;
            Response::new(Body::from("{}"))
        }
        Answer::Hang => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            Response::new(Body::empty())
        }
    }
}

/// RFC 7396, as far as objects go.
fn merge(resource: &mut Value, change: &Value) {
    match (resource, change) {
        (Value::Object(resource), Value::Object(change)) => {
            for (name, value) in change {
                merge(resource.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (resource, change) => *resource = change.clone(),
    }
}

fn basic_header() -> &'static str {
    // operator:correct-horse-7
    "Basic b3BlcmF0b3I6Y29ycmVjdC1ob3JzZS03"
}
