-- All workers, newest first.
SELECT id, name, version, handlers, capacity,
    (SELECT count(*) FROM queue WHERE worker_id = worker.id) AS running,
    started_at, heartbeat_at, lost_at, stopped_at
FROM worker ORDER BY id DESC
