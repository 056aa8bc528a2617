//! Tests of the boot service over loopback, with requests from leased addresses.

mod secrets;

use axum::{Router, routing::get};
use model::Stage;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    digest,
    fixture::{mac, server_id},
    testing::{LEASED, TestAgent, client, upstream},
};

const STRANGER: std::net::Ipv4Addr = std::net::Ipv4Addr::new(127, 80, 0, 99);

/// The path of the script of server 1.
fn script_path() -> String {
    format!("/ipxe/{}", mac(1).hexhyp())
}

/// The one word of `script` that starts with `prefix`, without it.
#[track_caller]
fn word<'a>(script: &'a str, prefix: &str) -> &'a str {
    let mut words = script
        .split_whitespace()
        .filter_map(|word| word.strip_prefix(prefix));
    words
        .next()
        .unwrap_or_else(|| panic!("{prefix} in {script}"))
}

fn stages(agent: &TestAgent) -> Vec<Stage> {
    agent.boot().stages.iter().map(|seen| seen.stage).collect()
}

/// A boot config with a kernel and an initrd that a server has, and a user's Ignition config.
async fn kernel_spec() -> Value {
    let files = Router::new()
        .route("/kernel", get(|| async { "kernel" }))
        .route("/initrd", get(|| async { "initrd" }));
    let url = upstream(files).await;
    json!({
        "kernel": { "url": format!("{url}/kernel"), "sha256": digest::sha256(b"kernel") },
        "initrds": [{ "url": format!("{url}/initrd"), "sha256": digest::sha256(b"initrd") }],
        "kernel_args": ["console=ttyS0"],
        "ignition": { "content": "{\"ignition\":{\"version\":\"3.4.0\"}}" },
    })
}

#[tokio::test]
async fn a_planned_server_gets_its_script_and_everything_in_it() {
    let agent = TestAgent::start().await;
    agent.plan(&kernel_spec().await).await;
    let script = agent.script().await;
    let ignition = word(&script, "ignition.config.url=").to_owned();
    let (boot, base) = (agent.boot(), &agent.boot);
    let (kernel, initrd) = (digest::sha256(b"kernel"), digest::sha256(b"initrd"));
    assert_eq!(
        script,
        format!(
            "#!ipxe\n\
             # server {server}\n\
             # boot config revision {revision}\n\
             kernel {base}/images/{kernel}?boot={id} console=ttyS0 ignition.firstboot \
             ignition.platform.id=metal ignition.config.url={ignition} initrd=initrd0\n\
             initrd --name initrd0 {base}/images/{initrd}?boot={id}\n\
             boot\n",
            server = server_id(1),
            revision = boot.revision,
            id = boot.id,
        )
    );
    assert_eq!(stages(&agent), [Stage::Armed, Stage::Script]);
    assert_eq!(boot.address, Some(LEASED));

    let url = word(&script, &format!("{base}/images/{initrd}"));
    assert_eq!(
        agent.fetch(&format!("/images/{initrd}{url}")).await,
        (200, "initrd".to_owned())
    );
    assert_eq!(
        stages(&agent),
        [Stage::Armed, Stage::Script],
        "an initrd is no kernel"
    );
    let url = format!("/images/{kernel}?boot={}", boot.id);
    assert_eq!(
        agent.fetch_from(LEASED, Method::HEAD, &url).await,
        (200, String::new())
    );
    assert_eq!(
        agent.fetch_from(STRANGER, Method::GET, &url).await.0,
        200,
        "images are no secret"
    );
    assert_eq!(
        stages(&agent),
        [Stage::Armed, Stage::Script],
        "nobody else boots this"
    );
    assert_eq!(agent.fetch(&url).await, (200, "kernel".to_owned()));
    assert_eq!(stages(&agent), [Stage::Armed, Stage::Script, Stage::Kernel]);

    let (status, config) = agent.fetch(&ignition).await;
    assert_eq!(status, 200);
    agent.reached(Stage::Config).await;
    let config: Value = serde_json::from_str(&config).unwrap();
    let contents = config["systemd"]["units"][0]["contents"].as_str().unwrap();
    let report = word(contents, base);
    let (status, _) = agent.fetch_from(LEASED, Method::POST, report).await;
    assert_eq!(status, 204);
    agent.reached(Stage::Booted).await;
    assert_eq!(agent.script().await, netboot::ipxe::local_disk());
}

#[tokio::test]
async fn nobody_else_gets_a_script() {
    let agent = TestAgent::start().await;
    agent
        .plan(&json!({ "ipxe_script": "#!ipxe\nshell\n" }))
        .await;
    let path = script_path();
    let forbidden = (403, "this is not for your address\n".to_owned());
    assert_eq!(
        agent.fetch_from(STRANGER, Method::GET, &path).await,
        forbidden
    );
    // An address that another server is leased is as good as none.
    agent.lease(2, STRANGER);
    assert_eq!(
        agent.fetch_from(STRANGER, Method::GET, &path).await,
        forbidden
    );
    let missing = (404, "there is no such planned server\n".to_owned());
    assert_eq!(
        agent.fetch(&format!("/ipxe/{}", mac(2).hexhyp())).await,
        missing
    );
    assert_eq!(
        agent.fetch("/ipxe/x").await,
        (400, "this is no MAC address\n".to_owned())
    );
    assert_eq!(agent.fetch("/ipxe/%ff").await.0, 404);
    assert_eq!(
        agent.fetch("/nothing").await,
        (404, "there is no such page\n".to_owned())
    );
    let forwarded = client(STRANGER)
        .get(format!("{}{path}", agent.boot))
        .header("X-Forwarded-For", LEASED.to_string());
    assert_eq!(forwarded.send().await.unwrap().status(), 403);
    assert_eq!(stages(&agent), [Stage::Armed]);
    // HEAD is asked by firmware that wants to know the size, and is no boot.
    let script = agent.fetch_from(LEASED, Method::HEAD, &path).await;
    assert_eq!(script, (200, String::new()));
    assert_eq!(stages(&agent), [Stage::Armed]);
}

#[tokio::test]
async fn a_server_that_is_disarmed_gets_nothing() {
    let agent = TestAgent::start().await;
    agent
        .plan(&json!({ "ipxe_script": "#!ipxe\nshell\n" }))
        .await;
    let path = format!("/v1/claims/{}/disarm", server_id(1));
    let uid = json!({ "uid": crate::fixture::uuid(1) });
    agent.grant(Method::POST, &path, uid).await;
    assert_eq!(agent.fetch(&script_path()).await.0, 404);
}

#[tokio::test]
async fn a_server_says_who_it_is_in_the_ways_that_ipxe_has() {
    let agent = TestAgent::start().await;
    agent
        .plan(&json!({ "ipxe_script": "#!ipxe\nshell\n" }))
        .await;
    let own = (200, "#!ipxe\nshell\n".to_owned());
    let chain = netboot::ipxe::chain(&agent.boot).unwrap();
    assert_eq!(agent.fetch("/ipxe").await, (200, chain.clone()));
    assert_eq!(
        agent.fetch_from(STRANGER, Method::GET, "/ipxe").await,
        (200, chain.clone())
    );
    assert_eq!(agent.fetch(&format!("/ipxe?mac={}", mac(1))).await, own);
    assert_eq!(
        agent.fetch(&format!("/ipxe?uuid={}", server_id(1))).await,
        own
    );
    let swapped = server_id(1).swapped();
    assert_eq!(agent.fetch(&format!("/ipxe?uuid={swapped}")).await, own);
    assert_eq!(
        agent.fetch(&format!("/ipxe?uuid={}", server_id(2))).await,
        (200, chain)
    );
    assert_eq!(agent.fetch(&format!("/ipxe?mac={}", mac(2))).await.0, 404);
}

#[tokio::test]
async fn a_server_that_is_to_boot_always_is_never_told_to_boot_its_disk() {
    let agent = TestAgent::start().await;
    let script = "#!ipxe\n# {{ report_url }}\n";
    agent
        .plan(&json!({ "ipxe_script": script, "boot_policy": "always" }))
        .await;
    let script = agent.script().await;
    let report = word(&script, &agent.boot).to_owned();
    for _ in 0..2 {
        let reported = agent.fetch_from(LEASED, Method::POST, &report).await;
        assert_eq!(reported, (204, String::new()));
    }
    assert_eq!(stages(&agent), [Stage::Armed, Stage::Script, Stage::Booted]);
    assert!(agent.script().await.starts_with("#!ipxe\n# http"));
}

#[tokio::test]
async fn an_image_is_served_whole_and_in_parts() {
    let agent = TestAgent::start().await;
    agent.plan(&kernel_spec().await).await;
    let url = format!("{}/images/{}", agent.boot, digest::sha256(b"kernel"));
    let fetch = async |range: &str| {
        let request = client(LEASED).get(&url).header("Range", range);
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        let header = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let (length, range) = (header("content-length"), header("content-range"));
        (
            response.status().as_u16(),
            length,
            range,
            response.text().await.unwrap(),
        )
    };
    let part = |status, length: &str, range: &str, text: &str| {
        (
            status,
            Some(length.to_owned()),
            Some(range.to_owned()),
            text.to_owned(),
        )
    };
    assert_eq!(
        fetch("bytes=0-2").await,
        part(206, "3", "bytes 0-2/6", "ker")
    );
    assert_eq!(
        fetch("bytes=3-").await,
        part(206, "3", "bytes 3-5/6", "nel")
    );
    assert_eq!(fetch("bytes=-1").await, part(206, "1", "bytes 5-5/6", "l"));
    assert_eq!(fetch("bytes=9-").await.0, 416);
    let response = client(LEASED).head(&url).send().await.unwrap();
    assert_eq!(response.headers()["content-length"], "6");
    for path in ["/images/x", "/images/..%2fstore.redb", "/images/%2e%2e"] {
        assert_eq!(agent.fetch(path).await.0, 404, "{path}");
    }
    let unknown = format!("/images/{}", digest::sha256(b"x"));
    assert_eq!(
        agent.fetch(&unknown).await,
        (404, "there is no such image\n".to_owned())
    );
}

#[tokio::test]
async fn a_loader_is_served_to_anybody_and_noted_for_the_planned_server() {
    let agent = TestAgent::start().await;
    agent
        .plan(&json!({ "ipxe_script": "#!ipxe\nshell\n" }))
        .await;
    let path = "/loaders/snponly.efi";
    let loader = (200, "loader".to_owned());
    assert_eq!(agent.fetch_from(STRANGER, Method::GET, path).await, loader);
    assert_eq!(agent.fetch_from(LEASED, Method::HEAD, path).await.0, 200);
    assert_eq!(stages(&agent), [Stage::Armed]);
    assert_eq!(agent.fetch(path).await, loader);
    assert_eq!(stages(&agent), [Stage::Armed, Stage::Loader]);
    std::fs::write(agent.dir.path().join("secret"), "secret").unwrap();
    for path in [
        "/loaders/..%2fsecret",
        "/loaders/%2e%2e",
        "/loaders/none",
        "/loaders/",
    ] {
        assert_eq!(agent.fetch(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn what_goes_wrong_on_the_boot_side_is_said_in_one_line() {
    let agent = TestAgent::start().await;
    agent
        .plan(&json!({ "ipxe_script": "#!ipxe\nshell\n" }))
        .await;
    let post = agent.fetch_from(LEASED, Method::POST, &script_path()).await;
    assert_eq!(
        post,
        (405, "this cannot be asked with this method\n".to_owned())
    );
    let token = (404, "there is no such token\n".to_owned());
    for path in [
        "/ignition/x",
        "/config/x",
        "/config/x/user-data",
        "/config/x/meta-data",
    ] {
        assert_eq!(agent.fetch(path).await, token, "{path}");
    }
    let report = agent.fetch_from(LEASED, Method::POST, "/bootstate/x").await;
    assert_eq!(report, token);
    let report = agent.fetch_from(LEASED, Method::POST, "/bootstate").await;
    assert_eq!(report, token);
}
