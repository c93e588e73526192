//! `GET /health/status`: how the whole system is.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::AGE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use tasker_core::survey::figures::seconds;
use tasker_engine::UseCaseError;
use tasker_wire::{HealthStatus, HealthStatusDocument};

use super::parts;
use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, json_with};
use crate::reused::{self, Reused};
use crate::state::ApiState;

/// How long an answer is used again at most that says that the system is unhealthy: who mends it wants to see that.
const UNHEALTHY_FOR: Duration = Duration::from_secs(1);

const ALWAYS_200: &str = "always_200";

const QUERY: &[Parameter] = &[Parameter {
    name: ALWAYS_200,
    kind: Kind::Flag,
    about: "Whether the status code is 200 even if the system is unhealthy, for those who only read the body",
}];

/// What was found the last time.
pub(crate) type Status = Reused<(), HealthStatusDocument>;

pub(crate) fn operation() -> Operation {
    Operation::new("show_health_status", "How the system is")
        .description(
            "Tasks and steps in each state, how they fared lately, the database, the queue and the workers, and whether that is \
             healthy, degraded or unhealthy, and why. It tells of all namespaces, so whoever is limited to some is refused. \
             An answer is used again for a while: `cache_info` and the header `Age` say how old it is.",
        )
        .query(QUERY)
        .reply::<HealthStatusDocument>(200, "It is healthy or degraded, or `always_200` was asked for")
        .reply_headers(reused::HEADERS)
        .reply::<HealthStatusDocument>(503, "It is unhealthy")
        .reply_headers(reused::HEADERS)
}

/// Answers, with what was found lately if it was.
pub(crate) async fn show_status(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    call.permit_everywhere()?;
    let found = api.status.get((), look(&api)).await?;
    let age = found.age.unwrap_or_default();
    let cache_info = found.cache_info();
    let document = HealthStatusDocument { cache_info, ..found.value };
    let is_unhealthy = document.status == HealthStatus::Unhealthy;
    let status = match is_unhealthy && !call.query.flag(ALWAYS_200) {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::OK,
    };
    Ok(json_with(status, &document, [(AGE, HeaderValue::from(age.as_secs()))]))
}

async fn look(api: &ApiState) -> Result<(HealthStatusDocument, Duration), UseCaseError> {
    let begin = Instant::now();
    let health = &api.options.health;
    let (report, counted) = tokio::try_join!(
        api.engine.health_report(health.error_window, &health.thresholds),
        api.engine.counted(health.cache_duration),
    )?;
    let mut document = parts::document(report, &counted);
    let took = begin.elapsed();
    document.generation_duration = seconds(took);
    let lasts = match document.status {
        HealthStatus::Unhealthy => health.cache_duration.min(UNHEALTHY_FOR),
        HealthStatus::Healthy | HealthStatus::Degraded => health.cache_duration,
    };
    Ok((document, lasts))
}
