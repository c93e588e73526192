-- Due rows of one handler and class, oldest first, after a row already seen.
SELECT q.key, q.run_at, t.id FROM queue AS q INDEXED BY queue_due CROSS JOIN task AS t ON t.seq = q.key >> 15
WHERE q.worker_id IS NULL AND q.handler_id = ?1 AND q.priority = ?2 AND q.run_at BETWEEN ?3 AND ?5
    AND (q.run_at, q.key) > (?3, ?4)
ORDER BY q.run_at, q.key LIMIT ?6
