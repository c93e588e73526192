-- Everything that a worker holds.
SELECT q.key, q.fence, t.id, t.state, s.started_at, s.attempts, s.retry_limit, s.key_generation,
    q.run_at
FROM queue AS q INDEXED BY queue_held
JOIN task AS t ON t.seq = q.key >> 15
JOIN step AS s ON s.key = q.key
WHERE q.worker_id = ?1 ORDER BY q.key
