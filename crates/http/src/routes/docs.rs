//! `GET /docs`: the description of the API as a page, where it is switched on.

use axum::extract::State;
use axum::response::Response;

use crate::operation::Operation;
use crate::reply::{Problem, codes, page};
use crate::state::ApiState;
use crate::{docs_page, openapi};

pub(crate) fn operation() -> Operation {
    Operation::new("show_docs", "Describe the API as a page")
        .description("Off unless `api.docs` is set.")
        .plain_reply(200, "A page of HTML that needs nothing from elsewhere", "text/html")
        .problems(&[&codes::ROUTE_NOT_FOUND])
}

/// Describes the API to people.
pub(crate) async fn show_docs(State(api): State<ApiState>) -> Result<Response, Problem> {
    if !api.options.docs {
        return Err(super::no_route());
    }
    let document = openapi::document(&api.options.base_path);
    Ok(page("text/html; charset=utf-8", docs_page::write(&document)))
}
