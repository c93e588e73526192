//! The desks that send goods: parcels and labels.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use super::{Desk, OrderCall, Shop};

pub(super) fn routes() -> Router<Arc<Shop>> {
    Router::new().route("/shipments", post(book)).route("/labels", post(print))
}

async fn book(State(shop): State<Arc<Shop>>, Json(call): Json<OrderCall>) -> Response {
    shop.answer(Desk::Shipping, call.order, |_| json!({ "parcel": format!("P{:06}", call.order) })).await
}

async fn print(State(shop): State<Arc<Shop>>, Json(call): Json<OrderCall>) -> Response {
    shop.answer(Desk::Label, call.order, |_| json!({ "pages": 1 })).await
}
