//! The desks that an order passes last: mail and the books.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use super::{Desk, OrderCall, Shop};

pub(super) fn routes() -> Router<Arc<Shop>> {
    Router::new().route("/mails", post(send)).route("/closings", post(close))
}

async fn send(State(shop): State<Arc<Shop>>, Json(call): Json<OrderCall>) -> Response {
    shop.answer(Desk::Mail, call.order, |_| json!({ "sent": true })).await
}

async fn close(State(shop): State<Arc<Shop>>, Json(call): Json<OrderCall>) -> Response {
    shop.answer(Desk::Books, call.order, |_| json!({ "closed": true })).await
}
