//! `tasker task list`.

use std::process::ExitCode;

use tasker_store::list::{Between, TaskFilter};
use tasker_wire::Pagination;

use crate::args::{ListArgs, When};
use crate::backend;
use crate::exit::Status;
use crate::open::Access;
use crate::output::{task, time};
use crate::session::Session;

/// Lists tasks. A page that ends early, because few tasks pass the filter, is filled up.
pub async fn run(args: ListArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let cursor = args.cursor.clone();
    let filter = filter(args)?;
    let limit = filter.limit;
    let backend = backend::open(session, Access::Read).await?;
    let mut list = backend.tasks(&filter, cursor.as_deref()).await?;
    while list.tasks.len() < limit
        && let Some(next) = list.pagination.next_cursor.take()
    {
        let rest = TaskFilter { limit: limit - list.tasks.len(), count_all: false, ..filter.clone() };
        let more = backend.tasks(&rest, Some(&next)).await?;
        list.tasks.extend(more.tasks);
        list.pagination = Pagination { total_count: list.pagination.total_count, limit, ..more.pagination };
    }
    session.printer.result(&list, || task::list(&list, session.printer.style()));
    Ok(Status::Ok.into())
}

fn filter(args: ListArgs) -> anyhow::Result<TaskFilter> {
    let now = time::now();
    let at = |when: Option<When>| when.map(|when| when.before(now));
    let between = |from, before| Between { from: at(from), before: at(before) };
    let times = args.times;
    Ok(TaskFilter {
        namespace: args.namespace,
        name: args.name,
        version: args.version,
        states: args.status,
        initiator: args.initiator,
        source_system: args.source_system,
        reason: args.reason,
        correlation_id: args.correlation_id,
        priority: args.priority,
        tags: args.tag,
        annotations: args.annotation,
        context: args.context,
        created: between(times.created_after, times.created_before),
        requested: between(times.requested_after, times.requested_before),
        updated: between(times.updated_after, times.updated_before),
        ended: between(times.ended_after, times.ended_before),
        sort: args.sort_by.into(),
        direction: args.sort_order.into(),
        limit: usize::try_from(args.limit)?,
        count_all: args.include_total,
        ..TaskFilter::default()
    })
}
