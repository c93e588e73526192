-- What is scheduled and running, per handler.
SELECT h.name,
    count(*) FILTER (WHERE q.worker IS NULL AND q.run_at <= clock.now),
    count(*) FILTER (WHERE q.worker IS NULL AND q.run_at > clock.now),
    count(*) FILTER (WHERE q.worker IS NOT NULL),
    min(q.run_at) FILTER (WHERE q.worker IS NULL)
FROM (SELECT coalesce($1::timestamptz, statement_timestamp()) AS now) AS clock
CROSS JOIN tasker.queue AS q
JOIN tasker.handler AS h ON h.id = q.handler_id
GROUP BY h.name ORDER BY h.name COLLATE "C"
