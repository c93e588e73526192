//! Types that stand for a schema only: what texts of the rules look like in the description of the API.

use utoipa::ToSchema;

/// State of a task or a step.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "the values are described, never made")]
pub enum State {
    /// Not started, or waiting to start again.
    Pending,
    /// Under way.
    InProgress,
    /// Ended well.
    Complete,
    /// Failed.
    Error,
    /// Called off.
    Cancelled,
    /// Declared done by an operator.
    ResolvedManually,
}

/// What may be worth a look.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(dead_code, reason = "the values are described, never made")]
pub enum Advice {
    /// A task took longer than a minute.
    LongTasks,
    /// More than a tenth of the executed steps were executed more than once.
    HighRetries,
    /// More than a tenth of the tasks are in error.
    HighErrorRate,
    /// Steps wait for others, and pending ones have waited longer than five minutes on average.
    DependencyWait,
}
