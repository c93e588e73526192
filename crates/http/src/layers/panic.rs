//! A fault of the program is answered like any other, and the server lives on.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;

use crate::reply::{Problem, codes};

/// Turns a panic into a problem.
pub(super) async fn catch(request: Request, next: Next) -> Response {
    // Whatever the panic left half done belongs to this request alone and is dropped with it.
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let detail = "the request could not be served; the log of the server says why";
            Problem::new(&codes::INTERNAL_ERROR, detail).caused_by(message_of(&*panic)).into_response()
        }
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tower_service::Service as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_internal_error_whose_cause_stays_here() {
        async fn fail() -> Response {
            panic!("secret {}", 7)
        }
        let mut router = Router::new().route("/", get(fail)).layer(axum::middleware::from_fn(catch));
        let response = router.call(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let problem = response.extensions().get::<Problem>().unwrap().clone();
        assert_eq!(problem.cause(), Some("panicked: secret 7"));
        assert!(!format!("{:?}", problem.document("r")).contains("secret"));
    }
}
