-- Locks tasks that ended long ago and hold no claim, those that ended first first; none that another session holds.
SELECT id FROM tasker.task
WHERE ended_at < coalesce($2::timestamptz, statement_timestamp()) - $1::bigint * interval '1 microsecond' AND active = 0
ORDER BY ended_at, arrival LIMIT $3 FOR UPDATE SKIP LOCKED
