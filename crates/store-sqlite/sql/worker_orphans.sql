-- Claims of workers that are unknown, lost or stopped.
SELECT q.key, q.fence, t.id FROM queue AS q INDEXED BY queue_held
CROSS JOIN task AS t ON t.seq = q.key >> 15
LEFT JOIN worker AS w ON w.id = q.worker_id
WHERE q.worker_id IS NOT NULL AND (w.id IS NULL OR w.lost_at IS NOT NULL OR w.stopped_at IS NOT NULL)
ORDER BY q.key LIMIT ?1
