-- All steps of a task with payloads and queue rows, in document order.
SELECT s.key, s.state, s.waits, s.attempts, s.retry_limit, s.retryable, s.fence, s.settled_fence, s.lease_expiries,
    s.key_generation, s.last_attempted_at, s.backoff_seconds, s.started_at, s.processed_at, s.updated_at,
    q.key, q.priority, q.run_at, q.worker_id, q.fence,
    s.inputs IS NOT NULL, s.inputs, s.results, s.error
FROM step AS s LEFT JOIN queue AS q ON q.key = s.key
WHERE s.key BETWEEN ?1 AND ?2 ORDER BY s.key
