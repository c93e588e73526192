//! Looking for broken invariants, and mending tasks.

use std::collections::BTreeSet;

use tasker_core::ids::{TaskId, WorkerId};
use tasker_core::repair::{Repair, Stored, repair};
use tasker_core::time::Timestamp;

use super::Tables;
use super::tasks::Task;
use crate::integrity::{CheckPart, CheckPosition, CheckScope, Checked, Finding, RepairRequest, Repaired};

impl Tables {
    pub(super) fn check_part(&self, part: &CheckPart, now: Timestamp) -> Checked {
        let mut tasks: Vec<(CheckPosition, &Task)> =
            self.tasks.values().filter_map(|task| Some((position(task, &part.scope, now)?, task))).collect();
        tasks.sort_by_key(|(position, _)| position.0);
        let mut ahead =
            tasks.into_iter().filter(|(position, _)| part.after.is_none_or(|after| position.0 > after.0));
        let limit = if matches!(part.scope, CheckScope::These(_)) { usize::MAX } else { part.tasks };
        let looked_at: Vec<_> = ahead.by_ref().take(limit).collect();
        let findings = looked_at.iter().flat_map(|(_, task)| task.findings()).take(part.findings).collect();
        let last = looked_at.last().map(|(position, _)| *position);
        Checked { tasks: looked_at.len() as u64, findings, next: last.filter(|_| ahead.next().is_some()) }
    }

    /// Nothing here belongs to no task.
    pub(super) fn repair(&mut self, request: &RepairRequest, now: Timestamp) -> Repaired {
        let live: BTreeSet<WorkerId> =
            self.workers.values().filter(|worker| worker.is_live()).map(|worker| worker.id).collect();
        let Some(task) = request.task.and_then(|id| self.tasks.get_mut(&id)) else {
            return Repaired::default();
        };
        let id = task.record.id;
        let repair = task.repair(&live, now);
        let repaired = Repaired::of_task(id, &repair);
        if !request.dry_run {
            repair.cleared.iter().for_each(|step| task.steps[step.index()].queue = None);
            task.write(&repair.change);
            self.note(id, &repair.change.log);
        }
        repaired
    }
}

/// The place of a task among those of a scope; `None` if it is not one of them.
fn position(task: &Task, scope: &CheckScope, now: Timestamp) -> Option<CheckPosition> {
    let TaskId(id) = task.record.id;
    let by_id = CheckPosition([id.as_u128(), 0, 0]);
    match scope {
        CheckScope::All => Some(by_id),
        CheckScope::Open => task.record.state.is_open().then_some(by_id),
        CheckScope::These(these) => these.contains(&task.record.id).then_some(by_id),
        CheckScope::EndedWithin(span) => {
            let ended_at = task.record.ended_at.filter(|ended_at| *ended_at > now.minus(*span))?;
            let micros = u128::try_from(ended_at.as_micros()).unwrap_or(0);
            Some(CheckPosition([micros, u128::from(task.arrival), 0]))
        }
    }
}

impl Task {
    fn findings(&self) -> Vec<Finding> {
        let of_task = |finding| Finding::of_task(self.record.id, finding);
        self.audit().into_iter().map(of_task).collect()
    }

    fn repair(&self, live: &BTreeSet<WorkerId>, now: Timestamp) -> Repair {
        let stored = Stored {
            plan: &self.plan,
            task: &self.record,
            steps: &self.steps,
            strays: &[],
            other_handlers: &BTreeSet::new(),
            log: &self.log,
            live,
        };
        repair(&stored, now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;
    use tasker_core::audit::Code;
    use tasker_core::decide::{Rules, Submission};
    use tasker_core::definition::{DefinitionBuilder, StepBuilder};
    use tasker_core::identity::IdentityStrategy;
    use tasker_core::ids::Digest;
    use tasker_core::payload::Payload;
    use tasker_core::plan::Plan;
    use uuid::Uuid;

    use super::*;
    use crate::definitions::Registration;
    use crate::write::SubmitBatch;

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-31T09:00:00Z").unwrap()
    }

    /// Tasks 1 to `n` of one step that waits to be claimed.
    fn tables(n: u128) -> Tables {
        let definition = DefinitionBuilder::new("order").step(StepBuilder::new("a", "h")).build();
        let plan = Plan::new(definition.unwrap());
        let mut tables = Tables::default();
        tables.register(Registration { plan: plan.clone(), replace: false }, now());
        let request = |id| Submission {
            id: TaskId(Uuid::from_u128(id)),
            plan: plan.clone(),
            latest: false,
            context: Payload::empty_object(),
            initiator: "tests".into(),
            source_system: "tests".into(),
            reason: "tests".into(),
            tags: Vec::new(),
            bypass: Vec::new(),
            priority: plan.definition.priority,
            not_before: None,
            requested_at: None,
            correlation_id: None,
            created_by: None,
            identity: IdentityStrategy::Default,
            content: Digest([0; 32]),
        };
        let batch = SubmitBatch::of((1..=n).map(request), Rules::default().into());
        tables.submit(&batch, now()).unwrap();
        tables
    }

    fn part(scope: CheckScope, after: Option<CheckPosition>) -> CheckPart {
        CheckPart { scope, after, tasks: 2, findings: 10 }
    }

    #[test]
    fn what_is_damaged_is_found_and_mended() {
        let mut tables = tables(1);
        let id = TaskId(Uuid::from_u128(1));
        tables.tasks.get_mut(&id).unwrap().steps[0].queue = None;
        let codes = |tables: &Tables| -> Vec<Code> {
            let checked = tables.check_part(&part(CheckScope::All, None), now());
            checked.findings.iter().map(|finding| finding.code).collect()
        };
        let found = [Code::ActiveCount, Code::NothingQueued, Code::RowMissing];
        assert_eq!(codes(&tables), found);
        let request = |dry_run| RepairRequest { task: Some(id), dry_run };
        let planned = tables.repair(&request(true), now());
        assert_eq!(codes(&tables), found);
        assert_eq!(tables.repair(&request(false), now()), planned);
        assert_eq!(planned.mended[0].code, Code::RowMissing);
        assert_eq!(codes(&tables), []);
        tables.tasks[&id].verify();
        assert_eq!(tables.repair(&request(false), now()), Repaired::default());
    }

    #[test]
    fn a_check_goes_on_where_it_stopped() {
        let tables = tables(5);
        for (scope, expected) in [
            (CheckScope::All, vec![2, 2, 1]),
            (CheckScope::Open, vec![2, 2, 1]),
            (CheckScope::EndedWithin(Duration::from_secs(60)), vec![0]),
            (CheckScope::These(vec![TaskId(Uuid::from_u128(3)), TaskId(Uuid::from_u128(9))]), vec![1]),
        ] {
            let mut after = None;
            let mut tasks = Vec::new();
            loop {
                let checked = tables.check_part(&part(scope.clone(), after), now());
                tasks.push(checked.tasks);
                after = checked.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(tasks, expected, "{scope:?}");
        }
    }
}
