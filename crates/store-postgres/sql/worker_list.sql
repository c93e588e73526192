-- All workers, newest first.
SELECT w.id, w.name, w.version, w.handlers, w.capacity,
    (SELECT count(*) FROM tasker.queue AS q WHERE q.worker = w.id) AS running,
    w.started_at, w.heartbeat_at, w.lost_at, w.stopped_at
FROM tasker.worker AS w ORDER BY w.id DESC
