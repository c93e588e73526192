//! `GET /definitions/{namespace}/{name}/{version}`: one version of a definition.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::DefinitionReply;

use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes, json};
use crate::routes::handlers::parts;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("show_definition", "Show a version of a definition")
        .description("Secrets in settings are masked without the permission `tasker.handler:show_config`.")
        .reply::<DefinitionReply>(200, "The definition")
        .problems(&[&codes::DEFINITION_NOT_FOUND])
}

/// Shows a version of a definition.
pub(crate) async fn show_definition(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let plan = api.engine.definition(call.selector()?).await?;
    Ok(json(StatusCode::OK, &DefinitionReply { definition: parts::definition(&call, &plan) }))
}
