//! Settings of the strategy `jwt`.

use std::path::PathBuf;
use std::time::Duration;

use crate::kind::Value;
use crate::resolve::Resolved;

/// Which tokens are accepted. Keys and secrets are named here, never held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JwtSettings {
    /// Names of accepted algorithms.
    pub algorithms: Vec<String>,
    /// Who must have issued a token; empty if unset.
    pub issuer: String,
    /// For whom it must be meant: one of these.
    pub audiences: Vec<String>,
    /// How far the clock of the issuer may be off.
    pub leeway: Duration,
    /// How old a token may be.
    pub max_age: Option<Duration>,
    /// The claim that says who.
    pub principal_claim: String,
    /// The claim that says who, for people.
    pub name_claim: String,
    /// The claim that lists roles.
    pub roles_claim: String,
    /// The claim that lists the only namespaces.
    pub namespaces_claim: Option<String>,
    /// Tokens that are no longer good, by `jti`.
    pub revoked: Vec<String>,
    /// Where the issuer publishes its keys.
    pub jwks_url: Option<String>,
    /// A file with its keys.
    pub jwks_file: Option<PathBuf>,
    /// Files with single public keys.
    pub public_key_files: Vec<PathBuf>,
    /// The file that holds the shared secret.
    pub secret_file: Option<PathBuf>,
    /// The environment variable that holds it.
    pub secret_env: Option<String>,
}

impl JwtSettings {
    pub(crate) fn of(resolved: &Resolved) -> Self {
        let key = |name: &str| format!("auth.jwt.{name}");
        let text = |name: &str| resolved.text(&key(name));
        let texts = |name: &str| resolved.texts(&key(name));
        Self {
            algorithms: texts("algorithms"),
            issuer: text("issuer").unwrap_or_default(),
            audiences: texts("audiences"),
            leeway: resolved.span(&key("leeway")),
            max_age: match resolved.value(&key("max_age")) {
                Some(Value::Span(span)) => Some(*span),
                _ => None,
            },
            principal_claim: text("principal_claim").unwrap_or_default(),
            name_claim: text("name_claim").unwrap_or_default(),
            roles_claim: text("roles_claim").unwrap_or_default(),
            namespaces_claim: text("namespaces_claim"),
            revoked: texts("revoked"),
            jwks_url: text("jwks_url"),
            jwks_file: text("jwks_file").map(PathBuf::from),
            public_key_files: texts("public_key_files").into_iter().map(PathBuf::from).collect(),
            secret_file: text("secret_file").map(PathBuf::from),
            secret_env: text("secret_env"),
        }
    }
}
