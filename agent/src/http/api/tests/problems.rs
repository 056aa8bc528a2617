//! Tests of what is refused, and how.

use super::*;

#[tokio::test]
async fn whoever_finds_a_server_taken_is_told_by_whom_since_when_and_what_to_do() {
    let agent = registered().await;
    let made = agent
        .grant(Method::POST, "/v1/claims", request(1, "team-a/prod"))
        .await;
    let since: jiff::Timestamp = made["claimed_at"].as_str().unwrap().parse().unwrap();
    let held = format!(
        "Server {} is held by \"team-a/prod\" (workspace \"default\") since {since:.0}",
        server_id(1)
    );
    let (status, problem) = agent.ask(Method::POST, "/v1/claims", request(2, "b")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("already_claimed")));
    assert_eq!(problem["title"], "Server is already claimed");
    assert_eq!(
        problem["detail"],
        format!(
            "{held}, and what it was claimed for is not finished. Release that claim, or claim \
             another server."
        )
    );
    let (_, problem) = agent
        .ask(Method::POST, "/v1/claims", request(2, "team-a/prod"))
        .await;
    assert_eq!(
        problem["detail"],
        format!(
            "{held}, and what it was claimed for is not finished. Another claim of this same \
             configuration holds it; each server can have one claim."
        )
    );
    agent
        .grant(
            Method::POST,
            &claim_path("/settle"),
            json!({ "uid": uuid(1) }),
        )
        .await;
    let mut later = request(2, "team-a/prod");
    later["run"] = json!(uuid(9));
    let (_, problem) = agent.ask(Method::POST, "/v1/claims", later).await;
    assert_eq!(
        problem["detail"],
        format!(
            "{held}. That is you: import the claim by server id, {}, or release it.",
            server_id(1)
        )
    );
}

#[tokio::test]
async fn what_cannot_be_understood_is_a_problem_too() {
    let agent = registered().await;
    let claim = claim_path("");
    let (servers, config) = ("/v1/servers/", boot_config(7));
    let cases = [
        ("GET /v2/agent".to_owned(), Value::Null, 404),
        ("POST /v1/agent".to_owned(), Value::Null, 405),
        (format!("GET {servers}x"), Value::Null, 422),
        (format!("GET {servers}%ff"), Value::Null, 422),
        ("GET /v1/boot-configs/x".to_owned(), Value::Null, 422),
        (format!("PUT {config}"), json!({}), 422),
        (format!("PUT {config}"), json!({ "kernal": 1 }), 422),
        (format!("PUT {config}"), json!([["canary"]]), 422),
        ("POST /v1/claims".to_owned(), json!({}), 422),
        (format!("DELETE {claim}"), Value::Null, 422),
    ];
    for (request, body, expected) in cases {
        let (method, path) = request.split_once(' ').unwrap();
        let (status, problem) = agent.ask(method.parse().unwrap(), path, body).await;
        assert_eq!(status, expected, "{request} {problem}");
        assert_eq!(problem["status"], expected);
        let code = if expected == 404 {
            "not_found"
        } else {
            "invalid_request"
        };
        assert_eq!(problem["code"], code);
        assert!(!problem.to_string().contains("canary"), "{problem}");
    }
    let large = agent
        .api(Method::PUT, &boot_config(7))
        .body(vec![b' '; 17 << 20]);
    let response = large.send().await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
}

#[tokio::test]
async fn every_operation_that_is_described_exists() {
    let agent = TestAgent::start().await;
    let document: Value = serde_json::from_str(&crate::openapi::api_schema()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path.replace("{id}", "x").replace("{server}", "x");
            let (status, problem) = agent.ask(method.clone(), &path, Value::Null).await;
            let found = status != 405 && problem["title"] != "The path does not exist";
            assert!(found, "{method} {path}: {problem}");
        }
    }
}
