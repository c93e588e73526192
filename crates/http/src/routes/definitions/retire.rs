//! `POST /definitions/{namespace}/{name}/{version}/retire`: lets no new task use a version, or allows it again.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::{RetireDefinitionRequest, RetiredReply};

use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes, json};
use crate::request::body::OptionalBody;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("retire_definition", "Let no new task use a version of a definition")
        .description(
            "Tasks that run keep it and finish. `{\"retired\": false}` lets new tasks use it again. To say again what holds \
             already changes nothing.",
        )
        .optional_body::<RetireDefinitionRequest>()
        .reply::<RetiredReply>(200, "The version, and whether new tasks may use it")
        .problems(&[&codes::DEFINITION_NOT_FOUND])
}

/// Retires a version of a definition, or takes it into use again.
pub(crate) async fn retire_definition(
    State(api): State<ApiState>,
    call: Call,
    body: OptionalBody,
) -> Result<Response, Problem> {
    let selector = call.selector()?;
    let plan = api.engine.definition(selector.clone()).await?;
    let retired = body.read::<RetireDefinitionRequest>()?.retired();
    api.engine.retire(selector, retired).await?;
    Ok(json(StatusCode::OK, &RetiredReply { full_name: plan.definition.full_name(), retired }))
}
