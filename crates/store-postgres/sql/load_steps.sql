-- What a decision needs of locked tasks: steps by name ($1, $2), all steps of a task ($3), steps of a task that may want
-- a queue row they do not have ($4); each with its queue row.
SELECT s.task_id, s.ordinal, s.state, s.waits, s.attempts, s.retry_limit, s.retryable, s.fence, s.settled_fence,
    s.lease_expiries, s.key_generation, s.last_attempted_at, s.backoff_seconds, s.started_at, s.processed_at,
    s.updated_at, q.fence, q.priority, q.run_at, q.worker, s.inputs IS NOT NULL
FROM unnest($1::uuid[], $2::integer[]) AS v (task_id, ordinal)
JOIN tasker.step AS s ON s.task_id = v.task_id AND s.ordinal = v.ordinal
LEFT JOIN tasker.queue AS q ON q.task_id = s.task_id AND q.ordinal = s.ordinal
UNION ALL
SELECT s.task_id, s.ordinal, s.state, s.waits, s.attempts, s.retry_limit, s.retryable, s.fence, s.settled_fence,
    s.lease_expiries, s.key_generation, s.last_attempted_at, s.backoff_seconds, s.started_at, s.processed_at,
    s.updated_at, q.fence, q.priority, q.run_at, q.worker, s.inputs IS NOT NULL
FROM unnest($3::uuid[]) AS v (task_id)
JOIN tasker.step AS s ON s.task_id = v.task_id
LEFT JOIN tasker.queue AS q ON q.task_id = s.task_id AND q.ordinal = s.ordinal
UNION ALL
SELECT s.task_id, s.ordinal, s.state, s.waits, s.attempts, s.retry_limit, s.retryable, s.fence, s.settled_fence,
    s.lease_expiries, s.key_generation, s.last_attempted_at, s.backoff_seconds, s.started_at, s.processed_at,
    s.updated_at, NULL, NULL, NULL, NULL, s.inputs IS NOT NULL
FROM unnest($4::uuid[]) AS v (task_id)
JOIN tasker.step AS s ON s.task_id = v.task_id AND s.state IN (0, 3)
LEFT JOIN tasker.queue AS q ON q.task_id = s.task_id AND q.ordinal = s.ordinal
WHERE q.task_id IS NULL
