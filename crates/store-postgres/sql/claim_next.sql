-- When the first unclaimed row of these handlers is due.
SELECT min(q.run_at)
FROM unnest($1::bigint[]) AS h (handler_id), generate_series(0, 9) AS p (priority), LATERAL (
    SELECT q.run_at FROM tasker.queue AS q
    WHERE q.handler_id = h.handler_id AND q.priority = p.priority AND q.worker IS NULL
    ORDER BY q.run_at
    LIMIT 1
) AS q
