//! What stands before every handler, made from what the table says of its route.
//!
//! The order of the checks is the contract of `spec/api.md` 1.3: body size, rate limit by peer, who asks, rate limit by
//! principal, ids of the path, permission, parameters. What concerns the body and the record in question comes after them,
//! in the handler.

mod admission;
mod authentication;
mod body_size;
mod permission;
mod rate;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use self::admission::Admission;
use crate::call::Call;
use crate::limits::Verdict;
use crate::operation::Parameter;
use crate::reply::Problem;
use crate::request::{path, query};
use crate::route::{Cost, Requirement, Route};
use crate::state::ApiState;

/// The gate of one route.
#[derive(Clone)]
pub(crate) struct Gate {
    api: ApiState,
    route: Arc<Guarded>,
}

/// What a gate must know of its route.
struct Guarded {
    requirement: Requirement,
    cost: Cost,
    query: &'static [Parameter],
}

impl Gate {
    /// The gate that a route of the table has.
    pub(crate) fn of(route: &Route, api: &ApiState) -> Self {
        let query = route.operation.query;
        Self {
            api: api.clone(),
            route: Arc::new(Guarded { requirement: route.requirement, cost: route.cost, query }),
        }
    }

    /// Everything that must hold before the handler is reached.
    async fn check(&self, parts: &mut Parts) -> Result<(Admission, Option<Verdict>), Problem> {
        let (api, route) = (&self.api, &self.route);
        let admission = admission::admit(api, route.cost)?;
        body_size::check(&parts.headers, api.options.max_body_bytes)?;
        let by_peer = rate::by_peer(api, parts, route.cost)?;
        let principal = authentication::principal(api, parts, route.requirement).await?;
        let by_principal = rate::by_principal(api, &principal, route.cost)?;
        let ids = path::ids(parts).await?;
        permission::check(api, &principal, route.requirement)?;
        let query = query::read(parts.uri.query().unwrap_or_default(), route.query)?;
        let call = Call::new(parts, principal, route.requirement, ids, query);
        parts.extensions.insert(call);
        Ok((admission, by_principal.or(by_peer)))
    }
}

/// Lets a request through to its handler, or says why not.
pub(crate) async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let (admission, verdict) = match gate.check(&mut parts).await {
        Ok(passed) => passed,
        Err(problem) => return problem.into_response(),
    };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    drop(admission);
    if let Some(verdict) = verdict {
        verdict.tell(response.headers_mut());
    }
    response
}
