//! Changes to firmware of every opinion on ETags.

use axum::http::Method;
use serde_json::Value;

use super::{
    boot::once,
    fake_bmc::{Answer, FakeBmc, Received, SYSTEM},
};
use crate::{BootTarget, Error};

/// Firmware that takes only `If-Match` headers for which `takes` says so.
async fn tags(
    status: u16,
    etag: &'static str,
    takes: impl Fn(Option<&str>, &Value) -> bool + Send + 'static,
) -> (FakeBmc, Vec<Option<String>>, Result<Vec<String>, Error>) {
    let fake = FakeBmc::start().await;
    fake.rule(move |machine, request| {
        if request.is(&Method::GET, SYSTEM) {
            let body = machine.system().clone();
            let answer = Answer::json(200, &body);
            return Some(if etag.is_empty() {
                answer
            } else {
                answer.with("ETag", etag)
            });
        }
        let refused =
            request.is(&Method::PATCH, SYSTEM) && !takes(request.header("if-match"), &request.body);
        refused.then(|| Answer::status(status))
    });
    let result = fake
        .bmc()
        .set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await;
    let sent = fake.received(&Method::PATCH, SYSTEM).into_iter();
    let tags = sent.map(|request: Received| request.header("if-match").map(str::to_owned));
    let tags = tags.collect();
    (fake, tags, result)
}

fn some(tags: &[&str]) -> Vec<Option<String>> {
    tags.iter()
        .map(|tag| (!tag.is_empty()).then(|| (*tag).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_428_is_answered_with_any_tag() {
    let (_fake, sent, result) = tags(428, "", |tag, _| tag == Some("*")).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(sent, some(&["", "*"]));
}

#[tokio::test]
async fn a_412_climbs_from_the_weak_tag_to_the_strong_one_to_any() {
    let (_fake, sent, result) = tags(412, "W/\"a\"", |tag, _| tag == Some("*")).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(sent, some(&["W/\"a\"", "\"a\"", "*"]));
    let (_fake, sent, result) = tags(412, "\"a\"", |tag, _| tag.is_none()).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(sent, some(&["\"a\"", "*", ""]));
}

#[tokio::test]
async fn a_ladder_ends() {
    let (_fake, sent, result) = tags(412, "W/\"a\"", |_, _| false).await;
    assert!(
        matches!(result, Err(Error::Precondition { status: 412, .. })),
        "{result:?}"
    );
    assert!(sent.len() <= 4, "{sent:?}");
}

#[tokio::test]
async fn the_tag_that_worked_is_remembered() {
    let (fake, _sent, result) = tags(412, "\"a\"", |tag, _| tag == Some("*")).await;
    result.unwrap();
    let bmc = fake.bmc();
    bmc.set_boot_override(SYSTEM, once(BootTarget::Pxe))
        .await
        .unwrap();
    let before = fake.patches(SYSTEM).len();
    bmc.set_boot_override(SYSTEM, once(BootTarget::Hdd))
        .await
        .unwrap();
    assert_eq!(fake.patches(SYSTEM).len() - before, 1);
}
