//! The configured strategies as one.

use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use tasker_core::access::Claims;
use tasker_engine::Engine;

use super::{AuthenticationFailure, Authenticator};
use crate::reply::{Problem, codes};

/// Seconds after which it is worth trying again when it cannot be known who asks.
const RETRY_SECONDS: u64 = 5;

/// What is told as the strategy where no credentials were given, or several kinds.
const NONE: &str = "none";
const SEVERAL: &str = "several";

/// The configured strategies. Without any, everybody is anonymous (strategy `none`).
#[derive(Clone, Default)]
pub struct Authentication {
    strategies: Vec<Arc<dyn Authenticator>>,
}

impl Authentication {
    /// Nobody is asked who they are.
    pub fn none() -> Self {
        Self::default()
    }

    /// These strategies, in this order.
    pub fn of(strategies: Vec<Arc<dyn Authenticator>>) -> Self {
        Self { strategies }
    }

    /// Whether anybody is asked who they are.
    pub fn is_enabled(&self) -> bool {
        !self.strategies.is_empty()
    }

    /// Tells the strategies which engine the API serves.
    pub(crate) fn prepare(&self, engine: &Engine) {
        self.strategies.iter().for_each(|one| one.prepare(engine));
    }

    /// What is wrong with the settings of the strategies.
    pub fn problems(&self) -> Vec<String> {
        let of = |one: &Arc<dyn Authenticator>| {
            let name = one.name();
            one.problems().into_iter().map(move |problem| format!("auth strategy {name}: {problem}"))
        };
        self.strategies.iter().flat_map(of).collect()
    }

    /// Whether the request brings credentials, good or bad.
    pub(crate) fn is_presented(&self, request: &Parts) -> bool {
        self.strategies.iter().any(|one| one.is_presented(request))
    }

    /// Finds out who asks.
    pub(crate) async fn identify(&self, request: &Parts) -> Result<Claims, Problem> {
        let mut presented = self.strategies.iter().filter(|one| one.is_presented(request));
        let Some(first) = presented.next() else { return Ok(Claims::anonymous()) };
        if let Some(second) = presented.next() {
            let message =
                format!("give one kind of credential, not {} and {} together", first.name(), second.name());
            return Err(self.refusal(SEVERAL, "ambiguous", message));
        }
        first.authenticate(request).await.map_err(|failure| self.problem(first.name(), failure))
    }

    /// Somebody must say who they are and has not.
    pub(crate) fn missing(&self) -> Problem {
        self.refusal(NONE, "missing", "say who you are: no credentials were given")
    }

    fn problem(&self, strategy: &'static str, failure: AuthenticationFailure) -> Problem {
        match failure {
            AuthenticationFailure::Refused { reason, message } => self.refusal(strategy, reason, message),
            AuthenticationFailure::Unavailable { cause } => {
                let detail = "it cannot be found out now who asks";
                Problem::new(&codes::SERVICE_UNAVAILABLE, detail).retry_after(RETRY_SECONDS).caused_by(cause)
            }
        }
    }

    fn refusal(&self, strategy: &'static str, reason: &'static str, message: impl Into<String>) -> Problem {
        let mut problem =
            Problem::new(&codes::AUTHENTICATION_FAILED, message).with("reason", reason).found_by(strategy);
        let mut challenges: Vec<&str> = self.strategies.iter().map(|one| one.challenge()).collect();
        challenges.dedup();
        for challenge in challenges {
            problem = problem.header(WWW_AUTHENTICATE, challenge_of(challenge, reason));
        }
        problem
    }
}

/// A token that was given and is not good is told so (RFC 6750 3).
fn challenge_of(challenge: &'static str, reason: &'static str) -> HeaderValue {
    if reason == "missing" || !challenge.starts_with("Bearer ") {
        return HeaderValue::from_static(challenge);
    }
    let told = format!("{challenge}, error=\"invalid_token\", error_description=\"{reason}\"");
    HeaderValue::try_from(told).unwrap_or(HeaderValue::from_static(challenge))
}
