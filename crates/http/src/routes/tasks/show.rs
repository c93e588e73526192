//! `GET /tasks/{task_id}`: one task.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::Response;
use serde_json::Value;
use tasker_engine::use_cases::TaskView;
use tasker_wire::TaskReply;

use super::parts;
use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, codes, etag, json_with};
use crate::state::ApiState;

/// The parameter that asks for the analysis.
const INCLUDE_DEPENDENCIES: Parameter = Parameter {
    name: "include_dependencies",
    kind: Kind::Flag,
    about: "Whether `dependency_analysis` is shown: paths, parallelism, failures and bottlenecks, computed anew",
};

pub(crate) fn operation() -> Operation {
    Operation::new("show_task", "Show a task")
        .query(&[parts::INCLUDE, INCLUDE_DEPENDENCIES])
        .headers(&[parts::IF_NONE_MATCH])
        .reply::<TaskReply>(200, "The task")
        .reply_headers(parts::VERSION_HEADER)
        .empty_reply(304, "The caller has this version already")
        .reply_headers(parts::VERSION_HEADER)
        .problems(&[&codes::TASK_NOT_FOUND])
}

/// Shows a task, unless the caller has it as it is.
pub(crate) async fn show_task(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let detail = call.task(&api).await?;
    let version = detail.record.version();
    if etag::is_known(call.headers(), version)? {
        return Ok(etag::not_modified(version));
    }
    let chosen = parts::chosen(&call.query);
    let chosen = if chosen.is_empty() { parts::USUAL } else { &chosen };
    let view = TaskView { steps: api.engine.steps(detail.record.id).await?, detail };
    let mut task = parts::document(&api, &view, chosen).await?;
    if call.query.flag(INCLUDE_DEPENDENCIES.name) {
        task.dependency_analysis = Some(analysis(&api, &call).await?);
    }
    Ok(json_with(StatusCode::OK, &TaskReply { task }, [(ETAG, etag::of_version(version))]))
}

async fn analysis(api: &ApiState, call: &Call) -> Result<Value, Problem> {
    let analysis = api.engine.analyze_task(call.task_id()).await?;
    serde_json::to_value(analysis).map_err(|error| {
        Problem::new(&codes::INTERNAL_ERROR, "the answer could not be written").caused_by(error.to_string())
    })
}
