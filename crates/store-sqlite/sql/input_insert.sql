-- The request of a new task.
INSERT INTO task_input (task_seq, initiator, source_system, reason, tags, bypass_steps, requested_at, correlation_id,
    identity, content, context, task_id, created_by)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
