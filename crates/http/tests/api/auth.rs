//! Who asks, what they may do, and how often.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use tasker_core::access::Roles;
use tasker_http::auth::{Authentication, TrustedProxy};
use tasker_http::{ApiOptions, Authorization, Rate, Rates, TokenBuckets};

use crate::server::{Answer, Server, answer};

/// A proxy at this address says who asks.
fn behind(proxy: &str) -> ApiOptions {
    let strategy = TrustedProxy::at(vec![proxy.parse().unwrap()]);
    let configured =
        [("worker_of_payments", "tasker.task:*@payments"), ("steps_only", "tasker.workflow_step:index")];
    let configured: BTreeMap<String, Vec<String>> =
        configured.into_iter().map(|(role, grant)| (role.into(), vec![grant.into()])).collect();
    ApiOptions {
        authentication: Authentication::of(vec![Arc::new(strategy)]),
        authorization: Authorization::Roles(Roles::configured(&configured, &["admin".into()]).unwrap()),
        ..ApiOptions::default()
    }
}

async fn ask(server: &Server, method: Method, path: &str, who: &str, roles: &str) -> Answer {
    let request = server.request(method, path).header("x-forwarded-user", who);
    answer(request.header("x-forwarded-roles", roles).json(&json!({"name": "order", "context": {}}))).await
}

#[tokio::test]
async fn api_78_whoever_does_not_say_who_they_are_is_asked() {
    let server = Server::with(behind("127.0.0.1")).await;
    let refused = server.get("/tasks").await.problem(401, "AUTHENTICATION_FAILED");
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(refused.body["reason"], "missing");
    server.get("/me").await.problem(401, "AUTHENTICATION_FAILED");
    server.stop().await;
}

#[tokio::test]
async fn api_88_identity_headers_of_others_are_not_believed() {
    let server = Server::with(behind("192.0.2.1")).await;
    let refused = ask(&server, Method::GET, "/me", "ada", "admin").await;
    assert_eq!(refused.problem(401, "AUTHENTICATION_FAILED").body["reason"], "missing");
    server.stop().await;
}

#[tokio::test]
async fn api_89_everybody_is_told_who_they_are_themselves() {
    let server = Server::with(behind("127.0.0.1")).await;
    let asked = (0..200).map(|n| {
        let server = &server;
        async move {
            let (who, role) = if n % 2 == 0 { ("ada", "admin") } else { ("vera", "viewer") };
            let told = ask(server, Method::GET, "/me", who, role).await.expect(200);
            assert_eq!(told.body["principal"]["id"], who);
            assert_eq!(told.body["principal"]["is_admin"], role == "admin");
        }
    });
    futures::future::join_all(asked).await;
    server.stop().await;
}

#[tokio::test]
async fn api_90_api_92_what_is_not_granted_is_refused_by_name() {
    let server = Server::with(behind("127.0.0.1")).await;
    let refused = ask(&server, Method::POST, "/tasks", "vera", "viewer").await;
    assert_eq!(refused.problem(403, "AUTHORIZATION_FAILED").body["permission"], "tasker.task:create");
    let refused = ask(&server, Method::GET, "/tasks", "sam", "steps_only").await;
    assert_eq!(refused.problem(403, "AUTHORIZATION_FAILED").body["permission"], "tasker.task:index");
    server.stop().await;
}

#[tokio::test]
async fn api_91_a_grant_for_one_namespace_reaches_no_other() {
    let server = Server::with(behind("127.0.0.1")).await;
    let created = ask(&server, Method::POST, "/tasks", "ada", "admin").await.expect(201);
    let path = format!("/tasks/{}", created.body["task"]["task_id"].as_str().unwrap());
    let listed = ask(&server, Method::GET, "/tasks", "pam", "worker_of_payments").await.expect(200);
    assert_eq!(listed.body["tasks"], json!([]));
    ask(&server, Method::GET, &path, "pam", "worker_of_payments").await.problem(404, "TASK_NOT_FOUND");
    ask(&server, Method::POST, "/tasks", "pam", "worker_of_payments")
        .await
        .problem(403, "AUTHORIZATION_FAILED");
    server.stop().await;
}

#[tokio::test]
async fn api_94_nobody_is_asked_whether_the_server_lives() {
    let server = Server::with(behind("127.0.0.1")).await;
    for path in ["/health/live", "/health/ready"] {
        ask(&server, Method::GET, path, "", "").await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn api_96_after_ten_bad_credentials_an_address_is_not_listened_to() {
    let server = Server::with(behind("127.0.0.1")).await;
    for _ in 0..10 {
        ask(&server, Method::GET, "/me", "", "").await.problem(401, "AUTHENTICATION_FAILED");
    }
    let refused = ask(&server, Method::GET, "/me", "ada", "admin").await.problem(429, "RATE_LIMITED");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 60);
    ask(&server, Method::GET, "/health/live", "", "").await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn api_97_whoever_asks_too_often_is_told_when_to_come_back() {
    let limiter =
        TokenBuckets::new(Rates { principal: Rate { per_minute: 6, burst: 3 }, ..Rates::default() });
    let options = ApiOptions { limiter: Arc::new(limiter), ..behind("127.0.0.1") };
    let server = Server::with(options).await;
    for left in [2, 1, 0] {
        let told = ask(&server, Method::GET, "/me", "ada", "viewer").await.expect(200);
        assert_eq!(told.header("ratelimit-remaining"), left.to_string());
    }
    let refused = ask(&server, Method::GET, "/me", "ada", "viewer").await.problem(429, "RATE_LIMITED");
    assert_eq!(refused.header("ratelimit-limit"), "6");
    assert!((1..=10).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    ask(&server, Method::GET, "/me", "vera", "viewer").await.expect(200);
    ask(&server, Method::GET, "/health/live", "ada", "viewer").await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_proxy_that_says_two_things_is_not_believed() {
    let server = Server::with(behind("127.0.0.1")).await;
    let request = server.request(Method::GET, "/me").header("x-forwarded-user", "ada");
    let refused =
        answer(request.header("x-forwarded-user", "eve")).await.problem(401, "AUTHENTICATION_FAILED");
    assert_eq!(refused.body["reason"], "malformed");
    server.stop().await;
}
