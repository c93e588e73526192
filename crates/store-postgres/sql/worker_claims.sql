-- Claims of a worker, with what makes them work; those that began before an instant ($4).
-- (The odd condition: see lock_due.sql.)
SELECT q.task_id, q.ordinal, q.fence, s.attempts, s.retry_limit, s.key_generation, s.inputs IS NOT NULL,
    t.revision_id, t.created_at, s.started_at, q.run_at
FROM unnest($1::uuid[], $2::integer[]) AS v (task_id, ordinal)
JOIN tasker.queue AS q ON q.task_id = v.task_id AND q.ordinal = v.ordinal
    AND (q.worker = $3)::integer = 1
JOIN tasker.step AS s ON s.task_id = q.task_id AND s.ordinal = q.ordinal
JOIN tasker.task AS t ON t.id = q.task_id
WHERE s.started_at <= $4
ORDER BY q.task_id, q.ordinal
