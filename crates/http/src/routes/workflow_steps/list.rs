//! `GET /tasks/{task_id}/workflow_steps`: a page of the steps of a task, in document order.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::names::StepName;
use tasker_core::record::StepDetail;
use tasker_core::state::StepState;
use tasker_wire::{Pagination, StepDocument, StepList};

use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, codes, json};
use crate::request::forms;
use crate::routes::tasks::parts::STATES;
use crate::state::ApiState;

const QUERY: &[Parameter] = &[
    Parameter {
        name: "status",
        kind: Kind::Choices(STATES),
        about: "Only in one of these states, with commas between them",
    },
    Parameter { name: "name", kind: forms::STEP, about: "Only the step of this name" },
    Parameter { name: "limit", kind: Kind::PAGE_LIMIT, about: "Most steps of a page" },
    Parameter { name: "offset", kind: Kind::PAGE_OFFSET, about: "Steps to skip" },
    Parameter { name: "include_total", kind: Kind::Flag, about: "Whether all matching steps are counted" },
];

pub(crate) fn operation() -> Operation {
    Operation::new("list_steps", "List the steps of a task")
        .query(QUERY)
        .reply::<StepList>(200, "A page of steps")
        .problems(&[&codes::TASK_NOT_FOUND])
}

/// Lists steps.
pub(crate) async fn list_steps(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let task = call.task(&api).await?;
    let states: Vec<StepState> = call.query.words("status").filter_map(StepState::from_name).collect();
    let name = call.query.parsed::<StepName>("name")?;
    let all = api.engine.steps(task.record.id).await?;
    let is_meant = |step: &&StepDetail| {
        (states.is_empty() || states.contains(&step.record.state))
            && name.as_ref().is_none_or(|name| task.plan.name(step.record.ordinal) == name)
    };
    let meant: Vec<&StepDetail> = all.iter().filter(is_meant).collect();
    let (limit, offset) = (call.query.count("limit"), call.query.count("offset"));
    let page = meant.iter().copied().skip(offset).take(limit);
    let now = api.engine.now().await?;
    let pagination = Pagination::by_offset(limit, offset, meant.len(), call.query.flag("include_total"));
    let steps = StepDocument::list(&task.record, &task.plan, page, now);
    Ok(json(StatusCode::OK, &StepList { steps, pagination }))
}
