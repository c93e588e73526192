//! `GET /handlers`: the namespaces, and how much is registered in them.

use axum::extract::State;
use axum::response::Response;
use tasker_wire::NamespaceList;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::Problem;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("list_handlers", "Count definitions by namespace")
        .reply::<NamespaceList>(200, "The namespaces that the caller may see")
}

/// Lists the namespaces.
pub(crate) async fn list_handlers(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    parts::namespaces(&api, &call).await
}
