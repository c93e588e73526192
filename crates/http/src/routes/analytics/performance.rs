//! `GET /analytics/performance`: how it goes, and went lately.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::analytics::Performance;

use super::{NAME, NAMESPACE, VERSION, asked, lasts};
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, json};
use crate::state::{ApiState, host_time};

/// How long an answer is used again.
const REUSED_FOR: Duration = Duration::from_secs(90);

pub(crate) fn operation() -> Operation {
    Operation::new("show_performance", "How it goes, and went lately")
        .description(
            "Counts the tasks that the caller may see. What takes longer than 5 seconds to count is `null` and named in \
             `partial_failures`. An answer is used again for 90 seconds: `cache_info`.",
        )
        .query(&[NAMESPACE, NAME, VERSION])
        .reply::<Performance>(200, "How it goes")
}

/// Counts, unless the answer is known.
pub(crate) async fn show_performance(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let asked = asked(&call)?;
    let count = async {
        let found = api.engine.performance(&asked.scope).await?;
        let found = Performance::new(&found, asked.filters.clone(), host_time().into());
        let lasts = lasts(REUSED_FOR, &found.partial_failures);
        Ok::<_, Problem>((found, lasts))
    };
    let found = api.analytics.performance.get(asked.clone(), count).await?;
    let cache_info = found.cache_info();
    Ok(json(StatusCode::OK, &Performance { cache_info, ..found.value }))
}
