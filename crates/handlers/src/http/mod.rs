//! The `http` handler: one request per execution.
//!
//! # Settings
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `url` | required | absolute, `http` or `https` |
//! | `method` | `GET`, with a body `POST` | |
//! | `path` | none | with a leading `/` it replaces the path of `url`, else it is appended; `{field}` is taken from the inputs, percent-encoded |
//! | `params` | none | query parameters; a list repeats its key, null is left out |
//! | `headers` | JSON `Content-Type` and `Accept`, `Idempotency-Key`, `X-Correlation-Id` | override whatever the case; null removes one |
//! | `json`, `form`, `body` | none; `POST`, `PUT` and `PATCH` send the inputs as JSON | at most one; `body` is text, sent as it is |
//! | `timeout_seconds` (`timeout`) | 30 | limit of the whole exchange, never beyond the attempt |
//! | `connect_timeout_seconds` | 5 | |
//! | `ssl` | | `verify` (true), `ca_file`, `client_cert`, `client_key`, `min_version` (`1.2` or `1.3`) |
//! | `status_overrides` | | `{409: success}`, also `retryable` and `permanent` |
//! | `follow_redirects` | 0 | most redirects that are followed |
//! | `max_response_bytes` | 1 MiB | |
//! | `proxy` | the environment's | URL of a proxy; `none` for no proxy |
//!
//! # Result
//!
//! `{status, headers, body}`. Header names are in lower case, secrets among the values masked. The body is null if
//! empty, parsed if the content type says JSON and it is JSON, else its text; what is not UTF-8 is
//! `{"base64": "..."}`.
//!
//! # Failures
//!
//! Statuses 408, 409, 423, 425, 429 and 5xx may be tried again, not before `Retry-After`; any other but 200 to 226 is
//! permanent; codes are `HTTP_<status>`. Without an answer: `http_timeout`, `connection_refused`, `dns_failure`,
//! `connection_reset`, `connection_failed`, `tls_failure` may be tried again; `tls_certificate`, `network_denied`,
//! `response_too_large` and `invalid_text` are permanent.

mod classify;
mod client;
mod config;
mod handler;
mod net;
mod request;
mod response;
mod transport;

pub use classify::{Verdict, classify};
pub use config::{HttpConfig, SslConfig, checked_url};
pub use handler::HttpHandler;
pub use net::{HttpPolicy, InvalidNetwork, NetworkDenied};
