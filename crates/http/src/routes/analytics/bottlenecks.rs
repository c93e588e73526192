//! `GET /analytics/bottlenecks`: what took long, failed and waits.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::analytics::Bottlenecks;

use super::{BottlenecksQuestion, LIMIT, NAME, NAMESPACE, PERIOD, VERSION, asked, lasts};
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, json};
use crate::state::{ApiState, host_time};

/// How long an answer is used again.
const REUSED_FOR: Duration = Duration::from_secs(120);

pub(crate) fn operation() -> Operation {
    Operation::new("show_bottlenecks", "What took long, failed and waits")
        .description(
            "Looks at the tasks created within the period that the caller may see. What takes longer than 5 seconds to find \
             out is `null` and named in `partial_failures`. An answer is used again for 120 seconds: `cache_info`.",
        )
        .query(&[NAMESPACE, NAME, VERSION, PERIOD, LIMIT])
        .reply::<Bottlenecks>(200, "What was found")
}

/// Looks for them, unless the answer is known.
pub(crate) async fn show_bottlenecks(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let question = BottlenecksQuestion {
        tasks: asked(&call)?,
        period_hours: call.query.count("period") as u64,
        limit: call.query.count("limit"),
    };
    let look = async {
        let BottlenecksQuestion { tasks, period_hours, limit } = &question;
        let period = Duration::from_secs(3_600 * period_hours);
        let found = api.engine.bottlenecks(&tasks.scope, period, *limit).await?;
        let found = Bottlenecks::new(&found, tasks.filters.clone(), *period_hours, host_time().into());
        let lasts = lasts(REUSED_FOR, &found.partial_failures);
        Ok::<_, Problem>((found, lasts))
    };
    let found = api.analytics.bottlenecks.get(question.clone(), look).await?;
    let cache_info = found.cache_info();
    Ok(json(StatusCode::OK, &Bottlenecks { cache_info, ..found.value }))
}
