-- Notes how far a reader of the log has come.
INSERT INTO tasker.log_reader (name, epoch, xid, n, prunings, seen_at)
VALUES ($1, $2, $3, $4, $5, coalesce($6::timestamptz, statement_timestamp()))
ON CONFLICT (name) DO UPDATE
SET epoch = excluded.epoch, xid = excluded.xid, n = excluded.n, prunings = excluded.prunings, seen_at = excluded.seen_at
