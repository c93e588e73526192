//! What the two lists of what took longest have in common.

use std::time::Duration;

use tasker_core::access::Extent;
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_store::analytics::SlowestQuery;

use super::{NAME, NAMESPACE, VERSION, since};
use crate::call::{Call, forbidden};
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::Problem;
use crate::state::ApiState;

/// How far back is looked unless the caller says.
const SPAN: Duration = Duration::from_secs(24 * 3_600);

const SINCE: Parameter = Parameter {
    name: "since",
    kind: Kind::Time,
    about: "Only of tasks created after this; a day ago if absent",
};

const LIMIT: Parameter = Parameter {
    name: "limit",
    kind: Kind::Count { min: 1, max: 100, default: Some(10) },
    about: "Most rows",
};

const QUERY: &[Parameter] = &[SINCE, LIMIT, NAMESPACE, NAME, VERSION];

/// Takes the parameters of both.
pub(super) fn described(operation: Operation) -> Operation {
    operation
        .description("Whoever is limited to some namespaces names one of them: `namespace`. What cannot be a name names nothing.")
        .query(QUERY)
}

/// What is looked for.
pub(super) struct Question {
    /// The query; `None`: what is named there is not, or not for this caller.
    pub(super) query: Option<SlowestQuery>,
    /// Since when.
    pub(super) since: tasker_core::time::Timestamp,
}

/// Reads what is asked for, as far as its caller may see it.
pub(super) async fn question(api: &ApiState, call: &Call) -> Result<Question, Problem> {
    let extent = call.extent()?;
    if call.query.text(NAMESPACE.name).is_none() && extent != Extent::Everywhere {
        let help = "the caller is limited to some namespaces: name one of them, as `namespace`";
        return Err(forbidden(call.permission()).help(Some(help.to_owned())));
    }
    let since = since(api, call, SPAN).await?;
    let query = named(call)
        .ok()
        .filter(|(namespace, ..)| namespace.as_ref().is_none_or(|namespace| extent.contains(namespace)));
    let limit = call.query.count(LIMIT.name);
    let query =
        query.map(|(namespace, name, version)| SlowestQuery { since, limit, namespace, name, version });
    Ok(Question { query, since })
}

type Names = (Option<Namespace>, Option<DefinitionName>, Option<Version>);

fn named(call: &Call) -> Result<Names, Problem> {
    Ok((call.query.parsed(NAMESPACE.name)?, call.query.parsed(NAME.name)?, call.query.parsed(VERSION.name)?))
}
