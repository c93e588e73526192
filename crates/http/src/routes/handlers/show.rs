//! `GET /handlers/{namespace}/{name}`: a definition with its graph.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::names::HandlerName;
use tasker_wire::{HandlerDocument, HandlerReply};

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes, json};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("show_handler", "Show a definition and its graph")
        .description("Secrets in settings are masked without the permission `tasker.handler:show_config`.")
        .query(&[parts::VERSION])
        .reply::<HandlerReply>(200, "The definition")
        .problems(&[&codes::DEFINITION_NOT_FOUND])
}

/// Shows a definition.
pub(crate) async fn show_handler(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let plan = api.engine.definition(call.selector()?).await?;
    let served = served(&api).await?;
    let handler = HandlerDocument::new(&plan, parts::definition(&call, &plan), &served);
    let generated_at = api.engine.now().await?.into();
    Ok(json(StatusCode::OK, &HandlerReply { handler, generated_at }))
}

/// What live workers serve.
async fn served(api: &ApiState) -> Result<BTreeSet<HandlerName>, Problem> {
    let workers = api.engine.workers().await?;
    Ok(workers.into_iter().filter(|worker| worker.is_live()).flat_map(|worker| worker.handlers).collect())
}
