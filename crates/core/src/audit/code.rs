//! What `tasker db check` can find: the one list of codes that every store, the command line and the documentation use.

use std::fmt;

use serde::{Serialize, Serializer};

/// Whether `tasker db check --repair` mends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mending {
    /// As far as the states and the history of the task are not in doubt.
    Repair,
    /// Never: nobody can tell from the database what is right.
    ByHand,
}

macro_rules! codes {
    ($($name:ident = $code:literal, $what:literal, $mending:ident: $mend:literal;)*) => {
        /// A kind of broken invariant.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $(#[doc = $what] $name,)*
        }

        impl Code {
            /// All kinds, as the documentation lists them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What contradicts what.
            pub fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }

            /// What mends it.
            pub fn mend(self) -> &'static str {
                match self { $(Self::$name => $mend,)* }
            }

            fn mending(self) -> Mending {
                match self { $(Self::$name => Mending::$mending,)* }
            }
        }
    };
}

codes! {
    ActiveCount = "active_count",
        "the task's `active` is not the number of its queue rows",
        Repair: "its queue rows are counted anew";
    RemainingCount = "remaining_count",
        "the task's `remaining` is not the number of its steps that are not done",
        Repair: "its steps are counted anew";
    WaitsCount = "waits_count",
        "the step's `waits` is not the number of its parents that are not done",
        Repair: "its parents are counted anew";
    AttemptsCount = "attempts_count",
        "the step's `attempts` are not the executions that the log tells of",
        Repair: "the log's executions are counted, if the log is whole";
    FenceCount = "fence_count",
        "the step's `fence` is not the number of claims that the log tells of",
        Repair: "the log's claims are counted, if the log is whole";
    AttemptsAboveLimit = "attempts_above_limit",
        "the step was executed more often than its limit allows",
        Repair: "the limit is raised as far as the step's state needs";
    EndedAt = "ended_at",
        "the task has ended without a time, or has one and has not ended",
        Repair: "the time is taken from the log, or away";
    ProcessedAt = "processed_at",
        "the step is done without a time",
        Repair: "the time is taken from the log";
    NothingQueued = "nothing_queued",
        "the task is open, and nothing is scheduled or running",
        Repair: "what may run is scheduled; if nothing may, the task ends as the rules say";
    RowMissing = "row_missing",
        "the step is running or may run, and has no queue row",
        Repair: "the step is scheduled; one that is running gets its row back, held by the worker that the log names";
    RowUnwanted = "row_unwanted",
        "the step may not run, and has a queue row",
        Repair: "the row is deleted, unless a live worker holds it";
    RowOfEndedTask = "row_of_ended_task",
        "the task has ended, and steps are scheduled",
        Repair: "the rows are deleted, unless a live worker holds them";
    RowStep = "row_step",
        "the queue row names another step",
        Repair: "the row is written anew";
    RowClaim = "row_claim",
        "the queue row is held by a worker and the step does not run, or the other way round",
        Repair: "a running step's row goes to the worker that the log names; another row is freed, unless a live worker holds it";
    RowFence = "row_fence",
        "the queue row has another fence than the step",
        Repair: "the row gets the step's fence, unless a live worker holds it";
    RowPriority = "row_priority",
        "the queue row has another priority than the task",
        Repair: "the row is written anew";
    RowHandler = "row_handler",
        "the queue row names another handler than the definition",
        Repair: "the row is written anew";
    Turns = "turns",
        "a task that runs its steps one at a time has more or fewer than one scheduled",
        Repair: "the first step that may run is scheduled, or others lose their rows";
    OrphanQueueRow = "orphan_queue_row",
        "a queue row belongs to no step",
        Repair: "the row is deleted, unless a live worker holds it";
    OrphanStep = "orphan_step",
        "a step belongs to no task",
        Repair: "the row is deleted";
    OrphanLogEntry = "orphan_log_entry",
        "a log entry belongs to no task",
        Repair: "the row is deleted";
    OrphanInput = "orphan_input",
        "a request belongs to no task",
        Repair: "the row is deleted";
    LogLength = "log_length",
        "the task's `log_seq` is not the number of its log entries",
        Repair: "the entries are counted anew, if nothing else is wrong with the log";
    LogTime = "log_time",
        "a log entry is older than the one before it, or newer than the task's `updated_at`",
        Repair: "`updated_at` is raised; log entries are never changed";
    LogGap = "log_gap",
        "the numbers of the log entries have gaps",
        ByHand: "entries are lost; a copy of the database may still have them";
    LogChain = "log_chain",
        "a log entry does not begin where the one before it ended",
        ByHand: "the log is never changed; a copy of the database may have it as it was";
    LogIllegal = "log_illegal",
        "a log entry tells of a change that is not allowed",
        ByHand: "the log is never changed; a copy of the database may have it as it was";
    LogUnknownStep = "log_unknown_step",
        "the log tells of a step that has no row",
        ByHand: "the step's row is lost; a copy of the database may still have it";
    CompletedTwice = "completed_twice",
        "the log completes the step more than once",
        ByHand: "look at what the step did outside; the log is never changed";
    LogState = "log_state",
        "the last state in the log is not the present one",
        ByHand: "find out which of the two is true, and write it into the other";
    CompleteWithUndone = "complete_with_undone",
        "the task is complete, and steps are not done",
        ByHand: "submit a new task for what was left undone";
    StateUnknown = "state_unknown",
        "the state of the task or step does not exist",
        ByHand: "write the last state that the log tells of";
    StepMissing = "step_missing",
        "a step of the definition has no row",
        ByHand: "the row is lost; cancel the task and submit a new one, or take the row from a copy";
    StepUnknown = "step_unknown",
        "a step's row is there twice, or is no step of the definition",
        ByHand: "find out where the row came from, and delete it";
    RevisionMissing = "revision_missing",
        "the task's definition is gone",
        ByHand: "take its rows from a copy of the database";
    InputMissing = "input_missing",
        "what the task was asked for is gone",
        ByHand: "the request is lost; take the row from a copy, or submit a new task";
    TaskUnreadable = "task_unreadable",
        "a row of the task holds something that cannot be read",
        ByHand: "correct the value that the message names";
    FileDamaged = "file_damaged",
        "SQLite finds its own file damaged",
        ByHand: "restore a copy, or what `sqlite3 FILE .recover` saves of it";
    ObjectMissing = "object_missing",
        "a function or view of the database is gone",
        ByHand: "create it again as a sound database of the same schema has it (`pg_dump --schema-only`)";
}

impl Code {
    /// Whether `tasker db check --repair` mends it, as far as the states and the history of the task are not in doubt.
    pub fn is_repairable(self) -> bool {
        self.mending() == Mending::Repair
    }

    /// Whether it puts the log itself in doubt.
    pub(crate) fn is_about_log(self) -> bool {
        use Code::*;
        matches!(
            self,
            LogGap | LogLength | LogTime | LogChain | LogIllegal | LogUnknownStep | LogState | CompletedTwice
        )
    }

    /// The kind of a stable code.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_lead_back_to_their_kinds() {
        let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for &code in Code::ALL {
            assert_eq!(Code::from_name(code.as_str()), Some(code));
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        }
        assert_eq!(Code::from_name("ActiveCount"), None);
    }

    /// The page has one line per code, as it is written here.
    #[test]
    fn the_documentation_lists_every_code() {
        let page = include_str!("../../../../docs/errors.md");
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
        let expected = Code::ALL.iter().map(|code| {
            let by = if code.is_repairable() { "yes" } else { "no" };
            format!("| `{code}` | {} | {by} | {} |", code.what(), code.mend())
        });
        let missing: Vec<String> = expected.filter(|line| !rows.contains(&line.as_str())).collect();
        assert!(missing.is_empty(), "docs/errors.md lacks these lines:\n{}", missing.join("\n"));
    }
}
