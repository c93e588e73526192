-- Due rows of handlers ($2) in the order in which they are to be claimed, at most so many ($3) of each and $4 in all; and
-- for each handler the time of its next row that is not due (task_id null). A priority class is worth $5 seconds. At least one
-- row. Only rows that are due and served are read, and one more for each handler and class.
WITH clock AS (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
), class AS (
    SELECT h.handler_id, h.most, p.priority::smallint AS priority
    FROM unnest($2::bigint[], $3::bigint[]) AS h (handler_id, most), generate_series(0, 9) AS p (priority)
), head AS (
    SELECT c.handler_id, c.most, q.task_id, q.ordinal, q.arrival, q.run_at, q.run_at + c.priority * $5::bigint * interval '1 second' AS rank
    FROM class AS c, clock, LATERAL (
        SELECT q.task_id, q.ordinal, q.arrival, q.run_at FROM tasker.queue AS q
        WHERE q.handler_id = c.handler_id AND q.priority = c.priority AND q.worker IS NULL AND q.run_at <= clock.now
        ORDER BY q.run_at, q.arrival, q.ordinal
        LIMIT c.most
    ) AS q
), due AS (
    SELECT h.*, row_number() OVER (PARTITION BY h.handler_id ORDER BY h.rank, h.arrival, h.ordinal) AS place
    FROM head AS h
), first_due AS (
    SELECT * FROM due WHERE place <= most ORDER BY rank, arrival, ordinal LIMIT $4
), later AS (
    SELECT c.handler_id, min(q.run_at) AS run_at
    FROM class AS c, clock, LATERAL (
        SELECT q.run_at FROM tasker.queue AS q
        WHERE q.handler_id = c.handler_id AND q.priority = c.priority AND q.worker IS NULL AND q.run_at > clock.now
        ORDER BY q.run_at
        LIMIT 1
    ) AS q
    GROUP BY c.handler_id
)
SELECT clock.now, r.handler_id, r.run_at, r.task_id, r.ordinal
FROM clock
LEFT JOIN (
    SELECT handler_id, run_at, rank, arrival, task_id, ordinal FROM first_due
    UNION ALL SELECT handler_id, run_at, NULL, NULL, NULL, NULL FROM later
) AS r ON true
ORDER BY r.rank, r.arrival, r.ordinal
