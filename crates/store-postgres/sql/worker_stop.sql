-- A worker stopped by itself.
UPDATE tasker.worker SET stopped_at = coalesce($2::timestamptz, statement_timestamp())
WHERE id = $1 AND lost_at IS NULL AND stopped_at IS NULL
