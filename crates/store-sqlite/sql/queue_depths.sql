-- What is scheduled and running, per handler.
SELECT h.name, count(*) FILTER (WHERE q.worker_id IS NULL AND q.run_at <= ?1),
    count(*) FILTER (WHERE q.worker_id IS NULL AND q.run_at > ?1), count(q.worker_id),
    min(q.run_at) FILTER (WHERE q.worker_id IS NULL)
FROM queue AS q JOIN handler AS h ON h.id = q.handler_id
GROUP BY h.id ORDER BY h.name
