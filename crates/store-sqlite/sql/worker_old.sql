-- Workers that ended before an instant and hold nothing.
SELECT id FROM worker
WHERE coalesce(lost_at, stopped_at) < ?1 AND NOT EXISTS (SELECT 1 FROM queue WHERE worker_id = worker.id)
