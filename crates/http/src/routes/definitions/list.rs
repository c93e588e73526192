//! `GET /definitions`: every version of every definition.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::DefinitionList;

use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, json};
use crate::state::ApiState;

const NAMESPACE: Parameter =
    Parameter { name: "namespace", kind: Kind::Text { max: 64 }, about: "Only of this namespace" };

pub(crate) fn operation() -> Operation {
    Operation::new("list_definitions", "List the versions of definitions")
        .query(&[NAMESPACE])
        .reply::<DefinitionList>(200, "The versions that the caller may see, retired ones too")
}

/// Lists what the caller may see of it.
pub(crate) async fn list_definitions(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let extent = call.extent()?;
    let rows = api.engine.definitions(call.query.text(NAMESPACE.name)).await?;
    let seen = rows.into_iter().filter(|row| extent.contains(&row.namespace));
    Ok(json(StatusCode::OK, &DefinitionList::new(seen)))
}
