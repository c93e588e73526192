-- Readers of the log, and which of them were heard of within so many microseconds.
SELECT name, epoch, xid, n, prunings, seen_at,
    seen_at > coalesce($1::timestamptz, statement_timestamp()) - $2::bigint * interval '1 microsecond'
FROM tasker.log_reader ORDER BY name COLLATE "C"
