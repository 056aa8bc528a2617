//! Requests to a BMC and its replies, without a socket.

mod access;
mod changes;
mod documents;
mod habits;
mod tags;
mod tree;

use std::net::{Ipv4Addr, SocketAddr};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hyper::header::{ALLOW, AUTHORIZATION, RETRY_AFTER};
use model::PowerState;
use serde_json::json;

use super::*;
use crate::{Faults, Network, Timing, machine::Surroundings, net::relay::Relay};

/// A BMC and what a client of it says over and over.
struct Client {
    bmc: Bmc,
    machine: Arc<Machine>,
    _actions: crate::machine::Actions,
    now: Instant,
    /// Where Basic does not work.
    token: Option<String>,
}

impl Client {
    async fn new() -> Self {
        Self::with(|_as_it_is| {}).await
    }

    /// A machine with this profile.
    async fn of(profile: Profile) -> Self {
        let mut client = Self::with(|config| {
            let machine = config.machines[0].clone();
            config.machines[0] = machine.with_profile(profile);
        })
        .await;
        if profile.quirks().has(Quirk::BasicDisabled) {
            let reply = client.log_in("rack-password");
            let token = reply.headers["x-auth-token"].to_str().unwrap();
            client.token = Some(token.to_owned());
        }
        client
    }

    /// A standard machine with these quirks.
    async fn quirky(quirks: &[Quirk]) -> Self {
        let client = Self::new().await;
        let quirks: Quirks = quirks.iter().copied().collect();
        client.machine.change(|state| state.quirks = quirks);
        client.bmc.forget();
        client
    }

    async fn with(change: impl FnOnce(&mut RackConfig)) -> Self {
        let network = Network {
            dhcp_server: SocketAddr::from((Ipv4Addr::LOCALHOST, 9)),
            relay: Ipv4Addr::LOCALHOST,
            tftp_port: 9,
        };
        let mut config = RackConfig::new("r1", 1, network);
        config.max_sessions = 2;
        change(&mut config);
        let surroundings = Surroundings {
            network,
            timing: Timing::default(),
            power_delay: Duration::ZERO,
            relay: Arc::new(Relay::bind(&network).await.unwrap()),
        };
        let (machine, actions) = Machine::new(config.machines[0].clone(), surroundings);
        Self {
            bmc: Bmc::new(Arc::clone(&machine), &config),
            machine,
            _actions: actions,
            now: Instant::now(),
            token: None,
        }
    }

    fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = Request {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            query: None,
            headers: hyper::HeaderMap::new(),
            body: body.to_owned().into(),
            earlier: 0,
        };
        if let Some((path, query)) = path.split_once('?') {
            request.path = path.to_owned();
            request.query = Some(query.to_owned());
        }
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers.insert(name, value.parse().unwrap());
        }
        self.bmc.respond(&request, self.now)
    }

    /// With the right user name and password.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Reply {
        let header = match &self.token {
            Some(token) => ("x-auth-token", token.clone()),
            None => ("authorization", basic("admin", "rack-password")),
        };
        self.raw(method, path, &[(header.0, &header.1)], &body.to_string())
    }

    /// Asks a second time when the BMC refuses right credentials now and then.
    fn patient(&self, method: &str, path: &str) -> Reply {
        self.patiently(method, path, &Value::Null)
    }

    fn patiently(&self, method: &str, path: &str, body: &Value) -> Reply {
        let reply = self.ask(method, path, body);
        if reply.status != StatusCode::UNAUTHORIZED {
            return reply;
        }
        self.ask(method, path, body)
    }

    /// The URI of the system.
    fn system(&self) -> String {
        let facts = self.machine.config.profile.facts();
        let uri = format!("/redfish/v1/Systems/{}", facts.ids.system);
        if !facts.lower_case_links {
            return uri;
        }
        // Links that were never shown are not known.
        self.patient("GET", "/redfish/v1/Systems");
        uri.to_lowercase()
    }

    fn patch(&self, body: &Value) -> Reply {
        self.ask("PATCH", SYSTEM, body)
    }

    fn get(&self, path: &str) -> Value {
        let reply = self.ask("GET", path, &Value::Null);
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        json_of(&reply)
    }

    fn log_in(&self, password: &str) -> Reply {
        let body = json!({ "UserName": "admin", "Password": password });
        let path = "/redfish/v1/SessionService/Sessions";
        self.raw("POST", path, &[], &body.to_string())
    }

    fn reset(&self, reset: &str) -> Reply {
        let path = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset";
        self.ask("POST", path, &json!({ "ResetType": reset }))
    }
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{username}:{password}")))
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

/// The ids of the messages of an error.
fn messages(reply: &Reply) -> Vec<String> {
    let body = json_of(reply);
    let list = body["error"]["@Message.ExtendedInfo"].as_array().unwrap();
    list.iter()
        .map(|message| message["MessageId"].as_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn check(reply: &Reply, status: u16, message: &str) {
    assert_eq!(
        reply.status.as_u16(),
        status,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
    assert_eq!(messages(reply), [message]);
}

const SYSTEM: &str = "/redfish/v1/Systems/1";

#[tokio::test]
async fn the_system_is_this_document() {
    let client = Client::new().await;
    let found = client.get(SYSTEM);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bmc/testdata/system.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, format!("{found:#}\n")).unwrap();
    }
    let expected: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(found, expected, "{found:#}");
}

#[tokio::test]
async fn a_reset_is_taken_refused_or_wrong() {
    let client = Client::new().await;
    check(
        &client.reset("ForceOff"),
        409,
        "BaremetalRack.1.0.ResetNotPossible",
    );
    check(
        &client.reset("Suspend"),
        400,
        "Base.1.18.ActionParameterValueNotInList",
    );
    let path = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset";
    check(
        &client.ask("POST", path, &json!({})),
        400,
        "Base.1.18.ActionParameterMissing",
    );
    assert_eq!(client.reset("On").status, StatusCode::NO_CONTENT);
    assert_eq!(client.get(SYSTEM)["PowerState"], "PoweringOn");
    check(
        &client.reset("On"),
        409,
        "BaremetalRack.1.0.ResetNotPossible",
    );
    assert!(
        client.get(SYSTEM)["LastResetTime"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    let resets = client.bmc.counters().resets;
    assert_eq!((resets["On"], resets["ForceOff"]), (2, 1));
}

#[tokio::test]
async fn a_fault_shows_in_what_the_bmc_says() {
    let client = Client::new().await;
    let set = |faults: Faults| client.machine.change(|state| state.faults = faults);
    set(Faults {
        bmc_busy: true,
        ..Faults::default()
    });
    let reply = client.raw("GET", "/redfish/v1/", &[], "");
    check(&reply, 503, "Base.1.18.ServiceTemporarilyUnavailable");
    assert_eq!(reply.headers[RETRY_AFTER], "1");
    set(Faults {
        wrong_credentials: true,
        ..Faults::default()
    });
    check(
        &client.log_in("rack-password"),
        401,
        "Base.1.18.ResourceAtUriUnauthorized",
    );
    assert_eq!(client.ask("GET", SYSTEM, &Value::Null).status.as_u16(), 401);
    set(Faults {
        sessions_full: true,
        ..Faults::default()
    });
    check(
        &client.log_in("rack-password"),
        503,
        "Base.1.18.SessionLimitExceeded",
    );
    set(Faults {
        ignore_reset: true,
        ..Faults::default()
    });
    assert_eq!(client.reset("On").status, StatusCode::NO_CONTENT);
    assert_eq!(client.machine.read(|state| state.power), PowerState::Off);
    assert_eq!(client.bmc.counters().login_failures, 2);
}

#[tokio::test]
async fn a_document_names_its_schema_and_another_odata_version_is_refused() {
    let client = Client::new().await;
    let reply = client.ask("GET", "/redfish/v1/Systems", &Value::Null);
    let schema = "http://redfish.dmtf.org/schemas/v1/ComputerSystemCollection.json";
    assert_eq!(reply.headers[LINK], format!("<{schema}>; rel=describedby"));
    let reply = client.ask("GET", SYSTEM, &Value::Null);
    let schema = "http://redfish.dmtf.org/schemas/v1/ComputerSystem.v1_22_0.json";
    assert_eq!(reply.headers[LINK], format!("<{schema}>; rel=describedby"));
    let get = |version| client.raw("GET", "/redfish/v1/", &[("odata-version", version)], "");
    assert_eq!(get("4.0").status, StatusCode::OK);
    check(&get("4.1"), 412, "Base.1.18.HeaderInvalid");
}

#[tokio::test]
async fn what_a_resource_does_not_take_is_refused() {
    let client = Client::new().await;
    for (method, path) in [
        ("DELETE", SYSTEM),
        ("POST", "/redfish/v1/Systems"),
        ("PATCH", "/redfish/v1/Managers/1"),
        ("GET", "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset"),
    ] {
        let reply = client.ask(method, path, &json!({}));
        check(&reply, 405, "Base.1.18.OperationNotAllowed");
        assert!(reply.headers.contains_key(ALLOW), "{method} {path}");
    }
    let reply = client.ask("GET", "/redfish/v1/Systems?$select=Name", &Value::Null);
    check(&reply, 501, "Base.1.18.QueryNotSupported");
    let reply = client.ask("GET", "/redfish/v1/Systems?other=1", &Value::Null);
    assert_eq!(reply.status, StatusCode::OK);
    let reply = client.raw(
        "PATCH",
        SYSTEM,
        &[(AUTHORIZATION.as_str(), &basic("admin", "rack-password"))],
        "[]",
    );
    check(&reply, 400, "Base.1.18.MalformedJSON");
}

#[tokio::test]
async fn a_boot_order_is_taken_whole_or_refused() {
    let client = Client::new().await;
    let order = |entries: &[&str]| json!({ "Boot": { "BootOrder": entries } });
    let shown = || client.get(SYSTEM)["Boot"]["BootOrder"].clone();
    assert_eq!(shown(), json!(["Boot0001", "Boot0002", "Boot0003"]));
    for wrong in [&["Boot0002"][..], &["Boot0002", "Boot0001", "Boot0009"]] {
        let reply = client.ask("PATCH", SYSTEM, &order(wrong));
        check(&reply, 400, "Base.1.18.PropertyValueNotInList");
    }
    let wanted = ["Boot0003", "Boot0001", "Boot0002"];
    let reply = client.ask("PATCH", SYSTEM, &order(&wanted));
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(shown(), json!(wanted));
    client.machine.change(|state| {
        state.faults.boot_order_read_only = true;
    });
    let reply = client.ask("PATCH", SYSTEM, &order(&wanted));
    check(&reply, 400, "Base.1.18.PropertyNotWritable");
}

#[tokio::test]
async fn a_document_that_the_client_has_is_not_sent_again() {
    let client = Client::new().await;
    let tag = client.get(SYSTEM)["@odata.etag"].clone();
    let header = basic("admin", "rack-password");
    let get = |tag: &str| {
        let headers = [("authorization", header.as_str()), ("if-none-match", tag)];
        client.raw("GET", SYSTEM, &headers, "")
    };
    let known = get(tag.as_str().unwrap());
    assert_eq!(
        (known.status, known.body.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    assert_eq!(get("\"other\"").status, StatusCode::OK);
}

#[tokio::test]
async fn a_change_of_nothing_is_refused_and_annotations_are_no_change() {
    let client = Client::new().await;
    let reply = client.patch(&json!({ "@odata.id": SYSTEM }));
    check(&reply, 400, "Base.1.18.NoOperation");
    let reply = client.patch(&json!({ "@odata.id": SYSTEM, "AssetTag": "one" }));
    assert_eq!(reply.status, StatusCode::OK);
}

proptest::proptest! {
    #[test]
    fn no_request_panics(method in "GET|PATCH|POST|DELETE|PUT", path in "(/redfish/v1|/)[A-Za-z0-9/.%$]{0,30}", body in ".{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(Client::new());
        let _guard = runtime.enter();
        let header = basic("admin", "rack-password");
        let _reply = client.raw(&method, &path, &[("authorization", &header)], &body);
        let _reply = client.raw("PATCH", SYSTEM, &[("authorization", &header)], &body);
    }
}
