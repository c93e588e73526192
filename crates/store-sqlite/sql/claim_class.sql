-- The first unclaimed row of the most urgent class of a handler that is not above ?2.
SELECT priority, run_at FROM queue INDEXED BY queue_due
WHERE worker_id IS NULL AND handler_id = ?1 AND priority >= ?2 ORDER BY priority, run_at LIMIT 1
