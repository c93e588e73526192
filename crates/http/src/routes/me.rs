//! `GET /me`: who asks, and what they may do.

use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::MeReply;

use crate::call::Call;
use crate::operation::Operation;
use crate::reply::json;

pub(crate) fn operation() -> Operation {
    Operation::new("show_me", "Tell who asks, and what they may do").reply::<MeReply>(200, "Whoever asks")
}

/// Tells who asks.
pub(crate) async fn show_me(call: Call) -> Response {
    json(StatusCode::OK, &MeReply { principal: (&*call.principal).into() })
}
