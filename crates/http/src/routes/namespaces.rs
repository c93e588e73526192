//! `GET /namespaces`: the namespaces there are.

use axum::extract::State;
use axum::response::Response;
use tasker_wire::NamespaceList;

use super::handlers::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::Problem;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("list_namespaces", "List namespaces")
        .reply::<NamespaceList>(200, "The namespaces that the caller may see")
}

/// Lists the namespaces.
pub(crate) async fn list_namespaces(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    parts::namespaces(&api, &call).await
}
