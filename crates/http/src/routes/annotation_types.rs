//! `GET /annotation_types`: of which types the annotations of tasks are.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::{AnnotationTypeDocument, AnnotationTypeList};

use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, json};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("list_annotation_types", "List the types of annotations")
        .description("Of all namespaces together: who is limited to some is refused. One whose tasks were all deleted may be told all the same.")
        .reply::<AnnotationTypeList>(200, "The types, by name")
}

/// Lists the types.
pub(crate) async fn list_annotation_types(
    State(api): State<ApiState>,
    call: Call,
) -> Result<Response, Problem> {
    call.permit_everywhere()?;
    let names = api.engine.annotation_types().await?;
    let annotation_types = names.into_iter().map(|name| AnnotationTypeDocument { name }).collect();
    Ok(json(StatusCode::OK, &AnnotationTypeList { annotation_types }))
}
