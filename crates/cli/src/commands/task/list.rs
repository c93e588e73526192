//! `tasker task list`.

use std::process::ExitCode;

use tasker_store::list::{Between, TaskFilter};
use tasker_wire::{Pagination, TaskList};

use crate::args::{ListArgs, When};
use crate::exit::{Failure, Status};
use crate::open::{self, Access};
use crate::output::{task, time};
use crate::session::Session;

/// Lists tasks. A page that ends early, because few tasks pass the filter, is filled up.
pub async fn run(args: ListArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let mut filter = filter(args)?;
    let limit = filter.limit;
    let engine = open::engine(session, Access::Read).await?;
    let mut page = engine.tasks(filter.clone()).await?;
    while page.has_more && page.tasks.len() < limit {
        filter = TaskFilter {
            after: page.next.take(),
            limit: limit - page.tasks.len(),
            count_all: false,
            ..filter
        };
        let more = engine.tasks(filter.clone()).await?;
        page.tasks.extend(more.tasks);
        (page.has_more, page.next) = (more.has_more, more.next);
    }
    let next_cursor = page.next.as_ref().map(|next| filter.cursor(next));
    let pagination = Pagination { total_count: page.total, ..Pagination::by_cursor(limit, next_cursor) };
    let list = TaskList::new(page.tasks, pagination);
    session.printer.result(&list, || task::list(&list, session.printer.style()));
    Ok(Status::Ok.into())
}

fn filter(args: ListArgs) -> anyhow::Result<TaskFilter> {
    let now = time::now();
    let at = |when: Option<When>| when.map(|when| when.before(now));
    let between = |from, before| Between { from: at(from), before: at(before) };
    let times = args.times;
    let filter = TaskFilter {
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
    };
    let Some(cursor) = args.cursor else { return Ok(filter) };
    Ok(filter.after_cursor(&cursor).map_err(|rejection| {
        let failure = Failure::new(Status::Usage, rejection.code, rejection.message);
        failure.help(rejection.help.unwrap_or_default())
    })?)
}
