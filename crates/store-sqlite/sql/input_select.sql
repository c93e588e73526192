-- The request of a task.
SELECT initiator, source_system, reason, tags, bypass_steps, requested_at, correlation_id, identity, content, context,
    created_by
FROM task_input WHERE task_seq = ?1
