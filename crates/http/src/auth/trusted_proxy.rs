//! Strategy `trusted_proxy`: a proxy in front has found out who asks, and says so in headers.
//!
//! The headers are believed from listed peers only; from everybody else they are as good as not there.

use std::net::IpAddr;

use async_trait::async_trait;
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use tasker_core::access::{Claims, PrincipalKind};

use super::{AuthenticationFailure, Authenticator};
use crate::server::Peer;

/// Longest id of a principal, in characters.
const MAX_ID: usize = 128;

/// Settings of the strategy.
#[derive(Clone, Debug)]
pub struct TrustedProxy {
    /// Addresses of the proxies.
    pub peers: Vec<IpAddr>,
    /// The header that says who.
    pub user_header: HeaderName,
    /// The header that names their roles, with commas between.
    pub roles_header: HeaderName,
}

impl TrustedProxy {
    /// Proxies at these addresses, which use `X-Forwarded-User` and `X-Forwarded-Roles`.
    pub fn at(peers: Vec<IpAddr>) -> Self {
        Self {
            peers,
            user_header: HeaderName::from_static("x-forwarded-user"),
            roles_header: HeaderName::from_static("x-forwarded-roles"),
        }
    }

    fn is_trusted(&self, request: &Parts) -> bool {
        let peer = request.extensions.get::<Peer>();
        peer.is_some_and(|peer| self.peers.contains(&peer.0.ip().to_canonical()))
    }
}

#[async_trait]
impl Authenticator for TrustedProxy {
    fn name(&self) -> &'static str {
        "trusted_proxy"
    }

    fn is_presented(&self, request: &Parts) -> bool {
        request.headers.contains_key(&self.user_header) && self.is_trusted(request)
    }

    async fn authenticate(&self, request: &Parts) -> Result<Claims, AuthenticationFailure> {
        let id = single(request, &self.user_header)?.unwrap_or_default().trim();
        if id.is_empty() || id.chars().count() > MAX_ID {
            let message = format!("{} must be 1 to {MAX_ID} characters", self.user_header);
            return Err(AuthenticationFailure::refused("malformed", message));
        }
        let roles = single(request, &self.roles_header)?.unwrap_or_default();
        let roles = roles.split(',').map(str::trim).filter(|role| !role.is_empty());
        Ok(Claims {
            id: id.into(),
            kind: PrincipalKind::User,
            display_name: id.into(),
            roles: roles.map(str::to_owned).collect(),
            strategy: self.name(),
            ..Claims::anonymous()
        })
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.peers.is_empty() {
            problems.push("name the addresses of the proxies: without any, nobody is believed".into());
        }
        if self.user_header == self.roles_header {
            problems.push(format!("{} cannot say both who asks and their roles", self.user_header));
        }
        problems
    }
}

/// The value of a header that may be there once: of two, nobody could say which one the proxy wrote.
fn single<'a>(request: &'a Parts, name: &HeaderName) -> Result<Option<&'a str>, AuthenticationFailure> {
    let mut values = request.headers.get_all(name).iter();
    let malformed = |what| AuthenticationFailure::refused("malformed", format!("{name} {what}"));
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed("was given twice"));
    }
    value.to_str().map(Some).map_err(|_| malformed("holds letters that no header may hold"))
}
