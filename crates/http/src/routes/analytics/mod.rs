//! `/analytics`: what is told of many tasks together. Finding it out looks at many rows, so answers are used again for a
//! while, by whoever may see the same and asks for the same.

pub(crate) mod bottlenecks;
pub(crate) mod counts;
pub(crate) mod metrics;
pub(crate) mod performance;
mod slowest;
pub(crate) mod slowest_steps;
pub(crate) mod slowest_tasks;

use std::time::Duration;

use tasker_core::access::Extent;
use tasker_core::names::InvalidName;
use tasker_core::time::Timestamp;
use tasker_store::survey::Scope;
use tasker_wire::analytics::{self, AnalyticsScope};

use crate::call::Call;
use crate::operation::{Kind, Parameter};
use crate::reply::Problem;
use crate::request::forms;
use crate::reused::Reused;
use crate::state::ApiState;

/// How long an answer is used again that lacks something.
const INCOMPLETE_FOR: Duration = Duration::from_secs(10);

/// What was found out and may be used again. The questions hold everything that an answer depends on, what the caller may see
/// included.
#[derive(Default)]
pub(crate) struct Found {
    performance: Reused<Asked, analytics::Performance>,
    bottlenecks: Reused<BottlenecksQuestion, analytics::Bottlenecks>,
}

/// Which tasks are asked about: as it was written, and what it means for whoever asks.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Asked {
    filters: AnalyticsScope,
    scope: Scope,
}

/// What bottlenecks are looked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct BottlenecksQuestion {
    tasks: Asked,
    period_hours: u64,
    limit: usize,
}

const NAMESPACE: Parameter =
    Parameter { name: "namespace", kind: Kind::Text { max: 64 }, about: "Only of this namespace" };

const NAME: Parameter = Parameter {
    name: "name",
    kind: Kind::Text { max: 64 },
    about: "Only of definitions of this name, in whichever namespace",
};

const VERSION: Parameter = Parameter {
    name: "version",
    kind: Kind::Text { max: forms::VERSION_CHARS },
    about: "Only of this version",
};

const PERIOD: Parameter = Parameter {
    name: "period",
    kind: Kind::Count { min: 1, max: 720, default: Some(24) },
    about: "How far to look back, in hours",
};

const LIMIT: Parameter = Parameter {
    name: "limit",
    kind: Kind::Count { min: 1, max: 50, default: Some(10) },
    about: "Most tasks and most steps of each list",
};

/// The tasks that the call asks for, as far as its caller may see them. What cannot be a name names nothing.
fn asked(call: &Call) -> Result<Asked, Problem> {
    let namespaces = match call.extent()? {
        Extent::Everywhere => None,
        Extent::In(namespaces) => Some(namespaces),
    };
    let text = |name| call.query.text(name).map(str::to_owned);
    let filters =
        AnalyticsScope { namespace: text("namespace"), name: text("name"), version: text("version") };
    let scope = meaning(&filters).map_or_else(|_| Scope::nothing(), |scope| Scope { namespaces, ..scope });
    Ok(Asked { filters, scope })
}

fn meaning(filters: &AnalyticsScope) -> Result<Scope, InvalidName> {
    Ok(Scope {
        namespace: filters.namespace.as_deref().map(str::parse).transpose()?,
        name: filters.name.as_deref().map(str::parse).transpose()?,
        version: filters.version.as_deref().map(str::parse).transpose()?,
        namespaces: None,
    })
}

/// Since when is counted: as `since` says, else for so long until now.
async fn since(api: &ApiState, call: &Call, span: Duration) -> Result<Timestamp, Problem> {
    match call.query.time("since") {
        Some(since) => Ok(since),
        None => Ok(api.engine.now().await?.minus(span)),
    }
}

/// How long an answer is used again: one that lacks something not as long.
fn lasts(usual: Duration, partial_failures: &[String]) -> Duration {
    if partial_failures.is_empty() { usual } else { INCOMPLETE_FOR }
}
