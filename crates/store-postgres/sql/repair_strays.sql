-- Queue rows of task $1 whose steps have no row.
SELECT q.ordinal, q.fence, q.priority, q.run_at, q.worker FROM tasker.queue AS q
WHERE q.task_id = $1 AND NOT EXISTS (SELECT FROM tasker.step AS s WHERE s.task_id = q.task_id AND s.ordinal = q.ordinal)
