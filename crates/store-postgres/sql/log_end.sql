-- The position before the last so many entries that can be told.
SELECT x.epoch, x.xid, x.n FROM tasker.transition AS x
WHERE x.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    OR x.epoch < (SELECT epoch FROM tasker.log_state)
ORDER BY x.epoch DESC, x.xid DESC, x.n DESC OFFSET $1 LIMIT 1
