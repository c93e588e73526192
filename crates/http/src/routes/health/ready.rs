//! `GET /health/ready`: whether the server can do its work.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::health::WORKER_SILENCE;
use tasker_engine::{UseCaseError, WorkerPulse};
use tasker_wire::{CheckResult, CheckStatus, Ready};

use crate::operation::Operation;
use crate::reply::json;
use crate::reused::{Aged, Reused};
use crate::state::{ApiState, host_time};

/// How long an answer is used again, so that many probes are no load.
const REUSED_FOR: Duration = Duration::from_secs(1);

/// What was found the last time.
pub(crate) type Readiness = Reused<(), Ready>;

pub(crate) fn operation() -> Operation {
    Operation::new("show_readiness", "Whether the server can do its work")
        .description(
            "Checks that the database answers and has a schema that this program can use, and, if this process runs steps, \
             that its worker was heard by the database within 30 seconds and serves handlers. Reused for a second.",
        )
        .reply::<Ready>(200, "It can")
        .reply::<Ready>(503, "It cannot, or it is stopping")
}

/// Looks, unless somebody just did.
pub(crate) async fn show_readiness(State(api): State<ApiState>) -> Response {
    let found = api.readiness.get((), async { Ok::<_, Infallible>((look(&api).await, REUSED_FOR)) }).await;
    let Ok(Aged { value: mut ready, .. }) = found;
    let is_draining = api.draining.is_cancelled();
    add(&mut ready, "shutdown", shutdown(is_draining));
    let status = if ready.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &ready)
}

async fn look(api: &ApiState) -> Ready {
    let begin = Instant::now();
    let mut ready = Ready {
        ready: true,
        checks: BTreeMap::new(),
        failed_checks: Vec::new(),
        message: "the server can do its work".into(),
        timestamp: host_time().into(),
        check_duration: 0.0,
    };
    let (database, migrations) = tokio::join!(
        check(api, api.engine.now(), |_| Ok("it answers")),
        check(api, api.engine.schema(), |schema| {
            if schema.is_usable() {
                Ok("the schema can be used")
            } else {
                Err("the schema must be brought up to date")
            }
        }),
    );
    let pulse = api.engine.worker_pulse();
    add(&mut ready, "database", database);
    add(&mut ready, "migrations", migrations);
    add(&mut ready, "queue", queue(pulse));
    add(&mut ready, "handlers", handlers(pulse));
    ready.check_duration = begin.elapsed().as_secs_f64();
    ready
}

async fn check<T>(
    api: &ApiState,
    asked: impl Future<Output = Result<T, UseCaseError>>,
    judge: impl FnOnce(T) -> Result<&'static str, &'static str>,
) -> CheckResult {
    let begin = Instant::now();
    let verdict = match tokio::time::timeout(api.options.health.readiness_timeout, asked).await {
        Ok(Ok(answer)) => judge(answer),
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "the database is not ready");
            Err("it cannot be used now")
        }
        Err(_) => Err("it did not answer in time"),
    };
    let millis = (begin.elapsed().as_secs_f64() * 100_000.0).round() / 100.0;
    let status = if verdict.is_ok() { CheckStatus::Healthy } else { CheckStatus::Unhealthy };
    let message = verdict.unwrap_or_else(|trouble| trouble).into();
    CheckResult { status, message, response_time_ms: Some(millis) }
}

/// Every heartbeat of a worker reads the queue. Who has no worker only adds to it, as to the rest of the database.
fn queue(pulse: Option<WorkerPulse>) -> CheckResult {
    of_worker(pulse, |pulse| {
        if pulse.silent_for <= WORKER_SILENCE {
            Ok("the worker and the queue are in touch")
        } else {
            Err("the worker has lost touch with the queue")
        }
    })
}

fn handlers(pulse: Option<WorkerPulse>) -> CheckResult {
    of_worker(
        pulse,
        |pulse| {
            if pulse.handlers > 0 { Ok("handlers are served") } else { Err("no handler is served") }
        },
    )
}

fn of_worker(
    pulse: Option<WorkerPulse>,
    judge: impl FnOnce(WorkerPulse) -> Result<&'static str, &'static str>,
) -> CheckResult {
    let (status, message) = match pulse.map(judge) {
        None => (CheckStatus::Skipped, "this process runs no steps"),
        Some(Ok(message)) => (CheckStatus::Healthy, message),
        Some(Err(message)) => (CheckStatus::Unhealthy, message),
    };
    CheckResult { status, message: message.into(), response_time_ms: None }
}

fn shutdown(is_draining: bool) -> CheckResult {
    let (status, message) = match is_draining {
        true => (CheckStatus::Unhealthy, "the server is stopping"),
        false => (CheckStatus::Healthy, "the server is not stopping"),
    };
    CheckResult { status, message: message.into(), response_time_ms: None }
}

fn add(ready: &mut Ready, name: &str, result: CheckResult) {
    if result.status == CheckStatus::Unhealthy {
        ready.ready = false;
        ready.failed_checks.push(name.into());
        ready.message = format!("not ready: {}", ready.failed_checks.join(", "));
    }
    ready.checks.insert(name.into(), result);
}
