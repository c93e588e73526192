//! Tokens that are not good, and why.

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tasker_http::ApiOptions;
use tasker_http::auth::{ApiKeys, Authentication, Jwt, JwtOptions, JwtSecret, PublicKey, TrustedProxy};
use tasker_testkit::clock::TestClock;

use super::issuer::{Issuer, Signer, accepting, api, bearer, claims, jwks, seconds};
use super::me;
use crate::api_keys::made;
use crate::server::{Server, answer};

/// An issuer, and options that accept its tokens.
fn trusted(clock: &TestClock) -> (Issuer, JwtOptions) {
    let issuer = Issuer::new("RS256", "a");
    let options = JwtOptions { jwks: Some(jwks(&[&issuer]).to_string()), ..accepting(clock) };
    (issuer, options)
}

/// Why credentials are refused. Each time a new server is asked, for no address is listened to after ten bad ones.
async fn reason(options: &JwtOptions, credentials: HeaderValue) -> String {
    let server = Server::with(api(options.clone())).await;
    let answered = me(&server, &credentials).await;
    server.stop().await;
    if answered.status == 200 {
        return "good".into();
    }
    let refused = answered.problem(401, "AUTHENTICATION_FAILED");
    let reason = refused.body["reason"].as_str().unwrap().to_owned();
    let challenge = refused.header("www-authenticate");
    assert!(challenge.starts_with("Bearer realm=\"tasker\""), "{challenge}");
    if reason != "missing" {
        let told = format!("error=\"invalid_token\", error_description=\"{reason}\"");
        assert!(challenge.ends_with(&told), "{challenge}");
    }
    reason
}

#[tokio::test]
async fn api_79_api_80_every_claim_is_judged_and_the_reason_told() {
    let clock = TestClock::default();
    let (issuer, mut options) = trusted(&clock);
    options.rules.revoked.insert("stolen".into());
    let now = seconds(&clock);
    let cases = [
        (json!({}), "good"),
        (json!({"exp": now - 31}), "expired"),
        (json!({"exp": now - 29}), "good"),
        (json!({"nbf": now + 3_600}), "not_yet_valid"),
        (json!({"aud": "other"}), "wrong_audience"),
        (json!({"iss": "https://other.example"}), "wrong_issuer"),
        (json!({"exp": null}), "malformed"),
        (json!({"sub": null}), "malformed"),
        (json!({"jti": "stolen"}), "revoked"),
    ];
    for (changes, expected) in cases {
        let token = issuer.token(&clock, changes.clone());
        assert_eq!(reason(&options, bearer(&token)).await, expected, "{changes}");
    }
}

#[tokio::test]
async fn api_81_no_token_is_believed_that_nobody_signed() {
    let clock = TestClock::default();
    let (issuer, options) = trusted(&clock);
    let claims = claims(&clock, json!({}));
    let good = issuer.token(&clock, json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let other = issuer.token(&clock, json!({"sub": "eve"}));
    let other: Vec<&str> = other.split('.').collect();
    let with_header = |header: Value| issuer.signed(&header, &claims);
    let unsigned = |header: Value| {
        let token = with_header(header);
        token[..=token.rfind('.').unwrap()].to_owned()
    };
    let cases = [
        (unsigned(json!({"alg": "none"})), "malformed"),
        (unsigned(json!({"alg": "None", "kid": "a"})), "malformed"),
        (unsigned(json!({"alg": "RS256", "kid": "a"})), "bad_signature"),
        (with_header(json!({"kid": "a"})), "malformed"),
        (with_header(json!({"alg": "RS256", "kid": "a", "crit": ["exp"]})), "malformed"),
        (with_header(json!({"alg": "RS256", "kid": "a", "crit": []})), "malformed"),
        (with_header(json!({"alg": "RS256", "kid": "a", "crit": "exp"})), "malformed"),
        (with_header(json!({"alg": "RS256", "kid": "a", "typ": "JWE"})), "malformed"),
        (with_header(json!({"alg": "RS256", "kid": "a", "typ": "at+jwt"})), "good"),
        (with_header(json!({"alg": "RS256", "kid": "a"})), "good"),
        (with_header(json!({"alg": "RS256", "kid": "b"})), "unknown_key"),
        (with_header(json!({"alg": "RS384", "kid": "a"})), "bad_signature"),
        (with_header(json!({"alg": "PS256", "kid": "a"})), "bad_signature"),
        (with_header(json!({"alg": "ES256", "kid": "a"})), "unknown_key"),
        (with_header(json!({"alg": "RS256", "kid": "b", "jwk": issuer.jwk()})), "unknown_key"),
        (format!("{}.{}.{}", parts[0], other[1], parts[2]), "bad_signature"),
        (format!("{}.{}.{}", parts[0], parts[1], other[2]), "bad_signature"),
        (format!("{}.{}", parts[0], parts[1]), "malformed"),
        (format!("{good}."), "malformed"),
        (format!("{good}.a.b"), "malformed"),
        (format!("{good}="), "malformed"),
        (".".repeat(2), "malformed"),
        (String::new(), "missing"),
        ("x".repeat(9 * 1024), "malformed"),
        (issuer.token(&clock, json!({"padding": "x".repeat(6_000)})), "malformed"),
    ];
    for (token, expected) in cases {
        assert_eq!(reason(&options, bearer(&token)).await, expected, "{token}");
    }
}

#[tokio::test]
async fn api_81_a_public_key_is_never_taken_for_a_secret() {
    let clock = TestClock::default();
    let (rsa, set) = trusted(&clock);
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": "a"});
    // HMAC is accepted too, with a secret of its own: still no public key is one.
    let both = JwtOptions {
        algorithms: vec!["RS256".into(), "HS256".into()],
        secret: Some(JwtSecret::new(vec![1; 32])),
        public_keys: vec![PublicKey { name: "key.pem".into(), pem: rsa.pem() }],
        ..set.clone()
    };
    let Signer::Rsa(_, key) = &rsa.signer else { unreachable!() };
    let der = ring::signature::KeyPair::public_key(&**key).as_ref().to_vec();
    for secret in [rsa.pem().into_bytes(), rsa.jwk().to_string().into_bytes(), der] {
        let forger = Issuer { key_id: Some("a"), signer: Signer::Shared("HS256", secret) };
        let token = bearer(&forger.signed(&header, &claims(&clock, json!({}))));
        assert_eq!(reason(&set, token.clone()).await, "bad_signature");
        assert_eq!(reason(&both, token).await, "bad_signature");
    }
    let own = Issuer { key_id: None, signer: Signer::Shared("HS256", vec![1; 32]) };
    assert_eq!(reason(&both, bearer(&own.token(&clock, json!({})))).await, "good");
    assert_eq!(reason(&both, bearer(&rsa.token(&clock, json!({})))).await, "good");
}

#[tokio::test]
async fn api_84_api_85_a_token_is_looked_for_in_one_place_only() {
    let clock = TestClock::default();
    let (issuer, options) = trusted(&clock);
    let token = issuer.token(&clock, json!({}));
    for scheme in ["", "Token ", "Basic ", "Bearer", "Bearer:"] {
        let credentials = HeaderValue::try_from(format!("{scheme}{token}")).unwrap();
        assert_eq!(reason(&options, credentials).await, "missing", "{scheme:?}");
    }
    for scheme in ["bearer ", "BEARER  "] {
        let credentials = HeaderValue::try_from(format!("{scheme}{token}")).unwrap();
        assert_eq!(reason(&options, credentials).await, "good", "{scheme:?}");
    }
    let server = Server::with(api(options)).await;
    let refused =
        server.get(&format!("/me?access_token={token}")).await.problem(401, "AUTHENTICATION_FAILED");
    assert_eq!(refused.body["reason"], "missing");
    let twice = server.request(Method::GET, "/me").header("authorization", bearer(&token));
    let twice = answer(twice.header("authorization", bearer(&token))).await;
    assert_eq!(twice.problem(401, "AUTHENTICATION_FAILED").body["reason"], "malformed");
    server.stop().await;
}

#[tokio::test]
async fn api_87_two_kinds_of_credentials_are_refused_though_one_is_good() {
    let clock = TestClock::default();
    let (issuer, options) = trusted(&clock);
    let proxy = TrustedProxy::at(vec!["127.0.0.1".parse().unwrap()]);
    let authentication = Authentication::of(vec![Arc::new(Jwt::new(options)), Arc::new(proxy)]);
    let server = Server::with(ApiOptions { authentication, ..ApiOptions::default() }).await;
    for token in ["bad".to_owned(), issuer.token(&clock, json!({}))] {
        let request = server.request(Method::GET, "/me").header("x-forwarded-user", "ada");
        let refused = answer(request.header("authorization", bearer(&token))).await;
        assert_eq!(refused.problem(401, "AUTHENTICATION_FAILED").body["reason"], "ambiguous");
    }
    answer(server.request(Method::GET, "/me").header("x-forwarded-user", "ada")).await.expect(200);
    me(&server, &bearer(&issuer.token(&clock, json!({})))).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn api_87_a_bad_token_is_not_made_good_by_a_good_api_key() {
    let clock = TestClock::default();
    let (issuer, options) = trusted(&clock);
    let authentication = Authentication::of(vec![Arc::new(Jwt::new(options)), Arc::new(ApiKeys::new())]);
    let server = Server::with(ApiOptions { authentication, ..ApiOptions::default() }).await;
    let (_, key) = made(&server, 1, |_| {}).await;
    let both = server.request(Method::GET, "/me").header("x-api-token", &key).bearer_auth("bad");
    assert_eq!(answer(both).await.problem(401, "AUTHENTICATION_FAILED").body["reason"], "ambiguous");
    // Each of them alone is known for what it is, though both are given the same way.
    for (token, strategy) in [(key, "api_key"), (issuer.token(&clock, json!({})), "jwt")] {
        let told = me(&server, &bearer(&token)).await.expect(200);
        assert_eq!(told.body["principal"]["auth_strategy"], strategy);
    }
    server.stop().await;
}

#[tokio::test]
async fn api_94_a_bad_token_keeps_nobody_from_asking_whether_the_server_lives() {
    let clock = TestClock::default();
    let server = Server::with(api(trusted(&clock).1)).await;
    for path in ["/health/live", "/health/ready"] {
        answer(server.request(Method::GET, path).header("authorization", bearer("bad"))).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn api_89_tokens_that_come_together_are_told_apart() {
    let clock = TestClock::default();
    let (issuer, options) = trusted(&clock);
    let server = Server::with(api(options)).await;
    let tokens = ["ada", "vera"].map(|who| (who, bearer(&issuer.token(&clock, json!({"sub": who})))));
    let asked = (0..200).map(|n| {
        let ((who, token), server) = (&tokens[n % 2], &server);
        async move { assert_eq!(me(server, token).await.expect(200).body["principal"]["id"], *who) }
    });
    futures::future::join_all(asked).await;
    server.stop().await;
}
