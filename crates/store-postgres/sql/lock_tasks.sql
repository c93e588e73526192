-- Locks tasks, ids ascending, and tells the time of the transaction and its place in the stream; at least one row. The
-- transaction gets its id before it waits for a lock, soon after that time (marks.rs).
WITH one AS MATERIALIZED (SELECT pg_current_xact_id()::text::bigint AS xid)
SELECT statement_timestamp(), (SELECT epoch FROM tasker.log_state), one.xid,
    t.id, t.revision_id, t.state, t.active, t.remaining, t.priority, t.log_seq, t.log_epoch, t.log_xid,
    t.created_at, t.updated_at, t.ended_at, t.arrival, t.version
FROM one
LEFT JOIN (SELECT * FROM tasker.task WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE) AS t ON true
