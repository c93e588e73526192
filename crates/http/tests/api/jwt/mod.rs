//! Strategy `jwt`: tokens say who asks.

mod issuer;
mod keys;
mod refusals;
mod remote;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use crate::server::{Answer, Server, answer};

/// Asks who asks.
async fn me(server: &Server, credentials: &HeaderValue) -> Answer {
    answer(server.request(Method::GET, "/me").header(AUTHORIZATION, credentials)).await
}
