-- When the first unclaimed row of these lists ($1, $2: handler and class) is due that does not stand before a position
-- ($3, $4, $5).
SELECT min(q.run_at)
FROM unnest($1::bigint[], $2::smallint[], $3::timestamptz[], $4::bigint[], $5::integer[])
    AS l (handler_id, priority, run_at, arrival, ordinal), LATERAL (
    SELECT q.run_at FROM tasker.queue AS q
    WHERE q.handler_id = l.handler_id AND q.priority = l.priority AND q.worker IS NULL
        AND (q.run_at, q.arrival, q.ordinal) >= (l.run_at, l.arrival, l.ordinal)
    ORDER BY q.run_at, q.arrival, q.ordinal
    LIMIT 1
) AS q
