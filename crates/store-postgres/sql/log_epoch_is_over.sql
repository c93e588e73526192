-- Whether the transaction ids have gone back since the newest entry of this epoch was written.
SELECT coalesce((
    SELECT x.xid FROM tasker.transition AS x
    WHERE x.epoch = s.epoch ORDER BY x.epoch DESC, x.xid DESC, x.n DESC LIMIT 1
) >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint, false)
FROM tasker.log_state AS s
