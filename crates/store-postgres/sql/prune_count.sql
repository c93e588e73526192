-- How many tasks ended before an instant and hold no claim.
SELECT count(*) FROM tasker.task
WHERE ended_at < coalesce($2::timestamptz, statement_timestamp()) - $1::bigint * interval '1 microsecond' AND active = 0
