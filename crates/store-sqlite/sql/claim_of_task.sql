-- Unclaimed rows of one task.
SELECT key, handler_id, run_at FROM queue WHERE key BETWEEN ?1 AND ?2 AND worker_id IS NULL
