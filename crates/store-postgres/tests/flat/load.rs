//! What a database may be full of, written by plain SQL.

/// Steps of finished tasks, five a task, with their log.
pub fn finished(n_steps: usize) -> String {
    format!(
        "{tasks}
        INSERT INTO tasker.task_input (task_id, requested_at, content, initiator, source_system, reason, tags,
                bypass_steps, context)
            SELECT id, now(), '', 'unknown', 'unknown', 'unknown', '{{}}', '{{}}', '{{\"order\":7}}' FROM new_task;
        INSERT INTO tasker.step (task_id, ordinal, waits, fence, settled_fence, updated_at, started_at, processed_at,
                attempts, retry_limit, lease_expiries, key_generation, state, retryable, results)
            SELECT id, o, 0, 1, 1, now(), now(), now(), 1, 3, 0, 0, 2, true, '{{\"ok\":true}}'
            FROM new_task, generate_series(0, 4) AS o;
        INSERT INTO tasker.transition (task_id, seq, xid, at, epoch, ordinal, from_state, to_state, actor)
            SELECT id, s, 1, now(), 1, (s - 4) / 3, 0, 2, 'worker' FROM new_task, generate_series(1, 18) AS s;
        DROP TABLE new_task",
        tasks = tasks(n_steps / 5, 2, "now()", 0)
    )
}

/// Steps of tasks of the highest priority that failed and wait for an hour.
pub fn in_backoff(n: usize) -> String {
    queued(n, 0, "(SELECT id FROM tasker.handler WHERE name = 'work')", "now() + interval '1 hour'")
}

/// Steps that are due for a handler that no worker serves.
pub fn unserved(n: usize) -> String {
    queued(n, 5, "7", "now() - interval '1 hour'")
}

fn queued(n: usize, priority: u8, handler: &str, run_at: &str) -> String {
    format!(
        "{tasks}
        INSERT INTO tasker.step (task_id, ordinal, waits, fence, settled_fence, updated_at, attempts, retry_limit,
                lease_expiries, key_generation, state, retryable)
            SELECT id, o, least(o, 1), 1, 1, now(), 1 - least(o, 1), 3, 0, 0, 3 * (1 - least(o, 1)), true
            FROM new_task, generate_series(0, 4) AS o;
        INSERT INTO tasker.queue (task_id, ordinal, priority, handler_id, arrival, fence, run_at)
            SELECT id, 0, {priority}, {handler}, arrival, 1, {run_at} FROM new_task;
        DROP TABLE new_task",
        tasks = tasks(n, 1, "NULL", 1)
    )
}

fn tasks(n: usize, state: u8, ended_at: &str, active: u8) -> String {
    format!(
        "CREATE TEMPORARY TABLE new_task AS SELECT gen_random_uuid() AS id, nextval('tasker.task_arrival_seq') AS arrival
            FROM generate_series(1, {n});
        INSERT INTO tasker.task (id, revision_id, created_at, updated_at, ended_at, arrival, log_seq, log_xid, log_epoch,
                active, remaining, state, priority)
            SELECT id, (SELECT revision_id FROM tasker.definition), now(), now(), {ended_at}, arrival, 18, 1, 1, {active},
                0, {state}, 5
            FROM new_task;"
    )
}
