-- Unclaimed rows of one task whose handlers are among $3, as claim_peek.sql tells them; at least one row.
-- (The odd condition: see lock_due.sql.)
WITH clock AS (SELECT coalesce($1::timestamptz, statement_timestamp()) AS now)
SELECT clock.now, q.handler_id, q.run_at,
    CASE WHEN q.run_at <= clock.now THEN q.task_id END, CASE WHEN q.run_at <= clock.now THEN q.ordinal END
FROM clock
LEFT JOIN tasker.queue AS q ON q.task_id = $2 AND (q.worker IS NULL)::integer = 1 AND q.handler_id = ANY ($3::bigint[])
ORDER BY q.run_at, q.ordinal
