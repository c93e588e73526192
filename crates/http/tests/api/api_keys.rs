//! API keys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use tasker_core::access::{ApiKey, Roles, api_key};
use tasker_core::time::Timestamp;
use tasker_http::auth::{ApiKeys, Authentication, TrustedProxy};
use tasker_http::{ApiOptions, Authorization};
use tasker_store::keys::KeyChange;

use crate::server::{Answer, Server, answer};

fn options() -> ApiOptions {
    let proxy = TrustedProxy::at(vec!["127.0.0.1".parse().unwrap()]);
    let roles = Roles::configured(&BTreeMap::new(), &["admin".into()]).unwrap();
    ApiOptions {
        authentication: Authentication::of(vec![Arc::new(ApiKeys::new()), Arc::new(proxy)]),
        authorization: Authorization::Roles(roles),
        ..ApiOptions::default()
    }
}

/// A key with the role viewer; the token, too.
pub async fn made(server: &Server, n: u8, change: impl FnOnce(&mut ApiKey)) -> (ApiKey, String) {
    let (id, token, digest) = api_key::mint([n; 8], [n; 32]);
    let mut key = ApiKey {
        id,
        name: format!("till-{n}"),
        digest,
        roles: vec!["viewer".into()],
        grants: Vec::new(),
        namespaces: None,
        created_at: Timestamp::from_micros(0),
        created_by: "ada".into(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    change(&mut key);
    server.store.key_store().add_key(key.clone()).await.unwrap();
    (key, token)
}

async fn with(server: &Server, header: &str, value: &str) -> Answer {
    answer(server.request(Method::GET, "/me").header(header, value)).await
}

async fn bearer(server: &Server, token: &str) -> Answer {
    with(server, "authorization", &format!("Bearer {token}")).await
}

#[tokio::test]
async fn api_86_a_key_is_good_until_it_ends() {
    let server = Server::with(options()).await;
    let (key, token) = made(&server, 1, |_| {}).await;
    for header in ["authorization", "x-api-token"] {
        let value = if header == "authorization" { format!("bearer  {token}") } else { token.clone() };
        let told = with(&server, header, &value).await.expect(200);
        let principal = &told.body["principal"];
        assert_eq!((&principal["id"], &principal["kind"]), (&"till-1".into(), &"token".into()));
        assert_eq!(principal["token_id"], key.id);
    }
    let (_, revoked) = made(&server, 2, |key| key.revoked_at = Some(Timestamp::from_micros(1))).await;
    let (_, expired) = made(&server, 3, |key| key.expires_at = Some(Timestamp::from_micros(1))).await;
    let (_, unknown, _) = api_key::mint([4; 8], [4; 32]);
    let changed = format!("{}0", &token[..token.len() - 1]);
    let short = &token[..token.len() - 1];
    for (token, reason) in [
        (revoked.as_str(), "revoked"),
        (&expired, "expired"),
        (&unknown, "unknown_key"),
        (&changed, "unknown_key"),
        (short, "malformed"),
    ] {
        let refused = bearer(&server, token).await.problem(401, "AUTHENTICATION_FAILED");
        assert_eq!(refused.body["reason"], reason);
        let challenge = refused.header("www-authenticate");
        assert!(challenge.starts_with("Bearer") && challenge.contains("invalid_token"), "{challenge}");
        assert!(!refused.body.to_string().contains(token));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_key_that_is_revoked_is_good_no_more_within_seconds() {
    let server = Server::with(options()).await;
    let (key, token) = made(&server, 1, |_| {}).await;
    bearer(&server, &token).await.expect(200);
    let revoked = KeyChange::Revoked(Timestamp::from_micros(1));
    server.store.key_store().change_key(&key.id, revoked).await.unwrap();
    let began = Instant::now();
    while bearer(&server, &token).await.status == 200 {
        assert!(began.elapsed() < Duration::from_secs(8), "remembered for too long");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn the_use_of_a_key_is_noted() {
    let server = Server::with(options()).await;
    let (key, token) = made(&server, 1, |_| {}).await;
    bearer(&server, &token).await.expect(200);
    let began = Instant::now();
    let used = async || server.store.key_store().key(&key.id).await.unwrap().unwrap().last_used_at;
    while used().await.is_none() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is never noted");
        tokio::task::yield_now().await;
    }
    let noted = used().await;
    bearer(&server, &token).await.expect(200);
    assert_eq!(used().await, noted, "once a minute is enough");
    server.stop().await;
}

#[tokio::test]
async fn a_key_does_what_its_rights_allow() {
    let server = Server::with(options()).await;
    let shop = |key: &mut ApiKey| {
        key.roles = Vec::new();
        key.grants = vec!["tasker.task:create@shop".parse().unwrap()];
    };
    let (_, token) = made(&server, 1, shop).await;
    server.register("order", |of| of.namespace = "shop".parse().unwrap()).await;
    let create = async |namespace: &str| {
        let body = serde_json::json!({"name": "order", "namespace": namespace, "context": {}});
        answer(server.request(Method::POST, "/tasks").header("x-api-token", &token).json(&body)).await
    };
    let created = create("shop").await.expect(201);
    assert_eq!(created.body["task"]["initiator"], "till-1");
    create("default").await.problem(403, "AUTHORIZATION_FAILED");
    answer(server.request(Method::GET, "/tasks").header("x-api-token", &token))
        .await
        .problem(403, "AUTHORIZATION_FAILED");
    server.stop().await;
}

#[tokio::test]
async fn api_84_api_85_tokens_are_taken_from_headers_and_with_their_scheme_only() {
    let server = Server::with(options()).await;
    let (_, token) = made(&server, 1, |_| {}).await;
    let missing = with(&server, "authorization", &token).await.problem(401, "AUTHENTICATION_FAILED");
    assert_eq!(missing.body["reason"], "missing");
    let query = server.get(&format!("/me?access_token={token}")).await;
    assert_eq!(query.problem(401, "AUTHENTICATION_FAILED").body["reason"], "missing");
    server.stop().await;
}

#[tokio::test]
async fn two_credentials_in_one_request_are_refused() {
    let server = Server::with(options()).await;
    let (_, token) = made(&server, 1, |_| {}).await;
    let request = || server.request(Method::GET, "/me").header("x-api-token", &token);
    let twice = answer(request().bearer_auth(&token)).await.problem(401, "AUTHENTICATION_FAILED");
    assert_eq!(twice.body["reason"], "malformed");
    let kinds =
        answer(request().header("x-forwarded-user", "ada")).await.problem(401, "AUTHENTICATION_FAILED");
    assert_eq!(kinds.body["reason"], "ambiguous");
    server.stop().await;
}
