//! Strategy `api_key`: a token that `tasker auth key create` made, as `Authorization: Bearer tsk_...` or `X-API-Token`.
//!
//! Keys that were found are remembered for [`REMEMBERED_FOR`], so that not every request asks the database; so long a key
//! that was revoked elsewhere may still be good.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use tasker_core::access::api_key::{PREFIX, STRATEGY};
use tasker_core::access::{ApiKey, ApiKeyToken, Claims};
use tasker_engine::Engine;

use super::{AuthenticationFailure, Authenticator, bearers};
use crate::state::host_time;

/// The header that may hold the token instead of `Authorization`.
const HEADER: &str = "x-api-token";

/// How long a key is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(5);

/// Most keys that are remembered.
const MOST: usize = 1_000;

/// The strategy.
#[derive(Default)]
pub struct ApiKeys {
    engine: OnceLock<Engine>,
    remembered: Mutex<HashMap<String, (Instant, ApiKey)>>,
}

impl ApiKeys {
    /// Keys of the database of the engine that serves.
    pub fn new() -> Self {
        Self::default()
    }

    async fn key(&self, id: &str) -> Result<Option<ApiKey>, AuthenticationFailure> {
        if let Some(key) = self.recalled(id) {
            return Ok(Some(key));
        }
        let engine = self.engine.get().ok_or_else(|| unavailable("no engine serves"))?;
        let key = engine.find_api_key(id).await.map_err(unavailable)?;
        if let Some(key) = &key {
            self.remember(key.clone());
        }
        Ok(key)
    }

    fn recalled(&self, id: &str) -> Option<ApiKey> {
        let remembered = self.remembered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (since, key) = remembered.get(id)?;
        (since.elapsed() < REMEMBERED_FOR).then(|| key.clone())
    }

    fn remember(&self, key: ApiKey) {
        let mut remembered = self.remembered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if remembered.len() >= MOST {
            remembered.retain(|_, (since, _)| since.elapsed() < REMEMBERED_FOR);
        }
        if remembered.len() < MOST {
            remembered.insert(key.id.clone(), (Instant::now(), key));
        }
    }

    /// Notes the use of a key beside the request, now and then.
    fn note_use(&self, key: ApiKey) {
        let now = host_time();
        let (true, Some(engine)) = (key.is_use_worth_noting(now), self.engine.get().cloned()) else { return };
        let id = key.id.clone();
        self.remember(ApiKey { last_used_at: Some(now), ..key });
        tokio::spawn(async move {
            if let Err(error) = engine.note_api_key_use(&id, now).await {
                tracing::warn!(key = id, %error, "the use of an API key could not be noted");
            }
        });
    }
}

#[async_trait]
impl Authenticator for ApiKeys {
    fn name(&self) -> &'static str {
        STRATEGY
    }

    fn is_presented(&self, request: &Parts) -> bool {
        request.headers.contains_key(HEADER) || bearers(request).any(|token| token.starts_with(PREFIX))
    }

    async fn authenticate(&self, request: &Parts) -> Result<Claims, AuthenticationFailure> {
        let refused = |refusal: tasker_core::access::ApiKeyRefusal| {
            AuthenticationFailure::refused(refusal.reason(), refusal.to_string())
        };
        let token: ApiKeyToken = single(request)?.parse().map_err(refused)?;
        let key = self.key(&token.id).await?;
        let claims = token.holder(key.as_ref(), host_time()).map_err(refused)?;
        if let Some(key) = key {
            self.note_use(key);
        }
        Ok(claims)
    }

    fn prepare(&self, engine: &Engine) {
        // A second API over another engine would need strategies of its own.
        let _ = self.engine.set(engine.clone());
    }
}

/// The one token of a request.
fn single(request: &Parts) -> Result<&str, AuthenticationFailure> {
    let malformed = |message: &str| AuthenticationFailure::refused("malformed", message);
    let mut headers = request.headers.get_all(HEADER).iter().map(|value| value.to_str());
    let authorization = bearers(request).next();
    match (headers.next(), authorization) {
        _ if request.headers.get_all(AUTHORIZATION).iter().count() > 1 || headers.next().is_some() => {
            Err(malformed("give one API key, not several"))
        }
        (Some(_), Some(_)) => Err(malformed("give the API key once: in Authorization or in X-API-Token")),
        (Some(Ok(token)), None) => Ok(token.trim()),
        (Some(Err(_)), None) => Err(malformed("X-API-Token holds letters that no header may hold")),
        (None, Some(token)) => Ok(token),
        (None, None) => Err(malformed("there is no API key")),
    }
}

fn unavailable(cause: impl ToString) -> AuthenticationFailure {
    AuthenticationFailure::Unavailable { cause: cause.to_string() }
}
