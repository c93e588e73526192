//! Who asks, and with which grants.

use std::sync::Arc;

use axum::http::request::Parts;
use tasker_core::access::{Claims, Principal};

use crate::options::Authorization;
use crate::reply::Problem;
use crate::route::Requirement;
use crate::state::ApiState;

/// Finds out who asks. On a public route nobody is asked, whatever credentials they bring.
pub(super) async fn principal(
    api: &ApiState,
    parts: &Parts,
    requirement: Requirement,
) -> Result<Arc<Principal>, Problem> {
    let authentication = &api.options.authentication;
    if requirement == Requirement::Public {
        return Ok(Arc::new(with_grants(api, Claims::anonymous())));
    }
    let principal = with_grants(api, authentication.identify(parts).await?);
    if authentication.is_enabled() && principal.is_anonymous() {
        return Err(authentication.missing());
    }
    Ok(Arc::new(principal))
}

fn with_grants(api: &ApiState, claims: Claims) -> Principal {
    match &api.options.authorization {
        Authorization::Off => Principal::unrestricted(claims),
        Authorization::Roles(roles) => Principal::new(claims, roles),
    }
}
