-- The steps of tasks, of each in document order, with payloads and queue rows. OFFSET keeps the conditions inside, so that
-- the steps of each task are found by their key, whatever the planner takes their number to be.
SELECT s.*
FROM unnest($1::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT s.task_id, s.ordinal, s.state, s.waits, s.attempts, s.retry_limit, s.retryable, s.fence, s.settled_fence,
        s.lease_expiries, s.key_generation, s.last_attempted_at, s.backoff_seconds, s.started_at, s.processed_at,
        s.updated_at, q.fence, q.priority, q.run_at, q.worker, s.inputs IS NOT NULL,
        s.inputs::text, s.results::text, s.error::text
    FROM tasker.step AS s
    LEFT JOIN tasker.queue AS q ON q.task_id = s.task_id AND q.ordinal = s.ordinal
    WHERE s.task_id = asked.id ORDER BY s.ordinal
    OFFSET 0
) AS s
