-- Begins a new life of the transaction ids if they have gone back (a restore, an upgrade): if the newest entry of this
-- epoch was written under an id that is not given out yet.
UPDATE tasker.log_state AS s SET epoch = s.epoch + 1
WHERE (SELECT x.xid FROM tasker.transition AS x WHERE x.epoch = s.epoch ORDER BY x.epoch DESC, x.xid DESC, x.n DESC LIMIT 1)
    >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
