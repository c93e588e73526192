-- Due rows of lists ($2, $3: handler and class) in the order in which they are to be claimed, of each list at most so many
-- ($4) and none before a position ($5, $6, $7), $8 in all; if nothing is due, for each handler the time of its next row
-- (task_id null). A priority class is worth $9 seconds. At least one row. Only rows that are due and served are read.
-- Also told: the lowest id above $10 that a transaction under way may have, and, if asked for ($11), an id of its own.
WITH clock AS MATERIALIZED (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now,
        least(pg_snapshot_xmax(s)::text::bigint,
            (SELECT min(x::text::bigint) FROM pg_snapshot_xip(s) AS x WHERE x::text::bigint > $10)) AS oldest,
        CASE WHEN $11 THEN pg_current_xact_id()::text::bigint END AS own
    FROM pg_current_snapshot() AS s
), list AS (
    SELECT * FROM unnest($2::bigint[], $3::smallint[], $4::bigint[], $5::timestamptz[], $6::bigint[], $7::integer[])
        AS l (handler_id, priority, most, run_at, arrival, ordinal)
), head AS (
    SELECT l.handler_id, l.priority, l.most, q.task_id, q.ordinal, q.arrival, q.run_at,
        q.run_at + l.priority * $9::bigint * interval '1 second' AS rank
    FROM list AS l, clock, LATERAL (
        SELECT q.task_id, q.ordinal, q.arrival, q.run_at FROM tasker.queue AS q
        WHERE q.handler_id = l.handler_id AND q.priority = l.priority AND q.worker IS NULL AND q.run_at <= clock.now
            AND (q.run_at, q.arrival, q.ordinal) >= (l.run_at, l.arrival, l.ordinal)
        ORDER BY q.run_at, q.arrival, q.ordinal
        LIMIT l.most
    ) AS q
), due AS (
    SELECT h.*, row_number() OVER (PARTITION BY h.handler_id ORDER BY h.rank, h.arrival, h.ordinal) AS place
    FROM head AS h
), first_due AS MATERIALIZED (
    SELECT * FROM due WHERE place <= most ORDER BY rank, arrival, ordinal LIMIT $8
), later AS (
    SELECT l.handler_id, min(q.run_at) AS run_at
    FROM list AS l, clock, LATERAL (
        SELECT q.run_at FROM tasker.queue AS q
        WHERE q.handler_id = l.handler_id AND q.priority = l.priority AND q.worker IS NULL AND q.run_at > clock.now
        ORDER BY q.run_at
        LIMIT 1
    ) AS q
    WHERE NOT EXISTS (SELECT FROM first_due)
    GROUP BY l.handler_id
)
SELECT clock.now, r.handler_id, r.run_at, r.task_id, r.ordinal, r.priority, r.arrival, clock.oldest, clock.own
FROM clock
LEFT JOIN (
    SELECT handler_id, priority, run_at, rank, arrival, task_id, ordinal FROM first_due
    UNION ALL SELECT handler_id, NULL, run_at, NULL, NULL, NULL, NULL FROM later
) AS r ON true
ORDER BY r.rank, r.arrival, r.ordinal
