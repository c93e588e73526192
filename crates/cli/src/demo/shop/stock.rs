//! The desks that an order passes first: reception and stock.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::{Desk, OrderCall, Shop};

pub(super) fn routes() -> Router<Arc<Shop>> {
    Router::new().route("/orders", post(take_order)).route("/reservations", post(reserve))
}

#[derive(Deserialize)]
struct Reservation {
    order: u32,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    quantity: u32,
    cents: u64,
}

async fn take_order(State(shop): State<Arc<Shop>>, Json(call): Json<OrderCall>) -> Response {
    shop.answer(Desk::Reception, call.order, |_| json!({ "number": format!("A-{:05}", call.order) })).await
}

async fn reserve(State(shop): State<Arc<Shop>>, Json(call): Json<Reservation>) -> Response {
    let total: u64 = call.items.iter().map(|item| u64::from(item.quantity) * item.cents).sum();
    let pieces: u32 = call.items.iter().map(|item| item.quantity).sum();
    shop.answer(Desk::Stock, call.order, |_| json!({ "total": total, "pieces": pieces })).await
}
