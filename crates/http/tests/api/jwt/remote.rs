//! Keys that their issuer publishes, and changes.

use std::time::Duration;

use serde_json::{Value, json};
use tasker_http::auth::JwtOptions;
use tasker_testkit::clock::TestClock;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::issuer::{Issuer, accepting, api, bearer, jwks};
use super::me;
use crate::server::{Answer, Server};

/// An API that has its keys from an issuer.
struct World {
    clock: TestClock,
    published: MockServer,
    server: Server,
}

impl World {
    async fn new() -> Self {
        let (clock, published) = (TestClock::default(), MockServer::start().await);
        let jwks_url = Some(format!("{}/keys", published.uri()));
        let server = Server::with(api(JwtOptions { jwks_url, ..accepting(&clock) })).await;
        Self { clock, published, server }
    }

    /// From now on the issuer answers so.
    async fn answer(&self, response: ResponseTemplate) {
        self.published.reset().await;
        Mock::given(method("GET")).and(path("/keys")).respond_with(response).mount(&self.published).await;
    }

    async fn publish(&self, keys: Value) {
        self.answer(ResponseTemplate::new(200).set_body_json(keys)).await;
    }

    async fn fall(&self) {
        self.answer(ResponseTemplate::new(503)).await;
    }

    /// How often the issuer was asked since it last changed its answer.
    async fn asked(&self) -> usize {
        self.published.received_requests().await.unwrap().len()
    }

    async fn me(&self, issuer: &Issuer) -> Answer {
        me(&self.server, &bearer(&issuer.token(&self.clock, json!({"exp": i64::from(u32::MAX)})))).await
    }

    async fn refused(&self, issuer: &Issuer, status: u16) -> Answer {
        let code = if status == 401 { "AUTHENTICATION_FAILED" } else { "SERVICE_UNAVAILABLE" };
        self.me(issuer).await.problem(status, code)
    }
}

#[tokio::test]
async fn api_82_a_key_that_was_just_changed_is_asked_for_once() {
    let world = World::new().await;
    let (old, new) = (Issuer::new("ES256", "old"), Issuer::new("EdDSA", "new"));
    world.publish(jwks(&[&old])).await;
    assert_eq!(world.asked().await, 0, "nobody is asked before a token comes");
    world.me(&old).await.expect(200);
    world.me(&old).await.expect(200);
    assert_eq!(world.asked().await, 1);
    world.publish(jwks(&[&old, &new])).await;
    world.clock.advance_seconds(30);
    world.me(&new).await.expect(200);
    world.me(&old).await.expect(200);
    assert_eq!(world.asked().await, 1);
    world.publish(jwks(&[&new])).await;
    world.clock.advance_seconds(30);
    world.refused(&Issuer::new("ES256", "none"), 401).await;
    assert_eq!(world.refused(&old, 401).await.body["reason"], "unknown_key");
    world.server.stop().await;
}

#[tokio::test]
async fn api_82_a_flood_of_unknown_keys_asks_no_oftener_than_every_half_minute() {
    let world = World::new().await;
    let known = Issuer::new("ES256", "known");
    world.publish(jwks(&[&known])).await;
    let unknown = Issuer::new("ES256", "unknown");
    let flood = async || {
        let asked = (0..8).map(|_| world.me(&unknown));
        for answer in futures::future::join_all(asked).await {
            assert!([401, 429].contains(&answer.status.as_u16()), "{:#}", answer.body);
        }
    };
    flood().await;
    assert_eq!(world.asked().await, 1);
    world.clock.advance_seconds(29);
    world.refused(&unknown, 401).await;
    assert_eq!(world.asked().await, 1);
    world.clock.advance_seconds(1);
    world.refused(&unknown, 401).await;
    assert_eq!(world.asked().await, 2);
    world.server.stop().await;
}

#[tokio::test]
async fn api_83_old_keys_serve_for_an_hour_while_the_issuer_is_down() {
    let world = World::new().await;
    let (known, unknown) = (Issuer::new("ES256", "known"), Issuer::new("ES256", "unknown"));
    world.publish(jwks(&[&known])).await;
    world.me(&known).await.expect(200);
    world.fall().await;
    world.clock.advance_seconds(3_599);
    world.me(&known).await.expect(200);
    // Whether that key exists cannot be known now.
    let refused = world.refused(&unknown, 503).await;
    assert_eq!(refused.header("retry-after"), "5");
    world.clock.advance_seconds(1);
    world.refused(&known, 503).await;
    world.publish(jwks(&[&known])).await;
    world.clock.advance_seconds(30);
    world.me(&known).await.expect(200);
    world.server.stop().await;
}

#[tokio::test]
async fn api_83_without_any_key_it_cannot_be_known_who_asks() {
    let world = World::new().await;
    let known = Issuer::new("ES256", "known");
    world.fall().await;
    world.refused(&known, 503).await;
    world.refused(&known, 503).await;
    assert_eq!(world.asked().await, 1);
    world.publish(jwks(&[&known])).await;
    world.clock.advance_seconds(5);
    world.me(&known).await.expect(200);
    world.server.stop().await;
}

#[tokio::test]
async fn keys_are_asked_for_anew_before_they_are_too_old_and_nobody_waits() {
    let world = World::new().await;
    let (old, new) = (Issuer::new("ES256", "old"), Issuer::new("ES256", "new"));
    world.publish(jwks(&[&old])).await;
    world.me(&old).await.expect(200);
    world.clock.advance_seconds(600);
    world.publish(jwks(&[&new])).await;
    world.me(&old).await.expect(200);
    // The issuer is asked meanwhile; who needs the new key waits for the same answer.
    world.me(&new).await.expect(200);
    assert_eq!(world.asked().await, 1);
    world.refused(&old, 401).await;
    world.server.stop().await;
}

#[tokio::test]
async fn only_a_set_of_keys_within_limits_from_the_named_host_is_taken() {
    let known = Issuer::new("ES256", "known");
    let set = jwks(&[&known]);
    let elsewhere = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(&set))
        .mount(&elsewhere)
        .await;
    let mut large = set.clone();
    large["padding"] = "x".repeat(1 << 20).into();
    let redirect = |to: &str| ResponseTemplate::new(302).insert_header("location", to);
    let answers = [
        ResponseTemplate::new(404),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({"keys": []})),
        ResponseTemplate::new(200).set_body_json(large),
        redirect(&elsewhere.uri()),
        redirect("/keys"),
    ];
    for answer in answers {
        let world = World::new().await;
        world.answer(answer).await;
        world.refused(&known, 503).await;
        world.server.stop().await;
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
    let world = World::new().await;
    world.answer(redirect("/moved")).await;
    Mock::given(path("/moved"))
        .respond_with(ResponseTemplate::new(200).set_body_json(&set))
        .mount(&world.published)
        .await;
    world.me(&known).await.expect(200);
    world.server.stop().await;
}

#[tokio::test]
async fn an_issuer_that_answers_slowly_is_asked_once_for_all_who_wait() {
    let world = World::new().await;
    let known = Issuer::new("ES256", "known");
    let slowly =
        ResponseTemplate::new(200).set_body_json(jwks(&[&known])).set_delay(Duration::from_millis(200));
    world.answer(slowly).await;
    let answers = futures::future::join_all((0..50).map(|_| world.me(&known))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(world.asked().await, 1);
    world.server.stop().await;
}
