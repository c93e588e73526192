//! Keys that are configured.

use serde_json::{Value, json};
use tasker_http::auth::{Authenticator as _, Jwt, JwtOptions, JwtSecret, PublicKey};
use tasker_testkit::clock::TestClock;

use super::issuer::{Issuer, Signer, accepting, api, bearer, jwks};
use super::me;
use crate::server::Server;

const ALL: [&str; 12] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256", "HS384",
    "HS512",
];

fn with_algorithms(options: JwtOptions, names: &[&str]) -> JwtOptions {
    JwtOptions { algorithms: names.iter().map(|name| (*name).to_owned()).collect(), ..options }
}

fn pem(issuer: &Issuer) -> PublicKey {
    PublicKey { name: "key.pem".into(), pem: issuer.pem() }
}

/// Its one key, as PEM or a secret.
fn single(clock: &TestClock, issuer: &Issuer) -> JwtOptions {
    let options = with_algorithms(accepting(clock), &[issuer.algorithm()]);
    match &issuer.signer {
        Signer::Shared(_, secret) => JwtOptions { secret: Some(JwtSecret::new(secret.clone())), ..options },
        _ => JwtOptions { public_keys: vec![pem(issuer)], ..options },
    }
}

fn problems(options: JwtOptions) -> Vec<String> {
    Jwt::new(options).problems()
}

#[tokio::test]
async fn every_algorithm_is_accepted_with_a_key_that_is_made_for_it() {
    let clock = TestClock::default();
    for algorithm in ALL {
        let issuer = Issuer::new(algorithm, "a");
        let server = Server::with(api(single(&clock, &issuer))).await;
        let told = me(&server, &bearer(&issuer.token(&clock, json!({"name": "Ada L."})))).await.expect(200);
        let principal = &told.body["principal"];
        assert_eq!(
            (&principal["id"], &principal["display_name"]),
            (&json!("ada"), &json!("Ada L.")),
            "{algorithm}"
        );
        assert_eq!((&principal["auth_strategy"], &principal["kind"]), (&json!("jwt"), &json!("user")));
        assert_eq!(principal["expires_at"], "2026-01-31T10:00:00.000Z", "{algorithm}");
        server.stop().await;
    }
}

#[tokio::test]
async fn every_public_key_is_accepted_from_a_set() {
    let clock = TestClock::default();
    for algorithm in ALL.into_iter().filter(|name| !name.starts_with('H')) {
        let (issuer, other) = (Issuer::new(algorithm, "a"), Issuer::new("ES256", "b"));
        let options = with_algorithms(accepting(&clock), &[algorithm]);
        let set = jwks(&[&other, &issuer]).to_string();
        let server = Server::with(api(JwtOptions { jwks: Some(set), ..options })).await;
        me(&server, &bearer(&issuer.token(&clock, json!({})))).await.expect(200);
        let unnamed = Issuer { key_id: None, ..issuer };
        me(&server, &bearer(&unnamed.token(&clock, json!({})))).await.expect(200);
        server.stop().await;
    }
}

#[tokio::test]
async fn api_81_a_key_is_used_only_as_it_is_meant_to_be() {
    let clock = TestClock::default();
    let issuer = Issuer::new("RS256", "a");
    let refused = async |jwk: Value| {
        let options = with_algorithms(accepting(&clock), &["RS256", "PS256", "ES256"]);
        let usable = Issuer::new("ES256", "z").jwk();
        let jwks = Some(json!({"keys": [jwk, usable]}).to_string());
        let server = Server::with(api(JwtOptions { jwks, ..options })).await;
        let refused = me(&server, &bearer(&issuer.token(&clock, json!({})))).await;
        let reason = refused.problem(401, "AUTHENTICATION_FAILED").body["reason"].clone();
        server.stop().await;
        reason
    };
    let changed = |name: &str, value: Value| {
        let mut jwk = issuer.jwk();
        jwk[name] = value;
        jwk
    };
    assert_eq!(refused(changed("alg", json!("PS256"))).await, "unknown_key");
    assert_eq!(refused(changed("alg", json!("RSA-OAEP"))).await, "unknown_key");
    assert_eq!(refused(changed("use", json!("enc"))).await, "unknown_key");
    assert_eq!(refused(changed("key_ops", json!(["encrypt"]))).await, "unknown_key");
    assert_eq!(refused(changed("kid", json!("b"))).await, "unknown_key");
    assert_eq!(refused(changed("n", json!("AQAB"))).await, "unknown_key");
    assert_eq!(refused(json!({"kty": "oct", "kid": "a", "k": "AAAA"})).await, "unknown_key");
}

#[test]
fn api_95_what_cannot_be_used_is_told_before_anything_is_served() {
    let clock = TestClock::default();
    let (rsa, shared) = (Issuer::new("RS256", "a"), Issuer::new("HS256", "a"));
    assert_eq!(problems(single(&clock, &rsa)), Vec::<String>::new());
    assert_eq!(problems(single(&clock, &shared)), Vec::<String>::new());
    let with_secret = |names: &[&str], length: usize| {
        let options = with_algorithms(accepting(&clock), names);
        problems(JwtOptions { secret: Some(JwtSecret::new(vec![b'x'; length])), ..options })
    };
    let with_pem = |pem: &str| {
        let key = PublicKey { name: "key.pem".into(), pem: pem.into() };
        problems(JwtOptions { public_keys: vec![key], ..accepting(&clock) })
    };
    let with_set = |set: &str| problems(JwtOptions { jwks: Some(set.into()), ..accepting(&clock) });
    let with_url = |url: &str| problems(JwtOptions { jwks_url: Some(url.into()), ..accepting(&clock) });
    let cases = [
        (with_secret(&["HS256"], 16), "the secret has 16 bytes, but must have at least 32"),
        (with_secret(&["HS256", "HS512"], 63), "at least 64"),
        (with_secret(&["HS256"], 0), "0 bytes"),
        (with_secret(&["RS256"], 32), "a secret is of no use"),
        (problems(with_algorithms(single(&clock, &rsa), &["RS256", "HS256"])), "need a secret"),
        (problems(with_algorithms(single(&clock, &rsa), &["RS256", "none"])), "\"none\" is no algorithm"),
        (problems(with_algorithms(single(&clock, &rsa), &["RS256", "ES512"])), "\"ES512\" is no algorithm"),
        (problems(with_algorithms(single(&clock, &rsa), &["ES256"])), "key.pem is of no use"),
        (problems(accepting(&clock)), "name keys to check signatures with"),
        (with_pem(include_str!("only_for_tests.rsa.pem")), "key.pem is a private key"),
        (with_pem(include_str!("weak.pem")), "at least 2048 bits"),
        (with_pem("-----BEGIN CERTIFICATE-----\n"), "key.pem is a certificate"),
        (with_pem("hello"), "key.pem is no public key"),
        (with_set("{}"), "jwks is no set of keys"),
        (with_set(r#"{"keys": []}"#), "jwks holds no key"),
        (with_set(&jwks(&[&shared]).to_string()), "jwks holds no key"),
        (with_set(&json!({"keys": vec![rsa.jwk(); 65]}).to_string()), "65 keys"),
        (with_url("http://issuer.example/keys"), "must begin with https:"),
        (with_url("file:///etc/passwd"), "must begin with https:"),
        (with_url("https://me:secret@issuer.example/"), "must not hold a name or a password"),
        (with_url("issuer"), "is no address"),
        (
            problems(with_algorithms(
                JwtOptions { jwks_url: Some("https://issuer.example/".into()), ..single(&clock, &shared) },
                &["HS256"],
            )),
            "of no use with the accepted algorithms",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found.len(), 1, "{expected}: {found:#?}");
        assert!(found[0].contains(expected), "{expected}: {found:#?}");
    }
}

#[test]
fn a_secret_is_never_shown() {
    let secret = JwtSecret::new(b"correct horse battery staple".to_vec());
    assert!(!format!("{secret:?}").contains("horse") && !format!("{secret:#?}").contains("99"));
    let options = JwtOptions { secret: Some(secret), ..accepting(&TestClock::default()) };
    assert!(!problems(options).concat().contains("horse"));
}
