//! Callers that say which roles and grants they have.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::request::Parts;
use reqwest::Method;
use tasker_core::access::{Claims, PrincipalKind, Roles};
use tasker_core::names::Namespace;
use tasker_http::auth::{Authentication, AuthenticationFailure, Authenticator};
use tasker_http::{ApiOptions, Authorization};

use crate::server::{Answer, Server, answer};

/// Believes the header `x-claims`: words that are roles, grants if they have a `:`, namespaces if they begin with `@`,
/// who asks if they begin with `=`, but for `=refused`.
struct Believer;

#[async_trait]
impl Authenticator for Believer {
    fn name(&self) -> &'static str {
        "believer"
    }

    fn is_presented(&self, request: &Parts) -> bool {
        request.headers.contains_key("x-claims")
    }

    async fn authenticate(&self, request: &Parts) -> Result<Claims, AuthenticationFailure> {
        let text = request.headers["x-claims"].to_str().expect("text");
        let mut claims = Claims { id: "somebody".into(), kind: PrincipalKind::User, ..Claims::anonymous() };
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if word == "=refused" {
                return Err(AuthenticationFailure::refused("unknown_key", "nobody believes this"));
            }
            if let Some(id) = word.strip_prefix('=') {
                claims.id = id.into();
                continue;
            }
            match word.strip_prefix('@') {
                Some(name) => {
                    let namespace = Namespace::new(name).expect("a namespace");
                    claims.namespaces.get_or_insert_default().insert(namespace);
                }
                None if word.contains(':') => claims.grants.push(word.parse().expect("a grant")),
                None => claims.roles.push(word.into()),
            }
        }
        Ok(claims)
    }
}

/// Options under which callers are what they say.
pub fn believing() -> ApiOptions {
    ApiOptions {
        authentication: Authentication::of(vec![Arc::new(Believer)]),
        authorization: Authorization::Roles(Roles::default()),
        ..ApiOptions::default()
    }
}

impl Server {
    /// Asks as somebody.
    pub async fn get_as(&self, claims: &str, path: &str) -> Answer {
        answer(self.request(Method::GET, path).header("x-claims", claims)).await
    }
}
