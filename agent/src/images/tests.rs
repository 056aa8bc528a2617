//! Tests of the image cache.

use axum::{Router, routing::get};
use model::BootConfigState;
use tempfile::TempDir;

use super::*;
use crate::testing::upstream;

fn open(dir: &TempDir, max_bytes: u64) -> Images {
    Images::open(
        dir.path(),
        &config::Images {
            max_bytes,
            ca_pem: None,
        },
    )
    .unwrap()
}

async fn settled(images: &Images, asset: &Asset) -> ImageState {
    loop {
        let state = images.state(asset);
        if state.bytes.is_some() || state.error.is_some() {
            return state;
        }
        tokio::task::yield_now().await;
    }
}

fn files(dir: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(dir.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// What becomes of an image with this digest at this path of a server that has `/kernel`.
#[track_caller]
fn check(path: &str, sha256: String, max_bytes: u64) -> impl Future<Output = Result<u64, String>> {
    let path = path.to_owned();
    async move {
        let dir = tempfile::tempdir().unwrap();
        let images = open(&dir, max_bytes);
        let url = upstream(Router::new().route("/kernel", get(|| async { "kernel" }))).await;
        let asset = Asset {
            url: format!("{url}{path}"),
            sha256,
        };
        images.ensure([&asset]);
        let state = settled(&images, &asset).await;
        images.shutdown().await;
        match state.error {
            None => {
                assert_eq!(files(&dir), [asset.sha256]);
                Ok(state.bytes.unwrap())
            }
            Some(error) => {
                assert_eq!(files(&dir), Vec::<String>::new());
                Err(error)
            }
        }
    }
}

#[tokio::test]
async fn an_image_is_kept_only_if_it_is_what_its_digest_says() {
    let kernel = digest::sha256(b"kernel");
    let other = digest::sha256(b"other");
    assert_eq!(check("/kernel", kernel.clone(), 6).await, Ok(6));
    assert_eq!(
        check("/kernel", other.clone(), 6).await,
        Err(format!(
            "its SHA-256 is {kernel}, not {other}; correct sha256, or fetch the right file"
        ))
    );
    assert_eq!(
        check("/nothing", kernel.clone(), 6).await,
        Err("the server answered 404 Not Found".to_owned())
    );
    assert_eq!(
        check("/kernel", kernel, 5).await,
        Err("it is larger than 5 bytes; raise images.max_bytes of the agent".to_owned())
    );
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_an_error_with_its_cause() {
    let dir = tempfile::tempdir().unwrap();
    let images = open(&dir, 6);
    // Nobody listens on port 1 of loopback.
    let url = "http://127.0.0.1:1/kernel".to_owned();
    let asset = Asset {
        url,
        sha256: digest::sha256(b"kernel"),
    };
    images.ensure([&asset]);
    let error = settled(&images, &asset).await.error.unwrap();
    assert!(error.starts_with("it cannot be fetched: "), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn what_is_on_its_way_is_not_fetched_twice_and_another_address_is_tried() {
    let dir = tempfile::tempdir().unwrap();
    let images = open(&dir, 100);
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let kernel = move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async { "kernel" }
    };
    let url = upstream(Router::new().route("/kernel", get(kernel))).await;
    let sha256 = digest::sha256(b"kernel");
    let bad = Asset {
        url: format!("{url}/nothing"),
        sha256: sha256.clone(),
    };
    let good = Asset {
        url: format!("{url}/kernel"),
        sha256,
    };
    images.ensure([&bad, &good, &good, &good]);
    assert_eq!(settled(&images, &good).await.bytes, Some(6));
    images.ensure([&good]);
    images.shutdown().await;
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(
        images.state(&bad).error,
        None,
        "it is here, wherever it came from"
    );
}

#[tokio::test]
async fn an_unfinished_file_is_gone_after_a_restart_and_a_finished_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let sha256 = digest::sha256(b"kernel");
    fs::write(dir.path().join(&sha256), "kernel").unwrap();
    fs::write(dir.path().join(format!("{sha256}.part")), "ker").unwrap();
    let images = open(&dir, 6);
    assert_eq!(files(&dir), std::slice::from_ref(&sha256));
    assert!(images.path(&sha256).is_some());
    for bad in ["", "..", "../store.redb", &sha256.to_uppercase()] {
        assert_eq!(images.path(bad), None, "{bad}");
    }
}

#[tokio::test]
async fn certificates_that_cannot_be_trusted_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = config::Images {
        ca_pem: Some("no certificate".to_owned()),
        ..Default::default()
    };
    let error = Images::open(dir.path(), &config).err().unwrap();
    let error = crate::error_chain(&error);
    assert!(
        error.starts_with("images cannot be fetched: images.ca_pem holds"),
        "{error}"
    );
}

#[tokio::test]
async fn a_boot_config_is_ready_when_its_images_are_and_says_why_when_not() {
    use crate::testing::{TestAgent, boot_config};
    use reqwest::Method;
    use serde_json::json;

    let agent = TestAgent::start().await;
    let url = upstream(Router::new().route("/kernel", get(|| async { "kernel" }))).await;
    let sha256 = digest::sha256(b"kernel");
    let spec =
        |path: &str| json!({ "kernel": { "url": format!("{url}/{path}"), "sha256": sha256 } });
    agent
        .grant(Method::PUT, &boot_config(7), spec("nothing"))
        .await;
    let found = agent.ready(7).await;
    assert_eq!(found["state"], json!(BootConfigState::Error));
    assert_eq!(
        found["images"][0]["error"],
        "the server answered 404 Not Found"
    );
    agent
        .grant(Method::PUT, &boot_config(7), spec("kernel"))
        .await;
    let found = agent.ready(7).await;
    let image = json!({
        "url": format!("{url}/kernel"), "sha256": sha256, "bytes": 6, "error": null,
    });
    assert_eq!(
        (&found["state"], &found["images"]),
        (&json!("ready"), &json!([image]))
    );
}
