//! Strategy `jwt`: whoever asks brings a signed token that says who they are (RFC 7519), as `Authorization: Bearer`.
//!
//! ```text
//!  header ──> token.rs ──> keys.rs ──> signature.rs ──> tasker_core::access::JwtRules
//!             its parts    which key    is it forged?    is it good, and whose?
//! ```
//!
//! Formats of tokens and keys are read by `jsonwebtoken`. The key decides which algorithms it is used with: a token names
//! one, and if the key is not made for it, or it is not on the list of accepted ones, the token is refused. Keys are
//! configured ([`JwtOptions`]), or had from the issuer ([`remote`]) and kept for a while ([`freshness`]).

mod algorithm;
mod clock;
mod download;
mod freshness;
mod key;
mod key_set;
mod keys;
mod options;
mod remote;
mod signature;
mod token;

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use jsonwebtoken::Algorithm;
use tasker_core::access::api_key::PREFIX;
use tasker_core::access::{Claims, JWT_STRATEGY, JwtRules};

pub use clock::{HostClock, JwtClock};
pub use options::{JwtOptions, JwtSecret, PublicKey};

use self::keys::Keys;
use self::token::Token;
use super::{AuthenticationFailure, Authenticator, bearer, bearers};

/// The strategy.
pub struct Jwt {
    rules: JwtRules,
    algorithms: Vec<Algorithm>,
    keys: Keys,
    clock: Arc<dyn JwtClock>,
    problems: Vec<String>,
}

impl Jwt {
    /// Tokens that these options accept. What is wrong with them is told by [`Authenticator::problems`]; with such options
    /// nothing is accepted. Keys of an issuer are not asked for until the first token comes.
    pub fn new(options: JwtOptions) -> Self {
        let mut problems = options.rules.problems();
        let algorithms = algorithm::parse(&options.algorithms, &mut problems);
        let keys = Keys::of(&options, &algorithms, &mut problems);
        Self { rules: options.rules, algorithms, keys, clock: options.clock, problems }
    }
}

#[async_trait]
impl Authenticator for Jwt {
    fn name(&self) -> &'static str {
        JWT_STRATEGY
    }

    fn is_presented(&self, request: &Parts) -> bool {
        // API keys are given the same way, and are another kind of credential.
        bearers(request).any(|token| !token.starts_with(PREFIX))
    }

    async fn authenticate(&self, request: &Parts) -> Result<Claims, AuthenticationFailure> {
        if let Some(problem) = self.problems.first() {
            return Err(AuthenticationFailure::Unavailable { cause: problem.clone() });
        }
        let mut values = request.headers.get_all(AUTHORIZATION).iter();
        let token = values.next().and_then(bearer).unwrap_or_default();
        if values.next().is_some() {
            return Err(AuthenticationFailure::refused("malformed", "authorization was given twice"));
        }
        let token = Token::read(token.as_bytes())?;
        if !self.algorithms.contains(&token.algorithm) {
            let message = "the token is signed with an algorithm that is not accepted";
            return Err(AuthenticationFailure::refused("bad_signature", message));
        }
        self.keys.check(&token).await?;
        let judged = self.rules.judge(&token.payload()?, self.clock.time());
        judged.map_err(|bad| AuthenticationFailure::refused(bad.reason(), bad.to_string()))
    }

    fn problems(&self) -> Vec<String> {
        self.problems.clone()
    }
}
