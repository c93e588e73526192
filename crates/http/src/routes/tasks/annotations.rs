//! `/tasks/{task_id}/annotations`: what is noted about a task, by its definition or by people.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::payload::Payload;
use tasker_engine::use_cases::Operation as Wanted;
use tasker_wire::request::CreateAnnotationRequest;
use tasker_wire::{AnnotationDocument, AnnotationList, AnnotationReply, Pagination};

use super::parts;
use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, codes, json};
use crate::request::body::Body;
use crate::state::ApiState;

const QUERY: &[Parameter] = &[
    Parameter { name: "limit", kind: Kind::PAGE_LIMIT, about: "Most annotations of a page" },
    Parameter { name: "offset", kind: Kind::PAGE_OFFSET, about: "Annotations to skip" },
    Parameter { name: "include_total", kind: Kind::Flag, about: "Whether all annotations are counted" },
];

pub(crate) fn list_operation() -> Operation {
    Operation::new("list_annotations", "List the annotations of a task")
        .query(QUERY)
        .reply::<AnnotationList>(200, "A page of annotations")
        .problems(&[&codes::TASK_NOT_FOUND])
}

/// Lists annotations.
pub(crate) async fn list_annotations(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let all = call.task(&api).await?.annotations;
    let (limit, offset) = (call.query.count("limit"), call.query.count("offset"));
    let annotations = all.iter().skip(offset).take(limit).map(AnnotationDocument::from).collect();
    let pagination = Pagination::by_offset(limit, offset, all.len(), call.query.flag("include_total"));
    Ok(json(StatusCode::OK, &AnnotationList { annotations, pagination }))
}

pub(crate) fn create_operation() -> Operation {
    Operation::new("create_annotation", "Note something about a task")
        .description("The task may be in any state. The value may be as large as a result of a step.")
        .headers(&[parts::IF_MATCH])
        .body::<CreateAnnotationRequest>()
        .reply::<AnnotationReply>(201, "The annotation")
        .problems(&[&codes::TASK_NOT_FOUND, &codes::PRECONDITION_FAILED])
}

/// Notes something.
pub(crate) async fn create_annotation(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    let CreateAnnotationRequest { kind, value } = body.read::<CreateAnnotationRequest>()?;
    let annotation = AnnotationDocument {
        kind: kind.clone(),
        value: Payload::from_value(&value, usize::MAX)
            .map_err(|error| Problem::new(&codes::MALFORMED_JSON, error.to_string()))?,
    };
    parts::operate(&api, &call, Wanted::Annotate { kind, value }, None).await?;
    Ok(json(StatusCode::CREATED, &AnnotationReply { annotation }))
}
