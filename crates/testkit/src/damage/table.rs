//! Ways to damage a task, what a check must find, and what a repair can do.

use tasker_core::state::TaskState;

/// A task that is damaged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Victim {
    /// Step 0 `a` is complete, 1 `b` waits to be claimed, 2 `c` waits for it, 3 `d` failed and is tried again, 4 `e` runs.
    Order,
    /// The same, cancelled.
    Cancelled,
    /// Two steps, `a` and `b`, one at a time.
    Turns,
    /// One step, `a`; complete.
    Complete,
    /// One step, `a`, which failed for good.
    Failed,
}

/// What becomes of the damage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It is mended, and the task ends like this once its steps succeed.
    Mended(TaskState),
    /// The rest of the task is deleted.
    Deleted,
    /// Nothing is changed.
    Left,
}

/// A way to damage a task.
pub(super) struct Damage {
    pub(super) victim: Victim,
    /// Statements, as [`super::Dialect::expand`] takes them.
    pub(super) sql: &'static [&'static str],
    /// Codes, and after a space the step: `waits_count c`.
    pub(super) found: &'static [&'static str],
    /// Found besides where a task is read by SQL although it makes no sense.
    pub(super) found_by_sql: &'static [&'static str],
    pub(super) fate: Fate,
}

const fn damage(
    victim: Victim,
    sql: &'static [&'static str],
    found: &'static [&'static str],
    fate: Fate,
) -> Damage {
    Damage { victim, sql, found, found_by_sql: &[], fate }
}

const fn unreadable(
    sql: &'static [&'static str],
    found: &'static [&'static str],
    found_by_sql: &'static [&'static str],
) -> Damage {
    Damage { victim: Victim::Order, sql, found, found_by_sql, fate: Fate::Left }
}

use Fate::{Deleted, Left, Mended};
use TaskState::{Cancelled as CancelledTask, Complete as CompleteTask, Error as ErrorTask};
use Victim::{Cancelled, Complete, Failed, Order, Turns};

const COMPLETES: Fate = Mended(CompleteTask);

pub(super) const DAMAGES: &[Damage] = &[
    // Counters.
    damage(Order, &["UPDATE task SET active = 7 WHERE id = $1"], &["active_count"], COMPLETES),
    damage(Order, &["UPDATE task SET remaining = 0 WHERE id = $1"], &["remaining_count"], COMPLETES),
    damage(Order, &["UPDATE task SET log_seq = log_seq + 5 WHERE id = $1"], &["log_length"], COMPLETES),
    damage(Order, &["UPDATE step SET waits = 2 WHERE {step 2}"], &["waits_count c"], COMPLETES),
    damage(
        Order,
        &["UPDATE step SET waits = 0 WHERE {step 2}"],
        &["row_missing c", "waits_count c"],
        COMPLETES,
    ),
    damage(Order, &["UPDATE step SET attempts = 1 WHERE {step 1}"], &["attempts_count b"], COMPLETES),
    damage(
        Order,
        &["UPDATE step SET attempts = 9 WHERE {step 0}"],
        &["attempts_above_limit a", "attempts_count a"],
        COMPLETES,
    ),
    damage(
        Order,
        &["UPDATE step SET retry_limit = 0 WHERE {step 4}"],
        &["attempts_above_limit e"],
        COMPLETES,
    ),
    damage(
        Order,
        &["UPDATE step SET retry_limit = 0 WHERE {step 1}"],
        &["attempts_above_limit b"],
        COMPLETES,
    ),
    damage(
        Order,
        &["UPDATE step SET fence = 9 WHERE {step 3}"],
        &["fence_count d", "row_fence d"],
        COMPLETES,
    ),
    damage(
        Order,
        &["UPDATE step SET fence = 9 WHERE {step 4}"],
        &["fence_count e", "row_fence e"],
        COMPLETES,
    ),
    // Times.
    damage(Order, &["UPDATE task SET ended_at = updated_at WHERE id = $1"], &["ended_at"], COMPLETES),
    damage(Complete, &["UPDATE task SET ended_at = NULL WHERE id = $1"], &["ended_at"], COMPLETES),
    damage(Order, &["UPDATE step SET processed_at = NULL WHERE {step 0}"], &["processed_at a"], COMPLETES),
    damage(
        Order,
        &["UPDATE task SET updated_at = created_at - {hour} WHERE id = $1"],
        &["log_time"],
        COMPLETES,
    ),
    // Queue rows.
    damage(Order, &["DELETE FROM queue WHERE {step 1}"], &["active_count", "row_missing b"], COMPLETES),
    damage(Order, &["DELETE FROM queue WHERE {step 3}"], &["active_count", "row_missing d"], COMPLETES),
    damage(Order, &["DELETE FROM queue WHERE {step 4}"], &["active_count", "row_missing e"], COMPLETES),
    damage(
        Order,
        &[
            "DELETE FROM queue WHERE {step 1}",
            "DELETE FROM queue WHERE {step 3}",
            "DELETE FROM queue WHERE {step 4}",
            "UPDATE task SET active = 0 WHERE id = $1",
        ],
        &["nothing_queued", "row_missing b", "row_missing d", "row_missing e"],
        COMPLETES,
    ),
    damage(Order, &["{row of 1 for 2}"], &["active_count", "row_unwanted c"], COMPLETES),
    damage(
        Order,
        &["UPDATE step SET retryable = false WHERE {step 3}"],
        &["row_unwanted d"],
        Mended(ErrorTask),
    ),
    damage(Order, &["{row of 1 for 99}"], &["orphan_queue_row"], COMPLETES),
    damage(Order, &["UPDATE queue SET fence = 5 WHERE {step 1}"], &["row_fence b"], COMPLETES),
    damage(Order, &["UPDATE queue SET fence = 5 WHERE {step 4}"], &["row_fence e"], COMPLETES),
    damage(Order, &["UPDATE queue SET {worker} = $1 WHERE {step 1}"], &["row_claim b"], COMPLETES),
    damage(Order, &["UPDATE queue SET {worker} = NULL WHERE {step 4}"], &["row_claim e"], COMPLETES),
    damage(Order, &["UPDATE queue SET priority = 9 WHERE {step 1}"], &["row_priority b"], COMPLETES),
    damage(Order, &["UPDATE queue SET priority = 9 WHERE {step 4}"], &["row_priority e"], COMPLETES),
    damage(Order, &["UPDATE queue SET handler_id = 77 WHERE {step 1}"], &["row_handler b"], COMPLETES),
    damage(
        Complete,
        &["{any row for 0}"],
        &["active_count", "row_fence a", "row_of_ended_task", "row_of_ended_task a"],
        COMPLETES,
    ),
    damage(
        Cancelled,
        &["DELETE FROM queue WHERE {step 4}"],
        &["active_count", "row_missing e"],
        Mended(CancelledTask),
    ),
    damage(Turns, &["{row of 0 for 1}"], &["active_count", "turns"], COMPLETES),
    damage(
        Turns,
        &["DELETE FROM queue WHERE {step 0}"],
        &["active_count", "nothing_queued", "turns"],
        COMPLETES,
    ),
    // A task that did not end when it should have.
    damage(
        Failed,
        &[
            "DELETE FROM transition WHERE {of task} AND seq = (SELECT log_seq FROM task WHERE id = $1)",
            "UPDATE task SET state = 1, ended_at = NULL, log_seq = log_seq - 1 WHERE id = $1",
        ],
        &["nothing_queued"],
        Mended(ErrorTask),
    ),
    // Rows that belong to no task.
    damage(
        Order,
        &["DELETE FROM task WHERE id = $1"],
        &["orphan_input", "orphan_log_entry", "orphan_step"],
        Deleted,
    ),
    damage(
        Order,
        &["DELETE FROM step WHERE {step 1}", "DELETE FROM task WHERE id = $1"],
        &["orphan_input", "orphan_log_entry", "orphan_queue_row", "orphan_step"],
        Deleted,
    ),
    // The log.
    damage(
        Order,
        &[
            "UPDATE transition SET seq = 99 WHERE {of task} AND seq = (SELECT log_seq FROM task WHERE id = $1)",
        ],
        &["log_gap"],
        Left,
    ),
    damage(
        Order,
        &[
            "UPDATE transition SET at = at - {hour} WHERE {of task} AND seq = (SELECT log_seq FROM task WHERE id = $1)",
        ],
        &["log_time"],
        Left,
    ),
    damage(
        Order,
        &["UPDATE transition SET to_state = 5 WHERE {of task} AND ordinal = 0 AND to_state = 2"],
        &["log_illegal a", "log_state a"],
        Left,
    ),
    damage(
        Order,
        &["UPDATE transition SET from_state = 3 WHERE {of task} AND ordinal = 4 AND to_state = 1"],
        &["log_chain e", "log_illegal e"],
        Left,
    ),
    damage(
        Order,
        &["{entry 0 2 2}", "UPDATE task SET log_seq = log_seq + 1 WHERE id = $1"],
        &["completed_twice a", "log_illegal a"],
        Left,
    ),
    damage(
        Order,
        &["{entry 40 NULL 0}", "UPDATE task SET log_seq = log_seq + 1 WHERE id = $1"],
        &["log_unknown_step"],
        Left,
    ),
    damage(
        Turns,
        &["DELETE FROM transition WHERE {of task}"],
        &["log_length", "log_state", "log_state a", "log_state b"],
        Left,
    ),
    // States.
    damage(Order, &["UPDATE step SET state = 4 WHERE {step 2}"], &["log_state c"], Left),
    damage(
        Order,
        &["UPDATE step SET state = 2 WHERE {step 1}"],
        &["log_state b", "processed_at b", "remaining_count", "row_unwanted b", "waits_count c"],
        Left,
    ),
    damage(
        Order,
        &[
            "{entry NULL 1 2}",
            "UPDATE task SET state = 2, ended_at = updated_at, log_seq = log_seq + 1 WHERE id = $1",
        ],
        &["complete_with_undone", "row_of_ended_task", "row_of_ended_task b", "row_of_ended_task d"],
        Left,
    ),
    unreadable(&["UPDATE step SET state = 9 WHERE {step 2}"], &["state_unknown c"], &["log_state c"]),
    unreadable(
        &["UPDATE task SET state = 9 WHERE id = $1"],
        &["state_unknown"],
        &["ended_at", "log_state", "row_of_ended_task", "row_of_ended_task b", "row_of_ended_task d"],
    ),
    // Rows that are gone.
    damage(
        Order,
        &["DELETE FROM step WHERE {step 2}"],
        &["log_unknown_step", "remaining_count", "step_missing c"],
        Left,
    ),
    damage(
        Order,
        &["UPDATE step SET {place 99} WHERE {step 2}"],
        &["log_unknown_step", "remaining_count", "step_missing c", "step_unknown"],
        Left,
    ),
    damage(Order, &["DELETE FROM task_input WHERE {of task}"], &["input_missing"], Left),
    damage(
        Order,
        &["UPDATE task SET revision_id = {no revision} WHERE id = $1"],
        &["revision_missing"],
        Left,
    ),
];
