-- How far the log was deleted; the first transaction that is under way, and the first that is not begun.
SELECT pruned_epoch, pruned_xid, pruned_n, pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint
FROM tasker.log_state
