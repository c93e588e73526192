//! The handler itself: one request, bounded by its own limit, the attempt's limit and its cancellation.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use reqwest::Client;
use serde_json::Value;
use tasker_core::outcome::Failure;
use tasker_core::payload::DEFAULT_MAX_BYTES;
use tasker_core::time::Timestamp;
use tasker_engine::context::StepContext;
use tasker_engine::handler::StepHandler;

use super::classify::{Verdict, classify};
use super::client::Clients;
use super::config::HttpConfig;
use super::net::HttpPolicy;
use super::request::Request;
use super::{response, transport};
use crate::rendering::Templates;
use crate::settings::Settings;

/// Makes one HTTP request per execution; see [`crate::http`].
pub struct HttpHandler {
    policy: Arc<HttpPolicy>,
    clients: Clients,
    templates: Templates,
}

impl HttpHandler {
    /// A handler that connects where the policy allows.
    pub fn new(policy: HttpPolicy) -> Self {
        let policy = Arc::new(policy);
        Self { clients: Clients::new(policy.clone()), policy, templates: Templates::default() }
    }
}

#[async_trait]
impl StepHandler for HttpHandler {
    async fn run(&self, step: StepContext) -> Result<Value, Failure> {
        let config =
            HttpConfig::decode(self.templates.render(&step)?).map_err(|problem| problem.failure())?;
        let request = Request::new(&config, &step)?;
        self.policy.check_url(&request.url).map_err(|denied| transport::denied(&denied, &request))?;
        let client = self.clients.get(&config, &request.url).map_err(|problem| problem.failure())?;
        let limit = config.timeout().min(step.timeout);
        tokio::select! {
            biased;
            () = step.cancellation.cancelled() => Err(cancelled(&request)),
            answer = tokio::time::timeout(limit, exchange(&client, &config, &request)) => {
                answer.unwrap_or_else(|_| Err(timed_out(&request, limit)))
            }
        }
    }
}

async fn exchange(client: &Client, config: &HttpConfig, request: &Request) -> Result<Value, Failure> {
    let mut builder =
        client.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
    if let Some(body) = &request.body {
        builder = builder.body(body.clone());
    }
    let response = builder.send().await.map_err(|error| transport::failure(&error, request))?;
    match classify(response.status().as_u16(), &config.overrides()) {
        Verdict::Success => {
            let limit = config
                .max_response_bytes
                .map_or(DEFAULT_MAX_BYTES, |n| usize::try_from(n).unwrap_or(usize::MAX));
            response::result(response, limit, request).await
        }
        verdict => Err(response::failure(response, verdict, now(), request).await),
    }
}

fn timed_out(request: &Request, limit: Duration) -> Failure {
    let message = format!("{} did not answer within {} s", request.target(), limit.as_secs_f64());
    Failure::retryable("HttpTimeout", "http_timeout", message)
}

fn cancelled(request: &Request) -> Failure {
    Failure::retryable(
        "Cancelled",
        "cancelled",
        format!("{} was given up: the attempt is over", request.target()),
    )
}

/// Dates in `Retry-After` are compared with this host's clock, the only one at hand.
fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().plus(since_epoch)
}
