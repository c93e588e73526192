//! What happens to every request, whatever its route: one file per layer, the outermost first.

mod browser;
mod cors;
mod deadline;
pub(crate) mod identity;
mod panic;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tower_http::compression::CompressionLayer;

use crate::state::ApiState;

/// Puts all layers around a router. What is added last comes first.
pub(crate) fn around(router: Router, api: &ApiState) -> Router {
    let mut router = router.layer(from_fn_with_state(api.clone(), deadline::limit));
    if let Some(layer) = cors::layer(&api.options) {
        router = router.layer(layer);
    }
    router
        .layer(from_fn_with_state(api.clone(), browser::guard))
        .layer(axum::middleware::from_fn(panic::catch))
        .layer(from_fn_with_state(api.clone(), identity::identify))
        .layer(CompressionLayer::new())
}
