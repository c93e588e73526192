//! What stands before every handler, made from what the table says of its route.
//!
//! The order of the checks is the contract of `spec/api.md` 1.3: body size, who asks, rate limit by principal or peer, ids
//! of the path, permission, parameters. What concerns the body and the record in question comes after them,
//! in the handler.

mod admission;
pub(crate) mod audit;
mod authentication;
mod body_size;
mod permission;
mod rate;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tasker_core::access::{Action, Principal, Resource};

use self::admission::Admission;
use self::audit::Change;
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

/// What a request that passed leaves at its gate until it is answered.
struct Passed {
    _admission: Admission,
    verdict: Option<Verdict>,
    change: Option<Change>,
}

impl Gate {
    /// The gate that a route of the table has.
    pub(crate) fn of(route: &Route, api: &ApiState) -> Self {
        let query = route.operation.query;
        Self {
            api: api.clone(),
            route: Arc::new(Guarded { requirement: requirement_of(route, api), cost: route.cost, query }),
        }
    }

    /// Everything that must hold before the handler is reached.
    async fn check(&self, parts: &mut Parts) -> Result<Passed, Problem> {
        let (api, route) = (&self.api, &self.route);
        let admission = admission::admit(api, route.cost)?;
        body_size::check(&parts.headers, api.options.max_body_bytes)?;
        let principal = authentication::principal(api, parts, route.requirement, route.cost).await?;
        let verdict = rate::by_caller(api, parts, &principal, route.cost)?;
        let ids = path::ids(parts).await?;
        let change = Change::of(parts, &principal, route.requirement, route.cost);
        if let Err(refused) = permission::check(api, &principal, route.requirement) {
            change.iter().for_each(|change| change.tell(StatusCode::FORBIDDEN));
            return Err(refused);
        }
        let query = query::read(parts.uri.query().unwrap_or_default(), route.query)?;
        let call = Call::new(parts, principal, route.requirement, ids, query);
        parts.extensions.insert(call);
        Ok(Passed { _admission: admission, verdict, change })
    }
}

/// Finds out again who asks, and whether it is worth looking at all: for what goes on for long.
pub(crate) async fn ask_again(
    api: &ApiState,
    parts: &Parts,
    requirement: Requirement,
) -> Result<Arc<Principal>, Problem> {
    let principal = authentication::principal(api, parts, requirement, Cost::Stream).await?;
    permission::check(api, &principal, requirement)?;
    Ok(principal)
}

/// What the table says; metrics and the status may be for everybody.
fn requirement_of(route: &Route, api: &ApiState) -> Requirement {
    let metrics = Requirement::to(Resource::Metrics, Action::Index);
    let status = Requirement::to(Resource::HealthStatus, Action::Index);
    let public = [(metrics, api.options.metrics.is_public), (status, api.options.health.status_is_public)];
    if public.contains(&(route.requirement, true)) { Requirement::Public } else { route.requirement }
}

/// Lets a request through to its handler, or says why not.
pub(crate) async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let passed = match gate.check(&mut parts).await {
        Ok(passed) => passed,
        Err(problem) => return problem.into_response(),
    };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(change) = passed.change {
        change.tell(response.status());
    }
    if let Some(verdict) = passed.verdict {
        verdict.tell(response.headers_mut());
    }
    response
}
