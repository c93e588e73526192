//! Who asks? Strategies find it out; this is where they are asked, and what must hold whichever they are.
//!
//! A strategy is an [`Authenticator`]. It holds nothing of a request: what it finds out travels with the request. If several
//! are configured, the first whose kind of credential is presented decides, and what it finds bad is never tried with
//! another. Two kinds of credential in one request are refused.

mod api_key;
mod chain;
mod jwt;
mod trusted_proxy;

use async_trait::async_trait;
use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use tasker_core::access::Claims;
use tasker_engine::Engine;

pub use api_key::ApiKeys;
pub use chain::Authentication;
pub use jwt::{HostClock, Jwt, JwtClock, JwtOptions, JwtSecret, PublicKey};
pub use trusted_proxy::TrustedProxy;

/// A way to find out who asks.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Name, such as `api_key`.
    fn name(&self) -> &'static str;

    /// What `WWW-Authenticate` says of it.
    fn challenge(&self) -> &'static str {
        "Bearer realm=\"tasker\""
    }

    /// Whether the request brings this kind of credential, good or bad.
    fn is_presented(&self, request: &Parts) -> bool;

    /// Finds out who asks. Called only if the credential is presented.
    async fn authenticate(&self, request: &Parts) -> Result<Claims, AuthenticationFailure>;

    /// Told once which engine the API serves, before any request.
    fn prepare(&self, _engine: &Engine) {}

    /// What is wrong with its settings; looked at when the server starts.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why it could not be found out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthenticationFailure {
    /// The credential is not good.
    Refused {
        /// Stable word: `missing`, `malformed`, `expired`, `not_yet_valid`, `bad_signature`, `unknown_key`, `revoked`, ...
        reason: &'static str,
        /// In words; nothing that helps to guess.
        message: String,
    },
    /// It cannot be known now.
    Unavailable {
        /// What really happened, for the log.
        cause: String,
    },
}

impl AuthenticationFailure {
    /// The credential is not good.
    pub fn refused(reason: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { reason, message: message.into() }
    }
}

/// The tokens of a request that stand in `Authorization: Bearer`.
fn bearers(request: &Parts) -> impl Iterator<Item = &str> {
    request.headers.get_all(AUTHORIZATION).iter().filter_map(bearer)
}

/// The token of `Authorization: Bearer`, whose scheme may be written in any case.
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
