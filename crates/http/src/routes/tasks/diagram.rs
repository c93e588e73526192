//! `GET /tasks/{task_id}/task_diagrams`: a drawing of a task.

use axum::extract::State;
use axum::response::Response;

use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, codes, drawing};
use crate::state::ApiState;

/// Whether steps lead somewhere.
const LINKS: Parameter = Parameter {
    name: "links",
    kind: Kind::Flag,
    about: "Whether steps lead to their addresses in this API; true if absent",
};

pub(crate) fn operation() -> Operation {
    drawing::operation(Operation::new("draw_task", "Draw a task"))
        .query(&[drawing::FORMAT, drawing::DIRECTION, LINKS, drawing::THEME])
        .problems(&[&codes::TASK_NOT_FOUND, &codes::NOT_ACCEPTABLE])
}

/// Draws a task.
pub(crate) async fn draw_task(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let form = drawing::form(&call)?;
    call.task(&api).await?;
    let links = call.query.text(LINKS.name).is_none() || call.query.flag(LINKS.name);
    let options = drawing::options(&api, &call, links)?;
    let diagram = api.engine.task_diagram(call.task_id(), options).await?;
    Ok(form.answer(&diagram))
}
