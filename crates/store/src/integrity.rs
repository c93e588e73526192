//! Whether the rows of a database keep the rules, and mending them where they do not.

use std::time::Duration;

use serde::Serialize;
use tasker_core::audit::{self, Code};
use tasker_core::ids::TaskId;
use tasker_core::repair;

/// A broken invariant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What kind it is.
    pub code: Code,
    /// The task.
    pub task_id: Option<TaskId>,
    /// The step.
    pub step: Option<String>,
    /// What is wrong: what was found and what should be.
    pub message: String,
    /// What mends it.
    pub mend: &'static str,
    /// Whether a repair does so, as far as the states and the history of the task are not in doubt.
    pub repairable: bool,
}

/// A part of a check, small enough to be looked at as it is at one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct CheckPart {
    /// Which tasks.
    pub scope: CheckScope,
    /// Where to go on; `None` is the beginning.
    pub after: Option<CheckPosition>,
    /// Most tasks.
    pub tasks: usize,
    /// Most findings.
    pub findings: usize,
}

/// Which tasks a check looks at.
#[derive(Clone, PartialEq, Debug)]
pub enum CheckScope {
    /// All; the first part looks at the database itself and at rows that belong to no task.
    All,
    /// Those that are open.
    Open,
    /// Those that ended less than so long ago, the first that did so first.
    EndedWithin(Duration),
    /// These, all in one part.
    These(Vec<TaskId>),
}

/// How far a check has come: numbers that only the store which gave them understands, for one scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckPosition(pub [u128; 3]);

/// What a part of a check found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Checked {
    /// Tasks looked at.
    pub tasks: u64,
    /// What is wrong with them.
    pub findings: Vec<Finding>,
    /// Where to go on; `None` if this was the last part.
    pub next: Option<CheckPosition>,
}

/// Tasks of one part of a whole check.
const CHECK_TASKS: usize = 1_000;

/// A check of everything, part by part: whoever looks asks for the next part, and adds what it found.
#[derive(Clone, PartialEq, Debug)]
pub struct WholeCheck {
    /// Tasks looked at so far.
    pub tasks: u64,
    /// What is wrong with them.
    pub findings: Vec<Finding>,
    limit: usize,
    next: Next,
}

#[derive(Clone, PartialEq, Debug)]
enum Next {
    First,
    After(CheckPosition),
    Nothing,
}

/// Most rows of one kind that a repair deletes in one transaction.
pub const MOST_ORPHANS: i64 = 10_000;

/// What to mend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepairRequest {
    /// A task; `None` for the rows that belong to no task.
    pub task: Option<TaskId>,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// What came of a repair.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Repaired {
    /// What is mended (or would be).
    pub mended: Vec<Mended>,
    /// What is not.
    pub left: Vec<Left>,
}

/// Something that a repair mends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mended {
    /// What it was.
    pub code: Code,
    /// The task.
    pub task_id: Option<TaskId>,
    /// The step.
    pub step: Option<String>,
    /// What is done.
    pub message: String,
}

/// Something that a repair leaves as it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Left {
    /// What was found.
    pub code: Code,
    /// The task.
    pub task_id: Option<TaskId>,
    /// The step.
    pub step: Option<String>,
    /// What is wrong.
    pub message: String,
    /// Why it is left, and what to do.
    pub why: String,
}

impl Finding {
    /// Something that is wrong.
    pub fn new(
        code: Code,
        task_id: Option<TaskId>,
        step: Option<String>,
        message: impl Into<String>,
    ) -> Self {
        let (mend, repairable) = (code.mend(), code.is_repairable());
        Self { code, task_id, step, message: message.into(), mend, repairable }
    }

    /// What an audit found in a task.
    pub fn of_task(task: TaskId, finding: audit::Finding) -> Self {
        Self::new(finding.code, Some(task), finding.step.map(|step| step.to_string()), finding.message)
    }
}

impl WholeCheck {
    /// One that ends when it has found so much.
    pub fn new(limit: usize) -> Self {
        Self { tasks: 0, findings: Vec::new(), limit, next: Next::First }
    }

    /// What to look at next; `None` at the end.
    pub fn next_part(&self) -> Option<CheckPart> {
        let after = match self.next {
            Next::First => None,
            Next::After(position) => Some(position),
            Next::Nothing => return None,
        };
        let findings = self.limit - self.findings.len();
        let part = CheckPart { scope: CheckScope::All, after, tasks: CHECK_TASKS, findings };
        (!self.is_cut()).then_some(part)
    }

    /// Adds what the part holds.
    pub fn add(&mut self, checked: Checked) {
        self.tasks += checked.tasks;
        self.findings.extend(checked.findings);
        self.findings.truncate(self.limit);
        self.next = checked.next.map_or(Next::Nothing, Next::After);
    }

    /// Whether there may be more than was asked for.
    pub fn is_cut(&self) -> bool {
        self.findings.len() >= self.limit
    }
}

impl Repaired {
    /// What a repair of a task does.
    pub fn of_task(task: TaskId, repair: &repair::Repair) -> Self {
        let task_id = Some(task);
        let mended = repair.mended.iter().map(|mended| Mended {
            code: mended.code,
            task_id,
            step: mended.step.as_ref().map(ToString::to_string),
            message: mended.message.clone(),
        });
        let left = repair.left.iter().map(|left| Left {
            code: left.finding.code,
            task_id,
            step: left.finding.step.as_ref().map(ToString::to_string),
            message: left.finding.message.clone(),
            why: left.why.clone(),
        });
        Self { mended: mended.collect(), left: left.collect() }
    }

    /// Nothing can be done for a task, since it cannot be read.
    pub fn unreadable(task: TaskId, code: Code, message: impl Into<String>) -> Self {
        let (message, why) = (message.into(), code.mend().to_owned());
        let left = Left { code, task_id: Some(task), step: None, message, why };
        Self { mended: Vec::new(), left: vec![left] }
    }

    /// Rows of a kind that belong to no task are deleted.
    pub fn delete_orphans(&mut self, code: Code, task_id: Option<TaskId>, rows: u64) {
        if rows > 0 {
            let message = format!("{rows} such rows are deleted");
            self.mended.push(Mended { code, task_id, step: None, message });
        }
    }
}
