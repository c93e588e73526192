//! `tasker db check`: looks at everything, part by part, and says what mends what it finds.

use std::process::ExitCode;

use serde_json::json;
use tasker_core::audit::Code;
use tasker_core::ids::TaskId;
use tasker_engine::Engine;
use tasker_store::integrity::{Finding, WholeCheck};

use super::repair::repair;
use crate::args::CheckArgs;
use crate::exit::Status;
use crate::open::{self, Access};
use crate::progress::StatusLine;
use crate::session::Session;

/// Looks for broken invariants, and mends them where that is asked for.
pub async fn check(args: CheckArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let limit = usize::try_from(args.limit)?;
    let access = if args.repair && !args.dry_run { Access::Write } else { Access::Read };
    let engine = open::engine(session, access).await?;
    let found = look(&engine, limit, session).await?;
    if args.repair {
        return repair(engine, found, limit, args.dry_run, session).await;
    }
    let document = json!({"checked_tasks": found.tasks, "findings": found.findings});
    session.printer.result(&document, || text(&found));
    Ok(if found.findings.is_empty() { Status::Ok.into() } else { Status::Failed.into() })
}

/// Looks at everything, as far as `limit` goes, and shows how far it has come.
pub async fn look(engine: &Engine, limit: usize, session: &Session) -> anyhow::Result<WholeCheck> {
    let line = StatusLine::new("{wide_msg}", session.printer);
    let mut found = WholeCheck::new(limit);
    while let Some(part) = found.next_part() {
        found.add(engine.check_part(part).await?);
        let (tasks, findings) = (grouped(found.tasks), found.findings.len());
        line.show(format!("checked {tasks} tasks, found {findings}"));
    }
    Ok(found)
}

fn text(found: &WholeCheck) -> String {
    let tasks = grouped(found.tasks);
    if found.findings.is_empty() {
        return format!("checked {tasks} tasks: nothing wrong was found");
    }
    let mut text: String = found.findings.iter().map(finding_lines).collect();
    let more = if found.is_cut() { ", and there may be more: see --limit" } else { "" };
    text += &format!("checked {tasks} tasks: {} findings{more}\n", found.findings.len());
    if found.findings.iter().any(|finding| finding.repairable) {
        text += "what can be mended: tasker db check --repair --dry-run\n";
    }
    text
}

/// A finding, and below it what mends it.
pub fn finding_lines(finding: &Finding) -> String {
    let place = place(finding.code, finding.task_id, finding.step.as_deref());
    let by = if finding.repairable { "by --repair" } else { "by hand" };
    format!("{place}: {}\n  {by}: {}\n", finding.message, finding.mend)
}

/// What something is about.
pub fn place(code: Code, task: Option<TaskId>, step: Option<&str>) -> String {
    let task = task.map(|id| format!(": task {id}")).unwrap_or_default();
    let step = step.map(|step| format!(" step {step}")).unwrap_or_default();
    format!("{code}{task}{step}")
}

/// A number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(number), text);
        }
    }
}
