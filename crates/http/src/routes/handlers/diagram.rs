//! `GET /handlers/{namespace}/{name}/diagram`: a drawing of a definition.

use axum::extract::State;
use axum::response::Response;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes, drawing};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    drawing::operation(Operation::new("draw_handler", "Draw a definition"))
        .query(&[parts::VERSION, drawing::FORMAT, drawing::DIRECTION, drawing::THEME])
        .problems(&[&codes::DEFINITION_NOT_FOUND, &codes::NOT_ACCEPTABLE])
}

/// Draws a definition.
pub(crate) async fn draw_handler(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let form = drawing::form(&call)?;
    let options = drawing::options(&api, &call, false)?;
    let diagram = api.engine.definition_diagram(call.selector()?, options).await?;
    Ok(form.answer(&diagram))
}
