//! `GET /handlers/{namespace}`: the definitions of a namespace.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::names::Namespace;
use tasker_engine::UseCaseError;
use tasker_wire::HandlerList;

use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes, json};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("show_namespace", "List the definitions of a namespace")
        .reply::<HandlerList>(200, "The definitions, by name")
        .problems(&[&codes::DEFINITION_NOT_FOUND])
}

/// Lists the definitions of a namespace.
pub(crate) async fn show_namespace(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let namespace = call.namespace()?;
    let rows = api.engine.definitions(Some(namespace.as_str())).await?;
    if rows.is_empty() && *namespace != Namespace::default() {
        return Err(UseCaseError::namespace_not_found(namespace).into());
    }
    let rows = rows.into_iter().map(|row| (row.name, row.version, row.retired));
    Ok(json(StatusCode::OK, &HandlerList::new(namespace.clone(), rows)))
}
