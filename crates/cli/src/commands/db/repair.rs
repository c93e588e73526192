//! `tasker db check --repair`: shows what it would do, asks, does it, and checks again.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde_json::json;
use tasker_core::ids::TaskId;
use tasker_engine::Engine;
use tasker_store::integrity::{Finding, Left, RepairRequest, Repaired, WholeCheck};

use super::check::{finding_lines, look, place};
use super::confirm;
use crate::args::Output;
use crate::exit::Status;
use crate::session::Session;

/// Mends what was found, or shows what that would be.
pub async fn repair(
    engine: Engine,
    found: WholeCheck,
    limit: usize,
    dry_run: bool,
    session: &Session,
) -> anyhow::Result<ExitCode> {
    let planned = mend(&engine, &found.findings, true).await?;
    if dry_run || planned.mended.is_empty() {
        return Ok(finish(session, &found, &planned, None));
    }
    if session.printer.output() == Output::Text {
        session.printer.text(&lines(&planned, found.is_cut()));
    }
    confirm(
        &format!("Mend these {} things?", planned.mended.len()),
        "mending needs --yes where nobody can be asked; nothing was changed",
        "nothing was changed",
        session,
    )?;
    let repaired = mend(&engine, &found.findings, false).await?;
    let after = look(&engine, limit, session).await?;
    engine.shutdown().await;
    Ok(finish(session, &found, &repaired, Some(&after)))
}

/// Repairs each task about which something was found, and what belongs to no task.
async fn mend(engine: &Engine, findings: &[Finding], dry_run: bool) -> anyhow::Result<Repaired> {
    let tasks: BTreeSet<Option<TaskId>> = findings.iter().map(|finding| finding.task_id).collect();
    let mut all = Repaired::default();
    for task in tasks {
        let repaired = engine.repair(RepairRequest { task, dry_run }).await?;
        all.mended.extend(repaired.mended);
        all.left.extend(repaired.left);
    }
    // A repair says nothing about what it does not look at.
    let is_told = |finding: &Finding, left: &Left| {
        (left.code, left.task_id, &left.step) == (finding.code, finding.task_id, &finding.step)
    };
    for finding in findings.iter().filter(|finding| !finding.repairable) {
        if !all.left.iter().any(|left| is_told(finding, left)) {
            all.left.push(left_to_people(finding));
        }
    }
    Ok(all)
}

fn left_to_people(finding: &Finding) -> Left {
    Left {
        code: finding.code,
        task_id: finding.task_id,
        step: finding.step.clone(),
        message: finding.message.clone(),
        why: finding.mend.to_owned(),
    }
}

/// Shows what came of it; `after` is what a check finds now, if anything was changed.
fn finish(
    session: &Session,
    found: &WholeCheck,
    repaired: &Repaired,
    after: Option<&WholeCheck>,
) -> ExitCode {
    let remaining = &after.unwrap_or(found).findings;
    let document = json!({
        "changed": after.is_some(),
        "checked_tasks": found.tasks,
        "findings": found.findings,
        "mended": repaired.mended,
        "left": repaired.left,
        "remaining": remaining,
    });
    session.printer.result(&document, || match after {
        None if found.findings.is_empty() => "nothing wrong was found".into(),
        None => lines(repaired, found.is_cut()),
        Some(after) => {
            let (mended, left) = (repaired.mended.len(), remaining.len());
            let rest: String = remaining.iter().map(finding_lines).collect();
            let at_least = if after.is_cut() { "at least " } else { "" };
            format!("{rest}mended {mended}; {at_least}{left} findings are left\n")
        }
    });
    if remaining.is_empty() { Status::Ok.into() } else { Status::Failed.into() }
}

/// What would be done, and what not; `is_cut` is whether there may be more.
fn lines(planned: &Repaired, is_cut: bool) -> String {
    let mended = planned.mended.iter().map(|one| {
        let place = place(one.code, one.task_id, one.step.as_deref());
        format!("would mend {place}: {}\n", one.message)
    });
    let left = planned.left.iter().map(|one| {
        let place = place(one.code, one.task_id, one.step.as_deref());
        format!("cannot mend {place}: {}\n  {}\n", one.message, one.why)
    });
    let more = is_cut.then(|| "there may be more: see --limit\n".to_owned());
    mended.chain(left).chain(more).collect()
}
