//! An issuer of tokens: it has a key, signs, and publishes.

use std::sync::Arc;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use ring::{hmac, rsa};
use serde_json::{Value, json};
use tasker_core::access::JwtRules;
use tasker_core::time::Timestamp;
use tasker_http::ApiOptions;
use tasker_http::auth::{Authentication, Jwt, JwtClock, JwtOptions};
use tasker_testkit::clock::TestClock;

pub const ISSUER: &str = "https://issuer.example";

/// A key that tokens are signed with, and the algorithm.
pub enum Signer {
    Rsa(&'static str, Box<RsaKeyPair>),
    Ecdsa(&'static str, EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Shared(&'static str, Vec<u8>),
}

/// A key with its name.
pub struct Issuer {
    pub key_id: Option<&'static str>,
    pub signer: Signer,
}

impl Issuer {
    /// A new key for an algorithm. There is but one RSA key: making one takes long.
    pub fn new(algorithm: &'static str, key_id: &'static str) -> Self {
        let random = SystemRandom::new();
        let ecdsa = |form| {
            let key = EcdsaKeyPair::generate_pkcs8(form, &random).unwrap();
            Signer::Ecdsa(algorithm, EcdsaKeyPair::from_pkcs8(form, key.as_ref(), &random).unwrap())
        };
        let signer = match algorithm {
            "ES256" => ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            "EdDSA" => {
                let key = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Signer::Ed(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
            }
            "HS256" | "HS384" | "HS512" => Signer::Shared(algorithm, vec![7; 64]),
            _ => Signer::Rsa(algorithm, Box::new(rsa_key())),
        };
        Self { key_id: Some(key_id), signer }
    }

    pub fn algorithm(&self) -> &'static str {
        match &self.signer {
            Signer::Rsa(name, _) | Signer::Ecdsa(name, _) | Signer::Shared(name, _) => name,
            Signer::Ed(_) => "EdDSA",
        }
    }

    /// A token with these claims besides the usual ones, or instead of them; `null` takes one away.
    pub fn token(&self, clock: &TestClock, changes: Value) -> String {
        let mut header = json!({"alg": self.algorithm(), "typ": "JWT"});
        if let Some(id) = self.key_id {
            header["kid"] = id.into();
        }
        self.signed(&header, &claims(clock, changes))
    }

    /// A token with exactly this header.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// The public key as one of a set.
    pub fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.signer {
            Signer::Rsa(_, key) => {
                let public = rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "n": text(&public.n), "e": text(&public.e)})
            }
            Signer::Ecdsa(name, key) => {
                let curve = if *name == "ES256" { "P-256" } else { "P-384" };
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
            }
            Signer::Ed(key) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().as_ref())}),
            Signer::Shared(_, secret) => json!({"kty": "oct", "k": text(secret)}),
        };
        jwk["use"] = "sig".into();
        if let Some(id) = self.key_id {
            jwk["kid"] = id.into();
        }
        jwk
    }

    /// The public key as PEM.
    pub fn pem(&self) -> String {
        let (label, der) = match &self.signer {
            Signer::Rsa(_, key) => ("RSA PUBLIC KEY", key.public_key().as_ref().to_vec()),
            Signer::Ecdsa("ES256", key) => {
                ("PUBLIC KEY", with("3059301306072a8648ce3d020106082a8648ce3d030107034200", key.public_key()))
            }
            Signer::Ecdsa(_, key) => {
                ("PUBLIC KEY", with("3076301006072a8648ce3d020106052b81040022036200", key.public_key()))
            }
            Signer::Ed(key) => ("PUBLIC KEY", with("302a300506032b6570032100", key.public_key())),
            Signer::Shared(..) => panic!("a secret is not published"),
        };
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.signer {
            Signer::Rsa(name, key) => {
                let form: &dyn signature::RsaEncoding = match *name {
                    "RS256" => &signature::RSA_PKCS1_SHA256,
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    other => panic!("no RSA: {other}"),
                };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(form, &random, message, &mut signature).unwrap();
                signature
            }
            Signer::Ecdsa(_, key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Signer::Ed(key) => key.sign(message).as_ref().to_vec(),
            Signer::Shared(name, secret) => {
                let form = match *name {
                    "HS256" => hmac::HMAC_SHA256,
                    "HS384" => hmac::HMAC_SHA384,
                    _ => hmac::HMAC_SHA512,
                };
                hmac::sign(&hmac::Key::new(form, secret), message).as_ref().to_vec()
            }
        }
    }
}

/// Seconds since 1970.
pub fn seconds(clock: &TestClock) -> i64 {
    clock.now().as_micros() / 1_000_000
}

/// The claims of a good token, changed.
pub fn claims(clock: &TestClock, changes: Value) -> Value {
    let now = seconds(clock);
    let mut claims = json!({
        "iss": ISSUER, "aud": "tasker", "sub": "ada", "exp": now + 3_600, "iat": now, "roles": ["viewer"],
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims
}

/// A set of keys as its issuer publishes it.
pub fn jwks(issuers: &[&Issuer]) -> Value {
    json!({"keys": issuers.iter().map(|issuer| issuer.jwk()).collect::<Vec<_>>()})
}

/// What a header may hold.
pub fn bearer(token: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {token}")).unwrap()
}

/// Options with no key yet.
pub fn accepting(clock: &TestClock) -> JwtOptions {
    let rules = JwtRules::new(ISSUER, ["tasker".to_owned()]);
    JwtOptions { clock: Arc::new(Clock(clock.clone())), ..JwtOptions::new(rules) }
}

/// The API, where such tokens say who asks.
pub fn api(options: JwtOptions) -> ApiOptions {
    ApiOptions {
        authentication: Authentication::of(vec![Arc::new(Jwt::new(options))]),
        ..ApiOptions::default()
    }
}

struct Clock(TestClock);

impl JwtClock for Clock {
    fn time(&self) -> Timestamp {
        self.0.now()
    }

    fn uptime(&self) -> std::time::Duration {
        self.0.now().since(Timestamp::from_micros(0))
    }
}

fn rsa_key() -> RsaKeyPair {
    let pem = include_str!("only_for_tests.rsa.pem");
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(text).unwrap()).unwrap()
}

fn encoded(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// A public key after what says, as DER, what kind it is.
fn with(prefix: &str, key: &impl AsRef<[u8]>) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&prefix[at..at + 2], 16).unwrap();
    (0..prefix.len()).step_by(2).map(byte).chain(key.as_ref().iter().copied()).collect()
}
