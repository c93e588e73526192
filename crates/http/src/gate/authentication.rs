//! Who asks, and with which grants.

use std::sync::Arc;
use std::time::Instant;

use axum::http::request::Parts;
use tasker_core::access::{Claims, Principal, PrincipalKind};

use super::rate;
use crate::options::Authorization;
use crate::reply::{Problem, codes};
use crate::route::{Cost, Requirement};
use crate::state::ApiState;

/// Finds out who asks. On a public route nobody is asked, whatever credentials they bring.
pub(super) async fn principal(
    api: &ApiState,
    parts: &Parts,
    requirement: Requirement,
    cost: Cost,
) -> Result<Arc<Principal>, Problem> {
    let authentication = &api.options.authentication;
    if requirement == Requirement::Public {
        return Ok(Arc::new(with_grants(api, Claims::anonymous())));
    }
    let claims = if authentication.is_presented(parts) {
        presented(api, parts).await?
    } else if authentication.is_enabled() {
        // Those who never say who they are count too.
        rate::by_peer(api, parts, cost)?;
        return Err(authentication.missing());
    } else {
        Claims::anonymous()
    };
    if authentication.is_enabled() && claims.kind == PrincipalKind::Anonymous {
        return Err(authentication.missing());
    }
    Ok(Arc::new(with_grants(api, claims)))
}

/// Finds out whose credentials these are, unless too many bad ones came from there.
async fn presented(api: &ApiState, parts: &Parts) -> Result<Claims, Problem> {
    let address = rate::address(parts);
    if let Some(seconds) = api.failed_logins.blocked_seconds(address, Instant::now()) {
        let detail = "too many bad credentials came from this address";
        return Err(Problem::new(&codes::RATE_LIMITED, detail).retry_after(seconds));
    }
    let claims = api.options.authentication.identify(parts).await;
    if claims.as_ref().is_err_and(|problem| problem.code() == codes::AUTHENTICATION_FAILED.name) {
        api.failed_logins.count(address, Instant::now());
    }
    claims
}

fn with_grants(api: &ApiState, claims: Claims) -> Principal {
    match &api.options.authorization {
        Authorization::Off => Principal::unrestricted(claims),
        Authorization::Roles(roles) => Principal::new(claims, roles),
    }
}
