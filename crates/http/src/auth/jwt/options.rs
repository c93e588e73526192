//! How the strategy is set up.

use std::fmt;
use std::sync::Arc;

use tasker_core::access::JwtRules;
use zeroize::Zeroizing;

use super::clock::{HostClock, JwtClock};

/// Which tokens are accepted. At least one kind of key must be given.
#[derive(Clone)]
pub struct JwtOptions {
    /// What must hold of their claims.
    pub rules: JwtRules,
    /// Accepted algorithms by their names in RFC 7518: `RS256`, `PS256`, `ES256`, `EdDSA` unless set.
    pub algorithms: Vec<String>,
    /// The secret that is shared with the issuer, for `HS256`, `HS384` and `HS512`.
    pub secret: Option<JwtSecret>,
    /// Public keys of the issuer.
    pub public_keys: Vec<PublicKey>,
    /// A set of public keys, as JSON (RFC 7517).
    pub jwks: Option<String>,
    /// Where the issuer publishes its set of public keys; `https`, or `http` on loopback.
    pub jwks_url: Option<String>,
    /// What time it is.
    pub clock: Arc<dyn JwtClock>,
}

/// A public key as PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    /// What it is called in messages, such as the file that it is from.
    pub name: String,
    /// `-----BEGIN PUBLIC KEY-----` ...
    pub pem: String,
}

/// A secret that is shared with the issuer. It is wiped when it is no longer needed, and never shown.
#[derive(Clone)]
pub struct JwtSecret(Zeroizing<Vec<u8>>);

impl JwtOptions {
    /// Tokens that hold to these rules; keys are to be given besides.
    pub fn new(rules: JwtRules) -> Self {
        Self {
            rules,
            algorithms: ["RS256", "PS256", "ES256", "EdDSA"].map(str::to_owned).into(),
            secret: None,
            public_keys: Vec::new(),
            jwks: None,
            jwks_url: None,
            clock: Arc::new(HostClock::default()),
        }
    }
}

impl JwtSecret {
    /// These bytes, all of them.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtSecret([FILTERED])")
    }
}
