-- Queue rows of a task (keys ?1 to ?2) whose steps have no row.
SELECT q.key, q.priority, q.run_at, q.worker_id, q.fence FROM queue AS q
WHERE q.key BETWEEN ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM step AS s WHERE s.key = q.key)
