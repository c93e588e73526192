//! `tasker task list`.

use std::process::ExitCode;

use tasker_core::state::TaskState;
use tasker_store::list::{Between, TaskFilter, TaskPage, TaskRow};
use tasker_wire::{Pagination, TaskList, TaskSummary};

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
    let list = document(page, limit, next_cursor);
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

fn document(page: TaskPage, limit: usize, next_cursor: Option<String>) -> TaskList {
    TaskList {
        pagination: Pagination {
            limit,
            offset: None,
            total_count: page.total,
            has_more: page.has_more,
            next_cursor,
        },
        tasks: page.tasks.into_iter().map(summary).collect(),
    }
}

fn summary(row: TaskRow) -> TaskSummary {
    TaskSummary {
        full_name: format!("{}.{}@{}", row.namespace, row.name, row.version),
        task_id: row.task_id,
        name: row.name,
        namespace: row.namespace,
        version: row.version,
        status: row.status,
        complete: row.status == TaskState::Complete,
        priority: row.priority,
        initiator: row.initiator,
        source_system: row.source_system,
        reason: row.reason,
        tags: row.tags,
        total_steps: row.total_steps,
        remaining_steps: row.remaining_steps,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        completed_at: row.completed_at.map(Into::into),
    }
}
