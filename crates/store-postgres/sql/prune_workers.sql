-- Forgets workers that ended before an instant and hold nothing.
DELETE FROM tasker.worker AS w
WHERE coalesce(w.lost_at, w.stopped_at) < $1 AND NOT EXISTS (SELECT FROM tasker.queue AS q WHERE q.worker = w.id)
